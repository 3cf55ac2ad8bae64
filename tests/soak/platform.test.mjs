// The same as fault/platform.test.mjs with faults drawn by a seed and outages of a minute, again
// and again.
//
//     ABACUS_SOAK_RUNS    how many runs (30)
//     ABACUS_SOAK_SEED    run number n has the seed SEED + n (1000)
//     ABACUS_SOAK_OUTAGE  how long PostgreSQL or Redis is away, in seconds (60)
//
// A run that failed is repeated with ABACUS_SOAK_RUNS=1 and its seed, as the line says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawRun, faultRun, restoreRun } from '../lib/platform_faults.mjs';

function setting(name, fallback) {
    const n = Number(process.env[name] ?? fallback);
    if (!Number.isInteger(n) || n < 1) throw new Error(`${name} is no number`);
    return n;
}

const runs = setting('ABACUS_SOAK_RUNS', 30);
const seed = setting('ABACUS_SOAK_SEED', 1000);
const outageMs = setting('ABACUS_SOAK_OUTAGE', 60) * 1000;

/** tools/tap-sum.mjs shows such comments while it goes on. */
const say = (text) => process.stdout.write(`# soak/platform.test.mjs ${text}\n`);

for (let n = 0; n < runs; n++) {
    const run = drawRun(seed + n, { outageMs });
    const { what, mode } = run.outage;
    const name = `run ${n + 1} of ${runs}, seed ${run.seed}`;
    test(`${name}: ${what} away (${mode}), ${run.faults.join(', ')}`, async () => {
        const began = Date.now();
        say(name);
        const { events, settledMs, slowestMs } = await faultRun(run, (text) => say(`  ${text}`));
        const seconds = Math.round((Date.now() - began) / 1000);
        say(
            `run ${n + 1}: ${events} events answered, counted ${settledMs} ms after the last, ` +
                `slowest answer ${slowestMs} ms, ${seconds} s in all`,
        );
    });
}

test('put back to a copy of a minute ago under load, everything is counted again from the logs', async () => {
    const run = await restoreRun({ beforeMs: 20_000, betweenMs: 60_000, afterMs: 20_000 });
    assert.deepEqual(run, { lost: 0, named: 0 });
});

test('put back further than the logs reach, what is lost is named in the ledger and nothing that came afterwards is lost', async () => {
    const { lost, named } = await restoreRun({
        beforeMs: 20_000,
        betweenMs: 60_000,
        afterMs: 20_000,
        logKeep: '1s',
        rate: 4000, // fills several segments of the log
    });
    say(`${lost} events between copy and restore were lost; the ledger names ${named} records`);
    assert.ok(lost > 0, 'the logs reach back to the copy: this run shows nothing');
    // A lost record may have been another copy of an event that is there.
    assert.ok(named >= lost);
});
