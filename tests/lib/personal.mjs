// Requests full of what may be kept nowhere, and the needles that find it.
//
// Texts that differ from request to request share a stem that occurs in nothing else, and the stem
// is what is looked for; addresses and tokens are looked for one by one. What is kept on purpose
// has stems of its own, so that whoever finds nothing can show that it would have found something.

import { randomUUID } from 'node:crypto';
import { AGENTS, ROBOTS } from './agents.mjs';
import { Random } from './random.mjs';
import { addressBytes, Needles, spellings, textSpellings } from './search.mjs';
import { requestBytes, TRACK, trackBytes } from './wire.mjs';

export const SITE = 'private';
export const SLOW_SITE = 'slow';
export const TENANT = 'alpha';
export const DOMAIN = 'private.example';

/** What stands in requests and must be nowhere afterwards. */
const STEMS = {
    agent: 'Quillvane',
    mail: 'plumwick',
    host: 'velourmail',
    cookie: 'brindlecook',
    query: 'tarnquery',
    click: 'clickferrum',
    fragment: 'hashgorse',
    key: 'wexfordkey',
    language: 'fennelgate',
    user: 'usernettle',
    page: 'farpagesedge',
    header: 'pelligrew',
    dropped: 'dropbracken',
    refused: 'refusemallow',
    cut: 'cutyarrow',
    asked: 'askedtansy',
    bearer: 'abacus_nosuchtoken',
};
/** Of no User-Agent a piece is left, whoever's it is. */
const AGENT_PIECES = ['Mozilla/5.0', 'AppleWebKit', 'like Gecko', 'Safari/', 'Gecko/'];

/** What is kept: the search finds it. `browser` is read from the User-Agents. */
export const KEPT = {
    path: 'keptsaffron',
    title: 'Keptheliotrope',
    prop: 'keptcobalt',
    campaign: 'keptmarigold',
    parameter: 'keptumber',
    referrer: 'keptochre.example',
};
export const BROWSERS_KEPT = ['Firefox', 'Samsung Internet'];

/** How many people there are for each kind of request. */
const PEOPLE = 24;
const TOKENS = 300;
const HEX = '0123456789abcdef';
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export class Personal {
    /** `tokens` are the installation's own: {write, read}; they must not be found either. */
    constructor(tokens, seed = 5) {
        this.random = new Random(seed);
        this.needles = new Needles();
        this.count = 0;
        this.tokens = tokens;
        this.pools = new Map(); // kind of request -> its people
        this.v4 = new Map(); // kind -> its IPv4 addresses, looked for as 4 bytes
        for (const [kind, stem] of Object.entries(STEMS)) this.#text(kind, stem);
        for (const piece of AGENT_PIECES) this.needles.add(`agent: ${piece}`, Buffer.from(piece));
        for (const token of Object.values(tokens)) this.#text('own token', token);
        this.secrets = Array.from({ length: TOKENS }, (_, i) => this.#token(i));
    }

    #text(kind, text) {
        for (const bytes of textSpellings(text)) this.needles.add(`${kind}: ${text}`, bytes);
    }

    // -- addresses -------------------------------------------------------------------------------

    /** Of bytes that are no small numbers, so that they do not stand everywhere. */
    #v4(kind) {
        const bytes = [this.random.int(128, 223), ...Array(3)].map(
            (byte) => byte ?? this.random.int(100, 250),
        );
        const text = bytes.join('.');
        // Also the address that is cut to /24.
        for (const one of textSpellings(bytes.slice(0, 3).join('.') + '.'))
            this.needles.add(`${kind} address: ${text}`, one);
        if (!this.v4.has(kind)) this.v4.set(kind, []);
        this.v4.get(kind).push(text);
        return text;
    }

    #mapped(kind) {
        const text = this.#v4(kind);
        const bytes = Buffer.concat([Buffer.from('ffff', 'hex'), addressBytes(text)]);
        this.#bytes(`${kind} bytes: ::ffff:${text}`, bytes);
        return `::ffff:${text}`;
    }

    #v6(kind, short) {
        const group = () => this.random.int(0x1111, 0xfffe).toString(16);
        const head = ['2a0d', group(), group()];
        const text = short
            ? `${head.join(':')}::${group()}`
            : [...head, ...Array.from({ length: 5 }, group)].join(':');
        const bytes = addressBytes(text);
        const long = bytes.toString('hex').match(/.{4}/g).join(':');
        const name = `${kind} address: ${text}`;
        for (const one of [text, long, `${head.join(':')}:`])
            for (const form of textSpellings(one)) this.needles.add(name, form);
        this.needles.add(name, Buffer.from(text.toUpperCase()));
        this.#bytes(`${kind} bytes: ${text}`, bytes.subarray(0, 6)); // cut to /48
        return text;
    }

    #bytes(name, bytes) {
        for (const one of [bytes, Buffer.from(bytes).reverse()])
            for (const form of spellings(one)) this.needles.add(name, form);
    }

    #address(kind, i) {
        const make = [
            () => this.#v4(kind),
            () => this.#v4(kind),
            () => this.#mapped(kind),
            () => this.#v6(kind, false),
            () => this.#v6(kind, i % 8 === 4),
        ];
        return make[i % make.length]();
    }

    /** IPv4 addresses as 4 bytes in either order, as hex and as a number: they occur by chance.
     *  Named by kind; as many that nobody sent are 'nobody'. */
    byChance() {
        const needles = new Needles();
        const nobody = { v4: new Map(), random: new Random(99) };
        const size = [...this.v4.values()].flat().length;
        const others = Array.from({ length: size }, () =>
            [nobody.random.int(128, 223), ...Array(3)]
                .map((byte) => byte ?? nobody.random.int(100, 250))
                .join('.'),
        );
        for (const [kind, list] of [...this.v4, ['nobody', others]])
            for (const ip of list) {
                const bytes = addressBytes(ip);
                const turned = Buffer.from(bytes).reverse();
                for (const one of [bytes, turned, ...hexOf(bytes), ...hexOf(turned)])
                    needles.add(`${kind} ${ip}`, one);
                needles.add(`${kind} ${ip}`, Buffer.from(String(bytes.readUInt32BE())));
            }
        return {
            needles,
            kinds: [...this.v4.keys(), 'nobody'],
            of: (kind) => (this.v4.get(kind) ?? others).length,
        };
    }

    // -- people, and what they give away ---------------------------------------------------------

    /** They take turns. */
    person(kind) {
        if (!this.pools.has(kind))
            this.pools.set(
                kind,
                Array.from({ length: PEOPLE }, (_, i) => ({
                    address: this.#address(kind, i),
                    spoofed: this.#address(kind, i + 2),
                    agent: `${AGENTS[i % AGENTS.length].userAgent} ${STEMS.agent}/${i}.0`,
                })),
            );
        const pool = this.pools.get(kind);
        pool.push(pool.shift());
        return pool[0];
    }

    /** Tokens as mask_token.c describes them: long runs of letters and digits without sense. */
    #token(i) {
        const draw = (length, from) =>
            Array.from({ length }, () => from[this.random.int(0, from.length - 1)]).join('');
        const part = (text) => Buffer.from(JSON.stringify(text)).toString('base64url');
        const makers = [
            () => draw(32, HEX),
            () => draw(40, HEX).toUpperCase(),
            () => draw(64, HEX),
            () => draw(32, BASE62),
            () => draw(48, BASE62),
            () => draw(32, HEX).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
            () => `${part({ alg: 'HS256' })}.${part({ sub: draw(9, BASE62) })}.${draw(43, BASE62)}`,
        ];
        const token = makers[i % makers.length]();
        this.#text('token', token);
        this.#text('part of a token', token.slice(-22));
        return token;
    }

    token() {
        return this.random.pick(this.secrets);
    }

    /** An e-mail address as people and browsers write it. */
    mail() {
        const n = (this.count += 1);
        const percent = (text) =>
            [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
        const { mail, host } = STEMS;
        return this.random.pick([
            `${mail}${n}@${host}.example`,
            `${mail}.${n}+shop@${host}.co.uk`,
            `x${n}.${mail}%40${host}.example`,
            `${mail}-${n}%2540mx.${host}.example`,
            `${percent(mail)}${n}%40${host}%2Eexample`,
        ]);
    }

    secret() {
        return this.random.chance(0.5) ? this.mail() : this.token();
    }

    // -- events ----------------------------------------------------------------------------------

    #target() {
        const campaign = this.random.pick([KEPT.campaign, this.secret()]);
        const query = [
            `q=${STEMS.query}${this.count}`,
            `mail=${this.mail()}`,
            `keep=${this.random.pick([KEPT.parameter, this.secret()])}`,
            `utm_campaign=${campaign}`,
            `utm_term=${this.secret()}`,
            `gclid=${STEMS.click}${this.token()}`,
        ].join('&');
        const fragment = this.random.pick([
            `#${STEMS.fragment}`,
            `#access_token=${this.token()}&state=${STEMS.fragment}`,
            `#/user/${this.mail()}`,
            `#!/reset/${this.token()}?${STEMS.fragment}=1`,
            '',
        ]);
        const page = this.random.pick([
            `/${KEPT.path}/${this.count % 50}`,
            `/u/${this.mail()}/profile`,
            `/reset/${this.token()}/now`,
        ]);
        return `${page}?${query}${fragment}`;
    }

    #referrer() {
        const login = `${STEMS.user}:${this.token()}@`;
        return this.random.pick([
            `https://${login}${KEPT.referrer}/${STEMS.page}/${this.mail()}?k=${this.token()}`,
            `https://www.${DOMAIN}/from/${this.secret()}?${STEMS.query}=1#${STEMS.fragment}`,
            `https://${KEPT.referrer}/?mail=${this.mail()}`,
            '',
        ]);
    }

    event(more = {}) {
        this.count += 1;
        return {
            event: this.random.pick(['pageview', 'pageview', 'lead.created', 'custom.thing']),
            siteId: SITE,
            path: this.#target(),
            referrer: this.#referrer(),
            title: `${KEPT.title} ${this.secret()}`,
            screen: '1440x900',
            props: {
                plan: KEPT.prop,
                mail: `Reply to "${this.mail()}"\n`,
                token: `Bearer ${this.token()}`,
            },
            id: `${STEMS.key}-${this.count}-${randomUUID()}`,
            ...more,
        };
    }

    /** An event of which nothing at all may be left. */
    #gone(stem, more) {
        return this.event({ path: `/${stem}/${this.secret()}`, title: stem, ...more });
    }

    headers({ address, spoofed, agent }) {
        return {
            'User-Agent': agent,
            'X-Forwarded-For': `${spoofed}, ${address}`,
            'X-Real-IP': address,
            Forwarded: `for="${address}"`,
            'Accept-Language': `de-x-${STEMS.language};q=0.9, fr;q=0.5`,
            Cookie: `sid=${STEMS.cookie}${this.token()}; who=${this.mail()}`,
            Referer: `https://www.${DOMAIN}/${STEMS.page}/${this.mail()}`,
            'Sec-CH-UA-Model': `"${STEMS.header}"`,
            'X-Request-Id': `${STEMS.header}-${this.count}`,
        };
    }

    // -- requests --------------------------------------------------------------------------------

    /** {bytes, kind, answer}: `answer` is a status, a list of them, or {dropped: reason} or
     *  {accepted: n} of a 202; null: the connection may end without one. */
    request(kind) {
        return { kind, ...KINDS[kind].make(this, this.person(kind)) };
    }

    /** So many requests of all kinds, in an order that is the same each time. */
    *requests(count) {
        const shares = Object.entries(KINDS).flatMap(([kind, { share }]) =>
            Array(share).fill(kind),
        );
        for (let i = 0; i < count; i++) yield this.request(this.random.pick(shares));
    }

    track(person, events, headers = {}) {
        return trackBytes(events, { ...this.headers(person), ...headers });
    }

    get(person, target, headers = {}) {
        return requestBytes('GET', target, { ...this.headers(person), ...headers });
    }

    dropped(person, more, headers) {
        return this.track(person, this.#gone(STEMS.dropped, more), headers);
    }

    refused(person, more, headers) {
        return this.track(person, this.#gone(STEMS.refused, more), headers);
    }

    stem(name) {
        return STEMS[name];
    }
}

function hexOf(bytes) {
    const hex = bytes.toString('hex');
    return [hex, hex.toUpperCase()].map((text) => Buffer.from(text));
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** What a request can become; `share` of the others. */
const KINDS = {
    counted: {
        share: 40,
        make: (p, who) => ({ bytes: p.track(who, p.event()), answer: { accepted: 1 } }),
    },
    batch: {
        share: 4,
        make: (p, who) => ({
            bytes: p.track(who, { events: Array.from({ length: 8 }, () => p.event()) }),
            answer: { accepted: 8 },
        }),
    },
    engagement: {
        share: 4,
        make: (p, who) => ({
            bytes: p.track(who, p.event({ event: 'engagement', seconds: 3.5, scroll: 80 })),
            answer: { accepted: 1 },
        }),
    },
    backend: {
        share: 6,
        make: (p, who) => {
            const visitor = { ip: who.address, userAgent: who.agent };
            return {
                bytes: p.track(who, p.event({ visitor }), bearer(p.tokens.write)),
                answer: { accepted: 1 },
            };
        },
    },
    bot: {
        share: 2,
        make: (p, who) => {
            const agent = `${ROBOTS[p.count % 4].userAgent} ${p.stem('agent')}`;
            return { bytes: p.dropped({ ...who, agent }), answer: { dropped: 'bot' } };
        },
    },
    gpc: {
        share: 3,
        make: (p, who) => ({
            bytes: p.dropped(who, {}, { 'Sec-GPC': '1' }),
            answer: { dropped: 'gpc' },
        }),
    },
    blocked: {
        share: 3,
        make: (p, who) => ({
            bytes: p.track(who, p.event({ path: `/blocked/${p.stem('dropped')}/${p.secret()}` })),
            answer: { dropped: 'blocked' },
        }),
    },
    disabled: {
        share: 2,
        make: (p, who) => ({
            bytes: p.dropped(who, { event: 'form.submit' }),
            answer: { dropped: 'disabled' },
        }),
    },
    duplicate: {
        share: 2,
        make: (p, who) => {
            const event = p.event();
            const second = { ...event, path: `/${p.stem('dropped')}/${p.secret()}` };
            return {
                bytes: p.track(who, [event, second]),
                answer: { accepted: 1, dropped: 'duplicate' },
            };
        },
    },
    malformed: {
        share: 3,
        make: (p, who) => {
            const whole = JSON.stringify(p.event({ path: `/${p.stem('refused')}` }));
            return { bytes: p.track(who, whole.slice(0, -5)), answer: 400 };
        },
    },
    invalid: {
        share: 3,
        make: (p, who) => {
            const wrong = p.random.pick([
                { screen: p.mail() },
                { event: p.mail() },
                { siteId: p.mail() },
                { count: p.token() },
                { props: { [p.mail()]: {} } },
                { referrer: { mail: p.mail() } },
                { path: `nowhere/${p.mail()}` },
            ]);
            return { bytes: p.refused(who, wrong), answer: 400 };
        },
    },
    badVisitor: {
        share: 2,
        make: (p, who) => {
            const visitor = { ip: `${who.address}x`, userAgent: who.agent };
            return { bytes: p.refused(who, { visitor }, bearer(p.tokens.write)), answer: 400 };
        },
    },
    unauthorized: {
        share: 3,
        make: (p, who) => ({
            bytes: p.refused(who, {}, bearer(`${p.stem('bearer')}${p.token()}`)),
            answer: 401,
        }),
    },
    wrongScope: {
        share: 1,
        make: (p, who) => ({ bytes: p.refused(who, {}, bearer(p.tokens.read)), answer: 403 }),
    },
    foreignOrigin: {
        share: 2,
        make: (p, who) => ({
            bytes: p.refused(who, {}, { Origin: `https://${p.stem('header')}.example` }),
            answer: 403,
        }),
    },
    unknownSite: {
        share: 2,
        make: (p, who) => ({ bytes: p.refused(who, { siteId: p.stem('refused') }), answer: 404 }),
    },
    unknownTenant: {
        share: 1,
        make: (p, who) => ({ bytes: p.refused(who, { tenantId: p.stem('refused') }), answer: 404 }),
    },
    tooLarge: {
        share: 1,
        make: (p, who) => ({
            bytes: p.refused(who, { title: `${p.mail()} ${p.token()} `.repeat(2000) }),
            answer: [413, null],
        }),
    },
    coded: {
        share: 1,
        make: (p, who) => ({
            bytes: p.refused(who, {}, { 'Content-Encoding': 'gzip' }),
            answer: [415, null],
        }),
    },
    tooMany: {
        share: 3,
        make: (p, who) => ({
            bytes: p.track(who, p.event({ siteId: SLOW_SITE })),
            answer: [202, 429],
        }),
    },
    framing: {
        share: 1,
        make: (p, who) => ({
            bytes: p.refused(who, {}, { 'Content-Length': `${p.mail()}` }),
            answer: [400, null],
        }),
    },
    cut: {
        share: 2,
        make: (p, who) => {
            const bytes = p.track(who, p.event({ title: p.stem('cut') }));
            return { bytes: bytes.subarray(0, p.random.int(40, bytes.length - 1)), answer: 'cut' };
        },
    },
    read: {
        share: 6,
        make: (p, who) => ({
            bytes: p.get(who, p.random.pick(READS)(p), bearer(p.tokens.read)),
            answer: [200, 204, 301, 302, 308, 400, 401, 403, 404, 422],
        }),
    },
    strayed: {
        share: 3,
        make: (p, who) => {
            const nowhere = `${TRACK}/${p.stem('asked')}/${p.mail()}`;
            return {
                bytes: p.random.chance(0.5)
                    ? p.get(who, p.random.pick(READS)(p))
                    : requestBytes('POST', nowhere, p.headers(who), '{}'),
                answer: [200, 204, 301, 302, 308, 400, 401, 403, 404, 405, 422, null],
            };
        },
    },
};

/** Pages, files and reports, with somebody's data in each place of the address. Not among them:
 *  what the reader of a report searches or filters by, which is the reader's own, and part of the
 *  cache's keys for five minutes. */
const READS = [
    () => '/healthz',
    () => '/readyz',
    () => '/settings/privacy',
    (p) => `/settings/privacy?lang=de&mail=${p.mail()}`,
    (p) => `/settings/privacy/${p.mail()}`,
    () => '/public/analytics.js',
    (p) => `/public/${p.mail()}.js?${p.stem('asked')}`,
    (p) => `/nope/${p.mail()}?key=${p.token()}&${p.stem('asked')}`,
    (p) => `/%zz/${p.mail()}`,
    (p) => `/metrics?${p.stem('asked')}=${p.mail()}`,
    () => `/api/analytics/stats?siteId=${SITE}&period=today`,
    (p) => `/api/analytics/stats?siteId=${p.mail()}`,
    (p) => `/api/analytics/stats?siteId=${SITE}&from=${p.mail()}`,
    (p) => `/api/analytics/tenants/${p.mail()}/stats?${p.stem('asked')}`,
    () => `/api/analytics/realtime?siteId=${SITE}`,
    (p) => `/api/analytics/breakdown?siteId=${SITE}&dimension=${p.mail()}`,
];
export const KIND_NAMES = Object.keys(KINDS);
