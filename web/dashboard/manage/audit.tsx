/* manage/audit.tsx -- who changed what, the newest first; of one tenant, where that is chosen. */
import { useEffect } from 'preact/hooks';
import { moment } from '../format';
import { usePerson } from '../frame';
import { go, useAddress } from '../view';
import { called, say } from '../words';
import { List, Managers, useList, useTenants } from './resource';

interface Line {
    id: number;
    at: string;
    actor: string;
    action: string;
    target: string | null;
    tenantId: string | null;
}

/* Whoever manages one tenant only sees that one's. */
function OfTenant({ tenantId }: { tenantId: string }) {
    const tenants = useTenants();
    if (tenants.length < 2) return null;
    return (
        <label class="range">
            <span class="soft">{say('tenant')}</span>
            <select value={tenantId} onChange={({ currentTarget }) => choose(currentTarget.value)}>
                <option value="">{say('allTenants')}</option>
                {tenants.map(({ id, name }) => (
                    <option key={id} value={id}>
                        {name || id}
                    </option>
                ))}
            </select>
        </label>
    );
}

const choose = (tenant: string) =>
    go(location.pathname + (tenant ? `?tenant=${encodeURIComponent(tenant)}` : ''), true);

/** "site.put": what was done in words, as far as there are words for it. */
function deed(action: string): string {
    const [kind = '', verb = ''] = action.split('.');
    const word = called(`did.${action}`);
    const words = [called(`kind.${kind}`), called(`verb.${verb}`)];
    if (word !== `did.${action}`) return word;
    return words.some((text) => /^(kind|verb)\./.test(text)) ? '' : words.join(' ');
}

function Lines({ tenantId }: { tenantId: string }) {
    const list = useList<Line>('audit', { limit: '100', ...(tenantId ? { tenantId } : {}) });
    const admin = usePerson()?.user.admin;
    return (
        <section class="card">
            <List
                list={list}
                none="noAudit"
                label={say('auditLog')}
                heads={[say('when'), say('who'), say('what'), say('whereof'), say('tenant')]}
            >
                {({ id, at, actor, action, target, tenantId }) => (
                    <tr key={id}>
                        <th scope="row">{moment(at)}</th>
                        <td>{actor.replace(/^user:/, '')}</td>
                        <td>
                            {deed(action)} <code class="soft second">{action}</code>
                        </td>
                        <td>{target}</td>
                        <td>{tenantId ?? (admin ? say('platform') : '')}</td>
                    </tr>
                )}
            </List>
        </section>
    );
}

export function Audit() {
    const tenantId = new URLSearchParams(useAddress().search).get('tenant') ?? '';
    useEffect(() => void (document.title = say('auditLog')), []);
    return (
        <Managers>
            <div class="title">
                <h1>{say('auditLog')}</h1>
                <OfTenant tenantId={tenantId} />
            </div>
            <Lines key={tenantId} tenantId={tenantId} />
        </Managers>
    );
}
