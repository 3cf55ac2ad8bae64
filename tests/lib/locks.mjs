// Another process holds SQLite's write lock: requests must not notice.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Installation, start, until } from './abacus.mjs';

const ROUNDS = 60;
/** No answer may take longer while the lock is held. */
const SLOW_MS = 1000;
/** A machine that stands still makes answers slow now and then; who waits for the lock does so each
 *  time. */
const TRIES = 3;

/** Begin an immediate transaction in a sqlite3 shell; returns a function that ends it. */
async function holdWriteLock(dir) {
    const shell = start('sqlite3', ['-batch', '-cmd', '.timeout 20000', join(dir, 'abacus.db')], {
        stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    shell.stdout.on('data', (chunk) => (said += chunk));
    shell.stderr.on('data', (chunk) => (said += chunk));
    shell.stdin.write("BEGIN IMMEDIATE;\nSELECT 'held';\n");
    await until(() => said !== '', 'the write lock');
    assert.equal(said.trim(), 'held');
    return async () => {
        shell.stdin.end('ROLLBACK;\n');
        assert.deepEqual(await shell.ended, { code: 0, signal: null });
    };
}

async function timed(ask, status) {
    const began = performance.now();
    const answer = await ask();
    assert.equal(answer.status, status, answer.text);
    return performance.now() - began;
}

/** Ask each of the three kinds in turn, at least ROUNDS times and for at least `atLeastMs`:
 *  {name: times}. */
async function measure(server, token, atLeastMs) {
    const kinds = {
        track: [() => server.track({ event: 'pageview', siteId: 'locked', path: '/' }), 202],
        healthz: [() => server.fetch('/healthz'), 200],
        stats: [() => server.get('/api/analytics/stats?siteId=locked&period=7d', token), 200],
    };
    const times = { track: [], healthz: [], stats: [] };
    const end = performance.now() + atLeastMs;
    while (times.track.length < ROUNDS || performance.now() < end)
        for (const [name, [ask, status]] of Object.entries(kinds))
            times[name].push(await timed(ask, status));
    return times;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

export async function lockHeldFor(ms) {
    const abacus = new Installation();
    await abacus.site('locked', 'tenant');
    await abacus.readFreely('tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const server = await abacus.serve();
    let sent = (await measure(server, token, 0)).track.length; // warm
    let slow;
    for (let n = 0; n < TRIES && slow?.length !== 0; n++) {
        const free = await measure(server, token, 0);
        const release = await holdWriteLock(abacus.dir);
        const held = await measure(server, token, ms);
        await release();
        sent += free.track.length + held.track.length;
        slow = slowOf(free, held);
    }
    assert.deepEqual(slow, []);
    await abacus.aggregate();
    const { pageviews } = await server.stats(token, 'locked');
    assert.equal(pageviews, sent);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
}

/** What the lock has made slower, in words. */
function slowOf(free, held) {
    const slow = [];
    for (const name of Object.keys(free)) {
        const [before, during] = [median(free[name]), median(held[name])];
        const slowest = Math.max(...held[name]);
        if (during > Math.max(5 * before, 25))
            slow.push(
                `${name}: median ${during.toFixed(1)} ms with the lock held, ` +
                    `${before.toFixed(1)} ms without`,
            );
        if (slowest >= SLOW_MS) slow.push(`${name}: the slowest took ${slowest.toFixed(0)} ms`);
    }
    return slow;
}
