// A made-up but whole week of traffic: what is sent, by whom, when, and what the contract says
// becomes of it.
//
// makeScenario() gives {sites, requests, facts, plain, beginMs, endMs, first, last}. A request is
// {atMs, headers, body, status, facts}; the facts are what lib/reference.mjs counts; plain are
// those events that are stored whatever comes before them, as {line, fact} with the line that
// tests/tools/logfill reads. Everything follows from the seed.

import { AGENTS, LANGUAGES, ROBOTS, SCREENS } from './agents.mjs';
import { ARRIVALS, CLICK, SPAM, UNWANTED } from './arrivals.mjs';
import { countryOf, network4In, network6In } from './countries.mjs';
import { Random } from './random.mjs';
import { addDays, datesOf, dayStart } from './zones.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Of each kind that there is: an event, pages, properties, and several of them. */
export const GOALS = [
    { name: 'Signup', event: 'signup' },
    { name: 'Thanked', path: '/thanks/*' },
    { name: 'Prices', path: '/pricing', value: 2.5 },
    { name: 'Pro', event: 'form.submit', props: { plan: 'pro' } },
    { name: 'Tried 3', event: 'plan_change-2', path: '/docs/*', props: { trial: true, seats: 3 } },
];

/** Six zones, three tenants; the last site hears nothing. */
export const SITES = [
    { id: 'berlin-shop', tenant: 'alpha', zone: 'Europe/Berlin', goals: GOALS },
    { id: 'plain_utc', tenant: 'alpha', zone: 'UTC' },
    { id: 'ny', tenant: 'beta', zone: 'America/New_York', blocks: true },
    { id: 'kolkata', tenant: 'beta', zone: 'Asia/Kolkata' },
    {
        id: 'auckland',
        tenant: 'gamma',
        zone: 'Pacific/Auckland',
        goals: [{ name: 'Lead', event: 'lead.created' }, { name: 'Looked', path: '/*' }],
    },
    { id: 'howe', tenant: 'gamma', zone: 'Australia/Lord_Howe' },
    { id: 'silent', tenant: 'alpha', zone: 'UTC' },
];
export const TENANTS = ['alpha', 'beta', 'gamma'];
export const domainOf = (site) => `${site.replace('_', '-')}.example`;

/** As `site set` takes them. */
export const settingsOf = ({ goals, blocks, settings = [] }) => [
    ...settings,
    ...(goals ? [`goals=${JSON.stringify(goals)}`] : []),
    ...(blocks ? ['blockedPaths=["/admin/*"]', 'blockedReferrers=unwanted.example'] : []),
];

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

/** Where people are, as far as the tables know; the others have addresses that are nobody's. */
const COUNTRIES = ['DE', 'FR', 'US', 'JP', 'BR', 'IN', 'GB'];

/** Words that occur nowhere else: what holds them holds a User-Agent. */
export const MARKS = ['Quillfeather', 'Umbravole'];

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
    maker.robots();
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
     *  and so is the same visitor. Each User-Agent holds a mark that occurs nowhere else. */
    person(i) {
        const { random } = this;
        const home = random.pick(SITES.slice(0, 6));
        const network = i % 5 === 4 ? this.last.network : this.network(i);
        const same = i % 10 === 9;
        const agent = same ? this.last.agent : random.pick(AGENTS);
        const person = {
            network,
            agent,
            ip: network.host(random),
            userAgent: same
                ? this.last.userAgent
                : `${agent.userAgent} ${random.pick(MARKS)}${random.int(0, 13)}`,
            hinted: agent.hint !== undefined && random.chance(0.8),
            language: random.pick(LANGUAGES),
            screen: random.pick(SCREENS),
            sites: random.chance(0.2) ? [home, random.pick(SITES.slice(0, 6))] : [home],
        };
        this.last = person;
        return person;
    }

    /** What is left of an address, and what makes addresses that share it. */
    network(i) {
        const country = i % 3 === 0 ? undefined : COUNTRIES[i % COUNTRIES.length];
        if (i % 4 === 3) {
            const begin = (country && network6In(country)) ?? '2001:db8';
            const prefix = `${begin}:${(i + 256).toString(16)}`;
            const group = (random) => random.int(1, 65535).toString(16);
            return {
                host: (random) => `${prefix}:${group(random)}::${group(random)}`,
                country: countryOf(`${prefix}::1`),
            };
        }
        const begin = (country && network4In(country)) ?? `198.${18 + (i >> 8)}`;
        const prefix = `${begin}.${i & 255}`;
        return {
            host: (random) => `${prefix}.${random.int(1, 254)}`,
            country: countryOf(`${prefix}.1`),
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
            const arrives = random.chance(i === 0 ? 0.8 : 0.1);
            for (let j = 0; j < at; j++) {
                const where = j === 0 ? site : random.pick(person.sites);
                this.browserEvent(person, where, atMs, arrives);
            }
            atMs += random.pick(PAUSES);
        }
    }

    browserEvent(person, site, atMs, arrives) {
        const { random } = this;
        const event = this.event(site.id);
        const came = this.cameFrom(event, site, arrives);
        const gpc = random.chance(0.02);
        const language = random.chance(0.05) ? random.pick(LANGUAGES) : person.language;
        const sender = {
            ip: person.ip,
            userAgent: person.userAgent,
            language: language.header,
            hint: person.hinted ? person.agent.hint : undefined,
            origin: random.chance(0.7)
                ? `https://${random.pick(['', 'www.', 'a.b.'])}${domainOf(site.id)}`
                : undefined,
            gpc,
            dnt: random.chance(0.03), // respectDnt is off unless a site asks for it
        };
        if (person.screen) event.screen = person.screen;
        const known = {
            ...came,
            traits: {
                ...came.traits,
                ...person.agent.words,
                ...(person.hinted ? { device: person.agent.hinted } : {}),
                language: language.word,
                country: person.network.country,
            },
        };
        const outcome = came.blocked ? 'dropped:blocked' : gpc ? 'dropped:gpc' : 'stored';
        this.act(atMs, sender, event, outcome, person, known);
    }

    /** Say where an event comes from: nowhere, the site's own pages, another one, now and then one
     *  that is not wanted; and what is to be known of it. */
    cameFrom(event, site, arrives) {
        const { random } = this;
        const own = `https://www.${domainOf(site.id)}`;
        const nothing = { referrer: '', traits: {} };
        if (random.chance(0.01)) {
            event.referrer = SPAM;
            return { ...nothing, blocked: true };
        }
        if (site.blocks && random.chance(0.02)) {
            if (random.chance(0.5)) event.referrer = UNWANTED;
            else event.path = '/admin/users?page=2';
            return { ...nothing, blocked: true };
        }
        if (!arrives) {
            if (random.chance(0.5)) return nothing;
            event.referrer = `${own}/docs?q=1#top`;
            return { ...nothing, referrer: `www.${domainOf(site.id)}/docs` };
        }
        const { query, referrer, shown = '', source, channel, utm } = random.pick(ARRIVALS);
        if (referrer) event.referrer = referrer;
        // Without a path there is no place for a query, and only the referrer says anything.
        if (query && event.path === undefined) event.path = '/';
        if (query) event.path = `${event.path.split(/[?#]/)[0]}?id=7&${query}#top`;
        return { referrer: shown, traits: { source, channel, ...utm } };
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
                '/pricing?plan=pro',
                '/docs/intro',
                '/docs/api#search',
                '/thanks/1',
                `/p/${this.number}`,
                '/über/uns?page=2',
                '/%F0%9F%8D%8B',
            ]);
        if (drawn === 'engagement') {
            event.seconds = random.int(0, 3600);
            if (random.chance(0.7)) event.scroll = random.int(0, 100);
        }
        if (drawn === 'ai.usage')
            event.tokens = random.pick([0, 1, 950, 1_000_000, 123_456_789_012]);
        if (random.chance(0.2)) event.title = 'Größe & "Preise" 🍋';
        if (random.chance(0.4)) event.props = this.props();
        if (random.chance(0.1)) event.somethingNew = [1];
        return event;
    }

    props() {
        const { random } = this;
        const props = { plan: random.pick(['pro', 'free', 'team']), trial: random.chance(0.5) };
        if (random.chance(0.5)) props.seats = random.pick([3, 3, 12, -1, 2.5, 0]);
        if (random.chance(0.2))
            props.note = random.pick(['', 'ein "Wort"\n', 'Größe 🍋', 'a:b']);
        return props;
    }

    /** `known` is what the sender's headers, and where it comes from, are to mean. */
    act(atMs, sender, event, outcome, visitor, known = {}, timeMs = atMs) {
        const fact = {
            ...known,
            site: event.siteId,
            name: event.event,
            timeMs,
            receivedMs: atMs,
            count: event.count ?? 1,
            tokens: event.tokens ?? 0,
            id: event.id,
            path: event.path,
            seconds: event.seconds,
            scroll: event.scroll,
            props: event.props,
            screen: event.screen,
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
            const came = this.cameFrom(event, site, random.chance(0.2));
            const sender = {
                tenant: site.tenant,
                ip: '203.0.113.99',
                userAgent: 'Backendwhistle/1.0',
                gpc: random.chance(0.05),
            };
            const { words } = visitor?.agent ?? {};
            const country = visitor?.network.country;
            const known = { ...came, traits: { ...came.traits, ...words, country } };
            const outcome = came.blocked ? 'dropped:blocked' : 'stored';
            this.act(atMs, sender, event, outcome, visitor, known, timeMs);
        }
    }

    /** Somebody else in the same network with the same User-Agent: the same visitor. */
    relative(person) {
        return { ...person, ip: person.network.host(this.random) };
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
            const known = { traits: { ...person.agent.words, country: person.network.country } };
            const first = SPANS[0].from + random.int(0, 20 * 3600) * SECOND;
            for (const later of [0, 30 * SECOND, 7 * HOUR, 23 * HOUR + 59 * MINUTE, 25 * HOUR])
                if (later === 0 || random.chance(0.5))
                    this.act(first + later, sender, event, 'stored', person, known);
        }
    }

    /** Robots come from where people come from. */
    robots() {
        const { random } = this;
        for (let i = 0; i < 60; i++) {
            const { userAgent, purpose, kind } = ROBOTS[i % ROBOTS.length];
            const { ip } = random.pick(this.people);
            const event = this.event(random.pick(SITES).id);
            const sender = { ip, userAgent, purpose };
            this.act(this.moment(), sender, event, `dropped:bot:${kind}`, null);
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
            beginMs: BEGIN_MS,
            endMs: END_MS,
            first: FIRST_DATE,
            last: LAST_DATE,
        };
    }

    /** Neither dropped nor repeated, nor so late that the day's salt is gone; and nothing is known
     *  of who sends. */
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
                fact: { ...fact, traits: withoutSender(fact.traits) },
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
    if (sender.language) headers['Accept-Language'] = sender.language;
    if (sender.hint) headers['Sec-CH-UA-Mobile'] = sender.hint;
    if (sender.purpose) headers['Sec-Purpose'] = sender.purpose;
    if (sender.gpc) headers['Sec-GPC'] = '1';
    if (sender.dnt) headers.DNT = '1';
    return headers;
}

/** What the event itself says of its visit. */
const withoutSender = ({ browser, os, device, language, country, ...own } = {}) => own;

const inSpan = (ms) => SPANS.some(({ from, to }) => ms >= from && ms < to);

/** Everything personal that a scenario's requests carried: addresses, User-Agents, click ids. */
export function secretsOf({ facts }) {
    const addresses = new Set(['203.0.113.99']);
    const agents = new Set(['Backendwhistle/1.0']);
    for (const { visitor } of facts) {
        if (!visitor) continue;
        addresses.add(visitor.ip);
        agents.add(visitor.userAgent);
    }
    return { addresses: [...addresses], agents: [...agents], clicks: [CLICK] };
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
