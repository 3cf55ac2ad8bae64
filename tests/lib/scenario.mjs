// A made-up but whole week of traffic: what is sent, by whom, when, and what the contract says
// becomes of it.
//
// makeScenario() gives {sites, requests, facts, plain, endMs}. A request is {atMs, headers,
// body, status, facts}; the facts are what lib/reference.mjs counts; plain are those events
// that are stored whatever comes before them, as {line, fact} with the line that
// tests/tools/logfill reads. Everything follows from the seed.

import { Random } from './random.mjs';
import { addDays, datesOf, dayStart } from './zones.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Six zones, three tenants; the last site hears nothing. */
export const SITES = [
    { id: 'berlin-shop', tenant: 'alpha', zone: 'Europe/Berlin' },
    { id: 'plain_utc', tenant: 'alpha', zone: 'UTC' },
    { id: 'ny', tenant: 'beta', zone: 'America/New_York' },
    { id: 'kolkata', tenant: 'beta', zone: 'Asia/Kolkata' },
    { id: 'auckland', tenant: 'gamma', zone: 'Pacific/Auckland' },
    { id: 'howe', tenant: 'gamma', zone: 'Australia/Lord_Howe' },
    { id: 'silent', tenant: 'alpha', zone: 'UTC' },
];
export const TENANTS = ['alpha', 'beta', 'gamma'];
export const domainOf = (site) => `${site.replace('_', '-')}.example`;

/** In the first span Berlin loses an hour; in the second Auckland wins a whole and Lord Howe
 *  half an hour. */
const SPANS = [
    { from: Date.parse('2026-03-28T00:00:00Z'), to: Date.parse('2026-03-31T00:00:00Z') },
    { from: Date.parse('2026-04-04T00:00:00Z'), to: Date.parse('2026-04-06T05:00:00Z') },
];
export const BEGIN_MS = SPANS[0].from - HOUR;
export const END_MS = Date.parse('2026-04-06T05:17:21Z');
export const FIRST_DATE = '2026-03-01';
export const LAST_DATE = '2026-04-06';

/** Written as browsers write theirs; each holds a mark that occurs nowhere else. */
const AGENTS = Array.from({ length: 14 }, (_, i) =>
    i % 2 === 0
        ? `Mozilla/5.0 (X11; Linux x86_64; rv:1${10 + i}.0) Gecko/20100101 Firefox/1${10 + i}.0 Quillfeather${i}`
        : `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1${20 + i}.0.0.0 Safari/537.36 Umbravole${i}`,
);

const CUSTOM = ['signup', 'video.play', 'cart:add', 'a', 'plan_change-2'];
/** Names and how often each is drawn. */
const MIX = [
    ['pageview', 60],
    ['engagement', 14],
    ['lead.created', 5],
    ['form.submit', 5],
    ['ai.usage', 4],
    ['export.completed', 3],
    ['automation.run', 3],
    ['custom', 6],
];
const NAMES = MIX.flatMap(([name, weight]) => Array(weight).fill(name));

const PAUSES = [
    5 * SECOND,
    20 * SECOND,
    40 * SECOND,
    2 * MINUTE,
    9 * MINUTE,
    29 * MINUTE,
    30 * MINUTE,
    31 * MINUTE,
];

export function makeScenario({ seed = 20260329, people = 290, sessions = 6, backends = 900 } = {}) {
    const maker = new Maker(seed);
    maker.people = Array.from({ length: people }, (_, i) => maker.person(i));
    for (const person of maker.people) for (let i = 0; i < sessions; i++) maker.session(person);
    maker.backends(backends);
    maker.duplicates();
    maker.refusals();
    return maker.finish();
}

class Maker {
    constructor(seed) {
        this.random = new Random(seed);
        this.acts = []; // {atMs, sender, event, fact}: joined to requests in finish()
        this.requests = []; // those that stand alone
        this.facts = [];
        this.number = 0;
    }

    /** Every fifth shares the /24 (or /48) of the one before; every tenth its User-Agent too,
     *  and so is the same visitor. */
    person(i) {
        const { random } = this;
        const network = i % 5 === 4 ? i - 1 : i;
        const ip =
            network % 4 === 3
                ? `2001:db8:${(network + 256).toString(16)}:${random.int(1, 65535).toString(16)}::${random.int(1, 65535).toString(16)}`
                : `198.${18 + (network >> 8)}.${network & 255}.${random.int(1, 254)}`;
        const agent = i % 10 === 9 ? this.lastAgent : random.pick(AGENTS);
        this.lastAgent = agent;
        const home = random.pick(SITES.slice(0, 6));
        return {
            ip,
            userAgent: agent,
            sites: random.chance(0.2) ? [home, random.pick(SITES.slice(0, 6))] : [home],
        };
    }

    moment() {
        const span = this.random.chance(0.6) ? SPANS[0] : SPANS[1];
        return span.from + this.random.int(0, (span.to - span.from) / SECOND - 1) * SECOND;
    }

    /** Shortly before a local midnight, or at any time. */
    sessionStart(site) {
        const { random } = this;
        const any = this.moment();
        if (random.chance(0.75)) return any;
        const dates = datesOf('2026-03-28', '2026-03-30').concat(
            datesOf('2026-04-04', '2026-04-06'),
        );
        const start = dayStart(site.zone, random.pick(dates)) - random.int(0, 45 * 60) * SECOND;
        return inSpan(start) ? start : any;
    }

    session(person) {
        const { random } = this;
        const site = random.pick(person.sites);
        let atMs = this.sessionStart(site);
        const steps = random.int(1, 9);
        for (let i = 0; i < steps && inSpan(atMs); i++) {
            const at = random.chance(0.1) ? 2 : 1; // two events in one second, perhaps at two sites
            for (let j = 0; j < at; j++)
                this.browserEvent(person, j === 0 ? site : random.pick(person.sites), atMs);
            atMs += random.pick(PAUSES);
        }
    }

    browserEvent(person, site, atMs) {
        const { random } = this;
        const event = this.event(site.id);
        const gpc = random.chance(0.02);
        const sender = {
            ip: person.ip,
            userAgent: person.userAgent,
            origin: random.chance(0.7)
                ? `https://${random.pick(['', 'www.', 'a.b.'])}${domainOf(site.id)}`
                : undefined,
            gpc,
            dnt: random.chance(0.03), // respectDnt is off unless a site asks for it
        };
        this.act(atMs, sender, event, gpc ? 'dropped:gpc' : 'stored', person);
    }

    /** An event as it is sent, with the members its type needs and now and then others. */
    event(siteId) {
        const { random } = this;
        const drawn = random.pick(NAMES);
        const event = { event: drawn === 'custom' ? random.pick(CUSTOM) : drawn, siteId };
        this.number += 1;
        if (drawn === 'pageview' || drawn === 'engagement' || random.chance(0.5))
            event.path = random.pick([
                '/',
                '/pricing',
                `/p/${this.number}`,
                '/über/uns?utm_source=x',
                '/%F0%9F%8D%8B',
            ]);
        if (drawn === 'engagement')
            Object.assign(event, { seconds: random.int(0, 3600), scroll: random.int(0, 100) });
        if (drawn === 'ai.usage')
            event.tokens = random.pick([0, 1, 950, 1_000_000, 123_456_789_012]);
        if (random.chance(0.2)) event.title = 'Größe & "Preise" 🍋';
        if (random.chance(0.2)) event.props = { plan: 'pro', seats: 3, trial: random.chance(0.5) };
        if (random.chance(0.1)) event.somethingNew = [1];
        return event;
    }

    act(atMs, sender, event, outcome, visitor, timeMs = atMs) {
        const fact = {
            site: event.siteId,
            name: event.event,
            timeMs,
            receivedMs: atMs,
            count: event.count ?? 1,
            tokens: event.tokens ?? 0,
            id: event.id,
            path: event.path,
            outcome,
            visitor: visitor ? { ip: visitor.ip, userAgent: visitor.userAgent } : null,
        };
        this.acts.push({ atMs, sender, event, fact });
    }

    /** Events of a tenant's own servers, with its token. */
    backends(count) {
        const { random } = this;
        for (let i = 0; i < count; i++) {
            const site = random.pick(SITES.slice(0, 6));
            const atMs = this.moment();
            const event = this.event(site.id);
            if (random.chance(0.5)) event.count = random.pick([1, 2, 17, 1000]);
            if (event.tokens > 1e9) event.count = 1; // tokens x count is at most 1e12
            let visitor = random.chance(0.5) ? this.relative(random.pick(this.people)) : null;
            if (visitor) event.visitor = { ip: visitor.ip, userAgent: visitor.userAgent };
            const timeMs = this.backdate(event, atMs);
            if (atMs - timeMs > 3 * 24 * HOUR) visitor = null; // that day's salt is gone
            const sender = {
                tenant: site.tenant,
                ip: '203.0.113.99',
                userAgent: 'Backendwhistle/1.0',
                gpc: random.chance(0.05),
            };
            this.act(atMs, sender, event, 'stored', visitor, timeMs);
        }
    }

    /** Somebody else in the same network with the same User-Agent: the same visitor. */
    relative(person) {
        const ip = person.ip.includes(':')
            ? person.ip.replace(/:[^:]*$/, ':abcd')
            : person.ip.replace(/\d+$/, '77');
        return { ...person, ip };
    }

    /** Half carry a time of their own: up to 3 hours ago, or 4 to 25 days, when the day's salt
     *  is long gone. */
    backdate(event, atMs) {
        const { random } = this;
        if (random.chance(0.5)) return atMs;
        const ago = random.chance(0.8)
            ? random.int(0, 3 * 3600) * SECOND + random.int(0, 999)
            : random.int(4 * 24, 25 * 24) * HOUR;
        event.timestamp = new Date(atMs - ago).toISOString();
        return atMs - ago;
    }

    /** The same id again: at once, hours later, and after more than a day, when it counts again. */
    duplicates() {
        const { random } = this;
        for (let i = 0; i < 120; i++) {
            const person = random.pick(this.people);
            const site = person.sites[0];
            const event = { ...this.event(site.id), id: `key-${i}-ä` };
            const sender = { ip: person.ip, userAgent: person.userAgent };
            const first = SPANS[0].from + random.int(0, 20 * 3600) * SECOND;
            for (const later of [0, 30 * SECOND, 7 * HOUR, 23 * HOUR + 59 * MINUTE, 25 * HOUR])
                if (later === 0 || random.chance(0.5))
                    this.act(first + later, sender, event, 'stored', person);
        }
    }

    /** Requests that are refused whole, and what each adds to the ledger of the sites it names. */
    refusals() {
        const { random } = this;
        const good = (site) => ({ event: 'pageview', siteId: site, path: '/refused' });
        const kinds = [
            (site) => ({
                status: 400,
                reason: 'invalid',
                events: [{ event: 'pageview', siteId: site }],
            }),
            (site) => ({
                status: 400,
                reason: 'invalid',
                events: [{ event: 'Bad Name', siteId: site, path: '/' }],
            }),
            (site, other) => ({
                status: 400,
                reason: 'invalid',
                events: [good(site), { ...good(other), path: 7 }, good(other)],
            }),
            (site) => ({
                status: 403,
                reason: 'forbidden',
                events: [good(site), good(site)],
                headers: { Origin: 'https://evil.example' },
            }),
            (site) => ({ status: 403, reason: 'forbidden', events: [{ ...good(site), count: 2 }] }),
            (site) => ({
                status: 401,
                reason: 'unauthorized',
                events: [good(site)],
                headers: { Authorization: 'Bearer abacus_wrong' },
            }),
            () => ({ status: 404, reason: null, events: [{ ...good('nowhere') }] }),
        ];
        for (let i = 0; i < 140; i++) {
            const person = random.pick(this.people);
            const [a, b] = [random.pick(SITES).id, random.pick(SITES.slice(0, 6)).id];
            const { status, reason, events, headers = {} } = kinds[i % kinds.length](a, b);
            const atMs = this.moment();
            this.requests.push({
                atMs,
                headers: { ...headersOf(person, random), ...headers },
                body: JSON.stringify(events),
                status,
            });
            if (reason === null) continue;
            for (const event of events)
                this.facts.push({
                    site: event.siteId,
                    receivedMs: atMs,
                    timeMs: atMs,
                    name: event.event,
                    outcome: `rejected:${reason}`,
                });
        }
    }

    /** What one sender does within one second goes in one request. A page sends to one site at
     *  a time. */
    finish() {
        const groups = new Map();
        for (const act of this.acts) {
            const key = JSON.stringify([act.atMs, act.sender]);
            if (!groups.has(key)) groups.set(key, []);
            groups.get(key).push(act);
        }
        for (const acts of groups.values()) this.requests.push(this.requestOf(acts));
        this.requests.sort((a, b) => a.atMs - b.atMs);
        // In the order received: which copy of an id counts depends on it.
        const stored = this.requests.flatMap((request) => request.facts ?? []);
        return {
            sites: SITES,
            requests: this.requests,
            facts: [...stored, ...this.facts],
            plain: this.plain(),
            endMs: END_MS,
        };
    }

    /** Neither dropped nor repeated, nor so late that the day's salt is gone. */
    plain() {
        return this.acts
            .filter(
                ({ event, fact }) =>
                    fact.outcome === 'stored' &&
                    fact.id === undefined &&
                    !(event.visitor && fact.visitor === null),
            )
            .map(({ atMs, sender, event, fact }) => ({
                line: {
                    timeMs: atMs,
                    ip: sender.ip,
                    userAgent: sender.userAgent,
                    token: sender.tenant !== undefined,
                    event,
                },
                fact,
            }));
    }

    requestOf(acts) {
        const { atMs, sender } = acts[0];
        const events = acts.map(({ event }) => event);
        const shape = this.random.pick(['object', 'array', 'events']);
        const body =
            shape === 'events'
                ? { events }
                : shape === 'object' && events.length === 1
                  ? events[0]
                  : events;
        return {
            atMs,
            headers: headersOf(sender, this.random),
            body: JSON.stringify(body),
            status: 202,
            tenant: sender.tenant,
            facts: acts.map(({ fact }) => fact),
        };
    }
}

/** As seen behind one trusted proxy; what stands left of the sender's address is what the
 *  sender made up. */
function headersOf(sender, random) {
    const address = sender.ip.includes(':') ? `[${sender.ip}]:4433` : `${sender.ip}:4433`;
    const headers = {
        'X-Forwarded-For': random.pick([
            sender.ip,
            `203.0.113.5, ${sender.ip}`,
            `unknown,${sender.ip}`,
            address,
        ]),
        'User-Agent': sender.userAgent,
    };
    if (sender.origin) headers.Origin = sender.origin;
    if (sender.gpc) headers['Sec-GPC'] = '1';
    if (sender.dnt) headers.DNT = '1';
    return headers;
}

const inSpan = (ms) => SPANS.some(({ from, to }) => ms >= from && ms < to);

/** Everything personal that a scenario's requests carried: addresses and User-Agents. */
export function secretsOf({ facts }) {
    const addresses = new Set(['203.0.113.99']);
    const agents = new Set(['Backendwhistle/1.0']);
    for (const { visitor } of facts) {
        if (!visitor) continue;
        addresses.add(visitor.ip);
        agents.add(visitor.userAgent);
    }
    return { addresses: [...addresses], agents: [...agents] };
}

/** Ranges worth asking for: single days, the spans, all of it, and days before anything was. */
export function rangesOf(random) {
    const days = datesOf('2026-03-27', LAST_DATE).map((date) => [date, date]);
    const from = addDays('2026-03-26', random.int(0, 4));
    return [
        ...days,
        ['2026-03-27', '2026-03-31'],
        ['2026-04-03', LAST_DATE],
        [FIRST_DATE, LAST_DATE],
        [from, '2026-04-05'],
        ['2026-01-01', '2026-01-02'],
    ];
}
