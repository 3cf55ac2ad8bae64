// A tenant's token never reads another tenant's rows, in any endpoint.
//
// The questions are made from the server's own route table: every GET route, every way in which
// its parameters can name a site or a tenant, one by one and together. Where a question names
// something that the token does not reach, the answer is the very one for a name that does not
// exist. Where it names only the token's own, or nothing, the answer holds nothing of others and
// is, byte for byte, the one given before the others were there. A route or a parameter that is
// not in ROUTES fails the first test.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { query } from '../lib/abacus.mjs';
import { SHAPES } from '../lib/platform.mjs';

const DAY_MS = 86_400_000;
const date = (daysAgo) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
/** Days that are over in every zone: no answer about them changes while time goes by. */
const RANGE = { from: date(6), to: date(3) };
const HAPPENED = `${date(4)}T12:00:00Z`;

const SITE_READ = { access: 'stats:read', names: ['siteId', 'tenantId'] };
/** A filter that all events meet. */
const LOOKS = 'event:isNot:andesite';
const OPEN = { access: 'none', names: [], asked: [{}] };

/** Managing, signing in and the pages for it, with every sort of credentials: credentials.test.mjs. */
const ELSEWHERE = /^\/(api\/(admin|session)|api\/analytics\/settings|admin|share|embed)\b/;

/** Path -> who may ask, which parameters name a site or a tenant, and with what else to ask. Every
 *  other parameter of the route stands in one of `asked`. */
const ROUTES = {
    '/api/analytics/stats': {
        ...SITE_READ,
        asked: [RANGE, { period: '30d' }, { ...RANGE, filter: ['page:startsWith:/', LOOKS] }],
    },
    '/api/analytics/compare': {
        ...SITE_READ,
        names: ['siteId', 'siteIds', 'tenantId'],
        asked: [
            RANGE,
            { period: '7d', against: 'previous', matchWeekday: 'true' },
            { ...RANGE, against: 'custom', againstFrom: date(20), againstTo: date(16) },
            { ...RANGE, filter: LOOKS },
        ],
        /** Sites side by side are neither compared with an earlier range nor narrowed down. */
        apart: ['siteIds', 'against', 'filter'],
    },
    '/api/analytics/timeseries': {
        ...SITE_READ,
        asked: [
            { ...RANGE, metric: 'pageviews', interval: 'day' },
            { ...RANGE, metric: 'aiTokens', interval: 'hour', filter: LOOKS },
            { ...RANGE, against: 'year', matchWeekday: 'true' },
            { ...RANGE, against: 'custom', againstFrom: date(20), againstTo: date(16) },
            { period: '30d' },
        ],
    },
    '/api/analytics/breakdown': {
        ...SITE_READ,
        asked: [
            { ...RANGE, dimension: 'page' },
            { ...RANGE, dimension: 'event', limit: '2', offset: '1', filter: LOOKS },
            { ...RANGE, dimension: 'prop:vein', search: 'ox' },
            { ...RANGE, dimension: 'prop:vein', sort: 'events' },
            { period: '30d', dimension: 'source' },
            { ...RANGE, dimension: 'page', against: 'year', matchWeekday: 'true' },
            {
                ...{ ...RANGE, dimension: 'event', against: 'custom', sort: 'change' },
                ...{ againstFrom: date(20), againstTo: date(16) },
            },
        ],
    },
    '/api/analytics/properties': { ...SITE_READ, asked: [RANGE, { period: '30d' }] },
    '/api/analytics/realtime': { ...SITE_READ, asked: [{}] },
    '/api/analytics/ledger': { ...SITE_READ, asked: [RANGE, { period: '30d' }] },
    '/api/analytics/annotations': { ...SITE_READ, asked: [RANGE, { period: '30d' }] },
    /** What was refused or dropped: all of it is planted here, and none of it is the askers'. */
    '/api/analytics/check': { ...SITE_READ, asked: [{}] },
    '/api/analytics/snippet': { ...SITE_READ, asked: [{}] },
    '/api/analytics/sites': {
        access: 'stats:read',
        names: ['tenantId'],
        asked: [
            RANGE,
            { period: '30d', against: 'previous', matchWeekday: 'true', sort: 'change' },
            {
                ...{ ...RANGE, against: 'custom', againstFrom: date(20), againstTo: date(16) },
                ...{ search: 'a', limit: '1', offset: '0' },
            },
            { names: 'true' },
        ],
    },
    '/api/analytics/export': {
        ...SITE_READ,
        asked: [
            { ...RANGE, format: 'ndjson' },
            { ...RANGE, format: 'csv' },
            { ...RANGE, rows: 'days' },
            { ...RANGE, rows: 'hours', filter: LOOKS },
            { ...RANGE, rows: 'page' },
            { period: '30d' },
        ],
    },
    '/api/analytics/tenants/{tenantId}/stats': {
        access: 'stats:read',
        names: ['tenantId'],
        asked: [RANGE, { period: '30d' }],
    },
    '/healthz': OPEN,
    '/readyz': OPEN,
    '/metrics': { ...OPEN, access: 'metrics' },
    '/api/openapi.json': OPEN,
    '/public/analytics.js': OPEN,
    '/settings/privacy': { ...OPEN, asked: [{}, { lang: 'de' }] },
    /** For visitors: a site's is open to all who know its id. */
    '/settings/privacy/{siteId}': {
        ...OPEN,
        asked: [{ siteId: 'granite' }, { siteId: 'granite', lang: 'de' }],
    },
};

// -- who there is, and by what they are recognised ------------------------------------------------

const SITES = { granite: 'alpha', basalt: 'alpha', quartzite: 'obsidian', malachite: 'obsidian' };
const ALIAS = 'feldspar'; // of quartzite

/** What is sent from the backends: counts and words that occur nowhere else. */
const EVENTS = [
    { siteId: 'granite', event: 'pageview', path: '/plain', count: 3 },
    { siteId: 'basalt', event: 'pageview', path: '/tuff', count: 40_009 },
    { siteId: 'quartzite', event: 'pageview', path: '/hornblende', count: 700_001 },
    { siteId: 'quartzite', event: 'lead.created', count: 510_511 },
    { siteId: 'quartzite', event: 'ai.usage', tokens: 9_876_543 },
    { siteId: 'quartzite', event: 'gneiss.seen', props: { vein: 'pyroxene' } },
    { siteId: 'malachite', event: 'pageview', path: '/amphibole', count: 300_007 },
].map((event) => ({ ...event, timestamp: HAPPENED }));

const of = (...sites) => EVENTS.filter(({ siteId }) => sites.includes(siteId));

/** In answers to others these must not occur; in those to their owner all of them do. */
const FOREIGN = [
    ...['obsidian', 'quartzite', 'malachite'],
    ...['/hornblende', '/amphibole', 'gneiss.seen', 'pyroxene'],
    ...['700001', '300007', '1000008', '510511', '9876543'],
    ...['rhyolite', 'pegmatite', 'chalk.example'],
];
/** Noted of a date; sent by a page of quartzite as its site; and an origin that it refuses. */
const NOTE = { siteId: 'quartzite', date: HAPPENED.slice(0, 10), text: 'rhyolite' };
const STRANGE = [
    [{ siteId: 'pegmatite', event: 'pageview', path: '/' }, 'https://quartzite.example', 404],
    [{ siteId: 'quartzite', event: 'pageview', path: '/' }, 'https://chalk.example', 403],
];
const SIBLING = ['basalt', '/tuff', '40009', '40012'];

const occurs = (mark, text) => new RegExp(`(?<![0-9A-Za-z])${mark}(?![0-9A-Za-z])`).test(text);

/** What a token may name, what it may not, and what it must never be shown. */
const VIEWS = {
    tenant: {
        token: { tenant: 'alpha' },
        own: { siteId: ['granite'], siteIds: ['granite,basalt'], tenantId: ['alpha'] },
        others: {
            siteId: ['quartzite', 'malachite', ALIAS],
            siteIds: ['quartzite', 'granite,quartzite', 'malachite,granite', 'quartzite,malachite'],
            tenantId: ['obsidian'],
        },
        marks: FOREIGN,
    },
    'one site': {
        token: { tenant: 'alpha', site: 'granite' },
        own: { siteId: ['granite'], siteIds: ['granite'], tenantId: ['alpha'] },
        others: {
            siteId: ['quartzite', 'basalt', ALIAS],
            siteIds: ['quartzite', 'granite,quartzite', 'granite,basalt', 'basalt'],
            tenantId: ['obsidian'],
        },
        /** Its tenant's report is more than its site. */
        pathOthers: ['alpha', 'obsidian'],
        marks: [...FOREIGN, ...SIBLING],
    },
};

// -- questions ------------------------------------------------------------------------------------

const NAMED = [...Object.keys(SITES), ALIAS, ...Object.values(SITES)];
/** Names like the given ones that nobody has. */
const twin = (names) => names.replace(/[^,]+/g, (name) => `${name.slice(0, -1)}0`);
for (const name of NAMED) assert.ok(!NAMED.includes(twin(name)));

/** The parameter that stands in the path itself. */
const inPath = (path) => /\{(\w+)\}/.exec(path)?.[1];

/** Every combination of naming or not: lists of [name, value, isOther]. */
function combinations(path, { names }, view) {
    let all = [[]];
    for (const name of names) {
        const required = inPath(path) === name;
        const others = (required && view.pathOthers) || view.others[name];
        const own = view.own[name].filter((value) => !others.includes(value));
        const values = [
            ...(required ? [] : [undefined]),
            ...own.map((value) => [name, value, false]),
            ...others.map((value) => [name, value, true]),
        ];
        all = all.flatMap((some) => values.map((one) => (one ? [...some, one] : some)));
    }
    return all;
}

function address(path, named, rest, change = (value) => value) {
    const values = named.map(([name, value, isOther]) => [name, isOther ? change(value) : value]);
    const params = { ...Object.fromEntries(values), ...rest };
    const name = inPath(path);
    const place = path.replace(/\{\w+\}/, () => params[name]);
    delete params[name];
    return query(place, params);
}

/** What a client sees, without the names that were asked for, and without how far the job has come:
 *  `asOf` and `queued` are the installation's. */
function seen(answer, named, change = (value) => value) {
    const headers = [...answer.headers].filter(([name]) => name !== 'date');
    let text = JSON.stringify([answer.status, headers, answer.text]);
    for (const [, value, isOther] of named)
        if (isOther)
            for (const name of value.split(','))
                text = text.replaceAll(change(name), '(name)').replaceAll(name, '(name)');
    return text.replace(/\\"(asOf|queued)\\":(null|\d+|\\"[^"]*\\"),/g, '');
}

/** The variants of a route that a question with these names may have. */
const variants = ({ asked, apart: [one, ...others] = [] }, named) =>
    named.some(([name]) => name === one)
        ? asked.filter((rest) => !others.some((other) => other in rest))
        : asked;

/** Whether the answer stays as it is while time goes by. */
const isSteady = (rest) => rest.from !== undefined;

// -- the tests ------------------------------------------------------------------------------------

function isolation(shape, make) {
    describe(`${shape}: what is not one's own`, () => {
        const tokens = {};
        const earlier = new Map();
        let abacus;
        let server;

        /** As from the network: what is open to this machine alone stays shut. */
        const get = (path, token) => server.get(path, token, { 'x-forwarded-for': '192.0.2.1' });

        async function plant() {
            const { text, ...params } = NOTE;
            const token = await abacus.token('admin', { tenant: 'obsidian' });
            await server.until(async () => {
                const { status } = await server.fetch(query('/api/analytics/annotations', params), {
                    method: 'PUT',
                    headers: { authorization: `Bearer ${token}` },
                    body: JSON.stringify({ text }),
                });
                return status === 201;
            }, 'the annotation to be taken');
            for (const [event, origin, status] of STRANGE)
                assert.equal((await server.track(event, { origin })).status, status);
        }

        async function send(tenant, events) {
            const token = await abacus.token('events:write', { tenant });
            const authorization = `Bearer ${token}`;
            await server.until(async () => {
                const answer = await server.track(events, { authorization });
                return answer.status === 202 && answer.body.accepted === events.length;
            }, 'events of a new site to be taken');
        }

        /** Once the pageviews of a site are counted, so is what was sent together with them. */
        async function counted(token, site) {
            const events = of(site).filter(({ event }) => event === 'pageview');
            const expected = events.reduce((sum, { count }) => sum + count, 0);
            await server.until(async () => {
                const { pageviews } = await server.stats(token, site, [RANGE.from, RANGE.to]);
                assert.ok(pageviews <= expected, `${pageviews} pageviews instead of ${expected}`);
                return pageviews === expected;
            }, `the pageviews of ${site}`);
        }

        /** Every question that names nothing foreign. */
        function* harmless(view) {
            for (const [path, route] of Object.entries(ROUTES))
                for (const named of combinations(path, route, view))
                    for (const rest of variants(route, named))
                        if (!named.some(([, , isOther]) => isOther)) yield { path, named, rest };
        }

        before(async () => {
            abacus = await make();
            for (const site of ['granite', 'basalt']) await abacus.site(site, 'alpha');
            for (const [name, view] of Object.entries(VIEWS))
                tokens[name] = await abacus.token('stats:read', view.token);
            server = await abacus.serve();
            await send('alpha', of('granite', 'basalt'));
            for (const site of ['granite', 'basalt']) await counted(tokens.tenant, site);

            for (const [name, view] of Object.entries(VIEWS))
                for (const { path, named, rest } of harmless(view)) {
                    const url = address(path, named, rest);
                    if (isSteady(rest))
                        earlier.set(`${name} ${url}`, seen(await get(url, tokens[name]), []));
                }

            for (const site of ['quartzite', 'malachite']) await abacus.site(site, 'obsidian');
            await abacus.settings('quartzite', { tracking_ids: [ALIAS] });
            tokens.owner = await abacus.token('stats:read', { tenant: 'obsidian' });
            await send('obsidian', of('quartzite', 'malachite'));
            for (const site of ['quartzite', 'malachite']) await counted(tokens.owner, site);
            await plant();
        });
        after(() => server?.stop());

        test('every route and every parameter is one that is asked here', async () => {
            const { body } = await server.get('/api/openapi.json');
            const offered = {};
            for (const [path, methods] of Object.entries(body.paths))
                if (methods.get && !ELSEWHERE.test(path))
                    offered[path] = {
                        access: methods.get['x-access'],
                        parameters: methods.get.parameters.map(({ name }) => name).sort(),
                    };
            const asked = {};
            for (const [path, { access, names, asked: rests }] of Object.entries(ROUTES)) {
                const others = rests.flatMap((rest) => Object.keys(rest));
                asked[path] = { access, parameters: [...new Set([...names, ...others])].sort() };
            }
            assert.deepEqual(offered, asked);
        });

        /** The proof that the questions are right and the marks are there to be found; and it
         *  fills whatever keeps answers. */
        test('its owner is shown all of it', async () => {
            const shown = new Set();
            const owner = {
                siteId: ['quartzite', 'malachite'],
                siteIds: ['quartzite,malachite'],
                tenantId: ['obsidian'],
            };
            for (const [path, route] of Object.entries(ROUTES)) {
                for (const name of route.names)
                    for (const value of owner[name]) {
                        const alone = name !== 'tenantId' || !route.names.includes('siteId');
                        const site = [['siteId', 'quartzite', false]];
                        const named = [[name, value, false], ...(alone ? [] : site)];
                        for (const rest of variants(route, named)) {
                            const url = address(path, named, rest);
                            const answer = await get(url, tokens.owner);
                            assert.equal(answer.status, 200, `${url}: ${answer.text}`);
                            const marks = FOREIGN.filter((mark) => occurs(mark, answer.text));
                            assert.ok(marks.length > 0, `nothing of its own in ${url}`);
                            for (const mark of marks) shown.add(mark);
                        }
                    }
            }
            assert.deepEqual([...shown].sort(), [...FOREIGN].sort());
            assert.ok(occurs('quartzite', (await server.get('/metrics')).text));
        });

        for (const [name, view] of Object.entries(VIEWS)) {
            test(`a token of a ${name} is answered as if what it does not reach did not exist`, async () => {
                const refused = {};
                for (const [path, route] of Object.entries(ROUTES))
                    for (const named of combinations(path, route, view)) {
                        const foreign = named.filter(([, , isOther]) => isOther);
                        if (foreign.length === 0) continue;
                        for (const rest of variants(route, named)) {
                            const url = address(path, named, rest);
                            const asked = await get(url, tokens[name]);
                            const unknown = await get(
                                address(path, named, rest, twin),
                                tokens[name],
                            );
                            assert.equal(seen(asked, named), seen(unknown, named, twin), url);
                            const statuses = named.length === 1 ? [404] : [404, 400];
                            assert.ok(statuses.includes(asked.status), `${url}: ${asked.text}`);
                            if (asked.status === 404)
                                for (const [param] of foreign)
                                    (refused[path] ??= new Set()).add(param);
                        }
                    }
                for (const [path, { names }] of Object.entries(ROUTES))
                    assert.deepEqual([...(refused[path] ?? [])].sort(), [...names].sort(), path);
            });

            test(`a token of a ${name} that names nothing foreign is shown nothing foreign`, async () => {
                let answered = 0;
                for (const { path, named, rest } of harmless(view)) {
                    const url = address(path, named, rest);
                    const answer = await get(url, tokens[name]);
                    const all = JSON.stringify([...answer.headers]) + answer.text;
                    for (const mark of view.marks)
                        assert.ok(!occurs(mark, all), `${mark} in ${url}: ${answer.text}`);
                    if (isSteady(rest))
                        assert.equal(seen(answer, []), earlier.get(`${name} ${url}`), url);
                    if (ROUTES[path].access === 'metrics') assert.equal(answer.status, 403, url);
                    answered += answer.status === 200;
                }
                assert.ok(answered >= Object.keys(ROUTES).length, `only ${answered} answers`);
            });
        }
    });
}

for (const { shape, make } of SHAPES) isolation(shape, make);
