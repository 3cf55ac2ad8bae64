// kill -9 of a server under load, at moments picked by chance, and what must be true afterwards.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Installation, until } from './abacus.mjs';
import { Load, pathOf } from './load.mjs';

const SITE = 'crash';
/** Fewer would prove nothing. */
const ENOUGH = 100;

/** Run it and give back {load, paths, ledger}; the books balance. `span` is the longest time
 *  between two kills, in ms. */
async function killUnderLoad({ kills, again, span = 1500, args = [] }) {
    const abacus = new Installation();
    await abacus.site(SITE, 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const load = new Load({ site: SITE, again });
    let server = await abacus.serve(args);
    for (let i = 0; i < kills; i++) {
        load.port = server.port;
        await sleep(50 + Math.random() * span);
        load.port = null;
        await server.kill();
        server = await abacus.serve(args);
    }
    load.port = server.port;
    await sleep(300);
    await until(() => load.answered.size > ENOUGH, 'enough events to be answered');
    await load.stop();
    await abacus.aggregate();
    const today = new Date();
    const [from, to] = [new Date(today - 86_400_000), today].map((date) =>
        date.toISOString().slice(0, 10),
    );
    const paths = await server.exportRows(token, SITE, from, to, ({ path }) => path);
    const ledger = await server.get(
        `/api/analytics/ledger?siteId=${SITE}&from=${from}&to=${to}`,
        token,
    );
    const end = await server.stop();
    assert.deepEqual(end, { code: 0, signal: null }, server.stderr.slice(-2000));
    await abacus.balance();
    return { load, paths, ledger: ledger.body };
}

const sum = (days, of) => days.reduce((total, day) => total + of(day), 0);
const total = (reasons) => Object.values(reasons ?? {}).reduce((a, b) => a + b, 0);

function checkBooks({ ledger: { days }, load, paths }) {
    assert.deepEqual(load.problems, []);
    assert.equal(
        sum(days, (day) => day.stored),
        paths.length,
    );
    assert.equal(
        sum(days, (day) => day.received),
        sum(days, (day) => day.stored + total(day.dropped) + total(day.rejected)),
    );
}

/** How often each path occurs. */
function countPaths(paths) {
    const counts = new Map();
    for (const path of paths) counts.set(path, (counts.get(path) ?? 0) + 1);
    return counts;
}

/** Sent again until answered: every event is there, once. */
export async function repeatsUntilAnswered(options) {
    const run = await killUnderLoad({ ...options, again: true });
    const counts = countPaths(run.paths);
    const missing = [];
    const double = [];
    for (let number = 1; number <= run.load.sent; number++) {
        const n = counts.get(pathOf(number)) ?? 0;
        if (n === 0) missing.push(number);
        if (n > 1) double.push(number);
    }
    assert.ok(run.load.sent > ENOUGH, `only ${run.load.sent} events were sent`);
    assert.deepEqual(
        { missing, double, others: counts.size - run.load.sent },
        { missing: [], double: [], others: 0 },
    );
    checkBooks(run);
    return run;
}

/** Sent once: what was answered is there once; what is there beyond that was in a request cut
 *  off without an answer. */
export async function sentOnce(options) {
    const run = await killUnderLoad({ ...options, again: false });
    const counts = countPaths(run.paths);
    const lost = [...run.load.answered].filter((number) => counts.get(pathOf(number)) !== 1);
    const unexpected = [...counts].filter(([path, n]) => {
        const number = Number(path.slice(pathOf('').length));
        return n !== 1 || !(run.load.answered.has(number) || run.load.cut.has(number));
    });
    assert.ok(
        run.load.answered.size > ENOUGH,
        `only ${run.load.answered.size} events were answered`,
    );
    assert.deepEqual({ lost, unexpected }, { lost: [], unexpected: [] });
    assert.ok(run.paths.length - run.load.answered.size <= run.load.cut.size);
    checkBooks(run);
    return run;
}
