// The second calculation: every number that Abacus answers, from what was sent alone.
//
// Follows CONTRACT ("Definitions") by brute force: dates and hours by Intl, distinct visitors
// by tuple, visits by sorting. Shares nothing with the server. What was sent is a list of
// facts:
//
//     {site, name, timeMs, receivedMs, count, tokens, visitor: {ip, userAgent} | null, id?,
//      outcome, path, seconds, scroll, props, screen, referrer, traits}
//
// where outcome is 'stored', 'dropped:REASON' (of a robot 'dropped:bot:KIND') or 'rejected:REASON',
// as the sender knows it from the contract; which of several facts with the same id counts is found
// out here. `referrer` is the text that is kept of it, and `traits` are the words that headers,
// address, referrer and query stand for, as the sender knows them. Of refused facts only site,
// receivedMs and outcome matter.
//
// breakdown.mjs counts by value, and what filters keep.

import {
    addDays,
    datesOf,
    dayStart,
    daysBetween,
    hoursOf,
    hourStart,
    localDate,
    localHourOfDay,
    weekday,
} from './zones.mjs';

export const VISIT_PAUSE_MS = 30 * 60_000;
const DUPLICATE_MS = 24 * 3_600_000;

export const COUNTS = [
    'pageviews',
    'uniqueVisitors',
    'visits',
    'conversions',
    'converters',
    'unattributedConversions',
    'leads',
    'forms',
    'exports',
    'automationRuns',
    'aiTokens',
];
export const RATES = ['viewsPerVisit', 'bounceRate', 'visitDuration', 'conversionRate'];
export const METRICS = [...COUNTS, ...RATES];
/** The metrics of a row of AnalyticsDailyStats. */
export const DAY_METRICS = [
    'pageviews',
    'uniqueVisitors',
    'leads',
    'forms',
    'exports',
    'automationRuns',
    'aiTokens',
];

/** What is known of a visit, in the order that tells apart what else is the same. */
export const TRAITS = [
    ...['source', 'channel', 'utmSource', 'utmMedium', 'utmCampaign', 'utmContent', 'utmTerm'],
    ...['country', 'browser', 'os', 'device', 'language'],
];

const ZERO = {
    pageviews: 0,
    uniqueVisitors: 0,
    visits: 0,
    conversions: 0,
    converters: 0,
    unattributedConversions: 0,
    leads: 0,
    forms: 0,
    exports: 0,
    automationRuns: 0,
    aiTokens: 0,
    bounces: 0,
    visitMs: 0,
    visitPageviews: 0,
};

/** Which count an event adds its `count` to. */
const COUNTED_AS = {
    pageview: 'pageviews',
    'lead.created': 'leads',
    'form.submit': 'forms',
    'export.completed': 'exports',
    'automation.run': 'automationRuns',
};

/** The part of an address that is left: three bytes of IPv4, three groups of IPv6. */
export function cutAddress(ip) {
    if (ip.includes('.')) return ip.split('.').slice(0, 3).join('.');
    const [head, tail = ''] = ip.split('::');
    const left = head === '' ? [] : head.split(':');
    const right = tail === '' ? [] : tail.split(':');
    const zeros = ip.includes('::') ? Array(8 - left.length - right.length).fill('0') : [];
    return [...left, ...zeros, ...right]
        .slice(0, 3)
        .map((group) => parseInt(group, 16).toString(16))
        .join(':');
}

/** A path as pages are named by it. */
const pageOf = (path = '') => path.split(/[?#]/)[0];

export const bytewise = (a, b) => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Events of a visitor in their order: by name, path and referrer where they share a millisecond,
 *  then by what else is kept of them. */
function inOrder(a, b) {
    const texts = (event) => [
        ...[event.name, event.page, event.referrer, event.screen],
        ...TRAITS.map((trait) => event.traits[trait] ?? ''),
    ];
    if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
    const [x, y] = [texts(a), texts(b)];
    return x.map((text, i) => bytewise(text, y[i])).find((order) => order !== 0) ?? 0;
}

const DEFAULT_GOALS = [{ name: 'lead.created', event: 'lead.created' }];

function meets(goal, { name, page, props }) {
    if (name === 'engagement' || name !== (goal.event ?? 'pageview')) return false;
    if (goal.path?.endsWith('*') && !page.startsWith(goal.path.slice(0, -1))) return false;
    if (goal.path && !goal.path.endsWith('*') && page !== goal.path) return false;
    return Object.entries(goal.props ?? {}).every(([key, text]) => props[key] === String(text));
}

export class Reference {
    /** sites: [{id, tenant, zone, goals?}]. nowMs is the clock when the answers are read. */
    constructor({ sites, facts, nowMs }) {
        this.sites = new Map(sites.map((site) => [site.id, site]));
        this.nowMs = nowMs;
        this.facts = facts.map((fact) => this.#place(fact));
        this.#dropDuplicates();
        this.events = new Map(sites.map(({ id }) => [id, []]));
        for (const fact of this.facts)
            if (fact.outcome === 'stored') this.events.get(fact.site).push(fact);
        this.visits = new Map(sites.map(({ id }) => [id, this.#visitsOf(id)]));
    }

    /** Copy a fact with its local date and hour, its visitor as one text, its page and the names
     *  of the goals that it meets. */
    #place(fact) {
        const { zone, goals = DEFAULT_GOALS } = this.sites.get(fact.site);
        const at = fact.outcome.startsWith('rejected:') ? fact.receivedMs : fact.timeMs;
        const who = fact.visitor
            ? `${cutAddress(fact.visitor.ip)} ${fact.visitor.userAgent}`
            : null;
        const props = Object.entries(fact.props ?? {}).map(([key, text]) => [key, String(text)]);
        const placed = {
            ...{ count: 1, tokens: 0, seconds: 0, referrer: '', screen: '', traits: {} },
            ...fact,
            who,
            date: localDate(zone, at),
            hourMs: hourStart(zone, at),
            page: pageOf(fact.path),
            props: Object.fromEntries(props),
        };
        placed.goals = goals.filter((goal) => meets(goal, placed)).map(({ name }) => name);
        return placed;
    }

    /** In the order received; of the same id within 24 hours of the copy that counts, the later
     *  ones are dropped. */
    #dropDuplicates() {
        const counted = new Map();
        for (const fact of this.facts) {
            if (fact.outcome !== 'stored' || fact.id === undefined) continue;
            const key = `${fact.site} ${fact.id}`;
            const before = counted.get(key);
            if (before !== undefined && fact.receivedMs - before <= DUPLICATE_MS)
                fact.outcome = 'dropped:duplicate';
            else counted.set(key, fact.receivedMs);
        }
    }

    /** The events of a site that happened on a local date. */
    eventsOf(site, date) {
        this.byDay ??= new Map(
            [...this.sites.keys()].map((id) => [id, groupBy(this.events.get(id))]),
        );
        return this.byDay.get(site).get(date) ?? [];
    }

    #visitsOf(site) {
        const byVisitor = new Map();
        for (const event of this.events.get(site)) {
            if (event.who === null) continue;
            if (!byVisitor.has(event.who)) byVisitor.set(event.who, []);
            byVisitor.get(event.who).push(event);
        }
        const visits = [];
        for (const events of byVisitor.values()) {
            events.sort(inOrder);
            let run = [];
            for (const event of events) {
                if (run.length > 0 && event.timeMs - run[run.length - 1].timeMs > VISIT_PAUSE_MS) {
                    visits.push(...this.#visitOf(site, run));
                    run = [];
                }
                run.push(event);
            }
            visits.push(...this.#visitOf(site, run));
        }
        return visits;
    }

    /** The visit of a run, if it has one: it begins with the first event that is not engagement.
     *  Its events know it from then on, and those that convert the page that they belong to. */
    #visitOf(site, run) {
        const real = run.filter((event) => event.name !== 'engagement');
        for (const event of run) event.run = run;
        if (real.length === 0) return [];
        const beginMs = real[0].timeMs;
        const views = real.filter((event) => event.name === 'pageview');
        const { zone } = this.sites.get(site);
        const visit = {
            beginMs,
            date: localDate(zone, beginMs),
            hourMs: hourStart(zone, beginMs),
            ms: run[run.length - 1].timeMs - beginMs,
            bounce: views.length === 1 && real.length === 1,
            values: valuesOf(views[0] ?? real[0], views),
            events: run,
        };
        let page = '';
        for (const event of run) {
            event.visit = visit;
            if (event.name === 'pageview') page = event.page;
            else if (event.goals.length > 0 && event.page === '') event.page = page;
        }
        return [visit];
    }

    /** What of a visit is known on a local date: where it began on an earlier one, it is no bounce,
     *  and has lasted, and come, as far as that day's events tell. */
    visitOn(visit, date) {
        if (visit.date === date) return visit;
        visit.days ??= new Map();
        if (!visit.days.has(date)) {
            const events = visit.events.filter((event) => event.date <= date);
            const views = events.filter(({ name }) => name === 'pageview');
            visit.days.set(date, {
                ...visit,
                bounce: false,
                ms: Math.max(0, events.at(-1).timeMs - visit.beginMs),
                values: { ...visit.values, exitPage: views.at(-1)?.page ?? '' },
            });
        }
        return visit.days.get(date);
    }

    /** Counts of one set of events and visits: distinct within it. */
    count(events, visits) {
        const sum = { ...ZERO };
        const visitors = new Set();
        const converters = new Set();
        for (const event of events) {
            if (event.name === 'engagement') continue;
            const as = COUNTED_AS[event.name];
            if (as !== undefined) sum[as] += event.count;
            if (event.name === 'ai.usage') sum.aiTokens += event.tokens * event.count;
            const converts = event.goals.length > 0;
            if (converts) sum.conversions += event.count;
            if (event.who === null) {
                if (converts) sum.unattributedConversions += event.count;
                continue;
            }
            visitors.add(event.who);
            if (converts) converters.add(event.who);
            if (event.name === 'pageview') sum.visitPageviews += event.count;
        }
        sum.uniqueVisitors = visitors.size;
        sum.converters = converters.size;
        for (const visit of visits) {
            sum.visits += 1;
            sum.bounces += visit.bounce ? 1 : 0;
            sum.visitMs += visit.ms;
        }
        return sum;
    }

    /** One local day of one site; with `hours`, only these hours (by their instants) of it. */
    day(site, date, hours) {
        const inside = (thing) =>
            thing.date === date && (hours === undefined || hours.has(thing.hourMs));
        return this.count(
            this.events.get(site).filter(inside),
            this.visits.get(site).filter(inside),
        );
    }

    hour(site, hourMs) {
        const inside = (thing) => thing.hourMs === hourMs;
        return this.count(
            this.events.get(site).filter(inside),
            this.visits.get(site).filter(inside),
        );
    }

    /** Sums over days and sites; unique visitors are distinct by site and day. */
    range(sites, from, to) {
        return this.sum(
            sites.flatMap((site) => datesOf(from, to).map((date) => this.day(site, date))),
        );
    }

    sum(list) {
        const sum = { ...ZERO };
        for (const one of list) for (const name of Object.keys(ZERO)) sum[name] += one[name];
        return sum;
    }

    today(site) {
        return localDate(this.sites.get(site).zone, this.nowMs);
    }

    /** What `from`..`to` is compared with. Where the range is still running, the earlier one
     *  ends at the same local hour: its last day counts the hours that begin before the same
     *  wall clock time. */
    earlier(site, from, to, against, custom) {
        const range = earlierRange(from, to, against, custom);
        const running = to === this.today(site);
        if (!running) return { ...range, counts: this.range([site], range.from, range.to) };
        const { zone } = this.sites.get(site);
        const hourNow = localHourOfDay(zone, this.nowMs);
        const hours = new Set(
            hoursOf(zone, range.to, range.to).filter((ms) => localHourOfDay(zone, ms) <= hourNow),
        );
        const whole =
            range.from < range.to ? [this.range([site], range.from, addDays(range.to, -1))] : [];
        return { ...range, counts: this.sum([...whole, this.day(site, range.to, hours)]) };
    }

    /** [{time, partial, counts}] of a time series. */
    series(site, from, to, interval) {
        const { zone } = this.sites.get(site);
        const endOf = (date) => dayStart(zone, addDays(date, 1));
        if (interval === 'hour') {
            const hours = hoursOf(zone, from, to);
            return hours.map((ms, i) => ({
                time: new Date(ms).toISOString(),
                partial: this.nowMs < (hours[i + 1] ?? endOf(to)),
                counts: this.hour(site, ms),
            }));
        }
        return buckets(from, to, interval).map(({ time, first, last, whole }) => ({
            time,
            partial: !whole || this.nowMs < endOf(last),
            counts: this.range([site], first, last),
        }));
    }

    /** {date: {received, stored, dropped: {reason: n}, rejected: {reason: n}, bots: {kind: n}}} of
     *  one site. */
    ledger(site, from, to) {
        const days = {};
        for (const date of datesOf(from, to))
            days[date] = { received: 0, stored: 0, dropped: {}, rejected: {}, bots: {} };
        for (const fact of this.facts) {
            if (fact.site !== site || days[fact.date] === undefined) continue;
            const day = days[fact.date];
            const [kind, reason, bot] = fact.outcome.split(':');
            day.received += 1;
            if (kind === 'stored') day.stored += 1;
            else day[kind][reason] = (day[kind][reason] ?? 0) + 1;
            if (bot !== undefined) day.bots[bot] = (day.bots[bot] ?? 0) + 1;
        }
        return days;
    }
}

function groupBy(events) {
    const days = new Map();
    for (const event of events) {
        if (!days.has(event.date)) days.set(event.date, []);
        days.get(event.date).push(event);
    }
    return days;
}

/** What a visit has from the event that it was entered with, and from its pageviews. A page of the
 *  site itself is no referrer. */
function valuesOf(entry, views) {
    return {
        ...entry.traits,
        screen: entry.screen,
        referrer: entry.referrer.includes('/') ? '' : entry.referrer,
        entryPage: views[0]?.page ?? '',
        exitPage: views.at(-1)?.page ?? '',
    };
}

/** The value of a metric, not rounded. */
export function value(counts, metric) {
    const rate = {
        viewsPerVisit: [counts.visitPageviews, counts.visits],
        bounceRate: [counts.bounces, counts.visits],
        visitDuration: [counts.visitMs / 1000, counts.visits],
        conversionRate: [counts.converters, counts.uniqueVisitors],
    }[metric];
    if (rate === undefined) return counts[metric];
    return rate[1] === 0 ? 0 : rate[0] / rate[1];
}

export function earlierRange(from, to, against, custom) {
    if (against === 'custom') return custom;
    if (against === 'year') return { from: yearBefore(from), to: yearBefore(to) };
    const days = daysBetween(from, to) + 1;
    return { from: addDays(from, -days), to: addDays(from, -1) };
}

function yearBefore(date) {
    const [year, month, day] = date.split('-').map(Number);
    const last = new Date(Date.UTC(year - 1, month, 0)).getUTCDate();
    return new Date(Date.UTC(year - 1, month - 1, Math.min(day, last))).toISOString().slice(0, 10);
}

/** Days, weeks from Monday, or months that the dates from..to touch; first and last lie inside
 *  the range. */
export function buckets(from, to, interval) {
    const startOf = (date) => {
        if (interval === 'week') return addDays(date, -weekday(date));
        return interval === 'month' ? `${date.slice(0, 8)}01` : date;
    };
    const groups = new Map();
    for (const date of datesOf(from, to)) {
        const time = startOf(date);
        const group = groups.get(time) ?? { time, first: date };
        group.last = date;
        groups.set(time, group);
    }
    return [...groups.values()].map((group) => ({
        ...group,
        whole: group.first === group.time && startOf(addDays(group.last, 1)) !== group.time,
    }));
}

/** Rates are rounded to 4 decimals, so an answer lies within half of the last one. */
export function same(actual, expected, metric) {
    if (!RATES.includes(metric)) return actual === expected;
    return typeof actual === 'number' && Math.abs(actual - expected) <= 0.00005 + 1e-9;
}
