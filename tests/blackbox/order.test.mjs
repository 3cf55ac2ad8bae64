// The order in which events arrive, the size of the job's batches, records delivered twice and
// a job that is killed change no number.
//
// A scenario's events are appended to the log with their times given (tests/tools/logfill),
// counted in batches of one size by `aggregate --batch`, and read; all answers of all variants, in
// both shapes, are equal, and equal to the second calculation.

import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUILD, exec, query, start, tempDir } from '../lib/abacus.mjs';
import { breakdown, compareBreakdown, OF_EVENTS, OF_VISITS } from '../lib/breakdown.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Differences } from '../lib/diff.mjs';
import { SHAPES } from '../lib/platform.mjs';
import { METRICS, Reference, same, value } from '../lib/reference.mjs';
import {
    domainOf,
    END_MS,
    FIRST_DATE,
    LAST_DATE,
    makeScenario,
    settingsOf,
    SITES,
} from '../lib/scenario.mjs';

const LOGFILL = process.env.ABACUS_LOGFILL ?? join(BUILD, 'tests/tools/logfill');
const { plain } = makeScenario({ seed: 4, people: 60, sessions: 5, backends: 300 });
const input = plain.map(({ line }) => `${JSON.stringify(line)}\n`).join('');
const clock = new FakeClock(END_MS);
let wanted; // the answers of the plain variant, on one machine

before(async () => {
    assert.ok(existsSync(LOGFILL), `${LOGFILL} is missing`);
    wanted = await answersOf(SHAPES[0].make, {});
});

async function fill({ dir, databaseUrl }, seed) {
    const shuffle = seed === undefined ? [] : ['--shuffle', String(seed)];
    const database = databaseUrl === undefined ? [] : ['--database', databaseUrl];
    const end = await exec(LOGFILL, ['--data-dir', dir, ...database, ...shuffle], { input });
    assert.equal(end.code, 0, end.stderr);
    assert.equal(Number(end.stdout), plain.length);
}

/** All that is answered about one order and one way of counting. */
async function answersOf(make, { seed, batch = 10_000, before = () => {}, after = () => {} }) {
    const abacus = await make({ clock });
    for (const site of SITES) {
        const { id, tenant, zone } = site;
        await abacus.site(id, tenant, { domain: domainOf(id), timezone: zone });
        const settings = settingsOf(site);
        if (settings.length > 0) await abacus.must(['site', 'set', id, ...settings]);
    }
    const token = await abacus.token('stats:read', { platform: true });
    await fill(abacus, seed);
    await before(abacus);
    await abacus.aggregate(['--batch', String(batch)]);
    await after(abacus);
    const server = await abacus.serve([], { interval: '0' });
    const answers = {};
    for (const path of questions()) {
        const { status, body } = await server.get(path, token);
        assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
        delete body.asOf;
        answers[path] = body;
    }
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await abacus.balance();
    rmSync(abacus.dir, { recursive: true });
    return answers;
}

function* questions() {
    const span = { from: FIRST_DATE, to: LAST_DATE };
    for (const { id } of SITES) {
        yield query('/api/analytics/stats', { siteId: id, ...span });
        yield query('/api/analytics/ledger', { siteId: id, ...span });
        for (const metric of METRICS)
            for (const interval of ['day', 'hour'])
                yield query('/api/analytics/timeseries', { siteId: id, metric, interval, ...span });
        for (const dimension of DIMENSIONS) yield breakdownOf(id, dimension);
    }
}

const DIMENSIONS = [...OF_EVENTS, ...OF_VISITS, 'goal', 'prop:plan', 'prop:note'];
const breakdownOf = (siteId, dimension) =>
    query('/api/analytics/breakdown', { siteId, dimension, from: FIRST_DATE, to: LAST_DATE });

/** The questions whose answers differ. */
function differing(answers) {
    return Object.keys(wanted).filter(
        (path) => JSON.stringify(answers[path]) !== JSON.stringify(wanted[path]),
    );
}

test('counted in one go in the order sent, every number equals the second calculation', () => {
    const reference = new Reference({
        sites: SITES,
        facts: plain.map(({ fact }) => fact),
        nowMs: END_MS,
    });
    const differences = new Differences();
    for (const { id } of SITES) {
        const stats =
            wanted[query('/api/analytics/stats', { siteId: id, from: FIRST_DATE, to: LAST_DATE })];
        const ledger =
            wanted[query('/api/analytics/ledger', { siteId: id, from: FIRST_DATE, to: LAST_DATE })];
        const range = reference.range([id], FIRST_DATE, LAST_DATE);
        for (const metric of METRICS)
            differences.equal(
                `${id} ${metric}`,
                stats[metric],
                value(range, metric),
                same(stats[metric], value(range, metric), metric),
            );
        const books = reference.ledger(id, FIRST_DATE, LAST_DATE);
        for (const { date, received, stored } of ledger.days) {
            differences.equal(`${id} ${date} stored`, stored, books[date].stored);
            differences.equal(`${id} ${date} received`, received, books[date].received);
        }
        for (const dimension of DIMENSIONS) {
            const asked = { site: id, dimension, from: FIRST_DATE, to: LAST_DATE };
            const answer = wanted[breakdownOf(id, dimension)];
            const where = `${id} ${dimension}`;
            compareBreakdown(differences, where, answer, breakdown(reference, asked));
        }
        const hours = reference.series(id, FIRST_DATE, LAST_DATE, 'hour');
        for (const metric of METRICS) {
            const { points } =
                wanted[
                    query('/api/analytics/timeseries', {
                        siteId: id,
                        metric,
                        interval: 'hour',
                        from: FIRST_DATE,
                        to: LAST_DATE,
                    })
                ];
            hours.forEach(({ time, counts }, i) => {
                const number = value(counts, metric);
                differences.equal(
                    `${id} ${time} ${metric}`,
                    points[i]?.value,
                    number,
                    same(points[i]?.value, number, metric),
                );
            });
        }
    }
    differences.none(50_000);
});

const VARIANTS = {
    'one machine': [
        { seed: 1, batch: 10_000 },
        { seed: 2, batch: 100 },
        { seed: 3, batch: 7 },
        { seed: 4, batch: 1 },
        { batch: 7 },
    ],
    platform: [
        { batch: 10_000 },
        { seed: 2, batch: 100 },
        { seed: 3, batch: 7 },
    ],
};

for (const { shape, make } of SHAPES) {
    for (const { seed, batch } of VARIANTS[shape]) {
        const order = seed === undefined ? 'in the order sent' : `shuffled with seed ${seed}`;
        test(`${order} and counted in batches of ${batch}, all answers are the same (${shape})`, async () => {
            assert.deepEqual(differing(await answersOf(make, { seed, batch })), []);
        });
    }

    test(`the same records delivered twice change nothing (${shape})`, async () => {
        const saved = join(tempDir(), 'log');
        const answers = await answersOf(make, {
            seed: 5,
            before: ({ dir }) => cpSync(join(dir, 'log'), saved, { recursive: true }),
            after: async (abacus) => {
                rmSync(join(abacus.dir, 'log'), { recursive: true });
                cpSync(saved, join(abacus.dir, 'log'), { recursive: true });
                assert.equal(JSON.parse(await abacus.aggregate(['--json'])).events, 0);
            },
        });
        assert.deepEqual(differing(answers), []);
    });

    test(`a job that is killed again and again counts everything once (${shape})`, async () => {
        let killed = 0;
        const answers = await answersOf(make, {
            seed: 6,
            before: async (abacus) => {
                for (let i = 0; i < 60 && killed < 8; i++) killed += await killJob(abacus, i);
            },
        });
        assert.ok(killed >= 3, `only ${killed} runs were killed`);
        assert.deepEqual(differing(answers), []);
    });
}

/** Kill the job, soon at the first tries, later at later ones: on a fast disk the whole takes a
 *  tenth of a second. 1: it was killed; 0: it had ended. */
async function killJob(abacus, i) {
    const { bin, dir, env } = abacus;
    const job = start(bin, ['aggregate', '--batch', '1', '--data-dir', dir], { env });
    await Promise.race([sleep(5 + Math.random() * 10 * (i + 1)), job.ended]);
    job.kill('SIGKILL');
    const { signal } = await job.ended;
    // Nobody waits 10 s for what the killed one has held.
    if (abacus.databaseUrl !== undefined)
        await abacus.sql("UPDATE leases SET until = '-infinity';");
    return signal === 'SIGKILL' ? 1 : 0;
}
