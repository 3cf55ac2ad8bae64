// What a site keeps of its visitors: each setting that decides it, on both stores. Every rule has a
// site of its own; all traffic is sent at once, and each test reads what was made of its share.
// Expectations: CONTRACT, AnalyticsSettings; doc/PRIVACY.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AROUND_NOW, bearer, inForce, query } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { countryOf } from '../lib/countries.mjs';
import { SHAPES } from '../lib/platform.mjs';

const TENANT = 't5g';
const FIELDS = [
    ...['referrer', 'campaign', 'title', 'screen', 'props'],
    ...['country', 'browser', 'os', 'device', 'language'],
];
const SOME_ADDRESS = '193.0.6.139';

// -- addresses -----------------------------------------------------------------------------------

const ADDRESSES = [
    ...['198.51.100.7', '198.51.100.200', '::ffff:198.51.100.9', '198.51.101.7', '198.52.100.7'],
    ...['2001:db8:1:2::3', '2001:db8:1:ffff::9', '2001:db8:2::3', '2001:db9:1::3'],
];
const OF_IPV4 = ADDRESSES.filter((address) => address.includes('.'));
const mapped = (address) => address.replace('::ffff:', '');

/** Sites by the settings that cut addresses: which addresses are one visitor, and the prefix that
 *  is stored of each such group where the site stores it. */
const CUTS = {
    'cut-24-48': {
        set: {},
        groups: [
            [['198.51.100.7', '198.51.100.200', '198.51.100.9'], '198.51.100.0/24'],
            [['198.51.101.7'], '198.51.101.0/24'],
            [['198.52.100.7'], '198.52.100.0/24'],
            [['2001:db8:1:2::3', '2001:db8:1:ffff::9'], '2001:db8:1::/48'],
            [['2001:db8:2::3'], '2001:db8:2::/48'],
            [['2001:db9:1::3'], '2001:db9:1::/48'],
        ],
    },
    'cut-16-32': {
        set: { ipv4_prefix: 16, ipv6_prefix: 32 },
        groups: [
            [['198.51.100.7', '198.51.100.200', '198.51.100.9', '198.51.101.7'], '198.51.0.0/16'],
            [['198.52.100.7'], '198.52.0.0/16'],
            [['2001:db8:1:2::3', '2001:db8:1:ffff::9', '2001:db8:2::3'], '2001:db8::/32'],
            [['2001:db9:1::3'], '2001:db9::/32'],
        ],
    },
    'cut-0-0': {
        set: { ipv4_prefix: 0, ipv6_prefix: 0 },
        groups: [
            [OF_IPV4.map(mapped), '0.0.0.0/0'],
            [ADDRESSES.filter((address) => !OF_IPV4.includes(address)), '::/0'],
        ],
    },
    full: {
        set: { visitor_identity: 'full-address' },
        // However visitors are told apart, what is stored is cut.
        groups: [
            [['198.51.100.7'], '198.51.100.0/24'],
            [['198.51.100.200'], '198.51.100.0/24'],
            [['198.51.100.9'], '198.51.100.0/24'],
            [['198.51.101.7'], '198.51.101.0/24'],
            [['198.52.100.7'], '198.52.100.0/24'],
            [['2001:db8:1:2::3'], '2001:db8:1::/48'],
            [['2001:db8:1:ffff::9'], '2001:db8:1::/48'],
            [['2001:db8:2::3'], '2001:db8:2::/48'],
            [['2001:db9:1::3'], '2001:db9:1::/48'],
        ],
    },
};

/** The path of an event says where it came from; twice, as two pages of a visit. */
const fromEach = (site) =>
    [1, 2].flatMap(() =>
        ADDRESSES.map((ip) => [view(site, `/${mapped(ip)}`), { 'X-Forwarded-For': ip }]),
    );

// -- fields --------------------------------------------------------------------------------------

const FULL_QUERY =
    'utm_source=letter&utm_medium=email&utm_campaign=May&utm_content=blue&utm_term=shoes';
const SENDER = { 'X-Forwarded-For': SOME_ADDRESS, 'Accept-Language': 'de-AT, en;q=0.5' };

function full(site) {
    return {
        ...view(site, `/landing?${FULL_QUERY}&gclid=1`),
        referrer: 'https://www.google.com/search?q=x',
        title: 'Landing',
        screen: '1440x900',
        props: { plan: 'pro' },
    };
}

/** What of full() the export and breakdowns show, and by field what they show without it. */
const SHOWN = {
    'row:path': '/landing',
    'row:referrer': 'www.google.com',
    'row:title': 'Landing',
    'row:screen': '1440x900',
    'row:props': { plan: 'pro' },
    page: '/landing',
    referrer: 'www.google.com',
    source: 'letter',
    channel: 'Email',
    utmSource: 'letter',
    utmMedium: 'email',
    utmCampaign: 'May',
    utmContent: 'blue',
    utmTerm: 'shoes',
    country: countryOf(SOME_ADDRESS) ?? '(unknown)',
    browser: 'Chrome',
    os: 'Linux',
    device: 'desktop',
    language: 'de',
    screen: '1440x900',
    'prop:plan': 'pro',
};
const DIMENSIONS = Object.keys(SHOWN).filter((key) => !key.startsWith('row:'));
const UTM = Object.fromEntries(DIMENSIONS.filter((d) => d.startsWith('utm')).map((d) => [d, null]));
const WITHOUT = {
    referrer: { 'row:referrer': null, referrer: null },
    campaign: { ...UTM, source: 'Google', channel: 'Organic Search' },
    title: { 'row:title': null },
    screen: { 'row:screen': null, screen: '(unknown)' },
    props: { 'row:props': null, 'prop:plan': null },
    country: { country: '(unknown)' },
    browser: { browser: '(unknown)' },
    os: { os: '(unknown)' },
    device: { device: '(unknown)' },
    language: { language: '(unknown)' },
};
const WITHOUT_ALL = Object.assign({}, ...Object.values(WITHOUT), {
    source: '(direct)',
    channel: 'Direct',
});

// -- the traffic of all tests --------------------------------------------------------------------

const view = (siteId, path) => ({ event: 'pageview', siteId, path });

const SECRET = 'dGhpcyBpcyBhIHNlY3JldCB0b2tlbjE0NzEx';
const personal = (site) => ({
    ...view(site, `/u/me@example.com#/reset/${SECRET}`),
    title: 'me@example.com',
    props: { mail: 'me@example.com' },
});
const QUERIES = ['/s?q=1&x=2&utm_source=a', '/app?q=1&x=2#/users/7?q=3', '/s?x=2#top'];
const ROUTES = [
    ...['/app#/users/7', '/app?a=1#/users/8?tab=b', '/app#!inbox', '/app#/in/7', '/app#top'],
    ...['/app', '/app#/docs/a/b'],
];
const GPC = { 'Sec-GPC': '1' };
const DNT = { DNT: '1' };

/** site -> its settings as columns, and [event, headers] for each request. */
const SITES = {
    ...Object.fromEntries(
        Object.entries(CUTS).flatMap(([site, { set }]) => [
            [site, [set, fromEach(site)]],
            [`${site}-stored`, [{ ...set, store_ip_prefix: 1 }, fromEach(`${site}-stored`)]],
        ]),
    ),
    ...Object.fromEntries(
        FIELDS.map((field) => [
            `no-${field}`,
            [{ disabled_fields: [field] }, [[full(`no-${field}`), SENDER]]],
        ]),
    ),
    'all-fields': [{}, [[full('all-fields'), SENDER]]],
    'no-fields': [{ disabled_fields: FIELDS }, [[full('no-fields'), SENDER]]],
    'no-forms': [
        { disabled_events: ['form.submit'] },
        [[view('no-forms', '/')], [{ event: 'form.submit', siteId: 'no-forms' }]],
    ],
    masked: [{}, [[personal('masked')]]],
    'not-masked': [{ mask_personal: 0 }, [[personal('not-masked')]]],
    'no-query': [{}, QUERIES.map((path) => [view('no-query', path)])],
    'some-query': [{ query_params: ['q'] }, QUERIES.map((path) => [view('some-query', path)])],
    routes: [
        {
            blocked_paths: ['/app#/in/*'],
            goals: [{ name: 'User', path: '/app#/users/*' }],
            path_rules: [{ match: '/app#/docs/**', to: '/app#/docs' }],
        },
        ROUTES.map((path) => [view('routes', path)]),
    ],
    signals: [{}, [[view('signals', '/gpc'), GPC], [view('signals', '/dnt'), DNT]]],
    'other-signals': [
        { respect_gpc: 0, respect_dnt: 1 },
        [[view('other-signals', '/gpc'), GPC], [view('other-signals', '/dnt'), DNT]],
    ],
    later: [{}, []],
    gate: [{}, []],
};

class World {
    static #worlds = new Map();

    /** The one of a shape, for all tests. */
    static of(shape) {
        if (!World.#worlds.has(shape)) World.#worlds.set(shape, World.#open(shape));
        return World.#worlds.get(shape);
    }

    static async #open({ make, shape }) {
        const self = Object.assign(new World(), { abacus: await make(), answers: {} });
        const { abacus } = self;
        await abacus.must(['tenant', 'add', '--id', TENANT, '--name', 'T']);
        self.token = await abacus.token('stats:read', { tenant: TENANT });
        self.write = await abacus.token('events:write', { tenant: TENANT });
        await abacus.sql(sitesSql());
        const proxied = ['--trusted-proxies', '127.0.0.1'];
        const nodes = shape === 'platform' ? [abacus, abacus.node()] : [abacus];
        self.servers = await Promise.all(nodes.map((node) => node.serve(proxied)));
        await Promise.all(self.servers.map((server) => server.ready()));
        await self.#send();
        return self;
    }

    /** Each request to the next of the nodes, and until all is counted. */
    async #send() {
        let accepted = 0;
        let turn = 0;
        for (const [site, [, requests]] of Object.entries(SITES)) {
            this.answers[site] = [];
            for (const [event, headers] of requests) {
                const server = this.servers[turn++ % this.servers.length];
                const { status, body } = await server.track(event, headers);
                assert.equal(status, 202, JSON.stringify(body));
                this.answers[site].push(body);
                accepted += body.accepted;
            }
        }
        await this.counted(accepted);
    }

    async counted(events) {
        const path = query(`/api/analytics/tenants/${TENANT}/stats`, {
            from: AROUND_NOW[0],
            to: AROUND_NOW[1],
        });
        await this.servers[0].until(async () => {
            const { body } = await this.servers[0].get(path, this.token);
            return body.pageviews === events;
        }, `${events} pageviews`);
    }

    rows(site) {
        return this.servers[0].exportRows(this.token, site, ...AROUND_NOW);
    }

    async values(site, dimension, filter) {
        const [from, to] = AROUND_NOW;
        const asked = { siteId: site, from, to, dimension, filter };
        const path = query('/api/analytics/breakdown', asked);
        const { status, body } = await this.servers[0].get(path, this.token);
        assert.equal(status, 200, JSON.stringify(body));
        return body.rows.map(({ value }) => value).sort();
    }

    /** As SHOWN. */
    async shown(site) {
        const [row, ...more] = await this.rows(site);
        assert.deepEqual(more, []);
        const out = {};
        for (const key of Object.keys(SHOWN)) {
            const [value = null, ...others] = key.startsWith('row:')
                ? [row[key.slice('row:'.length)]]
                : await this.values(site, key);
            assert.deepEqual(others, [], key);
            out[key] = value;
        }
        return out;
    }
}

/** Rows of analytics_settings, as another program would write them. */
function sitesSql() {
    const literal = (value) => (Array.isArray(value) ? JSON.stringify(value) : String(value));
    const insert = ([site, [set]]) => {
        const who = { site_id: site, tenant_id: TENANT, domain: `${site}.example` };
        const row = { ...who, created_ms: 0, ...set };
        const values = Object.values(row).map((value) => `'${literal(value)}'`);
        return `INSERT INTO analytics_settings (${Object.keys(row)}) VALUES (${values});`;
    };
    return Object.entries(SITES).map(insert).join('\n');
}

/** One test for each shape; `body` is given the world of it. */
function inEachWorld(name, body) {
    for (const shape of SHAPES)
        test(`${name} (${shape.shape})`, async () => body(await World.of(shape)));
}

// -- who is one visitor --------------------------------------------------------------------------

/** The addresses of a site's rows by visitor, and the prefixes that their rows have. */
function visitorsOf(rows) {
    const groups = new Map();
    for (const { visitor, path, ipPrefix } of rows) {
        if (!groups.has(visitor)) groups.set(visitor, [new Set(), new Set()]);
        groups.get(visitor)[0].add(path.slice(1));
        groups.get(visitor)[1].add(ipPrefix);
    }
    return [...groups.values()].map((sets) => sets.map((set) => [...set].sort()));
}

const sorted = (groups) => groups.map((group) => JSON.stringify(group)).sort();

for (const [site, { groups }] of Object.entries(CUTS))
    inEachWorld(`addresses are one visitor or two by the settings of ${site}`, async (world) => {
        const expected = groups.map(([ips, prefix]) => [[...ips].sort(), [prefix]]);
        const without = expected.map(([ips]) => [ips, [null]]);
        assert.deepEqual(sorted(visitorsOf(await world.rows(site))), sorted(without));
        const stored = await world.rows(`${site}-stored`);
        assert.deepEqual(sorted(visitorsOf(stored)), sorted(expected));
        assert.equal(stored.length, 2 * ADDRESSES.length);
        const { uniqueVisitors } = await world.servers[0].stats(world.token, site);
        assert.equal(uniqueVisitors, groups.length);
    });

inEachWorld('no column has an address unless the site stores it', async (world) => {
    const text = await world.abacus.sql(
        `SELECT DISTINCT site_id FROM analytics_events WHERE ip_prefix IS NOT NULL;`,
    );
    const storing = Object.keys(CUTS).map((site) => `${site}-stored`);
    assert.deepEqual(text.trim().split('\n').sort(), storing.sort());
});

inEachWorld('what would cut less is refused, and what is no field', async (world) => {
    const refused = [
        ['ipv4Prefix=25', 'ipv4Prefix: must be a whole number from 0 to 24'],
        ['ipv6Prefix=49', 'ipv6Prefix: must be a whole number from 0 to 48'],
        ['storeIpPrefix=24', 'storeIpPrefix: must be true or false'],
        ['fields=title,path', `fields[1]: must be ${FIELDS.slice(0, -1).join(', ')} or language`],
    ];
    const show = async () =>
        JSON.parse(await world.abacus.must(['site', 'list', '--json'])).find(
            ({ siteId }) => siteId === 'all-fields',
        );
    const before = await show();
    assert.deepEqual(
        [before.ipv4Prefix, before.ipv6Prefix, before.storeIpPrefix, before.fields],
        [24, 48, false, []],
    );
    for (const [change, why] of refused) {
        const { code, stderr } = await world.abacus.command(['site', 'set', 'all-fields', change]);
        assert.deepEqual([code, stderr], [2, `abacus: ${why}\n`]);
    }
    assert.deepEqual(await show(), before);
});

// -- fields, events ------------------------------------------------------------------------------

inEachWorld('a field that is switched off is nowhere, the others stay', async (world) => {
    assert.deepEqual(await world.shown('all-fields'), SHOWN);
    for (const field of FIELDS)
        assert.deepEqual(
            await world.shown(`no-${field}`),
            { ...SHOWN, ...WITHOUT[field] },
            `without ${field}`,
        );
    assert.deepEqual(await world.shown('no-fields'), { ...SHOWN, ...WITHOUT_ALL });
});

inEachWorld('robots are left out where every field is switched off', async (world) => {
    const robot = { ...SENDER, 'User-Agent': 'Googlebot/2.1 (+http://www.google.com/bot.html)' };
    const { body } = await world.servers[0].track(full('no-fields'), robot);
    assert.deepEqual(body, { accepted: 0, dropped: { bot: 1 } });
});

inEachWorld('an event that is switched off is left out alone', async (world) => {
    assert.deepEqual(world.answers['no-forms'], [
        { accepted: 1 },
        { accepted: 0, dropped: { disabled: 1 } },
    ]);
    const rows = await world.rows('no-forms');
    assert.deepEqual(
        rows.map(({ event }) => event),
        ['pageview'],
    );
});

// -- paths, titles, properties -------------------------------------------------------------------

inEachWorld('personal data is masked unless the site wants it', async (world) => {
    const pick = ({ path, title, props }) => ({ path, title, props });
    assert.deepEqual((await world.rows('masked')).map(pick), [
        { path: '/u/[email]#/reset/[token]', title: '[email]', props: { mail: '[email]' } },
    ]);
    const sent = personal('not-masked');
    assert.deepEqual((await world.rows('not-masked')).map(pick), [pick(sent)]);
});

inEachWorld('of a query only what the site keeps is kept', async (world) => {
    const paths = async (site) => (await world.rows(site)).map(({ path }) => path).sort();
    assert.deepEqual(await paths('no-query'), ['/app#/users/7', '/s', '/s']);
    assert.deepEqual(await paths('some-query'), ['/app#/users/7?q=1', '/s', '/s?q=1']);
});

inEachWorld('routes are pages to rules, goals, blocked paths and filters', async (world) => {
    assert.deepEqual(
        world.answers.routes.map(({ accepted, dropped }) => (accepted ? 'taken' : dropped)),
        ROUTES.map((path) => (path === '/app#/in/7' ? { blocked: 1 } : 'taken')),
    );
    const pages = ['/app', '/app#!inbox', '/app#/docs', '/app#/users/7', '/app#/users/8'];
    assert.deepEqual(await world.values('routes', 'page'), pages);
    assert.deepEqual(await world.values('routes', 'page', 'page:startsWith:/app#/users/'), [
        '/app#/users/7',
        '/app#/users/8',
    ]);
    assert.deepEqual(await world.values('routes', 'page', 'page:is:/app'), ['/app']);
    const { conversions, pageviews } = await world.servers[0].stats(world.token, 'routes');
    assert.deepEqual([conversions, pageviews], [2, 6]);
});

// -- what visitors ask for -----------------------------------------------------------------------

inEachWorld('GPC is respected and Do Not Track is not, unless the site says so', async (world) => {
    assert.deepEqual(world.answers.signals, [
        { accepted: 0, dropped: { gpc: 1 } },
        { accepted: 1 },
    ]);
    assert.deepEqual(world.answers['other-signals'], [
        { accepted: 1 },
        { accepted: 0, dropped: { 'do-not-track': 1 } },
    ]);
    for (const [site, path] of [
        ['signals', '/dnt'],
        ['other-signals', '/gpc'],
    ])
        assert.deepEqual(
            (await world.rows(site)).map((row) => row.path),
            [path],
        );
});

// -- tokens --------------------------------------------------------------------------------------

inEachWorld('of a token the address that it names is stored, or none', async (world) => {
    const site = 'full-stored';
    const visitor = { ip: '203.0.113.77', userAgent: BROWSER };
    const auth = { ...bearer(world.write), 'X-Forwarded-For': '203.0.114.1' };
    const before = (await world.rows(site)).length;
    for (const event of [{ ...view(site, '/named'), visitor }, view(site, '/nobody')])
        assert.deepEqual((await world.servers[0].track(event, auth)).body, { accepted: 1 });
    await world.servers[0].until(
        async () => (await world.rows(site)).length === before + 2,
        'two more rows',
    );
    const prefixes = (await world.rows(site)).map(({ path, ipPrefix }) => [path, ipPrefix]);
    assert.deepEqual(Object.fromEntries(prefixes)['/named'], '203.0.113.0/24');
    assert.deepEqual(Object.fromEntries(prefixes)['/nobody'], null);
});

// -- in force ------------------------------------------------------------------------------------

/** Once `gate` is closed on a node, so is what was set before it: a node takes settings whole. */
inEachWorld('a change is in force on every node within a second', async (world) => {
    const set = (site, ...changes) => world.abacus.must(['site', 'set', site, ...changes]);
    const says = async (server, dropped) => {
        const { body } = await server.track(view('gate', '/'), GPC);
        return Object.keys(body.dropped)[0] === dropped;
    };
    const everywhere = async (dropped) =>
        (await Promise.all(world.servers.map((server) => says(server, dropped)))).every(Boolean);
    const gate = (change, dropped, back, before) =>
        inForce(
            `gate ${change}`,
            async (n) => {
                if (n > 0) {
                    await set('gate', back);
                    await world.servers[0].until(() => everywhere(before), before);
                }
                await set('gate', change);
            },
            () => everywhere(dropped),
        );
    const send = async (round) => {
        for (const [node, server] of world.servers.entries())
            for (const ip of ['198.51.100.7', '198.51.100.200']) {
                const path = `/${round}/${node}/${ip}?q=1`;
                const event = { ...full('later'), path, title: 'me@example.com' };
                const { body } = await server.track(event, { ...SENDER, 'X-Forwarded-For': ip });
                assert.deepEqual(body, { accepted: 1 });
            }
    };
    await send('before');
    await set(
        'later',
        ...['storeIpPrefix=true', 'ipv4Prefix=16', 'visitorIdentity=full-address'],
        ...['fields=screen,props', 'maskPersonal=false', 'queryParams=q'],
    );
    await gate('enabled=false', 'disabled', 'enabled=', 'gpc');
    await send('after');
    await set(
        'later',
        ...['storeIpPrefix=', 'visitorIdentity=', 'fields=', 'maskPersonal=', 'queryParams='],
    );
    await gate('enabled=', 'gpc', 'enabled=false', 'disabled');
    await send('again');
    const total = 3 * 2 * world.servers.length;
    await world.servers[0].until(async () => (await world.rows('later')).length === total, 'rows');
    const expected = {
        before: [null, '1440x900', { plan: 'pro' }, '[email]', ''],
        after: ['198.51.0.0/16', null, null, 'me@example.com', '?q=1'],
        again: [null, '1440x900', { plan: 'pro' }, '[email]', ''],
    };
    const visitors = { before: new Set(), after: new Set(), again: new Set() };
    for (const { path, ipPrefix, screen, props, title, visitor } of await world.rows('later')) {
        const [, round] = path.split('/');
        const [, kept = ''] = path.split(/(?=\?)/);
        assert.deepEqual([ipPrefix, screen, props, title, kept], expected[round], path);
        visitors[round].add(visitor);
    }
    const counts = Object.values(visitors).map((set) => set.size);
    assert.deepEqual(counts, [1, 2, 1]);
});
