/*
 * frame.tsx -- what stands around every screen of a person with a session: where to go, and out.
 */
import type { ComponentChildren } from 'preact';
import { useAnswer } from './api';
import { shared } from './stage';
import type { Person } from './types';
import { say, type Word } from './words';

/** Of people with a session. */
export function usePerson(): Person | undefined {
    return useAnswer<Person>(shared ? undefined : '/api/session').data;
}

/** Whether the person may change what belongs to the site. */
export function manages(person: Person | undefined, tenantId: string, siteId?: string): boolean {
    if (!person) return false;
    if (person.user.admin) return true;
    return person.user.memberships.some(
        ({ tenantId: of, role, sites }) =>
            of === tenantId &&
            role === 'manager' &&
            (!sites || sites.length === 0 || (siteId !== undefined && sites.includes(siteId))),
    );
}

export const managesAny = (person: Person) =>
    person.user.admin || person.user.memberships.some(({ role }) => role === 'manager');

const PLACES: { path: string; word: Word; to?: (person: Person) => boolean }[] = [
    { path: '/admin/sites', word: 'sites' },
    { path: '/admin/compare', word: 'compareSites' },
    { path: '/admin/people', word: 'people', to: managesAny },
    { path: '/admin/tokens', word: 'tokens', to: managesAny },
    { path: '/admin/audit', word: 'auditLog', to: managesAny },
    { path: '/admin/system', word: 'system', to: ({ user }) => user.admin },
];

/* Where not all places fit. */
const reveal = (place: HTMLElement | null) =>
    place?.scrollIntoView({ block: 'nearest', inline: 'nearest' });

export function Frame({ children }: { children: ComponentChildren }) {
    const person = usePerson();
    if (shared) return <main id="content">{children}</main>;
    return (
        <>
            <a class="skip" href="#content">
                {say('skip')}
            </a>
            <header class="frame">
                <nav aria-label={say('places')}>
                    {PLACES.filter(({ to }) => !to || (person && to(person))).map(
                        ({ path, word }) => (
                            <a
                                key={path}
                                href={path}
                                ref={location.pathname.startsWith(path) ? reveal : undefined}
                                aria-current={
                                    location.pathname.startsWith(path) ? 'page' : undefined
                                }
                            >
                                {say(word)}
                            </a>
                        ),
                    )}
                </nav>
                <a class="who" href="/admin/sign-in" title={person?.user.id}>
                    {person ? person.user.name || person.user.id : ' '}
                </a>
            </header>
            <main id="content">{children}</main>
        </>
    );
}
