// What a site is told of itself while it is set up: each mistake that keeps its pages from being
// counted, by the request that makes it, and that nobody else is told; and what people note of its
// dates. Expectations: README and CONTRACT (GET /api/analytics/check, /api/analytics/annotations).
// Both shapes and every caller: isolation.test.mjs and credentials.test.mjs; when nothing came of a
// script that was loaded: test_api_check.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bearer, Installation, query } from '../lib/abacus.mjs';

const SITE = 'shop';
const PAGE = 'https://shop.example';
const view = (more = {}) => ({ event: 'pageview', siteId: SITE, path: '/', ...more });

let abacus;
let server;
let tokens;

before(async () => {
    abacus = new Installation();
    await abacus.site(SITE, 'own');
    await abacus.site('blog', 'their', { domain: 'blog.shop.example' });
    await abacus.must(['site', 'set', SITE, 'blockedPaths=/private/*', 'events=form.submit']);
    await abacus.must(['site', 'set', SITE, 'requireToken=lead.created']);
    tokens = {
        own: await abacus.token('stats:read', { tenant: 'own' }),
        their: await abacus.token('stats:read', { tenant: 'their' }),
        admin: await abacus.token('stats:read,admin', { tenant: 'own' }),
    };
    server = await abacus.serve();
    await server.ready();
});
after(() => server?.stop());

const check = async (siteId = SITE, token = tokens.own) => {
    const { status, body, text } = await server.get(
        query('/api/analytics/check', { siteId }),
        token,
    );
    assert.equal(status, 200, text);
    return body;
};
/** The problem that is new or was seen again since `before`. */
const found = async (kind, detail) => {
    const { problems } = await check();
    const problem = problems.find((one) => one.kind === kind && one.detail === detail);
    assert.ok(problem, `${kind} ${detail} in ${JSON.stringify(problems)}`);
    assert.ok(Math.abs(Date.now() - Date.parse(problem.at)) < 60_000, problem.at);
    return problem;
};

describe('a site that is being set up', () => {
    test('knows nothing at first', async () => {
        const { asOf, ...rest } = await check();
        assert.ok(asOf === null || Date.parse(asOf) <= Date.now());
        assert.deepEqual(rest, {
            ...{ siteId: SITE, tenantId: 'own', domain: 'shop.example' },
            ...{ firstEventAt: null, lastEventAt: null, scriptLoadedAt: null, problems: [] },
        });
    });

    test('is told of each mistake, and how often it was seen', async () => {
        const made = [
            ['unknown-site', 'shpo', 404, { siteId: 'shpo' }, { origin: PAGE }],
            ['unknown-site', 'shqp', 404, { siteId: 'shqp' }, { referer: `${PAGE}/a?b=c` }],
            ['origin', 'https://copy.example', 403, {}, { origin: 'https://copy.example' }],
            ['bot', null, 202, {}, { 'user-agent': 'Googlebot/2.1' }],
            ['signal', 'gpc', 202, {}, { 'sec-gpc': '1' }],
            ['blocked', null, 202, { path: '/private/x' }],
            ['disabled', null, 202, { event: 'form.submit' }],
            ['token', 'lead.created', 403, { event: 'lead.created' }],
            ['token', 'count', 403, { count: 2 }],
            ['proxy', '127.0.0.1', 202, {}, { 'x-forwarded-for': '192.0.2.7', 'sec-gpc': '1' }],
        ];
        for (const [kind, detail, expected, event, headers] of made) {
            for (const count of [1, 2]) {
                const { status, text } = await server.track(view(event), headers);
                assert.equal(status, expected, `${kind}: ${text}`);
                assert.equal((await found(kind, detail)).count, count, `${kind} ${detail}`);
            }
        }
        const kinds = new Set((await check()).problems.map(({ kind }) => kind));
        assert.deepEqual([...kinds].sort(), [...new Set(made.map(([kind]) => kind))].sort());
        assert.doesNotMatch(JSON.stringify(await check()), /192\.0\.2|a\?b|private/);
    });

    test('is told what was wrong with an event, in the words of its answer', async () => {
        for (const body of [JSON.stringify(view({ path: 7 })), '{"siteId":']) {
            const { status, body: problem } = await server.track(body, { origin: PAGE });
            assert.equal(status, 400);
            await found('invalid', problem.detail);
        }
    });

    test('is told when its script was loaded, and by which proxy', async () => {
        const { status } = await server.fetch('/public/analytics.js', {
            headers: { referer: `${PAGE}/somewhere`, 'x-forwarded-for': '198.51.100.3' },
        });
        assert.equal(status, 200);
        const { scriptLoadedAt } = await check();
        assert.ok(Math.abs(Date.now() - Date.parse(scriptLoadedAt)) < 60_000, scriptLoadedAt);
        const before = (await found('proxy', '127.0.0.1')).count;
        await server.fetch('/public/analytics.links.js', { headers: { referer: `${PAGE}/` } });
        assert.equal((await check()).scriptLoadedAt, scriptLoadedAt);
        assert.equal((await found('proxy', '127.0.0.1')).count, before);
    });

    test('is told of its first event, and of no problem that an event is not', async () => {
        const before = (await check()).problems;
        assert.equal((await server.track(view(), { origin: PAGE })).body.accepted, 1);
        await server.until(async () => (await check()).lastEventAt !== null, 'the event');
        const { firstEventAt, lastEventAt, problems } = await check();
        assert.equal(firstEventAt, lastEventAt);
        assert.deepEqual(problems, before);
    });

    test('is told nothing of the pages of others, nor they of its', async () => {
        const headers = { origin: 'https://blog.shop.example' };
        assert.equal((await server.track(view({ siteId: 'theirs-alone' }), headers)).status, 404);
        const [theirs, ...others] = (await check('blog', tokens.their)).problems;
        assert.deepEqual([theirs.kind, theirs.detail], ['unknown-site', 'theirs-alone']);
        assert.deepEqual(others, []);
        assert.doesNotMatch(JSON.stringify(await check()), /theirs-alone|blog/);
        const refused = await server.get(
            query('/api/analytics/check', { siteId: SITE }),
            tokens.their,
        );
        assert.equal(refused.status, 404);
    });
});

describe('annotations', () => {
    const ask = (method, params, body, token = tokens.admin) =>
        server.fetch(query('/api/analytics/annotations', params), {
            method,
            headers: bearer(token),
            body: body === undefined ? undefined : JSON.stringify(body),
        });
    const put = (date, text, token) => ask('PUT', { siteId: SITE, date }, { text }, token);
    const list = async (from, to) => {
        const { status, body, text } = await ask('GET', { siteId: SITE, from, to }, undefined);
        assert.equal(status, 200, text);
        return body.annotations;
    };

    test('are made, changed, listed by date and removed', async () => {
        assert.equal((await put('2026-03-02', 'Zwei "große"')).status, 201);
        const made = await put('2026-03-01', 'A new shop');
        assert.deepEqual(
            [made.status, made.body],
            [201, { siteId: SITE, tenantId: 'own', date: '2026-03-01', text: 'A new shop' }],
        );
        assert.equal((await put('2026-03-01', 'A newer shop')).status, 200);
        assert.equal((await put('2026-03-01', 'A newer shop')).status, 200);
        assert.deepEqual(await list('2026-03-01', '2026-03-02'), [
            { date: '2026-03-01', text: 'A newer shop' },
            { date: '2026-03-02', text: 'Zwei "große"' },
        ]);
        assert.equal((await list('2026-03-01', '2026-03-01')).length, 1);
        assert.equal((await list('2026-03-02', '2026-03-09')).length, 1);
        assert.deepEqual(await list('2026-02-01', '2026-02-28'), []);
        assert.deepEqual(await list('2026-03-03', '2026-03-03'), []);
        const gone = () => ask('DELETE', { siteId: SITE, date: '2026-03-02' });
        assert.equal((await gone()).status, 204);
        assert.equal((await gone()).status, 404);
        assert.equal((await list('2026-03-01', '2026-03-02')).length, 1);
    });

    test('have 1 to 80 characters, of a date that there is', async () => {
        const refused = async (answer, what) => {
            const { status, body, text } = await answer;
            assert.equal(status, 400, text);
            assert.ok(body.field === what || body.parameter === what, text);
        };
        assert.equal((await put('2026-04-01', 'ü'.repeat(80))).status, 201);
        for (const text of ['', 'ü'.repeat(81), 'two\nlines', 7, null])
            await refused(put('2026-04-02', text), 'text');
        await refused(ask('PUT', { siteId: SITE, date: '2026-04-02' }, {}), 'text');
        for (const date of ['2026-02-29', '2026-4-1', 'today'])
            await refused(put(date, 'x'), 'date');
        await refused(ask('PUT', { siteId: SITE }, { text: 'x' }), 'date');
        await refused(ask('DELETE', { siteId: SITE }), 'date');
    });

    test('are read by whoever reads, written by whoever manages, shown to nobody else', async () => {
        assert.equal((await put('2026-03-05', 'x', tokens.own)).status, 403);
        assert.equal((await put('2026-03-05', 'x', tokens.their)).status, 403);
        const params = { siteId: SITE, from: '2026-03-01', to: '2026-03-31' };
        assert.equal((await ask('GET', params, undefined, tokens.own)).body.annotations.length, 1);
        assert.equal((await ask('GET', params, undefined, tokens.their)).status, 404);
        await abacus.must(['site', 'set', SITE, 'publicDashboard=true']);
        const stats = query('/api/analytics/stats', { siteId: SITE, period: '7d' });
        await server.until(async () => (await server.get(stats)).status === 200, 'to be public');
        const path = query('/api/analytics/annotations', params);
        assert.equal((await server.get(path)).status, 401);
    });

    test('leave their lines in the audit log, without their text', async () => {
        const { body, text } = await server.get('/api/admin/audit?tenantId=own', tokens.admin);
        const lines = body.audit
            .filter(({ target }) => target === `${SITE}/2026-03-01`)
            .map(({ action }) => action);
        assert.deepEqual(lines, ['annotation.set', 'annotation.put']);
        assert.ok(body.audit.some(({ action }) => action === 'annotation.remove'));
        assert.doesNotMatch(text, /newer shop/);
    });
});
