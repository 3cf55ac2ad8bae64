// Breakdowns by every dimension, filters of every kind and pairs of them: each number that is
// answered equals the second calculation, in both shapes, whose answers are the same JSON.
//
// Everything is asked three times: while the days are counted from their raw rows, when they are
// packed, and, as far as it can still be answered, when the raw rows are gone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { query } from '../lib/abacus.mjs';
import {
    breakdown,
    compareBreakdown,
    filteredDay,
    filteredHour,
    filteredRange,
    filterText,
    isOfVisits,
    OF_EVENTS,
    OF_VISITS,
    OPERATORS,
    properties,
} from '../lib/breakdown.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Differences } from '../lib/diff.mjs';
import { Random } from '../lib/random.mjs';
import { METRICS, Reference, same, value } from '../lib/reference.mjs';
import { BEGIN_MS, END_MS, FIRST_DATE, LAST_DATE, makeScenario } from '../lib/scenario.mjs';
import { differing, replay, ScenarioRun } from '../lib/replay.mjs';
import { addDays, datesOf, hoursOf, localHourOfDay } from '../lib/zones.mjs';

const DAY_MS = 86_400_000;
/** The first day that filters on events reach, in every zone: raw rows are kept for 30 days. */
const RAW_FROM = '2026-03-09';
const SINGLE_DAYS = ['2026-03-29', '2026-04-05'];
const PROPS = ['prop:plan', 'prop:trial', 'prop:seats', 'prop:note'];
const DIMENSIONS = [...OF_EVENTS, ...PROPS.slice(0, 1), ...PROPS.slice(2), 'goal', ...OF_VISITS];
/** Those whose days end in the most different ways, and those with goals of their own. */
const MOST_ASKED = ['berlin-shop', 'auckland'];

const scenario = makeScenario({ seed: 11, people: 90, sessions: 5, backends: 350 });
const reference = new Reference({ ...scenario, nowMs: END_MS });
const sites = scenario.sites.slice(0, 6);
const clock = new FakeClock(BEGIN_MS);
const runs = ScenarioRun.ofEachShape();

// -- what is asked -------------------------------------------------------------------------------

const random = new Random(12);

/** What a breakdown of the whole range has, by site and dimension. */
const known = new Map();
function valuesOf(site, dimension) {
    const key = `${site} ${dimension}`;
    if (!known.has(key)) {
        const ask = { site, from: RAW_FROM, to: LAST_DATE, dimension, limit: 1000 };
        const { rows } = breakdown(reference, ask);
        known.set(key, rows.map((row) => row.value).filter((text) => text !== ''));
    }
    return known.get(key);
}

/** A filter that says something of the site's own values: pieces of one of them. */
function filterOn(site, dimension, op) {
    const values = valuesOf(site, dimension).slice(0, 8);
    const whole = values.length > 0 ? random.pick(values) : 'nothing';
    const characters = [...whole];
    const from = op === 'contains' ? random.int(0, characters.length - 1) : 0;
    const to = random.int(from + 1, characters.length);
    const pieces = op === 'contains' || op === 'startsWith';
    return { dimension, op, value: pieces ? characters.slice(from, to).join('') : whole };
}

function* plainQuestions() {
    for (const { id } of sites)
        for (const [from, to] of [[FIRST_DATE, LAST_DATE], ...SINGLE_DAYS.map((day) => [day, day])])
            yield { path: 'properties', site: id, from, to };
    for (const { id } of sites)
        for (const dimension of DIMENSIONS) {
            yield { path: 'breakdown', site: id, from: FIRST_DATE, to: LAST_DATE, dimension };
            if (!MOST_ASKED.includes(id)) continue;
            for (const date of SINGLE_DAYS)
                yield { path: 'breakdown', site: id, from: date, to: date, dimension };
        }
}

function* windowQuestions() {
    const page = { path: 'breakdown', site: 'berlin-shop', from: FIRST_DATE, to: LAST_DATE };
    for (const more of [
        { dimension: 'page', limit: 3 },
        { dimension: 'page', limit: 5, offset: 4 },
        { dimension: 'page', limit: 1000, offset: 2 },
        { dimension: 'page', offset: 1_000_000 },
        { dimension: 'page', search: '/P/1' },
        { dimension: 'page', search: 'über', limit: 1 },
        { dimension: 'page', search: 'no such page' },
        { dimension: 'source', search: 'OO', limit: 1, offset: 1 },
        { dimension: 'channel', search: 'organic' },
        { dimension: 'country', search: '(' },
        { dimension: 'event', sort: 'events' },
        { dimension: 'prop:plan', sort: 'events' },
        { dimension: 'prop:seats', sort: 'events', limit: 3, offset: 1 },
        // A day on which nobody but a server sent one of them.
        { site: 'howe', from: '2026-04-05', to: '2026-04-05', dimension: 'event', sort: 'events' },
    ])
        yield { ...page, ...more };
    const filters = [{ dimension: 'device', op: 'is', value: 'desktop' }];
    yield { ...page, from: RAW_FROM, dimension: 'page', search: 'd', limit: 2, offset: 1, filters };
}

/** The same filters asked of a breakdown, and of totals or a series in turn. */
function* filteredQuestions() {
    const sets = [];
    for (const dimension of [...DIMENSIONS, 'prop:trial'])
        for (const op of OPERATORS) sets.push([[dimension, op]]);
    const operator = () => random.pick(OPERATORS);
    for (const own of [...OF_EVENTS, 'prop:plan', 'goal'])
        for (const visits of OF_VISITS)
            sets.push([
                [own, operator()],
                [visits, operator()],
            ]);
    for (let i = 0; i < 40; i++)
        sets.push([0, 1].map(() => [random.pick(DIMENSIONS), operator()]));
    for (const [i, set] of sets.entries()) {
        const site = random.chance(0.5) ? random.pick(MOST_ASKED) : random.pick(sites).id;
        const filters = set.map(([dimension, op]) => filterOn(site, dimension, op));
        const day = random.pick(SINGLE_DAYS);
        const range = random.chance(0.6)
            ? { from: RAW_FROM, to: addDays(LAST_DATE, -1) }
            : { from: day, to: day };
        const asked = { site, ...range, filters };
        yield { path: 'breakdown', ...asked, dimension: DIMENSIONS[i % DIMENSIONS.length] };
        if (i % 3 === 0) yield { path: 'stats', ...asked };
        if (i % 3 === 1) yield { path: 'timeseries', ...asked, metric: random.pick(METRICS) };
        if (i % 3 === 2) yield { path: 'compare', ...asked, from: day, to: day };
    }
}

const lasting = [...plainQuestions(), ...windowQuestions(), ...filteredQuestions()];

/** Today is compared with a part of a day, which no later day does. */
const running = sites.flatMap(({ id }) =>
    ['page', 'goal', 'event', 'device', 'channel'].map((dimension) => ({
        path: 'compare',
        site: id,
        from: LAST_DATE,
        to: LAST_DATE,
        filters: [filterOn(id, dimension, random.pick(OPERATORS))],
    })),
);

/** What is answered from visits and rollups alone: hours and parts of days are not. */
const isOfKeptVisits = ({ path, dimension, filters = [], from, to }) =>
    filters.length === 0 ||
    (filters.every((filter) => isOfVisits(filter.dimension)) &&
        (dimension === undefined || isOfVisits(dimension)) &&
        !(path === 'timeseries' && from === to));

const tenantOf = (site) => scenario.sites.find(({ id }) => id === site).tenant;

/** What an answer says of the clock it was given at is left out. */
async function answerOf(run, { path, site, filters = [], ...params }) {
    const answer = await run.ask(tenantOf(site), `/api/analytics/${path}`, {
        siteId: site,
        ...params,
        filter: filters.map(filterText),
    });
    const { asOf, availableFrom, filterableFrom, ...said } = answer;
    return said;
}

// -- what is to be answered ----------------------------------------------------------------------

function compareTotals(differences, where, actual, counts) {
    for (const metric of METRICS) {
        const expected = value(counts, metric);
        const holds = same(actual?.[metric], expected, metric);
        differences.equal(`${where} ${metric}`, actual?.[metric], expected, holds);
    }
}

function compareStats(differences, where, answer, { site, from, to, filters }) {
    compareTotals(differences, where, answer, filteredRange(reference, site, from, to, filters));
    for (const { date, pageviews, uniqueVisitors } of answer.days) {
        const counts = filteredDay(reference, site, date, filters);
        differences.equal(`${where} ${date} pageviews`, pageviews, counts.pageviews);
        differences.equal(`${where} ${date} visitors`, uniqueVisitors, counts.uniqueVisitors);
    }
}

function compareSeries(differences, where, { points }, { site, from, to, filters, metric }) {
    const { zone } = scenario.sites.find(({ id }) => id === site);
    const expected =
        from === to
            ? hoursOf(zone, from, to).map((ms) => ({
                  time: new Date(ms).toISOString(),
                  counts: filteredHour(reference, site, from, ms, filters),
              }))
            : datesOf(from, to).map((date) => ({
                  time: date,
                  counts: filteredDay(reference, site, date, filters),
              }));
    differences.equal(`${where} points`, points.length, expected.length);
    expected.forEach(({ time, counts }, i) => {
        const number = value(counts, metric);
        const actual = points[i];
        differences.equal(`${where} time`, Date.parse(actual?.time), Date.parse(time));
        differences.equal(
            `${where} ${time}`,
            actual?.value,
            number,
            same(actual?.value, number, metric),
        );
    });
}

/** A single day with the one before, which ends at the same hour where the day is still running. */
function compareChange(differences, where, answer, { site, from, filters }) {
    const current = filteredDay(reference, site, from, filters);
    compareTotals(differences, `${where} current`, answer.current, current);
    const earlier = addDays(from, -1);
    const { zone } = scenario.sites.find(({ id }) => id === site);
    const until = localHourOfDay(zone, END_MS);
    const hours =
        from === LAST_DATE
            ? new Set(
                  hoursOf(zone, earlier, earlier).filter((ms) => localHourOfDay(zone, ms) <= until),
              )
            : undefined;
    const previous = filteredDay(reference, site, earlier, filters, hours);
    compareTotals(differences, `${where} previous`, answer.previous, previous);
    const { absolute } = answer.change.pageviews;
    differences.equal(`${where} change`, absolute, current.pageviews - previous.pageviews);
}

const COMPARE = {
    breakdown: (differences, where, answer, asked) =>
        compareBreakdown(differences, where, answer, breakdown(reference, asked)),
    stats: compareStats,
    properties: (differences, where, answer, asked) => {
        const names = properties(reference, asked);
        differences.equal(where, JSON.stringify(answer.properties), JSON.stringify(names));
        differences.equal(`${where} total`, answer.total, names.length);
    },
    timeseries: compareSeries,
    compare: compareChange,
};

const nameOf = ({ filters = [], ...rest }) =>
    `${Object.values(rest).join(' ')} ${filters.map(filterText).join(' & ')}`;

// -- days ----------------------------------------------------------------------------------------

const countOf = async ({ abacus }, from) =>
    Number(await abacus.sql(`SELECT count(*) FROM ${from};`));

/** So many days later the job has run. */
async function later(run, days) {
    clock.set(END_MS + days * DAY_MS);
    await run.servers[0].ready();
    await run.abacus.aggregate();
}

const firstAnswers = new Map(runs.map((run) => [run, new Map()]));

before(async () => {
    const refused = reference.facts.filter(({ outcome }) => outcome.startsWith('rejected:')).length;
    await replay(runs, scenario, clock, refused);
    for (const run of runs) {
        await run.stop();
        await run.unpack(sites);
        await run.serve('0');
    }
});

after(() => Promise.all(runs.map((run) => run.stop())));

/** `body` is given the run. */
function inEachShape(name, body) {
    for (const run of runs) test(`${name} (${run.shape})`, () => body(run));
}

test('what is asked says something: filters keep some, and every value of a dimension occurs', () => {
    const filtered = lasting.filter(
        ({ path, filters = [] }) => path === 'breakdown' && filters.length > 0,
    );
    const found = filtered.filter((asked) => breakdown(reference, asked).rows.length > 0);
    assert.ok(filtered.length > 150);
    assert.ok(found.length > filtered.length / 2, `${found.length} of ${filtered.length}`);
    for (const dimension of DIMENSIONS)
        assert.ok(valuesOf('berlin-shop', dimension).length >= 2, dimension);
    const asked = { site: 'berlin-shop', from: FIRST_DATE, to: LAST_DATE };
    assert.ok(PROPS.every((name) => properties(reference, asked).includes(name.slice(5))));
    const sorted = lasting.filter(({ sort }) => sort === 'events');
    const [byEvents, byVisitors] = [sorted, sorted.map(({ sort, ...rest }) => rest)].map((list) =>
        list.map((one) => breakdown(reference, one).rows),
    );
    assert.ok(byEvents.some((rows, i) => !isDeepStrictEqual(rows, byVisitors[i])));
    assert.ok(byEvents.flat().some(({ visitors, events }) => visitors === 0 && events > 0));
});

inEachShape('days that are counted from their rows: every member of every answer is exact', async (run) => {
    assert.ok((await countOf(run, 'due_days')) > 50);
    assert.equal(await countOf(run, 'packs WHERE part >= 200'), 0);
    const differences = new Differences();
    for (const asked of [...lasting, ...running]) {
        const answer = await answerOf(run, asked);
        COMPARE[asked.path](differences, nameOf(asked), answer, asked);
        firstAnswers.get(run).set(asked, answer);
    }
    differences.none(20_000);
});

/** Ask again what is expected to be answered as it was; says what is not. */
async function askAgain(run, questions) {
    const changed = [];
    for (const asked of questions) {
        const [now, first] = [await answerOf(run, asked), firstAnswers.get(run).get(asked)];
        if (!isDeepStrictEqual(now, first)) changed.push({ asked: nameOf(asked), now, first });
    }
    assert.deepEqual(
        changed.slice(0, 2),
        [],
        `${changed.length} of ${questions.length} answers have changed`,
    );
}

inEachShape('days that are packed answer the same', async (run) => {
    await later(run, 1);
    const lastDay = Date.parse(LAST_DATE) / DAY_MS;
    assert.equal(await countOf(run, `due_days WHERE day < ${lastDay}`), 0);
    assert.ok((await countOf(run, 'packs')) > 50);
    await askAgain(run, lasting);
});

inEachShape('when raw rows are gone, visits and rollups still answer the same', async (run) => {
    await later(run, 45);
    assert.equal(await countOf(run, 'analytics_events'), 0);
    assert.equal(await countOf(run, 'packs WHERE part >= 200'), 0);
    const kept = lasting.filter(isOfKeptVisits);
    const lost = lasting.filter((asked) => !isOfKeptVisits(asked));
    assert.ok(kept.length > 200 && lost.length > 100);
    await askAgain(run, kept);
    for (const { path, site, filters, ...params } of lost.slice(0, 10)) {
        const question = query(`/api/analytics/${path}`, {
            siteId: site,
            ...params,
            filter: filters.map(filterText),
        });
        const { status } = await run.reader.get(question, run.tokens[tenantOf(site)]);
        assert.equal(status, 422, question);
    }
});

test('everything that was asked was answered with the same JSON on one machine and on the platform', () => {
    const [machine, platform] = runs;
    assert.ok(machine.answers.size > 500);
    assert.deepEqual(differing(machine, platform).slice(0, 3), []);
});
