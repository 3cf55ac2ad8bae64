/*
 * onboarding.tsx -- a site that has no event yet: how the script gets into its pages, and a check
 * that waits for the first event and names the mistake that it sees.
 *
 * A site that has had events, but none in the range, says when the last one came.
 */
import '../more';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Copy } from '../copy';
import { forget, query, useAnswer } from '../api';
import { moment, today } from '../format';
import type { Check, Comparison } from '../types';
import { Answered, Link, Nothing, Tabs } from '../ui';
import { address, show } from '../view';
import { say, type Word } from '../words';
import type { Question } from './question';

const CHECK_MS = 3000;

type Snippets = Record<string, string>;
const KINDS: { id: string; word: Word }[] = [
    { id: 'html', word: 'snippetHtml' },
    { id: 'nextjs', word: 'snippetNext' },
    { id: 'nginx', word: 'snippetNginx' },
    { id: 'payload', word: 'snippetPayload' },
];

/* -- the snippet ------------------------------------------------------------------------------- */

function Snippet({ siteId }: { siteId: string }) {
    const [kind, setKind] = useState('html');
    const answer = useAnswer<Snippets>(query('analytics/snippet', { siteId }));
    return (
        <>
            <Tabs
                tabs={KINDS.map(({ id, word }) => ({ id, label: say(word) }))}
                chosen={kind}
                onChoose={setKind}
                label={say('snippet')}
            />
            <Answered answer={answer}>
                {(snippets) => (
                    <div class="snippet">
                        <pre tabIndex={0}>{snippets[kind]}</pre>
                        <Copy text={snippets[kind] ?? ''} />
                    </div>
                )}
            </Answered>
        </>
    );
}

/* -- the check --------------------------------------------------------------------------------- */

/** Asked again and again, while the page is seen. */
function useCheck(siteId: string, waiting: boolean) {
    const [tick, setTick] = useState(0);
    useEffect(() => {
        if (!waiting) return;
        const timer = setInterval(() => {
            if (!document.hidden) setTick((count) => count + 1);
        }, CHECK_MS);
        return () => clearInterval(timer);
    }, [waiting]);
    return useAnswer<Check>(query('analytics/check', { siteId }), tick);
}

function Problems({ check }: { check: Check }) {
    return (
        <ul class="problems">
            {check.problems.map(({ kind, detail, count, at }) => (
                <li key={kind + detail}>
                    <strong>{say(`problem:${kind}` as Word, { detail: detail ?? '' })}</strong>{' '}
                    <span>{say(`mend:${kind}` as Word, { site: check.siteId })}</span>{' '}
                    <span class="soft">{say('seenTimes', { n: count, at: moment(at) })}</span>
                </li>
            ))}
        </ul>
    );
}

function Waiting({ check }: { check: Check }) {
    return (
        <div class="live-check" aria-live="polite">
            <p>
                <span class="pulse" aria-hidden="true" />{' '}
                {say(check.scriptLoadedAt ? 'scriptLoaded' : 'waitingForFirst')}
            </p>
            {check.problems.length > 0 && <Problems check={check} />}
        </div>
    );
}

function FirstSteps({ siteId }: { siteId: string }) {
    const answer = useCheck(siteId, true);
    const came = answer.data?.firstEventAt;
    useEffect(() => {
        if (!came) return;
        forget();
        show({ period: 'today' }, true);
    }, [came]);
    return (
        <section class="card onboarding">
            <h2>{say('noEventsYet')}</h2>
            <p>{say('noEventsHow')}</p>
            <Snippet siteId={siteId} />
            <h3>{say('liveCheck')}</h3>
            <Answered answer={answer}>{(check) => <Waiting check={check} />}</Answered>
        </section>
    );
}

/* -- what is there ----------------------------------------------------------------------------- */

function EmptyRange({ check }: { check: Check }) {
    return (
        <section class="card">
            <Nothing>
                <p>
                    {say('nothingInRange')}{' '}
                    {check.lastEventAt && say('lastEvent', { at: moment(check.lastEventAt) })}
                </p>
                <p class="ways">
                    <Link class="button" href={address({ period: 'today', from: '', to: '' })}>
                        {say('showToday')}
                    </Link>
                    <Link class="button" href={address({ period: 'all', from: '', to: '' })}>
                        {say('showAll')}
                    </Link>
                </p>
                {check.problems.length > 0 && <Problems check={check} />}
            </Nothing>
        </section>
    );
}

/* Ranges that end yesterday have nothing of a site that began today. */
const isToday = (instant: string, timezone: string | null) =>
    today(timezone) === today(timezone, new Date(instant));

export function Onboarding({
    question: { siteId },
    echo,
    children,
}: {
    question: Question;
    echo: Comparison;
    children: ComponentChildren;
}) {
    const { data } = useAnswer<Check>(query('analytics/check', { siteId }));
    const isNew = data?.firstEventAt && isToday(data.firstEventAt, echo.timezone);
    useEffect(() => {
        if (isNew && !location.search.includes('period=')) show({ period: 'today' }, true);
    }, [isNew]);
    if (data && !data.firstEventAt) return <FirstSteps siteId={siteId} />;
    return (
        <>
            {data && <EmptyRange check={data} />}
            {children}
        </>
    );
}
