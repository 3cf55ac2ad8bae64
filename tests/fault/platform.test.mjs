// A platform under load through every kind of fault, in three runs: nothing answered is lost,
// nothing is counted twice, the books balance, and tracking goes on answering. tests/soak draws
// longer ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, faultRun, restoreRun } from '../lib/platform_faults.mjs';

const OUTAGE_MS = 5000;
const RUNS = [
    {
        seed: 1,
        outage: {
            what: 'Redis',
            mode: 'stall',
            ms: OUTAGE_MS,
            meanwhile: ['a tracker killed', 'PostgreSQL restarted, fast'],
        },
        faults: [
            'PostgreSQL killed in the middle of a commit',
            'a counter killed',
            'Redis killed, back with its data',
            'a tracker drained and gone',
            'sessions cut off in the middle of commits',
        ],
    },
    {
        seed: 2,
        outage: {
            what: 'PostgreSQL',
            mode: 'swallow',
            ms: OUTAGE_MS,
            meanwhile: ['a tracker killed', 'Redis killed, back empty'],
        },
        faults: ['a lease holder stopped for longer than its lease', 'Redis out of memory'],
    },
    {
        seed: 3,
        outage: {
            what: 'Redis and PostgreSQL',
            mode: 'refuse',
            ms: OUTAGE_MS,
            meanwhile: ['a counter killed'],
        },
        faults: [
            'Redis flushed',
            'PostgreSQL restarted, immediate',
            'a tracker killed and its volume relayed',
            'Redis killed, back empty',
        ],
    },
];

test('the three runs hold every kind of fault', () => {
    const held = new Set(RUNS.flatMap(({ faults, outage }) => [...faults, ...outage.meanwhile]));
    assert.deepEqual(
        Object.keys(FAULTS).filter((name) => !held.has(name)),
        [],
    );
});

for (const run of RUNS) {
    const { what, mode } = run.outage;
    const faults = `${what} away for 5 s (${mode}), and ${run.faults.join(', ')}`;
    test(`everything answered is stored once, with ${faults}`, () => faultRun(run));
}

test('put back to an earlier copy under load, everything is counted again from the logs', async () => {
    const run = await restoreRun({ beforeMs: 2000, betweenMs: 3000, afterMs: 3000 });
    assert.deepEqual(run, { lost: 0, named: 0 });
});
