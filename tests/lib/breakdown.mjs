// The second calculation by value: rows of breakdowns, and what filters keep (CONTRACT,
// "Definitions"), from the events and visits of reference.mjs.
//
// A day is counted at a time, since visitors are distinct by day, by looking at each of its events.
// An event has a page, a name, properties and goals of its own; all other dimensions are its
// visit's. A filter is {dimension, op, value}; a dimension "prop:plan" is the property `plan`.

import { bytewise } from './reference.mjs';
import { datesOf } from './zones.mjs';

export const OF_EVENTS = ['page', 'event'];
export const OF_VISITS = [
    ...['entryPage', 'exitPage', 'referrer', 'source', 'channel'],
    ...['utmSource', 'utmMedium', 'utmCampaign', 'utmContent', 'utmTerm'],
    ...['country', 'browser', 'os', 'device', 'language', 'screen'],
];
export const OPERATORS = ['is', 'isNot', 'contains', 'startsWith'];

/** What a visit without a value is called; of the others it has no row. */
const ABSENT = {
    source: '(direct)',
    channel: 'Direct',
    country: '(unknown)',
    browser: '(unknown)',
    os: '(unknown)',
    device: '(unknown)',
    language: '(unknown)',
    screen: '(unknown)',
};

const isProp = (dimension) => dimension.startsWith('prop:');
/** Its rows say how many events there were. */
const hasEvents = (dimension) => dimension === 'event' || isProp(dimension);
/** Answered as long as visits are kept, else as long as raw events are. */
export const isOfVisits = (dimension) => dimension === 'goal' || OF_VISITS.includes(dimension);

export const filterText = ({ dimension, op, value }) => `${dimension}:${op}:${value}`;

// -- filters -------------------------------------------------------------------------------------

const SAYS = {
    is: (text, value) => text === value,
    isNot: (text, value) => text !== value,
    contains: (text, value) => text.includes(value),
    startsWith: (text, value) => text.startsWith(value),
};

const visitValue = (event, dimension) => event.visit.values[dimension] || (ABSENT[dimension] ?? '');

/** The value of an event's own; '' where there is none. */
function eventValue(event, dimension) {
    if (dimension === 'page') return event.page;
    if (dimension === 'event') return event.name;
    return ownProp(event, dimension) ?? '';
}

/** Engagement has no properties. */
const ownProp = (event, dimension) =>
    event.name === 'engagement' ? undefined : event.props[dimension.slice('prop:'.length)];

/** `met` are the goals that each visit met among the events looked at. A visit without any has the
 *  empty one. */
function holds({ dimension, op, value }, event, met) {
    if (dimension === 'goal') {
        if (!event.visit) return false;
        const goals = [...(met.get(event.visit) ?? [''])];
        if (op === 'isNot') return goals.every((goal) => goal !== value);
        return goals.some((goal) => SAYS[op](goal, value));
    }
    if (!isOfVisits(dimension)) return SAYS[op](eventValue(event, dimension), value);
    return event.visit !== undefined && SAYS[op](visitValue(event, dimension), value);
}

/** The events of a day that all filters keep, engagement included. With `hours`, only these (by
 *  their instants) are looked at. */
export function matching(reference, site, date, filters, hours) {
    const events = reference
        .eventsOf(site, date)
        .filter(({ hourMs }) => hours === undefined || hours.has(hourMs))
        .map((event) =>
            event.visit ? { ...event, visit: reference.visitOn(event.visit, date) } : event,
        );
    const met = new Map();
    for (const { visit, goals } of events)
        if (visit && goals.length > 0)
            met.set(visit, new Set([...(met.get(visit) ?? []), ...goals]));
    return events.filter((event) => filters.every((filter) => holds(filter, event, met)));
}

// -- totals --------------------------------------------------------------------------------------

/** The visits that began on `date`, of which one of `events` tells. */
function begun(events, date) {
    const seen = events.filter(({ name }) => name !== 'engagement').map(({ visit }) => visit);
    return [...new Set(seen)].filter((visit) => visit?.date === date);
}

/** The totals of what filters keep of a day. */
export function filteredDay(reference, site, date, filters, hours) {
    const events = matching(reference, site, date, filters, hours);
    return reference.count(events, begun(events, date));
}

export const filteredRange = (reference, site, from, to, filters) =>
    reference.sum(datesOf(from, to).map((date) => filteredDay(reference, site, date, filters)));

/** Of one local hour; which visits match is decided by the whole day. */
export function filteredHour(reference, site, date, hourMs, filters) {
    const events = matching(reference, site, date, filters);
    return reference.count(
        events.filter((event) => event.hourMs === hourMs),
        begun(events, date).filter((visit) => visit.hourMs === hourMs),
    );
}

// -- rows ----------------------------------------------------------------------------------------

/** Under which values an event counts. */
function valuesOf(event, dimension) {
    if (dimension === 'goal') return event.goals;
    if (isProp(dimension)) return [ownProp(event, dimension)].filter((text) => text !== undefined);
    if (!isOfVisits(dimension)) return [eventValue(event, dimension)].filter((text) => text !== '');
    return event.visit ? [visitValue(event, dimension)].filter((text) => text !== '') : [];
}

class DayRow {
    visitors = new Set();
    converters = new Set();
    visits = new Set();
    pageviews = 0;
    conversions = 0;
    events = 0;
    reads = new Map(); // who read a page in which run, or who knows: {seconds, scroll}

    add(event, dimension, date) {
        if (event.name === 'engagement') {
            if (dimension === 'page') this.#read(event);
            return;
        }
        const isView = event.name === 'pageview';
        if (isView) this.pageviews += event.count;
        if (hasEvents(dimension)) this.events += event.count;
        if (event.goals.length > 0) this.conversions += event.count;
        if (event.who === null) return;
        if (event.goals.length > 0) this.converters.add(event.who);
        if (dimension === 'page' && !isView) return;
        this.visitors.add(event.who);
        if (!isOfVisits(dimension) || event.visit.date === date) this.visits.add(event.visit);
    }

    #read(event) {
        const reader = `${event.page} ${event.run?.[0].timeMs} ${event.who}`;
        const key = event.who === null ? event : reader;
        const read = this.reads.get(key) ?? { seconds: 0, scroll: null };
        read.seconds += event.seconds;
        if (event.scroll !== undefined) read.scroll = Math.max(read.scroll ?? 0, event.scroll);
        this.reads.set(key, read);
    }

    numbers() {
        const visits = [...this.visits];
        const reads = [...this.reads.values()];
        const scrolls = reads.map(({ scroll }) => scroll).filter((scroll) => scroll !== null);
        const sum = (list) => list.reduce((a, b) => a + b, 0);
        return {
            visitors: this.visitors.size,
            pageviews: this.pageviews,
            visits: visits.length,
            bounces: visits.filter(({ bounce }) => bounce).length,
            visitMs: sum(visits.map(({ ms }) => ms)),
            conversions: this.conversions,
            converters: this.converters.size,
            engaged: reads.length,
            seconds: sum(reads.map(({ seconds }) => seconds)),
            scrolled: scrolls.length,
            scroll: sum(scrolls),
            events: this.events,
        };
    }
}

/** In the order of answers: [value, {visitors, pageviews}] */
const byRank = ([a, x], [b, y]) =>
    y.visitors - x.visitors || y.pageviews - x.pageviews || bytewise(a, b);
const byEvents = (one, other) => other[1].events - one[1].events || byRank(one, other);

function countDay(events, dimension, date, wanted = () => true) {
    const rows = new Map();
    for (const event of events)
        for (const value of valuesOf(event, dimension)) {
            const name = wanted(value);
            if (name === false) continue;
            const key = name === true ? value : name;
            if (!rows.has(key)) rows.set(key, new DayRow());
            rows.get(key).add(event, dimension, date);
        }
    const list = [...rows].map(([value, row]) => [value, row.numbers()]);
    return list.filter(([, row]) => Object.values(row).some((n) => n !== 0));
}

/** A day's rows of at most `cap` values; those of the rest are counted as one, "(other)". */
function cappedDay(events, dimension, date, cap) {
    const rows = countDay(events, dimension, date).sort(byRank);
    if (rows.length <= cap) return rows;
    const rest = new Set(rows.slice(cap).map(([value]) => value));
    const other = countDay(events, dimension, date, (value) => rest.has(value) && '(other)');
    return [...rows.slice(0, cap), ...other];
}

function addRow(sums, value, row) {
    const sum = sums.get(value) ?? {};
    for (const [name, n] of Object.entries(row)) sum[name] = (sum[name] ?? 0) + n;
    sums.set(value, sum);
}

/** {rows: [{value, visitors, ...}], total, other} as they are answered, but not rounded. */
export function breakdown(reference, ask) {
    const { site, from, to, dimension, filters = [], search = '', cap = 10_000 } = ask;
    const sums = new Map();
    let visitors = 0;
    for (const date of datesOf(from, to)) {
        const events = matching(reference, site, date, filters);
        visitors += reference.count(events, []).uniqueVisitors;
        for (const [value, row] of cappedDay(events, dimension, date, cap))
            addRow(sums, value, row);
    }
    const other = sums.get('(other)');
    sums.delete('(other)');
    const { limit = 100, offset = 0, sort } = ask;
    const found = [...sums]
        .filter(([value]) => lower(value).includes(lower(search)))
        .sort(sort === 'events' ? byEvents : byRank);
    return {
        rows: found.slice(offset, offset + limit).map((row) => answerOf(row, dimension, visitors)),
        total: found.length,
        other: other ? answerOf(['(other)', other], dimension, visitors) : null,
    };
}

const lower = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function answerOf([value, row], dimension, visitors) {
    const per = (part, whole) => (whole === 0 ? 0 : part / whole);
    const answer = {
        value,
        visitors: row.visitors,
        pageviews: row.pageviews,
        visits: row.visits,
        bounceRate: per(row.bounces, row.visits),
        visitDuration: per(row.visitMs / 1000, row.visits),
        conversions: row.conversions,
        conversionRate: per(row.converters, dimension === 'goal' ? visitors : row.visitors),
        percent: 100 * per(row.visitors, visitors),
    };
    if (hasEvents(dimension)) return { ...answer, events: row.events };
    if (dimension !== 'page') return answer;
    return {
        ...answer,
        timeOnPage: row.engaged === 0 ? null : row.seconds / row.engaged,
        scrollDepth: row.scrolled === 0 ? null : row.scroll / row.scrolled,
    };
}

// -- properties ----------------------------------------------------------------------------------

/** Those that events of the range carry, as they are answered. */
export function properties(reference, { site, from, to }) {
    const names = datesOf(from, to)
        .flatMap((date) => reference.eventsOf(site, date))
        .filter(({ name }) => name !== 'engagement')
        .flatMap(({ props }) => Object.keys(props));
    return [...new Set(names)].sort(bytewise);
}

// -- comparing -----------------------------------------------------------------------------------

/** Numbers are rounded to 4 decimals. */
const near = (actual, expected) =>
    actual === expected ||
    (typeof actual === 'number' &&
        typeof expected === 'number' &&
        !Number.isInteger(expected) &&
        Math.abs(actual - expected) <= 0.00005 + 1e-9);

function compareRow(differences, where, actual, expected) {
    differences.equal(`${where} members`, keysOf(actual), keysOf(expected));
    for (const [name, number] of Object.entries(expected ?? {}))
        differences.equal(`${where} ${name}`, actual?.[name], number, near(actual?.[name], number));
}

const keysOf = (row) => (row ? Object.keys(row).join() : null);

/** Every member of every row of an answer, and their order. */
export function compareBreakdown(differences, where, actual, expected) {
    differences.equal(`${where} total`, actual.total, expected.total);
    differences.equal(
        `${where} values`,
        JSON.stringify(actual.rows.map(({ value }) => value)),
        JSON.stringify(expected.rows.map(({ value }) => value)),
    );
    expected.rows.forEach((row, i) =>
        compareRow(differences, `${where} ${row.value}`, actual.rows[i], row),
    );
    compareRow(differences, `${where} other`, actual.other, expected.other);
}
