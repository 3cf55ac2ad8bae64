// POST /api/analytics/track as the contract describes it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AROUND_NOW, bearer, Installation } from '../lib/abacus.mjs';
import { browser } from '../lib/browsers.mjs';
import { Load, pathOf } from '../lib/load.mjs';
import { once, requestBytes, TRACK, trackBytes, Wire } from '../lib/wire.mjs';

const abacus = new Installation();
const tokens = {};
let server;
let sites = 0;

const view = (siteId, path = '/', more = {}) => ({ event: 'pageview', siteId, path, ...more });

before(async () => {
    await abacus.site('main', 'alpha', { domain: 'example.com' });
    await abacus.site('second', 'alpha', { domain: 'second.example' });
    await abacus.site('foreign', 'beta', { domain: 'beta.example' });
    tokens.read = await abacus.token('stats:read', { platform: true });
    tokens.write = await abacus.token('events:write', { tenant: 'alpha' });
    tokens.bound = await abacus.token('events:write', { tenant: 'alpha', site: 'second' });
    tokens.foreign = await abacus.token('events:write', { tenant: 'beta' });
    tokens.reader = await abacus.token('stats:read', { tenant: 'alpha' });
    server = await abacus.serve();
});

after(() => server?.stop());

/** A site of its own for a test that counts, with these settings in force. The probe that finds
 *  that out is refused, and the only line that it leaves in the site's ledger is one more
 *  `forbidden`. */
async function freshSite(settings = {}) {
    const id = `fresh${++sites}`;
    await abacus.site(id, 'alpha', { domain: `${id}.example` });
    await abacus.settings(id, { tracking_ids: [`${id}-alias`], ...settings });
    const evil = { Origin: 'https://probe.invalid' };
    await server.until(
        async () => (await server.track(view(`${id}-alias`), evil)).status === 403,
        `the settings of ${id}`,
    );
    return id;
}

async function counted(siteId) {
    await abacus.aggregate();
    return server.stats(tokens.read, siteId);
}

async function ledgerOf(siteId) {
    await abacus.aggregate();
    return server.ledger(tokens.read, siteId);
}

async function expect(events, headers, status, body = {}) {
    const answer = await server.track(events, headers);
    assert.equal(answer.status, status, answer.text);
    for (const [name, value] of Object.entries(body))
        assert.deepEqual(answer.body[name], value, answer.text);
    return answer;
}

test('takes one event, an array, and an object with events, whatever the Content-Type', async () => {
    const site = await freshSite();
    for (const type of [
        undefined,
        'application/json',
        'text/plain;charset=UTF-8',
        'application/x-www-form-urlencoded',
    ]) {
        const headers = type ? { 'content-type': type } : {};
        assert.deepEqual((await expect(view(site), headers, 202)).body, { accepted: 1 });
        assert.deepEqual((await expect([view(site), view(site)], headers, 202)).body, {
            accepted: 2,
        });
        assert.deepEqual(
            (await expect({ events: [view(site), view(site), view(site)] }, headers, 202)).body,
            { accepted: 3 },
        );
    }
    assert.equal((await counted(site)).pageviews, 4 * 6);
});

test('takes every documented event type and custom names, and counts each in its place', async () => {
    const site = await freshSite();
    const names = [
        'pageview',
        'lead.created',
        'form.submit',
        'automation.run',
        'export.completed',
        'my_own:thing-1',
    ];
    await expect(
        [
            ...names.map((event) => ({ event, siteId: site, path: '/' })),
            { event: 'ai.usage', siteId: site, tokens: 950 },
            { event: 'engagement', siteId: site, path: '/', seconds: 3.5, scroll: 40 },
        ],
        {},
        202,
        { accepted: 8 },
    );
    const stats = await counted(site);
    const { pageviews, leads, forms, automationRuns, exports, aiTokens, uniqueVisitors, visits } =
        stats;
    assert.deepEqual(
        { pageviews, leads, forms, automationRuns, exports, aiTokens, uniqueVisitors, visits },
        {
            pageviews: 1,
            leads: 1,
            forms: 1,
            automationRuns: 1,
            exports: 1,
            aiTokens: 950,
            uniqueVisitors: 1,
            visits: 1,
        },
    );
    assert.equal((await server.ledger(tokens.read, site)).stored, 8);
});

test('a preflight is answered 204 for any origin, for a day and without credentials', async () => {
    const headers = {
        Origin: 'https://example.com',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type',
    };
    const answer = await once(server.port, requestBytes('OPTIONS', TRACK, headers));
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.match(answer.headers['access-control-allow-methods'], /\bPOST\b/);
    assert.match(answer.headers['access-control-allow-headers'].toLowerCase(), /content-type/);
    assert.equal(answer.headers['access-control-max-age'], '86400');
    assert.equal(answer.headers['access-control-allow-credentials'], undefined);
});

test('every answer, refusals included, may be read by any origin', async () => {
    const cases = [
        [view('main'), {}, 202],
        ['{', {}, 400],
        [view('main'), bearer('nonsense'), 401],
        [view('nowhere'), {}, 404],
        [view('main'), { Origin: 'https://evil.example' }, 403],
    ];
    for (const [events, headers, status] of cases) {
        const answer = await expect(events, headers, status);
        assert.equal(answer.headers.get('access-control-allow-origin'), '*', `${status}`);
        assert.equal(answer.headers.get('access-control-allow-credentials'), null);
    }
});

test('a refusal is a problem+json that names the event and the field', async () => {
    const answer = await expect([view('main'), { event: 'pageview', siteId: 'main' }], {}, 400, {
        index: 1,
        field: 'path',
        status: 400,
    });
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    for (const member of ['type', 'title', 'detail'])
        assert.equal(typeof answer.body[member], 'string');
    const unknown = await expect([view('main'), view('nowhere')], {}, 404, {
        index: 1,
        field: 'siteId',
    });
    assert.equal(unknown.body.status, 404);
});

test('where several refusals apply the first of 400, 401, 404, 403, 429 is given', async () => {
    const limited = await freshSite({ events_per_second: 1 });
    await expect(Array(100).fill(view(limited)), {}, 202);
    const evil = { Origin: 'https://evil.example' };
    await expect([view('nowhere'), { event: 'pageview' }], { ...bearer('nonsense'), ...evil }, 400);
    await expect(view('nowhere'), { ...bearer('nonsense'), ...evil }, 401);
    await expect([view('main'), view('nowhere')], evil, 404);
    await expect(Array(100).fill(view(limited, '/', { count: 2 })), evil, 403);
    await expect(Array(100).fill(view(limited)), {}, 429);
});

test('the Origin must be the domain, a subdomain of it, or absent', async () => {
    const good = [
        'https://example.com',
        'http://example.com:8080',
        'https://www.example.com',
        'https://a.b.EXAMPLE.com',
    ];
    const bad = [
        'https://evil.example',
        'https://example.com.evil.example',
        'https://notexample.com',
        'null',
    ];
    for (const Origin of good) await expect(view('main'), { Origin }, 202);
    for (const Origin of bad) await expect(view('main'), { Origin }, 403);
    await expect(view('main'), {}, 202);
});

test('allowedOrigins replaces the default', async () => {
    const site = await freshSite({ allowed_origins: ['shop.example', '*.cdn.example'] });
    await expect(view(site), { Origin: 'https://shop.example' }, 202);
    await expect(view(site), { Origin: 'https://x.cdn.example' }, 202);
    await expect(view(site), { Origin: `https://${site}.example` }, 403);
});

test('all of a request is refused or none of it', async () => {
    const site = await freshSite();
    await expect([view(site), view(site), view('nowhere')], {}, 404);
    await expect([view(site), { ...view(site), path: 5 }], {}, 400);
    await expect([view(site), view(site, '/', { count: 2 })], {}, 403);
    assert.equal((await counted(site)).pageviews, 0);
});

test('trackingIds stand for the site, and a tenantId must be its own', async () => {
    const site = await freshSite();
    await expect(view(`${site}-alias`), {}, 202);
    assert.equal((await counted(site)).pageviews, 1);
    await expect(view(site, '/', { tenantId: 'alpha' }), {}, 202);
    await expect(view(site, '/', { tenantId: 'beta' }), {}, 404);
    const read = await server.get(`/api/analytics/stats?siteId=${site}-alias`, tokens.read);
    assert.equal(read.status, 404);
});

test('timestamp, visitor and a count above 1 need a token, which must reach the site and hold events:write', async () => {
    const now = new Date().toISOString();
    for (const more of [
        { timestamp: now },
        { count: 2 },
        { visitor: { ip: '192.0.2.1', userAgent: browser('x') } },
    ]) {
        await expect(view('main', '/', more), {}, 403);
        await expect(view('main', '/', more), bearer(tokens.reader), 403);
        await expect(view('main', '/', more), bearer(tokens.foreign), 404);
        await expect(view('main', '/', more), bearer(tokens.bound), 404);
        await expect(view('main', '/', more), bearer(tokens.write), 202);
        await expect(view('second', '/', more), bearer(tokens.bound), 202);
    }
    await expect(view('main', '/', { count: 1 }), {}, 202);
});

test('an event name under requireToken is taken from a token alone', async () => {
    const site = await freshSite({ require_token: ['lead.created'] });
    await expect({ event: 'lead.created', siteId: site }, {}, 403);
    await expect({ event: 'lead.created', siteId: site }, bearer(tokens.write), 202);
    await expect(view(site), {}, 202);
});

test('what a token sends has no visitor unless it names one', async () => {
    const site = await freshSite();
    const visitor = { ip: '192.0.2.7', userAgent: browser('Somebody/1.0') };
    await expect([view(site), { event: 'lead.created', siteId: site }], bearer(tokens.write), 202);
    await expect(
        [
            view(site, '/a', { visitor }),
            view(site, '/b', { visitor: { ...visitor, ip: '192.0.2.9' } }),
        ],
        bearer(tokens.write),
        202,
    );
    const stats = await counted(site);
    assert.deepEqual(
        [
            stats.pageviews,
            stats.uniqueVisitors,
            stats.visits,
            stats.leads,
            stats.unattributedConversions,
        ],
        [3, 1, 1, 1, 1],
    );
});

test("a timestamp of a token is the event's time, from 30 days ago to a minute ahead", async () => {
    const site = await freshSite();
    const at = (ms) => new Date(Date.now() + ms).toISOString();
    const day = 86_400_000;
    for (const ms of [-30 * day + 60_000, -day, 0, 30_000])
        await expect(view(site, '/', { timestamp: at(ms) }), bearer(tokens.write), 202);
    for (const ms of [-30 * day - 60_000, 120_000])
        await expect(view(site, '/', { timestamp: at(ms) }), bearer(tokens.write), 400, {
            field: 'timestamp',
        });
    await abacus.aggregate();
    const stats = await server.stats(tokens.read, site, [
        at(-31 * day).slice(0, 10),
        AROUND_NOW[1],
    ]);
    assert.equal(stats.pageviews, 4);
    assert.equal(
        stats.days.find(({ date }) => date === at(-30 * day + 60_000).slice(0, 10)).pageviews,
        1,
    );
});

const SCREENS = [
    ['gpc', {}, view, { 'Sec-GPC': '1' }],
    ['do-not-track', { respect_dnt: 1, respect_gpc: 0 }, view, { DNT: '1' }],
    [
        'disabled',
        { disabled_events: ['lead.created'] },
        (siteId) => ({ event: 'lead.created', siteId }),
        {},
    ],
    ['blocked', { blocked_addresses: ['127.0.0.0/8'] }, view, {}],
    ['blocked', { blocked_paths: ['/admin/*'] }, (siteId) => view(siteId, '/admin/x'), {}],
];
for (const [reason, settings, make, headers] of SCREENS) {
    test(`an event is left out as ${reason} for ${Object.keys(settings)[0] ?? 'the default'}, answered and in the ledger`, async () => {
        const site = await freshSite(settings);
        await expect([make(site), make(site)], headers, 202, {
            accepted: 0,
            dropped: { [reason]: 2 },
        });
        assert.deepEqual((await ledgerOf(site)).dropped, { [reason]: 2 });
        assert.equal((await counted(site)).uniqueVisitors, 0);
    });
}

test('a dropped event goes alone', async () => {
    const site = await freshSite({ disabled_events: ['form.submit'] });
    const answer = await expect([view(site), { event: 'form.submit', siteId: site }], {}, 202);
    assert.deepEqual(answer.body, { accepted: 1, dropped: { disabled: 1 } });
});

test('a disabled site drops everything', async () => {
    const site = await freshSite({ enabled: 0 });
    await expect(view(site), {}, 202, { accepted: 0, dropped: { disabled: 1 } });
});

test('DNT alone changes nothing where respectDnt is off, and GPC nothing where respectGpc is', async () => {
    await expect(view('main'), { DNT: '1' }, 202, { accepted: 1 });
    const site = await freshSite({ respect_gpc: 0 });
    await expect(view(site), { 'Sec-GPC': '1' }, 202, { accepted: 1 });
    await expect(view('main'), { ...bearer(tokens.write), 'Sec-GPC': '1' }, 202, { accepted: 1 });
});

test('a repeated id counts once per site and enters the ledger as duplicate', async () => {
    const [a, b] = [await freshSite(), await freshSite()];
    for (const site of [a, a, b, a]) await expect(view(site, '/', { id: 'same' }), {}, 202);
    await expect([view(a, '/', { id: 'twin' }), view(a, '/', { id: 'twin' })], {}, 202);
    await abacus.aggregate();
    await expect(view(a, '/late', { id: 'same' }), {}, 202);
    assert.equal((await counted(a)).pageviews, 2);
    assert.equal((await counted(b)).pageviews, 1);
    const ledger = await server.ledger(tokens.read, a);
    assert.deepEqual([ledger.stored, ledger.dropped.duplicate], [2, 4]);
});

test('X-Forwarded-For of an untrusted sender changes no count', async () => {
    const site = await freshSite();
    for (let i = 1; i <= 20; i++)
        await expect(
            view(site),
            { 'X-Forwarded-For': `198.18.${i}.1`, 'User-Agent': browser('Same/1.0') },
            202,
        );
    const { pageviews, uniqueVisitors } = await counted(site);
    assert.deepEqual([pageviews, uniqueVisitors], [20, 1]);
});

test('behind a trusted proxy the rightmost address that is no proxy counts', async () => {
    const dir = new Installation();
    await dir.site('proxied', 'alpha');
    const token = await dir.token('stats:read', { tenant: 'alpha' });
    const proxied = await dir.serve(['--trusted-proxies', '127.0.0.1/32,10.0.0.0/8']);
    const send = (forwarded) =>
        proxied.track(view('proxied'), { 'X-Forwarded-For': forwarded, 'User-Agent': browser('Same/1.0') });
    for (let i = 1; i <= 10; i++) await send(`198.18.${i}.1, 203.0.113.4, 10.1.2.3`); // made up on the left: one visitor
    for (let i = 1; i <= 5; i++) await send(`198.19.${i}.1`); // five visitors
    await dir.aggregate();
    const { pageviews, uniqueVisitors } = await proxied.stats(token, 'proxied');
    assert.deepEqual([pageviews, uniqueVisitors], [15, 6]);
    assert.deepEqual(await proxied.stop(), { code: 0, signal: null });
});

test('unique visitors are exact up to 2048 and within a few standard errors beyond, and the answer says which', async () => {
    const site = await freshSite();
    const send = async (from, to) => {
        for (let n = from; n < to; n += 100) {
            const events = Array.from({ length: Math.min(100, to - n) }, (_, i) =>
                view(site, '/', { visitor: { ip: '192.0.2.1', userAgent: browser(`Visitor ${n + i}`) } }),
            );
            await expect(events, bearer(tokens.write), 202);
        }
        return counted(site);
    };
    const exact = await send(0, 2048);
    assert.deepEqual([exact.uniqueVisitors, exact.exact, exact.visits], [2048, true, 2048]);
    const estimate = await send(2048, 8000);
    assert.equal(estimate.exact, false);
    assert.ok(
        Math.abs(estimate.uniqueVisitors / 8000 - 1) < 5 * 0.0081,
        `${estimate.uniqueVisitors}`,
    );
    assert.deepEqual([estimate.pageviews, estimate.visits], [8000, 8000]);
    assert.equal((await send(0, 2048)).uniqueVisitors, estimate.uniqueVisitors);
});

test('events beyond the limit per second are refused with 429 and Retry-After, and the ledger says so', async () => {
    const site = await freshSite({ events_per_second: 1 });
    await expect(Array(100).fill(view(site)), {}, 202, { accepted: 100 });
    const answer = await expect(Array(100).fill(view(site)), {}, 429);
    assert.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
    await server.until(
        async () => (await ledgerOf(site)).rejected['rate-limited'] === 100,
        'the refusals in the ledger',
    );
    assert.equal((await counted(site)).pageviews, 100);
});

test('refused events enter the ledger of the sites they name', async () => {
    const site = await freshSite();
    await expect([view(site), view(site, 7)], {}, 400);
    await expect(view(site), bearer('nonsense'), 401);
    await expect([view(site), view(site), view(site)], { Origin: 'https://evil.example' }, 403);
    const wanted = { invalid: 2, unauthorized: 1, forbidden: 3 + 1 }; // one of them the probe's
    await server.until(
        async () =>
            JSON.stringify(Object.entries((await ledgerOf(site)).rejected).sort()) ===
            JSON.stringify(Object.entries(wanted).sort()),
        'the refusals in the ledger',
    );
});

test('what could name a person is cut from paths, titles, props and referrers', async () => {
    const site = await freshSite();
    await expect(
        [
            view(site, '/pricing?utm_source=x&email=a%40b.example#top', {
                referrer: 'https://www.google.com/search?q=secret',
            }),
            view(site, '/u/jane.doe@mail.example', {
                referrer: `https://www.${site}.example/before?x=1`,
                title: 'Mail of jane.doe@mail.example',
            }),
        ],
        {},
        202,
    );
    await abacus.aggregate();
    const rows = await server.exportRows(tokens.read, site, ...AROUND_NOW);
    const text = JSON.stringify(rows);
    assert.deepEqual(
        rows.map(({ path }) => path).filter((path) => path === '/pricing'),
        ['/pricing'],
    );
    for (const secret of ['utm_source', 'jane.doe', 'secret', 'b.example', 'x=1'])
        assert.ok(!text.includes(secret), `${secret} in ${text}`);
    assert.ok(
        rows.some(({ referrer }) => referrer === 'www.google.com'),
        text,
    );
    assert.ok(
        rows.some(({ referrer }) => referrer === `www.${site}.example/before`),
        text,
    );
});

test('several requests on one connection are each answered in order', async () => {
    const wire = await Wire.open(server.port);
    const bytes = Array.from({ length: 20 }, (_, i) => trackBytes(Array(i + 1).fill(view('main'))));
    wire.send(Buffer.concat(bytes));
    for (let i = 0; i < 20; i++)
        assert.equal(JSON.parse((await wire.response()).body).accepted, i + 1);
    wire.close();
});

test('a body in chunks is read like any other', async () => {
    const body = JSON.stringify(view('main', '/chunked'));
    const half = body.length >> 1;
    const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
    const head = `POST ${TRACK} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await once(
        server.port,
        head + chunk(body.slice(0, half)) + chunk(body.slice(half)) + chunk(''),
    );
    assert.equal(answer.status, 202);
});

test('with durability always an event answered is in the next answer, too', async () => {
    const dir = new Installation();
    await dir.site('synced', 'alpha');
    const token = await dir.token('stats:read', { tenant: 'alpha' });
    const synced = await dir.serve(['--durability', 'always']);
    const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => synced.track(view('synced', `/${i}`))),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    await synced.kill();
    const again = await dir.serve();
    await dir.aggregate();
    assert.equal((await again.stats(token, 'synced')).pageviews, 50);
    assert.deepEqual(await again.stop(), { code: 0, signal: null });
});

test('SIGTERM under load: what was answered is stored, once, and the exit is 0', async () => {
    const dir = new Installation();
    await dir.site('drained', 'alpha');
    const token = await dir.token('stats:read', { tenant: 'alpha' });
    const first = await dir.serve();
    const load = new Load({ site: 'drained', again: false });
    load.port = first.port;
    await first.until(() => load.answered.size > 200, 'some load');
    load.port = null;
    assert.deepEqual(await first.stop(), { code: 0, signal: null }, first.stderr.slice(-2000));
    await load.stop();
    const second = await dir.serve();
    await dir.aggregate();
    const paths = (await second.exportRows(token, 'drained', ...AROUND_NOW)).map(
        ({ path }) => path,
    );
    assert.equal(new Set(paths).size, paths.length);
    const stored = new Set(paths);
    assert.deepEqual(
        [...load.answered].filter((number) => !stored.has(pathOf(number))),
        [],
    );
    assert.ok(paths.length - load.answered.size <= load.cut.size);
    await second.stop();
});
