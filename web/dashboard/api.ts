/*
 * api.ts -- asking the server.
 *
 * An answer stays on the screen while the next one is on its way, and is known again for a while
 * when the address goes back to it. A session that has ended signs in, and returns to the same
 * view.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { say } from './words';
import { credentials, end, shared } from './stage';

/** Why there is no answer. */
export class Problem extends Error {
    constructor(
        readonly status: number /* 0: the server was not reached */,
        detail: string,
        readonly body: Record<string, unknown> = {},
    ) {
        super(detail);
    }
    get field(): string | undefined {
        return this.body.field as string | undefined;
    }
}

function signIn(): void {
    const next = encodeURIComponent(location.pathname + location.search);
    location.assign(`/admin/sign-in?next=${next}`);
}

const LATER = new Set([429, 502, 503, 504]);

/* A connection may be there and bring nothing. */
const READ_MAX_MS = 60_000;

async function problemOf(response: Response): Promise<Problem> {
    const body = await response.json().catch(() => ({}));
    const wait = Number(response.headers.get('Retry-After') || 0);
    const text = LATER.has(response.status)
        ? say(response.status === 429 ? 'tooOften' : 'unavailable', { n: wait })
        : String(body.detail || body.title || response.statusText || response.status);
    return new Problem(response.status, text, body);
}

function unreached(): never {
    throw new Problem(0, say('unreached'));
}

export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const by = credentials();
    const response = await fetch(path, {
        ...by,
        method,
        ...(method === 'GET' ? { signal: AbortSignal.timeout(READ_MAX_MS) } : {}),
        headers: {
            ...by.headers,
            ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(unreached);
    /* An answer may break off. */
    if (response.ok)
        return response.status === 204 ? (undefined as T) : response.json().catch(unreached);
    if (response.status === 401) (shared ? end : signIn)(by);
    throw await problemOf(response);
}

export const query = (path: string, values: Record<string, string | string[]>) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(values))
        for (const each of [value].flat()) search.append(name, each);
    return `/api/${path}?${search}`;
};

/* -- answers that are known already ------------------------------------------------------------ */

const KNOWN_MAX = 300;
const FRESH_MS = 2_000;
const known = new Map<string, { data: unknown; at: number }>();
const asking = new Map<string, Promise<unknown>>();

const watchers = new Set<(part: string) => void>();

/** Whatever is known of these paths may have changed: who shows it asks again. */
export function forget(part = ''): void {
    for (const answers of [known, asking])
        for (const path of [...answers.keys()]) if (path.includes(part)) answers.delete(path);
    for (const watcher of watchers) watcher(part);
}

function remember(path: string, data: unknown): void {
    known.delete(path);
    known.set(path, { data, at: Date.now() });
    for (const oldest of known.keys()) {
        if (known.size <= KNOWN_MAX) break;
        known.delete(oldest);
    }
}

/** One request for those who ask the same at the same time. */
export function read<T>(path: string): Promise<T> {
    const before = asking.get(path);
    if (before) return before as Promise<T>;
    const isNewest = () => asking.get(path) === answer;
    const answer: Promise<T> = send<T>('GET', path)
        .then((data) => {
            if (isNewest()) remember(path, data);
            return data;
        })
        .finally(() => isNewest() && asking.delete(path));
    asking.set(path, answer);
    return answer;
}

export interface Answer<T> {
    data?: T; /* the newest there is; of an earlier question while `loading` */
    loading: boolean;
    error?: Problem;
    retry: () => void;
}

interface State {
    path?: string;
    data?: unknown;
    error?: Problem;
    loading: boolean;
}

/** The answer to a GET; nothing is asked without a path. It is asked again when `tick` changes. */
export function useAnswer<T>(path: string | undefined, tick = 0): Answer<T> {
    const [state, set] = useState<State>(() => {
        const found = path === undefined ? undefined : known.get(path);
        return { path, data: found?.data, loading: path !== undefined && !found };
    });
    const [tries, setTries] = useState(0);
    const newest = useRef(path);
    newest.current = path;
    useEffect(() => {
        const watcher = (part: string) =>
            newest.current?.includes(part) && setTries((count) => count + 1);
        watchers.add(watcher);
        return () => void watchers.delete(watcher);
    }, []);

    useEffect(() => {
        if (path === undefined) return;
        const found = known.get(path);
        if (found) set({ path, data: found.data, loading: false });
        if (found && Date.now() - found.at < FRESH_MS) return;
        if (!found) set((last) => ({ ...last, loading: true }));
        /* What was asked before must not come after what is asked now. */
        let isNewest = true;
        read<T>(path).then(
            (data) => isNewest && set({ path, data, loading: false }),
            (error) =>
                isNewest && set((last) => ({ path, data: last.data, error, loading: false })),
        );
        return () => void (isNewest = false);
    }, [path, tries, tick]);

    return {
        data: path === undefined ? undefined : (state.data as T | undefined),
        loading: path !== undefined && (state.loading || state.path !== path),
        error: state.path === path ? state.error : undefined,
        retry: () => {
            if (path !== undefined) known.delete(path);
            setTries((count) => count + 1);
        },
    };
}
