/*
 * manage/tokens.tsx -- what programs read, write and manage with.
 */
import { useEffect, useState } from 'preact/hooks';
import { send } from '../api';
import { date, moment } from '../format';
import { usePerson } from '../frame';
import { Sheet } from '../ui';
import { say, type Word } from '../words';
import {
    Acts,
    endOf,
    Field,
    Form,
    List,
    Managers,
    newId,
    Once,
    Sure,
    TenantChoice,
    textOf,
    useList,
} from './resource';

interface Token {
    id: string;
    name: string | null;
    tenantId: string | null;
    siteId: string | null;
    platform: boolean;
    scopes: string[];
    createdAt: string;
    expiresAt: string | null;
    token?: string;
}

const SCOPES: { scope: string; word: Word; platform?: boolean }[] = [
    { scope: 'stats:read', word: 'scopeRead' },
    { scope: 'events:write', word: 'scopeWrite' },
    { scope: 'admin', word: 'scopeAdmin' },
    { scope: 'metrics', word: 'scopeMetrics', platform: true },
];

const pathOf = (id: string) => `/api/admin/tokens/${encodeURIComponent(id)}`;

function Scopes({ platform }: { platform: boolean }) {
    return (
        <fieldset>
            <legend>{say('scopes')}</legend>
            {SCOPES.filter((each) => platform || !each.platform).map(({ scope, word }) => (
                <label key={scope} class="choice">
                    <input
                        type="checkbox"
                        name="scopes"
                        value={scope}
                        defaultChecked={scope === 'stats:read'}
                    />{' '}
                    {say(word)} <code class="soft">{scope}</code>
                </label>
            ))}
        </fieldset>
    );
}

function Make({ done }: { done: (token: Token) => void }) {
    const admin = usePerson()?.user.admin ?? false;
    const [tenant, setTenant] = useState('');
    const platform = admin && tenant === '';
    const make = async (form: HTMLFormElement) => {
        const siteId = textOf(form, 'siteId');
        const tenantId = textOf(form, 'tenantId');
        done(
            await send<Token>('PUT', pathOf(newId()), {
                name: textOf(form, 'name'),
                scopes: new FormData(form).getAll('scopes'),
                ...(tenantId ? { tenantId } : { platform: true }),
                ...(siteId ? { siteId } : {}),
                ...endOf(form),
            }),
        );
    };
    return (
        <Form word="makeToken" onSubmit={make}>
            <Field label={say('tokenName')}>
                <input name="name" required maxlength={200} autocomplete="off" />
            </Field>
            <Field label={say('tenant')}>
                <TenantChoice
                    any={admin ? say('platform') : undefined}
                    value={admin ? tenant : undefined}
                    onChange={setTenant}
                />
            </Field>
            {!platform && (
                <Field label={say('onlySite')} hint={say('onlySiteHow')}>
                    <input name="siteId" spellcheck={false} autocomplete="off" />
                </Field>
            )}
            <Scopes platform={platform} />
            <Field label={say('expires')} hint={say('expiresHow')}>
                <input name="expiresAt" type="date" />
            </Field>
        </Form>
    );
}

function Line({ token, again }: { token: Token; again: () => void }) {
    return (
        <tr>
            <th scope="row">
                {token.name || token.id}
                {token.name && <span class="soft second">{token.id}</span>}
            </th>
            <td>
                {token.platform ? say('platform') : token.tenantId}
                {token.siteId && <span class="soft second">{token.siteId}</span>}
            </td>
            <td>{token.scopes.join(', ')}</td>
            <td>{date(token.createdAt, { dateStyle: 'medium' })}</td>
            <td>{token.expiresAt ? moment(token.expiresAt) : say('never')}</td>
            <Acts>
                <Sure
                    word="revoke"
                    onSure={() => send<void>('DELETE', pathOf(token.id)).then(again)}
                />
            </Acts>
        </tr>
    );
}

export function Tokens() {
    useEffect(() => void (document.title = say('tokens')), []);
    return (
        <Managers>
            <All />
        </Managers>
    );
}

function All() {
    const list = useList<Token>('tokens', { limit: '200' });
    const [open, setOpen] = useState(false);
    const [made, setMade] = useState<Token>();
    return (
        <>
            <div class="title">
                <h1>{say('tokens')}</h1>
                <button type="button" class="primary" onClick={() => setOpen(true)}>
                    {say('newToken')}
                </button>
            </div>
            {made?.token && <Once word="tokenOnce" text={made.token} />}
            <section class="card">
                <List
                    list={list}
                    none="noTokens"
                    label={say('tokens')}
                    heads={['tokenName', 'tenant', 'scopes', 'made', 'expires', 'acts'].map(
                        (word) => say(word as Word),
                    )}
                >
                    {(token) => <Line key={token.id} token={token} again={list.again} />}
                </List>
            </section>
            {open && (
                <Sheet title={say('newToken')} onClose={() => setOpen(false)}>
                    <Make
                        done={(token) => {
                            setOpen(false);
                            setMade(token);
                            list.again();
                        }}
                    />
                </Sheet>
            )}
        </>
    );
}
