/*
 * manage/draft.ts -- what somebody has changed of a site's settings, and not saved: it stays when
 * another screen is shown, and the browser asks before it is lost with the page.
 */
import { useState } from 'preact/hooks';
import type { settings } from './words';

export type Name = keyof typeof settings;
export type Changes = Partial<Record<Name, unknown>>; /* null: back to what holds without it */

const drafts = new Map<string, Changes>();

const isUnsaved = () => [...drafts.values()].some((changes) => Object.keys(changes).length > 0);
addEventListener('beforeunload', (event) => isUnsaved() && event.preventDefault());

/* No list is as good as an empty one. */
const same = (a: unknown, b: unknown) =>
    JSON.stringify(a ?? []) === JSON.stringify(b ?? []) && (a !== null || b === null);

export function useDraft(siteId: string, held: (name: Name) => unknown) {
    const [changes, set] = useState<Changes>(() => drafts.get(siteId) ?? {});
    const change = (how: (changes: Changes) => Changes) => {
        const next = how(drafts.get(siteId) ?? {});
        drafts.set(siteId, next);
        set(next);
    };
    const without = (name: Name) => change(({ [name]: _, ...others }) => others);
    return {
        changes,
        /** What holds already is no change. */
        put: (name: Name, value: unknown) =>
            same(value, held(name))
                ? without(name)
                : change((others) => ({ ...others, [name]: value })),
        undo: without,
        discard: () => change(() => ({})),
    };
}
