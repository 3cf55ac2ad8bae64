// Days, visits and values at their edges, in both shapes: days that the clock cuts or stretches,
// visits over midnight and over days, pauses of 29 and 31 minutes, more values than a day names,
// goals that change.
//
// What people would count by hand is written down; all else is compared with the second
// calculation. Everything is asked while days are counted from their rows, and when they are
// packed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AGENTS } from '../lib/agents.mjs';
import { breakdown, compareBreakdown } from '../lib/breakdown.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Differences } from '../lib/diff.mjs';
import { Random } from '../lib/random.mjs';
import { DAY_METRICS, METRICS, Reference, same, value } from '../lib/reference.mjs';
import { differing, replay, ScenarioRun } from '../lib/replay.mjs';
import { addDays, datesOf, dayStart } from '../lib/zones.mjs';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CAP = 3;

/** Nothing of years ago may go. */
const FOR_EVER = ['rawDays', 'visitDays', 'statsDays'].map((name) => `retention.${name}=0`);
const site = (id, zone, settings = []) => ({
    id,
    zone,
    tenant: 'alpha',
    settings: [...FOR_EVER, ...settings],
});

/** The day, how many hours it has, and where its first two begin. */
const CLOCK_CHANGES = [
    {
        ...site('santiago', 'America/Santiago'),
        date: '2022-09-11', // 00:00 is 01:00
        hours: 23,
        begin: ['2022-09-11T04:00:00.000Z', '2022-09-11T05:00:00.000Z'],
    },
    {
        ...site('havana', 'America/Havana'),
        date: '2023-11-05', // 01:00 is 00:00
        hours: 25,
        begin: ['2023-11-05T04:00:00.000Z', '2023-11-05T05:00:00.000Z'],
    },
    {
        ...site('asuncion', 'America/Asuncion'),
        date: '2024-03-23', // at its end, 24:00 is 23:00
        hours: 25,
        begin: ['2024-03-23T03:00:00.000Z', '2024-03-23T04:00:00.000Z'],
    },
    {
        ...site('asuncion-after', 'America/Asuncion'),
        date: '2024-03-24',
        hours: 24,
        begin: ['2024-03-24T04:00:00.000Z', '2024-03-24T05:00:00.000Z'],
    },
    {
        ...site('howe', 'Australia/Lord_Howe'),
        date: '2024-04-07', // 02:00 is 01:30, of which half an hour is one more
        hours: 25,
        begin: ['2024-04-06T13:00:00.000Z', '2024-04-06T14:00:00.000Z'],
    },
];

const OTHERS = [
    site('midnight', 'Europe/Berlin'),
    site('reader', 'UTC'),
    site('pauses', 'UTC'),
    site('screen-in-a-hall', 'UTC'),
    site('capped', 'UTC', [`limits.pathsPerDay=${CAP}`]),
    site('goals', 'America/New_York'),
];
const SITES = [...CLOCK_CHANGES, ...OTHERS];

// -- what happens --------------------------------------------------------------------------------

const requests = [];
const facts = [];
const random = new Random(9);

const visitorOf = (number) => ({
    ip: `192.0.${number}.7`,
    userAgent: AGENTS[number % AGENTS.length].userAgent,
    words: AGENTS[number % AGENTS.length].words,
});

function send(siteId, visitor, atMs, name, more = {}, known = {}) {
    const { ip, userAgent, words } = visitor;
    const { count, ...event } = { event: name, siteId, ...more };
    const fact = {
        ...known,
        site: siteId,
        name,
        ...{ timeMs: atMs, receivedMs: atMs, outcome: 'stored', visitor: { ip, userAgent } },
        ...{ path: more.path, props: more.props, seconds: more.seconds, scroll: more.scroll },
        traits: { ...known.traits, ...words },
    };
    requests.push({
        atMs,
        headers: { 'X-Forwarded-For': ip, 'User-Agent': userAgent },
        body: JSON.stringify(event),
        status: 202,
        facts: [fact],
    });
    facts.push(fact);
}

const job = (atMs) => requests.push({ atMs, job: true });
const at = (text) => Date.parse(text);

/** Three people who come and go, from the evening before to the morning after. */
function changeOfClock({ id, zone, date }) {
    const from = dayStart(zone, date) - 6 * HOUR;
    const to = dayStart(zone, addDays(date, 1)) + 6 * HOUR;
    for (let number = 0; number < 3; number++) {
        let ms = from + random.int(0, 20) * MINUTE;
        for (; ms < to; ms += random.pick([7, 15, 25, 29, 31, 48]) * MINUTE) {
            const page = { path: random.pick(['/a', '/b', '/c']) };
            const read = { seconds: random.int(1, 90), scroll: random.int(0, 100) };
            const [name, more] = random.pick([
                ['pageview', page],
                ['pageview', page],
                ['engagement', { ...page, ...read }],
                ['lead.created', {}],
                ['signup', {}],
            ]);
            send(id, visitorOf(number), ms, name, more);
        }
    }
    job(to + HOUR);
}

const FROM_GOOGLE = [
    { path: '/', referrer: 'https://www.google.com/' },
    { referrer: 'www.google.com', traits: { source: 'Google', channel: 'Organic Search' } },
];

/** 23:50 to 00:20 in Berlin, in summer. */
function overMidnight() {
    const [ada, ben] = [visitorOf(1), visitorOf(2)];
    send('midnight', ada, at('2024-04-09T21:50:00Z'), 'pageview', ...FROM_GOOGLE);
    send('midnight', ben, at('2024-04-09T21:55:00Z'), 'pageview', { path: '/' });
    send('midnight', ada, at('2024-04-09T22:10:00Z'), 'pageview', { path: '/pricing' });
    send('midnight', ada, at('2024-04-09T22:20:00Z'), 'lead.created');
    job(at('2024-04-09T22:40:00Z'));
}

/** A tab from yesterday is read on, and only after the day is packed a page is opened. */
function readOn() {
    const read = { path: '/long', seconds: 600, scroll: 40 };
    send('reader', visitorOf(5), at('2024-04-09T23:50:00Z'), 'engagement', read);
    send('reader', visitorOf(5), at('2024-04-10T00:08:00Z'), 'engagement', read);
    job(at('2024-04-10T00:36:00Z'));
    send('reader', visitorOf(5), at('2024-04-10T00:37:00Z'), 'pageview', ...FROM_GOOGLE);
}

function pauses() {
    for (let i = 0; i < 8; i++)
        send('pauses', visitorOf(1), at('2024-04-10T09:00:00Z') + i * 29 * MINUTE, 'pageview', {
            path: `/${i}`,
        });
    for (const time of ['09:00:00', '09:31:00'])
        send('pauses', visitorOf(2), at(`2024-04-11T${time}Z`), 'pageview', { path: '/' });
    for (const time of ['09:00:00', '09:30:00'])
        send('pauses', visitorOf(3), at(`2024-04-12T${time}Z`), 'pageview', { path: '/' });
}

/** A page that reports every 25 minutes for more than a day: one visit, which goes on, counted one
 *  by one, when the day in its middle is packed. */
const HALL_STEPS = 66;

function inAHall() {
    const begin = at('2024-04-09T22:55:00Z');
    for (let i = 0; i <= HALL_STEPS; i++) {
        const path = i < HALL_STEPS ? '/board' : '/closing';
        send('screen-in-a-hall', visitorOf(4), begin + i * 25 * MINUTE, 'pageview', { path });
        // Another one shows a page once, and what it does later belongs to that.
        const name = i === 0 ? 'pageview' : i === 30 ? 'lead.created' : 'tick';
        const more = i === 0 ? { path: '/start' } : {};
        send('screen-in-a-hall', visitorOf(6), begin + i * 25 * MINUTE + 5000, name, more);
        // The first of these is at 01:20 on the third day.
        if (i >= 63) job(begin + (i * 25 + 10) * MINUTE);
    }
}

/** More pages, entries and properties than a day names. */
function beyondTheCap() {
    for (const date of ['2024-04-10', '2024-04-11'])
        for (let i = 0; i < 160; i++) {
            const [ms, who] = [at(date) + i * 8 * MINUTE, visitorOf(random.int(10, 21))];
            const path = `/${random.int(1, random.int(1, 12))}`;
            const name = random.pick(['pageview', 'pageview', 'engagement', 'lead.created']);
            const more = name === 'engagement' ? { seconds: 5, scroll: random.int(1, 100) } : {};
            send('capped', who, ms, name, { path, ...more, props: { shelf: random.int(1, 7) } });
        }
}

function forGoals() {
    for (let i = 0; i < 150; i++) {
        const ms = at('2024-04-10T00:00:00Z') + i * 19 * MINUTE;
        const name = random.pick(['pageview', 'pageview', 'signup', 'form.submit', 'lead.created']);
        const path = random.pick(['/', '/thanks/1', '/thanks/2', '/thanks']);
        const props = { plan: random.pick(['pro', 'free']), seats: random.int(1, 2) };
        send('goals', visitorOf(random.int(30, 40)), ms, name, {
            ...(name === 'pageview' ? { path } : {}),
            ...(random.chance(0.6) ? { props } : {}),
        });
    }
}

for (const change of CLOCK_CHANGES) changeOfClock(change);
overMidnight();
readOn();
pauses();
inAHall();
beyondTheCap();
forGoals();
requests.sort((a, b) => a.atMs - b.atMs);

const END_MS = at('2024-04-12T12:00:00Z');
const scenario = {
    sites: SITES,
    requests,
    facts,
    beginMs: requests[0].atMs - HOUR,
    endMs: END_MS,
    first: '2022-09-01',
    last: '2024-04-12',
};
const reference = new Reference({ ...scenario, nowMs: END_MS });
const clock = new FakeClock(scenario.beginMs);
const runs = ScenarioRun.ofEachShape();

before(async () => {
    await replay(runs, scenario, clock, 0);
    for (const run of runs) {
        await run.stop();
        await run.serve('0');
    }
});

after(() => Promise.all(runs.map((run) => run.stop())));

/** Twice: with a site's days as the job has packed them, and from their rows. `body` is given what
 *  asks. */
function inEachShape(id, name, body) {
    for (const run of runs)
        test(`${name} (${run.shape})`, async () => {
            const ask = (path, params) => run.ask('alpha', `/api/analytics/${path}`, params);
            clock.set(END_MS);
            await run.abacus.aggregate();
            await body(ask);
            await run.unpack(SITES.filter((one) => one.id === id));
            clock.set(END_MS + 20 * MINUTE); // no answer is remembered so long
            await body(ask);
        });
}

function compareCounts(differences, where, actual, counts, metrics) {
    for (const metric of metrics) {
        const expected = value(counts, metric);
        const holds = same(actual[metric], expected, metric);
        differences.equal(`${where} ${metric}`, actual[metric], expected, holds);
    }
}

// -- days ----------------------------------------------------------------------------------------

const DIMENSIONS = [
    ...['page', 'event', 'goal', 'entryPage', 'exitPage'],
    ...['source', 'browser', 'device'],
];

async function compareDay(ask, differences, id, date, against, more = {}) {
    for (const dimension of DIMENSIONS) {
        const where = `${id} ${date} ${dimension}`;
        const params = { siteId: id, from: date, to: date, dimension };
        const expected = breakdown(against, { ...params, site: id, ...more });
        compareBreakdown(differences, where, await ask('breakdown', params), expected);
    }
}

async function compareTotals(ask, differences, id, from, to, against) {
    const stats = await ask('stats', { siteId: id, from, to });
    compareCounts(differences, id, stats, against.range([id], from, to), METRICS);
    for (const row of stats.days) {
        const counts = against.day(id, row.date);
        compareCounts(differences, `${id} ${row.date}`, row, counts, DAY_METRICS);
    }
}

for (const { id, date, hours, begin } of CLOCK_CHANGES)
    inEachShape(id, `${id}: on ${date} and beside it, hours, days and breakdowns are exact`, async (ask) => {
        const differences = new Differences();
        const [from, to] = [addDays(date, -1), addDays(date, 1)];
        const day = await ask('timeseries', { siteId: id, from: date, to: date });
        assert.equal(day.points.length, hours);
        assert.deepEqual(day.points.slice(0, 2).map(({ time }) => time), begin);
        await compareTotals(ask, differences, id, from, to, reference);
        for (const metric of ['pageviews', 'visits', 'uniqueVisitors', 'visitDuration']) {
            const asked = { siteId: id, metric, interval: 'hour', from, to };
            const { points } = await ask('timeseries', asked);
            const wanted = reference.series(id, from, to, 'hour');
            differences.equal(
                `${id} hours`,
                points.map(({ time }) => time).join(),
                wanted.map(({ time }) => time).join(),
            );
            wanted.forEach(({ time, counts }, i) => {
                const number = value(counts, metric);
                const holds = same(points[i]?.value, number, metric);
                differences.equal(`${id} ${time} ${metric}`, points[i]?.value, number, holds);
            });
        }
        for (const each of datesOf(from, to))
            await compareDay(ask, differences, id, each, reference);
        differences.none(500);
    });

// -- visits --------------------------------------------------------------------------------------

const rowOf = ({ rows }, name) => rows.find((row) => row.value === name);

function members(row, names) {
    return Object.fromEntries(names.map((name) => [name, row?.[name]]));
}

inEachShape('midnight', 'a visit over midnight has its source and entry from before, its exit from after, and page views on both days', async (ask) => {
    const [before, after] = ['2024-04-09', '2024-04-10'];
    const of = (date, dimension) =>
        ask('breakdown', { siteId: 'midnight', from: date, to: date, dimension });
    const numbers = ['visitors', 'pageviews', 'visits'].concat(
        ['bounceRate', 'visitDuration', 'conversions'], // in the order of `expected`
    );
    const check = async (date, dimension, name, ...expected) => {
        const row = rowOf(await of(date, dimension), name);
        assert.deepEqual(
            members(row, numbers),
            Object.fromEntries(numbers.map((number, i) => [number, expected[i]])),
            `${date} ${dimension} ${name}`,
        );
    };
    await check(before, 'source', 'Google', 1, 1, 1, 0, 1800, 0);
    await check(before, 'source', '(direct)', 1, 1, 1, 1, 0, 0);
    await check(before, 'entryPage', '/', 2, 2, 2, 0.5, 900, 0);
    await check(before, 'exitPage', '/pricing', 1, 1, 1, 0, 1800, 0);
    await check(before, 'page', '/', 2, 2, 2, 0.5, 900, 0);
    assert.equal((await of(before, 'page')).total, 1);
    await check(after, 'source', 'Google', 1, 1, 0, 0, 0, 1);
    await check(after, 'entryPage', '/', 1, 1, 0, 0, 0, 1);
    await check(after, 'exitPage', '/pricing', 1, 1, 0, 0, 0, 1);
    await check(after, 'page', '/pricing', 1, 1, 1, 0, 1800, 1);
    assert.equal((await of(after, 'page')).total, 1);
    const stats = await ask('stats', { siteId: 'midnight', from: before, to: after });
    assert.deepEqual(members(stats, ['visits', 'uniqueVisitors', 'pageviews']), {
        visits: 2,
        uniqueVisitors: 3,
        pageviews: 3,
    });
});

inEachShape('reader', 'what was read of a page before midnight is of the visit that began after it', async (ask) => {
    const differences = new Differences();
    for (const [date, time] of [
        ['2024-04-09', 600],
        ['2024-04-10', 600],
    ]) {
        const params = { from: date, to: date, dimension: 'page', filter: 'source:is:Google' };
        const { rows } = await ask('breakdown', { siteId: 'reader', ...params });
        assert.equal(rowOf({ rows }, '/long')?.timeOnPage, time, date);
        await compareDay(ask, differences, 'reader', date, reference);
    }
    differences.none(50);
});

inEachShape('pauses', '29 minutes go on with a visit for hours, 30 do, 31 do not', async (ask) => {
    const of = async (date) => {
        const { rows } = await ask('breakdown', {
            ...{ siteId: 'pauses', from: date, to: date },
            dimension: 'device',
        });
        const names = ['pageviews', 'visits', 'bounceRate', 'visitDuration'];
        return rows.map((row) => members(row, names));
    };
    const visit = (pageviews, visits, bounceRate, visitDuration) => [
        { pageviews, visits, bounceRate, visitDuration },
    ];
    assert.deepEqual(await of('2024-04-10'), visit(8, 1, 0, 7 * 29 * 60));
    assert.deepEqual(await of('2024-04-11'), visit(2, 2, 1, 0));
    assert.deepEqual(await of('2024-04-12'), visit(2, 1, 0, 1800));
});

inEachShape('screen-in-a-hall', 'a visit that goes on for days is the same on each of them, whenever it was packed', async (ask) => {
    const differences = new Differences();
    for (const date of datesOf('2024-04-09', '2024-04-12'))
        await compareDay(ask, differences, 'screen-in-a-hall', date, reference);
    differences.none(100);
    // On a day in the middle it has lasted until that day's last event, at 23:55.
    const day = { siteId: 'screen-in-a-hall', from: '2024-04-10', to: '2024-04-10' };
    const { rows } = await ask('breakdown', { ...day, dimension: 'page' });
    assert.equal(rowOf({ rows }, '/board').visitDuration, 60 * 25 * 60);
    assert.equal(rowOf({ rows }, '/start').conversions, 1);
    const exits = await ask('breakdown', { ...day, dimension: 'exitPage' });
    assert.deepEqual(exits.rows.map((row) => row.value).sort(), ['/board', '/start']);
});

// -- values --------------------------------------------------------------------------------------

inEachShape('capped', 'what a day has beyond its cap is in "(other)", where everybody counts once', async (ask) => {
    const differences = new Differences();
    const filters = [[], ['device:is:desktop'], ['page:isNot:/1', 'device:isNot:tablet']];
    const parse = (text) => {
        const [dimension, op, ...rest] = text.split(':');
        return { dimension, op, value: rest.join(':') };
    };
    let others = 0;
    for (const filter of filters)
        for (const dimension of ['page', 'entryPage', 'exitPage', 'prop:shelf', 'browser', 'event'])
            for (const [from, to] of [
                ['2024-04-10', '2024-04-10'],
                ['2024-04-10', '2024-04-11'],
            ]) {
                const params = { siteId: 'capped', from, to, dimension, filter };
                const answer = await ask('breakdown', params);
                const asked = { site: 'capped', from, to, dimension, cap: CAP };
                const expected = breakdown(reference, { ...asked, filters: filter.map(parse) });
                others += expected.other ? 1 : 0;
                const where = `${dimension} ${from}..${to} ${filter}`;
                compareBreakdown(differences, where, answer, expected);
            }
    assert.ok(others > 20, `${others} have others`);
    differences.none(1000);
});

// -- goals ---------------------------------------------------------------------------------------

const LISTS_OF_GOALS = [
    undefined,
    [
        { name: 'Signup', event: 'signup' },
        { name: 'Thanked', path: '/thanks/*' },
        { name: 'Pro', event: 'form.submit', props: { plan: 'pro', seats: 2 } },
    ],
    [{ name: 'Signup', path: '/thanks/1' }],
    [],
];

for (const run of runs)
    test(`when goals change, conversions of the kept days are filled in again (${run.shape})`, async () => {
        const ask = (path, params) => run.ask('alpha', `/api/analytics/${path}`, params);
        const differences = new Differences();
        const [from, to] = ['2024-04-09', '2024-04-12'];
        let step = 0;
        for (const goals of [...LISTS_OF_GOALS, undefined]) {
            const text = goals === undefined ? '' : JSON.stringify(goals);
            await run.abacus.must(['site', 'set', 'goals', `goals=${text}`]);
            clock.set(END_MS + ++step * HOUR);
            await run.abacus.aggregate();
            const sites = SITES.map((one) => (one.id === 'goals' ? { ...one, goals } : one));
            const changed = new Reference({ ...scenario, sites, nowMs: END_MS });
            await compareTotals(ask, differences, 'goals', from, to, changed);
            for (const date of datesOf(from, to))
                await compareDay(ask, differences, 'goals', date, changed);
            for (const metric of ['conversions', 'converters', 'conversionRate']) {
                const asked = { siteId: 'goals', metric, interval: 'hour', from, to };
                const { points } = await ask('timeseries', asked);
                changed.series('goals', from, to, 'hour').forEach(({ time, counts }, i) => {
                    const number = value(counts, metric);
                    const holds = same(points[i].value, number, metric);
                    differences.equal(`${time} ${metric}`, points[i].value, number, holds);
                });
            }
        }
        differences.none(2000);
    });

test('everything that was asked was answered with the same JSON on one machine and on the platform', () => {
    const [machine, platform] = runs;
    assert.ok(machine.answers.size > 200);
    assert.deepEqual(differing(machine, platform).slice(0, 3), []);
});
