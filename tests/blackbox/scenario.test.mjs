// A week of traffic received at its own times: every number that is answered equals the second
// calculation, in both shapes, whose answers are the same JSON.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import '../lib/abacus.mjs'; // ends what a failed test leaves
import { FakeClock } from '../lib/clock.mjs';
import { Differences } from '../lib/diff.mjs';
import { exec } from '../lib/process.mjs';
import { Random } from '../lib/random.mjs';
import { COUNTS, DAY_METRICS, METRICS, RATES, Reference, same, value } from '../lib/reference.mjs';
import {
    BEGIN_MS,
    END_MS,
    FIRST_DATE,
    LAST_DATE,
    makeScenario,
    MARKS,
    rangesOf,
    secretsOf,
    TENANTS,
} from '../lib/scenario.mjs';
import { differing, LONG_KEPT, replay, ScenarioRun } from '../lib/replay.mjs';
import { findAll } from '../lib/search.mjs';
import { datesOf, daysBetween } from '../lib/zones.mjs';

const scenario = makeScenario();
const reference = new Reference({ ...scenario, nowMs: END_MS });
const clock = new FakeClock(BEGIN_MS);
const ranges = rangesOf(new Random(7));
const runs = ScenarioRun.ofEachShape();

before(() => {
    const refused = reference.facts.filter(({ outcome }) => outcome.startsWith('rejected:')).length;
    return replay(runs, scenario, clock, refused);
});

after(() => Promise.all(runs.map((run) => run.stop())));

/** `body` is given the run. */
function inEachShape(name, body) {
    for (const run of runs) test(`${name} (${run.shape})`, () => body(run));
}

function compareMetrics(differences, where, actual, counts, metrics) {
    for (const metric of metrics) {
        const expected = value(counts, metric);
        differences.equal(
            `${where} ${metric}`,
            actual?.[metric],
            expected,
            same(actual?.[metric], expected, metric),
        );
    }
}

/** One row for every date, adding the sites by their own dates. */
function compareDays(differences, where, rows, sites, tenant, from, to) {
    differences.equal(
        `${where} days`,
        rows?.map(({ date }) => date).join(),
        datesOf(from, to).join(),
    );
    for (const row of rows ?? []) {
        compareMetrics(
            differences,
            `${where} day ${row.date}`,
            row,
            reference.range(sites, row.date, row.date),
            DAY_METRICS,
        );
        differences.equal(`${where} day ${row.date} tenantId`, row.tenantId, tenant);
        if (sites.length === 1)
            differences.equal(`${where} day ${row.date} siteId`, row.siteId, sites[0]);
    }
}

test('the scenario is as large and as mixed as it has to be', () => {
    const outcomes = new Set(reference.facts.map(({ outcome }) => outcome));
    for (const outcome of [
        'stored',
        'dropped:duplicate',
        'dropped:gpc',
        'dropped:blocked',
        'dropped:bot:search',
        'dropped:bot:prerender',
        'rejected:invalid',
        'rejected:forbidden',
        'rejected:unauthorized',
    ])
        assert.ok(outcomes.has(outcome), outcome);
    assert.ok(reference.facts.length >= 10_000);
    assert.ok(new Set(reference.facts.map(({ who }) => who)).size >= 200);
});

inEachShape('stats of every site, over days, spans and nothing, are exact', async ({ ask }) => {
    const differences = new Differences();
    for (const { id, tenant, zone } of scenario.sites) {
        for (const [from, to] of ranges) {
            const where = `${id} ${from}..${to}`;
            const answer = await ask(tenant, '/api/analytics/stats', { siteId: id, from, to });
            compareMetrics(differences, where, answer, reference.range([id], from, to), METRICS);
            compareDays(differences, where, answer.days, [id], tenant, from, to);
            for (const [name, echo] of Object.entries({
                siteId: id,
                tenantId: tenant,
                timezone: zone,
                from,
                to,
                exact: true,
                uniqueBasis: 'day',
            }))
                differences.equal(`${where} ${name}`, answer[name], echo);
        }
    }
    differences.none(5000);
});

inEachShape('stats of a tenant without a site, and its report, add its sites by their own dates', async ({ ask }) => {
    const differences = new Differences();
    for (const tenant of TENANTS) {
        const sites = scenario.sites.filter((site) => site.tenant === tenant).map(({ id }) => id);
        for (const [from, to] of ranges) {
            const where = `${tenant} ${from}..${to}`;
            const stats = await ask(tenant, '/api/analytics/stats', { from, to });
            compareMetrics(differences, where, stats, reference.range(sites, from, to), METRICS);
            compareDays(differences, where, stats.days, sites, tenant, from, to);
            const report = await ask(tenant, `/api/analytics/tenants/${tenant}/stats`, {
                from,
                to,
            });
            differences.equal(`${where} timezone`, report.timezone, null);
            compareMetrics(
                differences,
                `${where} report`,
                report,
                reference.range(sites, from, to),
                METRICS,
            );
            compareDays(differences, `${where} report`, report.days, sites, tenant, from, to);
            differences.equal(
                `${where} sites`,
                report.sites
                    ?.map(({ siteId }) => siteId)
                    .sort()
                    .join(),
                [...sites].sort().join(),
            );
            for (const row of report.sites ?? []) {
                compareMetrics(
                    differences,
                    `${where} report ${row.siteId}`,
                    row,
                    reference.range([row.siteId], from, to),
                    METRICS,
                );
            }
        }
    }
    differences.none(3000);
});

inEachShape('time series by hour, day, week and month are exact, days of 23 and 25 hours and of half an hour more included', async ({ ask }) => {
    const differences = new Differences();
    const wanted = {
        hour: [
            ['2026-03-28', '2026-03-30'],
            ['2026-04-04', LAST_DATE],
        ],
        day: [['2026-03-27', LAST_DATE]],
        week: [
            ['2026-03-27', LAST_DATE],
            ['2026-03-30', '2026-04-05'],
        ],
        month: [
            ['2026-03-15', LAST_DATE],
            ['2026-03-01', '2026-03-31'],
        ],
    };
    for (const { id, tenant } of scenario.sites) {
        for (const [interval, list] of Object.entries(wanted)) {
            for (const [from, to] of list) {
                const expected = reference.series(id, from, to, interval);
                for (const metric of METRICS)
                    comparePoints(
                        differences,
                        `${id} ${interval} ${from}..${to} ${metric}`,
                        await ask(tenant, '/api/analytics/timeseries', {
                            siteId: id,
                            metric,
                            interval,
                            from,
                            to,
                        }),
                        expected,
                        metric,
                    );
            }
        }
    }
    differences.none(20_000);
});

function comparePoints(differences, where, answer, expected, metric) {
    differences.equal(`${where} number of points`, answer.points?.length, expected.length);
    expected.forEach((point, i) => {
        const actual = answer.points?.[i];
        const time = new Date(actual?.time ?? NaN).getTime();
        const said = value(point.counts, metric);
        differences.equal(
            `${where} time ${i}`,
            actual?.time,
            point.time,
            time === new Date(point.time).getTime(),
        );
        differences.equal(
            `${where} ${point.time}`,
            actual?.value,
            said,
            same(actual?.value, said, metric),
        );
        differences.equal(`${where} ${point.time} partial`, actual?.partial, point.partial);
    });
}

inEachShape('a time series without a metric is of pageviews, and of one day by the hour', async ({ ask }) => {
    const answer = await ask('beta', '/api/analytics/timeseries', {
        siteId: 'ny',
        from: '2026-03-29',
        to: '2026-03-29',
    });
    const differences = new Differences();
    comparePoints(
        differences,
        'ny',
        answer,
        reference.series('ny', '2026-03-29', '2026-03-29', 'hour'),
        'pageviews',
    );
    differences.none(72);
});

const CHANGED = {
    whole: ['2026-03-30', '2026-03-31'],
    running: ['2026-04-05', LAST_DATE],
    today: [LAST_DATE, LAST_DATE],
};

inEachShape("comparisons with the range before, the year before and a range of one's own are exact, running ranges included", async ({ ask }) => {
    const differences = new Differences();
    const custom = { from: '2026-03-28', to: '2026-03-29' };
    for (const { id, tenant } of scenario.sites) {
        for (const [name, [from, rawTo]] of Object.entries(CHANGED)) {
            const to = name === 'whole' ? rawTo : reference.today(id);
            for (const against of ['previous', 'year', 'custom']) {
                const params = { siteId: id, from: from > to ? to : from, to, against };
                if (against === 'custom')
                    Object.assign(params, { againstFrom: custom.from, againstTo: custom.to });
                const answer = await ask(tenant, '/api/analytics/compare', params);
                const before = reference.earlier(id, params.from, to, against, custom);
                const kept = id === LONG_KEPT ? 800 : 365;
                differences.equal(
                    `${id} availableFrom`,
                    Math.abs(daysBetween(answer.availableFrom, reference.today(id)) - kept) <= 1,
                    true,
                );
                before.lost = before.from < answer.availableFrom;
                compareChange(
                    differences,
                    `${id} ${params.from}..${to} ${against}`,
                    answer,
                    reference.range([id], params.from, to),
                    before,
                );
            }
        }
    }
    differences.none(2000);
});

function compareChange(differences, where, answer, now, before) {
    compareMetrics(differences, `${where} current`, answer.current, now, METRICS);
    compareMetrics(
        differences,
        `${where} previous ${before.from}..${before.to}`,
        answer.previous,
        before.counts,
        METRICS,
    );
    if (before.lost) {
        differences.equal(`${where} change`, answer.change, null);
        return;
    }
    for (const metric of METRICS) {
        const [a, b] = [value(now, metric), value(before.counts, metric)];
        const { absolute, percent } = answer.change?.[metric] ?? {};
        const slack = RATES.includes(metric) ? 0.00011 : 0;
        differences.equal(
            `${where} change ${metric} absolute`,
            absolute,
            a - b,
            Math.abs(absolute - (a - b)) <= slack,
        );
        const expected = b === 0 ? null : ((a - b) / b) * 100;
        // A rate that was rounded first moves its percentage by at most the rounding of both.
        const room =
            0.00005 +
            1e-9 +
            (RATES.includes(metric) && b !== 0 ? (0.01 * (1 + Math.abs(a / b))) / b : 0);
        differences.equal(
            `${where} change ${metric} percent`,
            percent,
            expected,
            expected === null
                ? percent === null
                : typeof percent === 'number' && Math.abs(percent - expected) <= room,
        );
    }
}

inEachShape('several sites stand side by side in the order asked', async ({ ask }) => {
    const differences = new Differences();
    const siteIds = ['plain_utc', 'silent', 'berlin-shop'];
    const [from, to] = ['2026-03-28', '2026-03-30'];
    const answer = await ask('alpha', '/api/analytics/compare', {
        siteIds: siteIds.join(),
        from,
        to,
    });
    differences.equal('order', answer.sites?.map(({ siteId }) => siteId).join(), siteIds.join());
    for (const row of answer.sites ?? []) {
        compareMetrics(
            differences,
            `${row.siteId} current`,
            row,
            reference.range([row.siteId], from, to),
            METRICS,
        );
    }
    differences.none(3 * METRICS.length);
});

inEachShape('without a site a comparison covers all sites of the tenant', async ({ ask }) => {
    const differences = new Differences();
    const sites = scenario.sites.filter(({ tenant }) => tenant === 'alpha').map(({ id }) => id);
    const [from, to] = ['2026-03-30', '2026-03-31'];
    const answer = await ask('alpha', '/api/analytics/compare', { from, to });
    const before = {
        from: '2026-03-28',
        to: '2026-03-29',
        counts: reference.range(sites, '2026-03-28', '2026-03-29'),
    };
    compareChange(differences, 'alpha', answer, reference.range(sites, from, to), before);
    differences.none(4 * METRICS.length);
});

inEachShape('the ledger of every site and day is exact and adds up', async ({ ledgerOf }) => {
    const differences = new Differences();
    for (const { id, tenant } of scenario.sites) {
        const expected = reference.ledger(id, FIRST_DATE, LAST_DATE);
        const { days } = await ledgerOf(id, tenant);
        differences.equal(
            `${id} days`,
            days.map(({ date }) => date).join(),
            datesOf(FIRST_DATE, LAST_DATE).join(),
        );
        for (const day of days)
            compareLedgerDay(differences, `${id} ${day.date}`, day, expected[day.date]);
    }
    differences.none(800);
});

function compareLedgerDay(differences, where, actual, expected) {
    const sum = (reasons) => Object.values(reasons ?? {}).reduce((a, b) => a + b, 0);
    differences.equal(`${where} received`, actual.received, expected.received);
    differences.equal(`${where} stored`, actual.stored, expected.stored);
    differences.equal(
        `${where} adds up`,
        actual.stored + sum(actual.dropped) + sum(actual.rejected),
        actual.received,
    );
    for (const kind of ['dropped', 'rejected', 'bots']) {
        const reasons = new Set([
            ...Object.keys(actual[kind] ?? {}),
            ...Object.keys(expected[kind]),
        ]);
        for (const reason of reasons)
            differences.equal(
                `${where} ${kind} ${reason}`,
                actual[kind]?.[reason] ?? 0,
                expected[kind][reason] ?? 0,
            );
    }
}

inEachShape('the export gives each stored event of the last 30 days once, by its time', async ({ exportOf }) => {
    const oldest = END_MS - 30 * 86_400_000;
    const { id, tenant } = scenario.sites[0];
    const kept = (ms) => ms >= oldest;
    const stored = reference.events
        .get(id)
        .filter(({ timeMs }) => kept(timeMs))
        .map(({ name, timeMs }) => `${timeMs} ${name}`);
    const rows = (await exportOf(id, tenant)).map((row) => ({
        ...row,
        ms: Date.parse(row.timestamp),
    }));
    assert.ok(stored.length > 1000);
    assert.deepEqual(
        rows
            .filter(({ ms }) => kept(ms))
            .map(({ ms, event }) => `${ms} ${event}`)
            .sort(),
        stored.sort(),
    );
    assert.deepEqual(
        rows.map(({ ms }) => ms),
        rows.map(({ ms }) => ms).sort((x, y) => x - y),
    );
    assert.ok(rows.every(({ ms }) => ms >= oldest - 86_400_000));
});

inEachShape('the books balance, by the independent check too', ({ abacus }) => abacus.balance());

inEachShape("named periods are the site's own dates", async ({ ask }) => {
    const differences = new Differences();
    for (const { id, tenant } of scenario.sites) {
        const today = reference.today(id);
        const answer = await ask(tenant, '/api/analytics/stats', { siteId: id });
        differences.equal(`${id} default`, `${answer.from}..${answer.to}`, `${today}..${today}`);
        compareMetrics(
            differences,
            `${id} today`,
            answer,
            reference.range([id], today, today),
            COUNTS,
        );
        const month = await ask(tenant, '/api/analytics/stats', { siteId: id, period: 'month' });
        differences.equal(
            `${id} month`,
            `${month.from}..${month.to}`,
            `${today.slice(0, 8)}01..${today}`,
        );
        compareMetrics(
            differences,
            `${id} month`,
            month,
            reference.range([id], month.from, month.to),
            METRICS,
        );
    }
    differences.none(100);
});

inEachShape('neither an address nor a User-Agent nor a click id of the scenario is found in what is kept or said', async ({
    abacus,
    servers,
}) => {
    const { addresses, agents, clicks } = secretsOf(scenario);
    const needles = Object.fromEntries(
        [...addresses, ...agents, ...clicks].map((text) => [text, Buffer.from(text)]),
    );
    for (const mark of [...MARKS, 'Backendwhistle'])
        needles[mark] = Buffer.from(mark);
    assert.ok(Object.keys(needles).length > 250);
    const said = servers.map(({ stderr, stdout }) => stderr + stdout).join('\n');
    assert.ok(said.length > 1000);
    const kept = abacus.databaseUrl ? await dump(abacus.databaseUrl) : '';
    assert.deepEqual(findAll(abacus.dir, { said, kept }, needles), {});
});

async function dump(url) {
    const { code, stdout, stderr } = await exec('pg_dump', ['--dbname', url]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^COPY analytics\.analytics_daily_stats /m);
    return stdout;
}

test('everything that was asked was answered with the same JSON on one machine and on the platform', () => {
    const [machine, platform] = runs;
    const differences = differing(machine, platform).map((question) => ({
        question,
        machine: machine.answers.get(question),
        platform: platform.answers.get(question),
    }));
    assert.ok(machine.answers.size > 500, `only ${machine.answers.size} questions`);
    assert.deepEqual(
        differences.slice(0, 3),
        [],
        `${differences.length} of ${machine.answers.size} answers differ`,
    );
});
