/*
 * manage/links.tsx -- shared links of a site: whoever has one sees its public numbers.
 */
import { useState } from 'preact/hooks';
import { send } from '../api';
import { Copy } from '../copy';
import { moment } from '../format';
import { Sheet } from '../ui';
import { say } from '../words';
import { Acts, endOf, Field, Form, List, newId, Sure, textOf, useList } from './resource';

interface SharedLink {
    id: string;
    name: string | null;
    url: string | null; /* null: the installation has no key to sign it */
    hasPassword: boolean;
    expiresAt: string | null;
}

const pathOf = (id: string) => `/api/admin/links/${encodeURIComponent(id)}`;

/* The password is told to whoever gets the link, and so may be read here. */
function Make({ siteId, made }: { siteId: string; made: () => void }) {
    const make = async (form: HTMLFormElement) => {
        const password = String(new FormData(form).get('password'));
        await send('PUT', pathOf(newId()), {
            siteId,
            name: textOf(form, 'name'),
            ...(password ? { password } : {}),
            ...endOf(form),
        });
        made();
    };
    return (
        <Form word="makeLink" onSubmit={make}>
            <Field label={say('tokenName')}>
                <input name="name" required maxlength={200} autocomplete="off" />
            </Field>
            <Field label={say('password')} hint={say('linkPasswordHow')}>
                <input name="password" autocomplete="off" spellcheck={false} minLength={8} />
            </Field>
            <Field label={say('expires')} hint={say('expiresHow')}>
                <input name="expiresAt" type="date" />
            </Field>
        </Form>
    );
}

export function Links({ siteId }: { siteId: string }) {
    const list = useList<SharedLink>('links', { siteId, limit: '100' });
    const [open, setOpen] = useState(false);
    const made = () => {
        setOpen(false);
        list.again();
    };
    return (
        <section class="card" id="links">
            <div class="card-head">
                <h2>{say('sharedLinks')}</h2>
                <button type="button" onClick={() => setOpen(true)}>
                    {say('makeLink')}
                </button>
            </div>
            <p class="soft">{say('sharedLinksHow')}</p>
            <List
                list={list}
                none="noLinks"
                label={say('sharedLinks')}
                heads={[say('tokenName'), say('link'), say('expires'), say('acts')]}
            >
                {({ id, name, url, hasPassword, expiresAt }) => (
                    <tr key={id}>
                        <th scope="row">{name || id}</th>
                        <td>
                            {url && (
                                <a href={url} target="_blank" rel="noopener">
                                    {say('open')}
                                </a>
                            )}{' '}
                            {hasPassword && <span class="soft">{say('withPassword')}</span>}
                        </td>
                        <td>{expiresAt ? moment(expiresAt) : say('never')}</td>
                        <Acts>
                            {url && <Copy text={new URL(url, location.href).href} />}
                            <Sure
                                word="revoke"
                                onSure={() => send<void>('DELETE', pathOf(id)).then(list.again)}
                            />
                        </Acts>
                    </tr>
                )}
            </List>
            {open && (
                <Sheet title={say('makeLink')} onClose={() => setOpen(false)}>
                    <Make siteId={siteId} made={made} />
                </Sheet>
            )}
        </section>
    );
}
