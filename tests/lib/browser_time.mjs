// Waiting in a browser, so that neither a machine that stands still for seconds nor the hour of the
// day decides a test: for what a page asks, for what it does once it is drawn, for what it shows,
// and for the hour to be over.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './process.mjs';

/** So long is waited for what never comes; it is no measurement. */
export const PATIENCE_MS = 60_000;
/** A scenario waits for more than one thing. */
export const SCENARIO_MS = 5 * 60_000;

/** Wait until what is read is what is expected, which is given, or asked for anew each time; else
 *  the assertion fails with the difference. What cannot be read yet is read again. */
export async function becomes(read, expected, what) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
        // Whoever stood still until then has one more look.
        const isLast = Date.now() > end;
        try {
            const wanted = typeof expected === 'function' ? await expected() : expected;
            return assert.deepEqual(await read(), wanted, what);
        } catch (error) {
            if (isLast) throw error;
        }
        await sleep(30);
    }
}

const HOUR_MS = 3_600_000;
const LAST_MS = 30_000;

/** Returns when the hour has a while left, so that none ends in the midst of a scenario. With the
 *  hours go the days of zones that midnight.mjs does not know: in every zone of a site here a day
 *  begins with an hour of UTC. */
export async function earlyInTheHour() {
    const left = HOUR_MS - (Date.now() % HOUR_MS);
    if (left < LAST_MS) await sleep(left + 100);
}

/* -- pages ------------------------------------------------------------------------------------- */

/** Of each context, the requests that its pages wait for. */
const asking = new WeakMap();

export function watchRequests(context) {
    const all = new Set();
    context.on('request', (one) => all.add(one));
    for (const end of ['requestfinished', 'requestfailed'])
        context.on(end, (one) => all.delete(one));
    asking.set(context, all);
}

/** What a component does once it is drawn has been done: it listens to keys, has asked, and holds
 *  no more of what was there before. A resized canvas has its new size. `page` may be a frame. */
export const painted = (page) =>
    page.evaluate(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`);

/** All that the page (or the frame) has asked for has come, and is drawn. The stream of who is there
 *  never ends. */
export async function settled(page) {
    const all = asking.get((page.page?.() ?? page).context());
    const left = () => [...all].map((one) => one.url()).filter((url) => !LIVE.test(url));
    const isQuiet = async () => {
        await painted(page);
        await painted(page);
        return left().length === 0;
    };
    await until(isQuiet, 'the answers to', PATIENCE_MS, () => left().join(' '));
}

const LIVE = /\/api\/analytics\/realtime\?/;
