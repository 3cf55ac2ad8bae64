/*
 * manage/settings.tsx -- every setting of a site, in groups. What is changed is kept until it is
 * saved; only that is sent.
 */
import { useEffect, useState } from 'preact/hooks';
import { forget, Problem, query, send, useAnswer } from '../api';
import { usePerson } from '../frame';
import { Answered } from '../ui';
import { useAddress } from '../view';
import { say } from '../words';
import { useDraft, type Changes, type Name } from './draft';
import { settingGroups, settings } from './words';
import { Links } from './links';
import { Remove } from './remove';
import { Managers } from './resource';
import { Setting, type Doing, type Held } from './setting';

interface SettingsAnswer {
    siteId: string;
    tenantId: string;
    [member: string]: unknown;
}

const NAMES = Object.keys(settings) as Name[];
const GROUPS = Object.keys(settingGroups) as (keyof typeof settingGroups)[];

/** "limits.pathsPerDay" stands in an object. */
const heldOf = (answer: SettingsAnswer, name: string) =>
    name.split('.').reduce<any>((value, member) => value?.[member], answer) as Held | undefined;

/** The same the other way: what a PATCH takes. */
function bodyOf(changes: Changes): Record<string, unknown> {
    const body: Record<string, any> = {};
    for (const [name, value] of Object.entries(changes)) {
        const [member, within] = name.split('.');
        if (within) (body[member!] ??= {})[within] = value;
        else body[member!] = value;
    }
    return body;
}

/* -- not this device, not this office ---------------------------------------------------------- */

function MyAddress({ value, put }: { value: string[]; put: (list: string[]) => void }) {
    const address = usePerson()?.address;
    if (!address) return null;
    if (value.includes(address)) return <p role="status">{say('leftOutAddress', { address })}</p>;
    return (
        <p>
            <button type="button" onClick={() => put([...value, address])}>
                {say('leaveOutAddress', { address })}
            </button>
        </p>
    );
}

function ThisDevice({ domain }: { domain: string }) {
    return (
        <div class="this-device">
            <h3>{say('thisDevice')}</h3>
            <p class="soft">{say('thisDeviceHow')}</p>
            <pre tabIndex={0}>analytics.optOut()</pre>
            <a href={`https://${domain}/settings/privacy`} rel="noreferrer" target="_blank">
                {say('privacyPage', { domain })}
            </a>
        </div>
    );
}

/* -- all of them ------------------------------------------------------------------------------- */

/* The server names the field, "goals[2].value: not a number": here it stands beside it. */
function errorFor(name: Name, problem: Problem | undefined): string | undefined {
    const { field, message } = problem ?? {};
    if (field?.replace(/\[.*/, '') !== name) return undefined;
    const text = message!.startsWith(`${field}: `) ? message!.slice(field!.length + 2) : message!;
    const [, index, member] = /\[(\d+)\](?:\.(\w+))?/.exec(field!) ?? [];
    if (index === undefined) return text;
    return say('inEntry', { n: Number(index) + 1, text: member ? `${member}: ${text}` : text });
}

/* One thing only can be taken already by somebody else. */
function located(problem: Problem, changes: Changes): Problem {
    if (problem.field || problem.status !== 409 || !('trackingIds' in changes)) return problem;
    return new Problem(problem.status, problem.message, { field: 'trackingIds' });
}

function SaveBar({
    count,
    problem,
    done,
    discard,
}: {
    count: number;
    problem?: Problem;
    done: boolean;
    discard: () => void;
}) {
    const failed = problem && (problem.field ? say('notSaved') : problem.message);
    return (
        <div class="save-bar" data-open={count > 0 || done || undefined}>
            {failed && <p role="alert">{failed}</p>}
            <p role="status">{done && count === 0 ? say('saved') : ''}</p>
            {count > 0 && (
                <>
                    <button type="button" onClick={discard}>
                        {say('discard')}
                    </button>
                    <button class="primary">{say('saveChanges', { n: count })}</button>
                </>
            )}
        </div>
    );
}

function Form({ answer, saved }: { answer: SettingsAnswer; saved: () => void }) {
    const draft = useDraft(answer.siteId, (name) => heldOf(answer, name)?.value);
    const { changes } = draft;
    const [problem, setProblem] = useState<Problem>();
    const [done, setDone] = useState(false);
    const domain = String(heldOf(answer, 'domain')?.value ?? '');
    const doing: Doing = {
        put: (name, value) => (setDone(false), draft.put(name, value)),
        undo: draft.undo,
    };
    const save = async (event: SubmitEvent) => {
        event.preventDefault();
        try {
            const path = query('analytics/settings', { siteId: answer.siteId });
            await send('PATCH', path, bodyOf(changes));
            draft.discard();
            setProblem(undefined);
            setDone(true);
            forget();
            saved();
        } catch (error) {
            const found = located(error as Problem, changes);
            setProblem(found);
            const at = document.getElementById(`setting-${found.field?.replace(/\[.*/, '')}`);
            at?.focus();
            at?.scrollIntoView({ block: 'center' }); // not behind the bar
        }
    };
    const excluded = (changes.blockedAddresses ??
        heldOf(answer, 'blockedAddresses')?.value ??
        []) as string[];
    const shown = (name: Name) => {
        const held = heldOf(answer, name);
        const error = name in changes ? errorFor(name, problem) : undefined;
        return (
            held && (
                <Setting
                    key={name}
                    name={name}
                    held={held}
                    changes={changes}
                    error={error}
                    doing={doing}
                />
            )
        );
    };
    return (
        <form onSubmit={(event) => void save(event)} noValidate>
            {GROUPS.map((group) => (
                <section class="card" id={group} key={group}>
                    <h2>{settingGroups[group]}</h2>
                    {group === 'excluded' && (
                        <MyAddress
                            value={excluded}
                            put={(list) => doing.put('blockedAddresses', list)}
                        />
                    )}
                    {NAMES.filter((name) => settings[name].group === group).map(shown)}
                    {group === 'excluded' && <ThisDevice domain={domain} />}
                </section>
            ))}
            <SaveBar
                count={Object.keys(changes).length}
                problem={problem}
                done={done}
                discard={() => (draft.discard(), setProblem(undefined))}
            />
        </form>
    );
}

/* The rest of the page has come when the address is followed. */
function useAnchor(ready: boolean): void {
    useEffect(() => {
        if (ready && location.hash) document.querySelector(location.hash)?.scrollIntoView();
    }, [ready]);
}

export function Settings({ siteId }: { siteId: string }) {
    return (
        <Managers>
            <OfSite siteId={siteId} />
        </Managers>
    );
}

function OfSite({ siteId }: { siteId: string }) {
    const [round, setRound] = useState(0);
    const again = () => setRound((count) => count + 1);
    const { search } = useAddress();
    const answer = useAnswer<SettingsAnswer>(query('analytics/settings', { siteId }), round);
    const id = encodeURIComponent(siteId);
    const domain = answer.data && String(heldOf(answer.data, 'domain')?.value ?? siteId);
    const title = say('settingsOf', { site: domain ?? siteId });
    useEffect(() => void (document.title = title), [title]);
    useAnchor(answer.data !== undefined);
    return (
        <>
            <div class="title">
                <h1>{title}</h1>
                <a class="button" href={`/admin/sites/${id}/analytics${search}`}>
                    {say('toAnalytics')}
                </a>
                <a class="button" href={`/admin/sites/${id}/ledger`}>
                    {say('toLedger')}
                </a>
            </div>
            {answer.data && (
                <nav class="groups" aria-label={title}>
                    {GROUPS.map((group) => (
                        <a key={group} href={`#${group}`}>
                            {settingGroups[group]}
                        </a>
                    ))}
                    <a href="#links">{say('sharedLinks')}</a>
                </nav>
            )}
            <Answered answer={answer}>
                {(data) => (
                    <>
                        <Form answer={data} saved={again} />
                        <Links siteId={siteId} />
                        <Remove siteId={siteId} tenantId={data.tenantId} />
                    </>
                )}
            </Answered>
        </>
    );
}
