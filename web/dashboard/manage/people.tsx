/*
 * manage/people.tsx -- who may look at what: people, their memberships, invitations.
 */
import { useEffect, useState } from 'preact/hooks';
import { send } from '../api';
import { moment } from '../format';
import { usePerson } from '../frame';
import { Sheet } from '../ui';
import { say } from '../words';
import type { Membership } from '../types';
import {
    Acts,
    Field,
    Form,
    List,
    Managers,
    Once,
    Sure,
    TenantChoice,
    textOf,
    useList,
    useTenants,
} from './resource';

interface User {
    id: string;
    name: string | null;
    admin: boolean;
    memberships: Membership[];
    totp: boolean;
    invited: boolean;
    signedInAt: string | null;
    invitation?: { url?: string; sent?: boolean };
}

const pathOf = (id: string) => `/api/admin/users/${encodeURIComponent(id)}`;

const roleOf = ({ tenantId, role, sites }: Membership) =>
    `${tenantId}: ${say(role)}${sites && sites.length > 0 ? ` (${sites.join(', ')})` : ''}`;

function Invitation({ user }: { user: User }) {
    const { invitation } = user;
    if (!invitation) return null;
    if (invitation.url) return <Once word="invitationOnce" text={invitation.url} />;
    return <p role="status">{say('invitationSent', { email: user.id })}</p>;
}

/* -- what somebody may ------------------------------------------------------------------------- */

interface Right extends Membership {
    text: string; /* of the sites, as it is typed */
}

const rightOf = (one: Membership): Right => ({ ...one, text: (one.sites ?? []).join(', ') });

function membershipOf({ tenantId, role, text }: Right): Membership {
    const sites = text.split(/[\s,]+/).filter(Boolean);
    return { tenantId, role, ...(sites.length > 0 ? { sites } : {}) };
}

/** A membership: of which tenant, as what, of which sites. */
function RightFields({
    right,
    put,
    remove,
}: {
    right: Right;
    put: (right: Right) => void;
    remove?: () => void;
}) {
    return (
        <fieldset class="right">
            <legend class="unseen">{say('memberships')}</legend>
            <Field label={say('tenant')}>
                <TenantChoice
                    value={right.tenantId}
                    onChange={(tenantId) => put({ ...right, tenantId })}
                />
            </Field>
            <Field label={say('role')}>
                <select
                    value={right.role}
                    onChange={({ currentTarget }) =>
                        put({ ...right, role: currentTarget.value as Membership['role'] })
                    }
                >
                    <option value="viewer">{say('viewer')}</option>
                    <option value="manager">{say('manager')}</option>
                </select>
            </Field>
            <Field label={say('onlySites')} hint={say('onlySitesHow')}>
                <input
                    spellcheck={false}
                    autocomplete="off"
                    value={right.text}
                    onInput={({ currentTarget }) => put({ ...right, text: currentTarget.value })}
                />
            </Field>
            {remove && (
                <button type="button" onClick={remove}>
                    {say('removeMembership')}
                </button>
            )}
        </fieldset>
    );
}

/** All that a person may. Nobody but an admin makes admins. */
function Rights({ rights, put }: { rights: Right[]; put: (rights: Right[]) => void }) {
    const tenants = useTenants();
    const free = tenants.find(({ id }) => !rights.some(({ tenantId }) => tenantId === id));
    const add = () => put([...rights, { tenantId: free!.id, role: 'viewer', text: '' }]);
    useEffect(() => {
        if (rights.length === 0 && free) add();
    }, [free?.id]);
    return (
        <>
            {rights.map((right, i) => (
                <RightFields
                    key={i}
                    right={right}
                    put={(next) => put(rights.map((other, k) => (k === i ? next : other)))}
                    remove={
                        rights.length > 1 ? () => put(rights.filter((_, k) => k !== i)) : undefined
                    }
                />
            ))}
            {free && rights.length > 0 && (
                <p>
                    <button type="button" onClick={add}>
                        {say('addMembership')}
                    </button>
                </p>
            )}
        </>
    );
}

/** A new person, or other rights of `user`. */
function Edit({ user, done }: { user?: User; done: (user: User) => void }) {
    const isAdmin = usePerson()?.user.admin;
    const [admin, setAdmin] = useState(user?.admin ?? false);
    const [rights, setRights] = useState((user?.memberships ?? []).map(rightOf));
    const save = async (form: HTMLFormElement) => {
        const id = user?.id ?? textOf(form, 'email').toLowerCase();
        const name = textOf(form, 'name');
        const body = {
            ...(isAdmin ? { admin } : {}),
            memberships: admin ? [] : rights.map(membershipOf),
            ...(name || user?.name ? { name: name || null } : {}),
        };
        done(await send<User>(user ? 'PATCH' : 'PUT', pathOf(id), body));
    };
    return (
        <Form word={user ? 'save' : 'invite'} onSubmit={save}>
            {!user && (
                <Field label={say('email')}>
                    <input name="email" type="email" required autocomplete="off" />
                </Field>
            )}
            <Field label={say('personName')}>
                <input
                    name="name"
                    maxlength={200}
                    autocomplete="off"
                    defaultValue={user?.name ?? ''}
                />
            </Field>
            {isAdmin && (
                <label class="choice">
                    <input
                        type="checkbox"
                        checked={admin}
                        onChange={({ currentTarget }) => setAdmin(currentTarget.checked)}
                    />{' '}
                    {say('admin')}
                </label>
            )}
            {!admin && <Rights rights={rights} put={setRights} />}
        </Form>
    );
}

/* -- all of them ------------------------------------------------------------------------------- */

interface LineProps {
    user: User;
    again: () => void;
    told: (user: User) => void;
    edit: (user: User) => void;
}

function LineActs({ user, again, told, edit }: LineProps) {
    const person = usePerson();
    const reset = async () => {
        const answer = await send<User['invitation']>('POST', `${pathOf(user.id)}/reset`);
        told({ ...user, invitation: answer });
    };
    return (
        <Acts>
            <button type="button" onClick={() => edit(user)}>
                {say('edit')}
            </button>
            <Sure word={user.invited ? 'inviteAgain' : 'resetPassword'} onSure={reset} />
            {user.id !== person?.user.id && (
                <Sure
                    word="remove"
                    onSure={() => send<void>('DELETE', pathOf(user.id)).then(again)}
                />
            )}
        </Acts>
    );
}

function Line(props: LineProps) {
    const { user } = props;
    const { admin, memberships, invited, signedInAt } = user;
    return (
        <tr>
            <th scope="row">
                {user.name || user.id}
                {user.name && <span class="soft second">{user.id}</span>}
            </th>
            <td>
                {admin && <div>{say('admin')}</div>}
                {memberships.map((one) => (
                    <div key={one.tenantId}>{roleOf(one)}</div>
                ))}
            </td>
            <td>{invited ? say('invited') : signedInAt ? moment(signedInAt) : say('never')}</td>
            <td>{say(user.totp ? 'on' : 'off')}</td>
            <LineActs {...props} />
        </tr>
    );
}

function All() {
    const list = useList<User>('users', { limit: '200' });
    const [edited, setEdited] = useState<User | 'new'>();
    const [told, setTold] = useState<User>();
    const done = (user: User) => {
        setEdited(undefined);
        setTold(user);
        list.again();
    };
    return (
        <>
            <div class="title">
                <h1>{say('people')}</h1>
                <button type="button" class="primary" onClick={() => setEdited('new')}>
                    {say('invitePerson')}
                </button>
            </div>
            {told && <Invitation user={told} />}
            <section class="card">
                <List
                    list={list}
                    none="noPeople"
                    label={say('people')}
                    heads={['person', 'memberships', 'signedIn', 'secondFactor', 'acts'].map(
                        (word) => say(word as 'person'),
                    )}
                >
                    {(user) => (
                        <Line
                            key={user.id}
                            user={user}
                            again={list.again}
                            told={setTold}
                            edit={setEdited}
                        />
                    )}
                </List>
            </section>
            {edited && (
                <Sheet
                    title={edited === 'new' ? say('invitePerson') : edited.name || edited.id}
                    onClose={() => setEdited(undefined)}
                >
                    <Edit user={edited === 'new' ? undefined : edited} done={done} />
                </Sheet>
            )}
        </>
    );
}

export function People() {
    useEffect(() => void (document.title = say('people')), []);
    return (
        <Managers>
            <All />
        </Managers>
    );
}
