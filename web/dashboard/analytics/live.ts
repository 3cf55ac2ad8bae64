/*
 * analytics/live.ts -- who is here now, as the server tells it for as long as somebody looks.
 *
 * An event stream by fetch, since EventSource cannot send the key of a shared view. It ends while
 * the page is hidden; it is asked for again after a pause, which grows, when it breaks, and never
 * again where the server refuses it: what is shown then is nothing.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { query } from '../api';
import { credentials } from '../stage';
import type { Realtime } from '../types';

/** Takes the text of a stream, in any pieces, and gives the data of each event that is whole. */
export function eventReader(onData: (data: string) => void): (piece: string) => void {
    let rest = '';
    return (piece) => {
        const events = (rest + piece).split(/\r?\n\r?\n/);
        rest = events.pop()!;
        for (const event of events) {
            const data = event
                .split(/\r?\n/)
                .filter((line) => line.startsWith('data:'))
                .map((line) => line.slice('data:'.length).replace(/^ /, ''));
            if (data.length > 0) onData(data.join('\n'));
        }
    };
}

/** Whether more is counted now: a minute has more than it had, or is new and has something. */
export function hasCounted(before: Realtime | undefined, now: Realtime): boolean {
    if (!before || before.asOf === now.asOf) return false;
    const known = new Map(before.last30Minutes.map((minute) => [minute.time, minute]));
    return now.last30Minutes.some(
        ({ time, visitors, pageviews }) =>
            visitors !== (known.get(time)?.visitors ?? 0) ||
            pageviews !== (known.get(time)?.pageviews ?? 0),
    );
}

const PAUSE_MS = 2_000;
const PAUSE_MAX_MS = 120_000;

/** How long to wait after so many failures in a row; `chance` (0 to 1) keeps many apart. */
export const pauseAfter = (failures: number, chance: number) =>
    Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(failures, 10)) * (0.5 + chance / 2);

/* The server says at least every 15 s that it is there. */
const SILENCE_MS = 45_000;

/* A stream that ends sooner has failed, also where it said something. */
const LASTS_MS = 60_000;

const LATER = new Set([408, 429, 500, 502, 503, 504]);

/** Reads one stream to its end; false: it is refused, and will be the next time. */
async function readStream(path: string, end: AbortController, onData: (data: string) => void) {
    const { headers, ...init } = credentials();
    const response = await fetch(path, {
        ...init,
        headers: { ...headers, Accept: 'text/event-stream' },
        signal: end.signal,
    });
    if (!response.ok || !response.body) return LATER.has(response.status);
    const feed = eventReader(onData);
    const text = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
        const silence = setTimeout(() => end.abort(), SILENCE_MS);
        const { done, value } = await reader.read().finally(() => clearTimeout(silence));
        if (done) return true;
        feed(text.decode(value, { stream: true }));
    }
}

/** Listens until the function that it gives is called. */
function listen(path: string, tell: (now: Realtime | undefined) => void): () => void {
    let end: AbortController | undefined;
    let timer = 0;
    let failures = 0;

    const stop = () => {
        clearTimeout(timer);
        end?.abort();
        end = undefined;
    };
    const start = async () => {
        const mine = (end = new AbortController());
        const began = Date.now();
        let heard = false;
        const hear = (data: string) => {
            heard = true;
            if (end === mine) tell(JSON.parse(data));
        };
        const again = await readStream(path, mine, hear).catch(() => true);
        if (end !== mine) return;
        if (Date.now() - began > LASTS_MS) failures = 0;
        /* What was true a while ago is not who is here now. */
        if (!again || (!heard && failures > 0)) tell(undefined);
        if (again) timer = setTimeout(start, pauseAfter(failures++, Math.random()));
    };
    const look = () => {
        stop();
        if (!document.hidden) start();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
        document.removeEventListener('visibilitychange', look);
        stop();
    };
}

const REFRESH_MS = 10_000;

/** Calls at once, or when the last call is long enough ago; gives both that and what ends it. */
function seldom(call: () => void): [call: () => void, end: () => void] {
    let last = 0;
    let timer = 0;
    const now = () => {
        timer = 0;
        last = Date.now();
        call();
    };
    return [
        () => void (timer ||= setTimeout(now, Math.max(0, last + REFRESH_MS - Date.now()))),
        () => clearTimeout(timer),
    ];
}

/** The newest that is known of the site; `counted` is called when the job has counted more. */
export function useLive(siteId: string, counted: () => void): Realtime | undefined {
    const [now, set] = useState<Realtime>();
    const newest = useRef(counted);
    newest.current = counted;
    useEffect(() => {
        let before: Realtime | undefined;
        const [refresh, end] = seldom(() => newest.current());
        const endListening = listen(query('analytics/realtime', { siteId }), (next) => {
            if (next && hasCounted(before, next)) refresh();
            before = next ?? before;
            set(next);
        });
        return () => {
            end();
            endListening();
        };
    }, [siteId]);
    return now;
}
