// Copies of the whole database: an installation moves to PostgreSQL and back, and a database is put
// back to an earlier copy while everything runs.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec, Installation, query, tempDir, until } from '../lib/abacus.mjs';
import { browser } from '../lib/browsers.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Differences } from '../lib/diff.mjs';
import { Load, pathOf } from '../lib/load.mjs';
import { numbersTo, Pages } from '../lib/pages.mjs';
import { inEachShape, Platform, SHAPES } from '../lib/platform.mjs';
import { METRICS, Reference, same, value } from '../lib/reference.mjs';
import { differing, replay, ScenarioRun } from '../lib/replay.mjs';
import {
    BEGIN_MS,
    END_MS,
    FIRST_DATE,
    LAST_DATE,
    makeScenario,
    TENANTS,
} from '../lib/scenario.mjs';

// -- moving --------------------------------------------------------------------------------------

const LATE = { site: 'plain_utc', tenant: 'alpha' };
const WHOLE = { from: FIRST_DATE, to: LAST_DATE };

/** Ask everything that there is to be asked of `run`, which remembers the answers; returns what is
 *  left out of them, and the rows as they stand. */
async function askAll(run, scenario) {
    const exact = new Map();
    for (const { id: siteId, tenant } of scenario.sites) {
        const { asOf } = await run.ask(tenant, '/api/analytics/stats', { siteId, ...WHOLE });
        exact.set(`asOf of ${siteId}`, asOf);
        for (const against of ['previous', 'year'])
            await run.ask(tenant, '/api/analytics/compare', {
                siteId,
                from: '2026-03-30',
                to: '2026-03-31',
                against,
            });
        for (const [metric, interval] of [
            ['pageviews', 'day'],
            ['uniqueVisitors', 'hour'],
            ['bounceRate', 'week'],
        ])
            await run.ask(tenant, '/api/analytics/timeseries', {
                siteId,
                metric,
                interval,
                from: '2026-03-27',
                to: LAST_DATE,
            });
        await run.ledgerOf(siteId, tenant);
        exact.set(`rows of ${siteId}`, await run.exportOf(siteId, tenant));
    }
    for (const tenant of TENANTS) {
        await run.ask(tenant, '/api/analytics/stats', WHOLE);
        await run.ask(tenant, '/api/analytics/compare', WHOLE);
        await run.ask(tenant, `/api/analytics/tenants/${tenant}/stats`, WHOLE);
    }
    return exact;
}

/** A server that answers in the place of another run's, to the same tokens. */
async function answerAs(run, shape, abacus) {
    const other = new ScenarioRun(shape);
    Object.assign(other, { abacus, tokens: run.tokens, first: run.first, last: run.last });
    other.servers = [await abacus.serve(['--roles', 'query'])];
    other.reader = other.servers[0];
    return other;
}

async function assertSameAnswers(run, other, exact, scenario) {
    const found = await askAll(other, scenario);
    assert.deepEqual(differing(run, other), []);
    assert.deepEqual([...found], [...exact]);
    assert.ok(run.answers.size > 40);
    await other.stop();
}

/** Everything that PostgreSQL holds; newer versions of pg_dump add a random line. */
async function dump({ databaseUrl }) {
    const args = ['--data-only', '--schema', 'analytics', '--dbname', databaseUrl];
    const { code, stdout, stderr } = await exec('pg_dump', args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^COPY analytics\.ledger /m);
    return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}

test('an installation that moves to PostgreSQL, and back, answers as before and goes on counting', async () => {
    const scenario = makeScenario({ people: 40, sessions: 3, backends: 120 });
    const reference = new Reference({ ...scenario, nowMs: END_MS });
    const refused = reference.facts.filter(({ outcome }) => outcome.startsWith('rejected:')).length;
    const clock = new FakeClock(BEGIN_MS);
    const [machineShape, platformShape] = SHAPES;
    const machine = new ScenarioRun(machineShape);
    await replay([machine], scenario, clock, refused);

    const differences = new Differences();
    for (const { id, tenant } of scenario.sites) {
        const stats = await machine.ask(tenant, '/api/analytics/stats', { siteId: id, ...WHOLE });
        const counts = reference.range([id], FIRST_DATE, LAST_DATE);
        for (const metric of METRICS) {
            const expected = value(counts, metric);
            const holds = same(stats[metric], expected, metric);
            differences.equal(`${id} ${metric}`, stats[metric], expected, holds);
        }
    }
    differences.none(scenario.sites.length * METRICS.length);
    const exact = await askAll(machine, scenario);
    await machine.stop();
    await leaveInLog(machine);

    const copy = await machine.abacus.must(['export', '--all']);
    const platform = await Platform.create({ clock, dir: machine.abacus.dir });
    const said = JSON.parse(await platform.must(['import', '--json'], { input: copy }));
    assert.equal(said.loaded, true);
    await importedOnceOnly(platform, copy);
    await assertSameAnswers(
        machine,
        await answerAs(machine, platformShape, platform.node()),
        exact,
        scenario,
    );

    const back = new Installation({ clock });
    await back.must(['import'], { input: await platform.must(['export', '--all']) });
    await assertSameAnswers(machine, await answerAs(machine, machineShape, back), exact, scenario);

    const counts = reference.range([LATE.site], FIRST_DATE, LAST_DATE);
    await goesOn(platform, machine.tokens[LATE.tenant], counts);
});

const LATE_VIEW = { event: 'pageview', siteId: LATE.site, path: '/late' };

/** Five pageviews that are answered and not counted. */
async function leaveInLog({ abacus }) {
    const server = await abacus.serve([], { interval: '0' });
    const answer = await server.track(Array(5).fill(LATE_VIEW), { 'User-Agent': browser('Lateowl/1') });
    assert.deepEqual(answer.body, { accepted: 5 });
    await server.stop();
}

/** The same file changes nothing more, and another one finds the database taken. */
async function importedOnceOnly(platform, copy) {
    const before = await dump(platform);
    const again = await platform.must(['import'], { input: copy });
    assert.equal(again, 'already imported: nothing changed\n');
    const other = await platform.must(['export', '--all']);
    const refused = await platform.command(['import'], { input: other });
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stderr, /^abacus: import: .*not empty/);
    assert.equal(await dump(platform), before);
}

/** What the log still holds is counted in the new place, and what comes there, too. */
async function goesOn(platform, token, before) {
    const server = await platform.serve();
    await server.ready();
    const answer = await server.track(Array(3).fill(LATE_VIEW), { 'User-Agent': browser('Laterowl/1') });
    assert.deepEqual(answer.body, { accepted: 3 });
    await platform.aggregate();
    const stats = await server.stats(token, LATE.site, [FIRST_DATE, LAST_DATE]);
    assert.equal(stats.pageviews, before.pageviews + 5 + 3);
    assert.equal(stats.uniqueVisitors, before.uniqueVisitors + 2);
    await platform.balance();
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
}

// -- back to an earlier copy ---------------------------------------------------------------------

const TENANT = 'tenant';
const rowsIn = async (abacus) => Number(await abacus.sql('SELECT count(*) FROM analytics_events;'));
const totalOf = (reasons) => Object.values(reasons).reduce((a, b) => a + b, 0);

inEachShape(
    'a copy made under load is put back under load, and everything is counted again, once',
    async (make) => {
        const abacus = await make();
        const sites = ['site-0', 'site-1', 'site-2'];
        for (const site of sites) await abacus.site(site, TENANT);
        const token = await abacus.token('stats:read', { tenant: TENANT });
        const server = await abacus.serve();
        const load = new Load({ sites, connections: 3, pauseMs: 8 });
        load.port = server.port;
        await copyAndPutBack(abacus, load).finally(() => load.stop());

        await abacus.aggregate();
        assert.deepEqual([load.problems, load.troubles], [[], []], 'tracking went on');
        await checkLoad(abacus, load);
        let rows = 0;
        for (const site of sites) {
            const sum = await server.ledger(token, site);
            assert.deepEqual([sum.dropped, sum.rejected], [{}, {}], site);
            assert.equal(sum.received, sum.stored, site);
            assert.equal((await server.stats(token, site)).pageviews, sum.stored, site);
            rows += sum.stored;
        }
        assert.equal(rows, await rowsIn(abacus));
        await abacus.balance();
        assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    },
);

async function copyAndPutBack(abacus, load) {
    const file = join(tempDir(), 'copy');
    await until(async () => (await rowsIn(abacus)) > 200, 'events to be counted');
    const copied = JSON.parse(await abacus.must(['backup', file, '--json']));
    assert.ok(copied.sums.rawEvents > 200, JSON.stringify(copied));
    await until(async () => (await rowsIn(abacus)) > copied.sums.rawEvents + 400, 'more events');
    const careful = await abacus.command(['restore', file]);
    assert.equal(careful.code, 1);
    assert.match(careful.stderr, /not empty.*--yes/);
    const restored = JSON.parse(await abacus.must(['restore', file, '--yes', '--json']));
    assert.deepEqual(restored.sums, copied.sums);
    const then = load.answered.size;
    await until(() => load.answered.size > then + 200, 'events after that');
}

/** What was answered is there once; what is there beside that was cut off by its sender. */
async function checkLoad(abacus, load) {
    const stored = (await abacus.sql('SELECT path FROM analytics_events;'))
        .split('\n')
        .filter((path) => path !== '')
        .map((path) => Number(path.slice(pathOf('').length)));
    const there = new Set(stored);
    assert.equal(there.size, stored.length, 'each once');
    assert.deepEqual(
        [...load.answered].filter((number) => !there.has(number)),
        [],
    );
    assert.deepEqual(
        stored.filter((number) => !load.answered.has(number) && !load.cut.has(number)),
        [],
    );
}

/** 60 KB each, so that a few hundred fill several segments of the log. */
const LARGE = Object.fromEntries(numbersTo(30).map((i) => [`k${i}`, `${i}: `.repeat(500)]));

inEachShape(
    'what a log no longer holds is named as lost by a restore, and everything else is there',
    async (make) => {
        const abacus = await make();
        await abacus.site('site', TENANT);
        const token = await abacus.token('stats:read', { tenant: TENANT });
        const server = await abacus.serve(['--log-keep', '1s'], { interval: '0' });
        const segments = () => readdirSync(join(abacus.dir, 'log'));
        const pages = new Pages('site');

        await pages.send(server, 150);
        await abacus.aggregate();
        const file = join(tempDir(), 'copy');
        await abacus.must(['backup', '--output', file]);

        const old = segments();
        Object.assign(pages, { perRequest: 1, more: { props: LARGE } });
        await pages.send(server, 450);
        Object.assign(pages, { perRequest: 100, more: {} });
        await until(async () => {
            await pages.send(server, 1);
            await abacus.aggregate();
            return !segments().some((name) => old.includes(name));
        }, 'segments that are counted to go');
        const before = pages.sent;
        await pages.areStoredOnce(abacus);

        await abacus.must(['restore', file, '--yes']);
        const { lost } = JSON.parse(await abacus.must(['aggregate', '--json']));
        await pages.send(server, 70);
        await abacus.aggregate();
        const stored = await pages.stored(abacus);
        const there = new Set(stored);
        assert.equal(there.size, stored.length, 'each once');
        const missing = numbersTo(pages.sent).filter((number) => !there.has(number));
        assert.ok(missing.length > 100, `only ${missing.length} are missing`);
        // A log goes from its old end.
        assert.deepEqual(
            missing,
            numbersTo(missing.length).map((i) => 150 + i),
        );
        assert.ok(missing.length < before - 150, 'its last segment holds some');
        assert.equal(lost, missing.length);
        const named = await abacus.sql(
            "SELECT sum(events) FROM ledger WHERE reason = 'lost-by-restore';",
        );
        assert.equal(Number(named), missing.length);
        const sum = await server.ledger(token, 'site');
        assert.equal(sum.stored, stored.length);
        assert.equal(sum.received, sum.stored + totalOf(sum.dropped) + totalOf(sum.rejected));
        await abacus.balance();
        await server.stop();
    },
);
