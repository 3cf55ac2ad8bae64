// What is open without an account: public dashboards, shared links with and without a password,
// and embeds, over the real program. What each of them shows is looked at member by member in
// tests/unit/test_api_caller.c.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AROUND_NOW, Installation, query } from '../lib/abacus.mjs';

const [FROM, TO] = AROUND_NOW;
const RANGE = { from: FROM, to: TO };
const METRICS = [
    'pageviews',
    'uniqueVisitors',
    'visits',
    'viewsPerVisit',
    'bounceRate',
    'visitDuration',
];
const ECHOED = [
    'siteId',
    'tenantId',
    'timezone',
    'from',
    'to',
    'asOf',
    'exact',
    'uniqueBasis',
    'availableFrom',
];

let installation;
let server;
let platform;
let own;

const ask = (route, params, token) => server.get(query(`/api/analytics/${route}`, params), token);

before(async () => {
    installation = new Installation();
    await installation.site('open', 'five');
    await installation.site('shut', 'five');
    await installation.must(['site', 'set', 'open', 'publicDashboard=true']);
    platform = await installation.token('stats:read,admin', { platform: true });
    own = await installation.token('stats:read', { tenant: 'five' });
    server = await installation.serve();
    for (const siteId of ['open', 'shut'])
        await server.track([
            { event: 'pageview', siteId, path: '/' },
            { event: 'lead.created', siteId },
        ]);
    await server.until(
        async () =>
            (await server.stats(platform, 'shut')).pageviews === 1 &&
            (await server.stats(platform, 'open')).pageviews === 1,
        'both counted',
    );
});

after(() => server?.stop());

/** Until the server knows of a change. */
const knows = (asked, status) =>
    server.until(async () => (await asked()).status === status, `status ${status}`);

describe('public dashboards', () => {
    test('a site that is public shows its visits to everybody, and nothing else', async () => {
        const { status, body } = await ask('stats', { siteId: 'open', ...RANGE });
        assert.equal(status, 200);
        assert.deepEqual(Object.keys(body).sort(), [...ECHOED, ...METRICS, 'days'].sort());
        assert.equal(body.pageviews, 1);
        for (const day of body.days)
            assert.deepEqual(Object.keys(day), [
                'siteId',
                'tenantId',
                'date',
                'pageviews',
                'uniqueVisitors',
            ]);
        for (const [route, params] of [
            ['compare', RANGE],
            ['timeseries', RANGE],
            ['realtime', {}],
            ['breakdown', { ...RANGE, dimension: 'page' }],
            ['breakdown', { ...RANGE, dimension: 'page', against: 'year', sort: 'change' }],
        ]) {
            const answer = await ask(route, { siteId: 'open', ...params });
            assert.equal(answer.status, 200, `${route}: ${answer.text}`);
            assert.doesNotMatch(answer.text, /leads|conversion|aiTokens|forms|exports/);
        }
    });

    test('everything else is refused as though nobody knew the site', async () => {
        const unknown = await ask('stats', { siteId: 'nowhere' });
        assert.equal(unknown.status, 401);
        assert.equal(unknown.headers.get('www-authenticate'), 'Bearer');
        for (const [route, params] of [
            ['stats', { siteId: 'shut' }],
            ['stats', {}],
            ['stats', { siteId: 'open', filter: 'browser:is:Firefox' }],
            ['timeseries', { siteId: 'open', metric: 'leads' }],
            ['breakdown', { siteId: 'open', dimension: 'browser' }],
            ['compare', { siteIds: 'open' }],
            ['sites', {}],
            ['sites', { names: 'true' }],
            ['ledger', { siteId: 'open' }],
            ...['check', 'snippet', 'annotations'].map((route) => [route, { siteId: 'open' }]),
            ['export', { siteId: 'open' }],
            ['tenants/five/stats', {}],
        ]) {
            const answer = await ask(route, params);
            assert.deepEqual([answer.status, answer.body], [401, unknown.body], route);
        }
    });

    test('the stream of who is there is open, too, and closes with the dashboard', async () => {
        const stop = new AbortController();
        const response = await fetch(`${server.url}/api/analytics/realtime?siteId=open`, {
            headers: { accept: 'text/event-stream' },
            signal: stop.signal,
        });
        assert.equal(response.status, 200);
        const reader = response.body.getReader();
        assert.match(
            Buffer.from((await reader.read()).value).toString(),
            /^data: \{"siteId":"open"/,
        );
        await installation.must(['site', 'set', 'open', 'publicDashboard=false']);
        // It ends by itself.
        for (let step = await reader.read(); !step.done;) step = await reader.read();
        assert.equal((await ask('stats', { siteId: 'open' })).status, 401);
        await installation.must(['site', 'set', 'open', 'publicDashboard=true']);
        await knows(() => ask('stats', { siteId: 'open' }), 200);
        stop.abort();
    });

    test('what a site names beside is open as well', async () => {
        await installation.must(['site', 'set', 'open', 'publicMetrics=leads']);
        await knows(() => ask('timeseries', { siteId: 'open', metric: 'leads' }), 200);
        const { body } = await ask('stats', { siteId: 'open', ...RANGE });
        assert.equal(body.leads, 1);
        assert.equal('conversions' in body, false);
        await installation.must(['site', 'set', 'open', 'publicMetrics=']);
    });

    /** The page asks for nothing else: what is named to it is what is answered. */
    test('the page is told just what the server shows', async () => {
        await installation.must(['site', 'set', 'open', 'publicMetrics=leads,browser,prop:plan']);
        await knows(() => ask('timeseries', { siteId: 'open', metric: 'leads' }), 200);
        const { text } = await server.fetch('/share/open');
        const [, sites] = /data-sites="([^"]*)"/.exec(text);
        const [{ shown }] = JSON.parse(sites.replaceAll('&quot;', '"'));
        const { body } = await server.fetch('/api/openapi.json');
        const names = (path, name) =>
            body.paths[path].get.parameters
                .find((one) => one.name === name)
                .description.match(/[a-z]+[A-Z]\w+|\b[a-z]+\b/g);
        const answered = [];
        for (const metric of new Set(names('/api/analytics/timeseries', 'metric')))
            if ((await ask('timeseries', { siteId: 'open', metric })).status === 200)
                answered.push(metric);
        for (const dimension of [
            ...new Set(names('/api/analytics/breakdown', 'dimension')),
            ...['prop:plan', 'prop:other'],
        ])
            if ((await ask('breakdown', { siteId: 'open', dimension })).status === 200)
                answered.push(dimension);
        assert.deepEqual([...shown].sort(), answered.sort());
        await installation.must(['site', 'set', 'open', 'publicMetrics=']);
    });
});

describe('shared links', () => {
    const add = async (args, input) => {
        const text = await installation.must(['link', 'add', ...args, '--site', 'shut'], { input });
        return /link\.[\w.-]+/.exec(text)[0];
    };

    test('a link opens its site as a public dashboard would, and ends with its row', async () => {
        const link = await add(['plain']);
        await knows(() => ask('stats', {}, link), 200);
        const { body } = await ask('stats', RANGE, link);
        assert.equal(body.siteId, 'shut');
        assert.deepEqual(Object.keys(body).sort(), [...ECHOED, ...METRICS, 'days'].sort());
        assert.equal((await ask('breakdown', { dimension: 'source' }, link)).status, 200);
        assert.equal((await ask('breakdown', { dimension: 'goal' }, link)).status, 403);
        assert.equal((await ask('ledger', {}, link)).status, 403);
        assert.equal((await ask('stats', { siteId: 'open' }, link)).status, 404);
        assert.equal((await server.get('/api/admin/sites', link)).status, 403);
        const altered = link.slice(0, -1) + (link.endsWith('A') ? 'B' : 'A');
        assert.equal((await ask('stats', {}, altered)).status, 401);
        await installation.must(['link', 'rm', 'plain']);
        await knows(() => ask('stats', {}, link), 401);
    });

    test('a link with a password opens by it alone', async () => {
        const link = await add(['locked', '--password'], 'open sesame, please\n');
        const share = (password, headers = { 'content-type': 'application/json' }) =>
            server.fetch('/api/share', {
                method: 'POST',
                headers,
                body: JSON.stringify({ link, password }),
            });
        await knows(() => share('open sesame, please'), 200);
        const shut = await ask('stats', {}, link);
        assert.deepEqual([shut.status, shut.body.password], [401, true]);
        const wrong = await share('something else');
        assert.deepEqual([wrong.status, wrong.body.password], [401, true]);
        assert.equal(
            (await share('open sesame, please', { 'content-type': 'text/plain' })).status,
            415,
        );
        const { body } = await share('open sesame, please');
        assert.match(body.token, /^open\./);
        assert.ok(Date.parse(body.expiresAt) <= Date.now() + 12 * 3600 * 1000);
        assert.equal((await ask('stats', {}, body.token)).status, 200);
        assert.equal((await ask('ledger', {}, body.token)).status, 403);
        await installation.must(['link', 'rm', 'locked']);
        await knows(() => ask('stats', {}, body.token), 401);
    });
});

describe('embeds', () => {
    const embed = async (token, body) =>
        server.fetch('/api/admin/embed', {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            body: JSON.stringify(body),
        });

    /** What opens it stands at the end of its address. */
    const keyOf = ({ url }) => url.split('/').at(-1);

    test('a signed embed reads everything of its sites, and only that', async () => {
        const { body, status, text } = await embed(platform, {
            tenantId: 'five',
            siteIds: ['shut'],
        });
        assert.ok(status === 200 || status === 201, text);
        const token = keyOf(body);
        assert.match(token, /^embed\./);
        assert.equal((await ask('stats', RANGE, token)).body.leads, 1);
        assert.equal((await ask('ledger', { siteId: 'shut' }, token)).status, 200);
        assert.equal((await ask('stats', { siteId: 'open' }, token)).status, 404);
        assert.equal((await server.get('/api/admin/sites', token)).status, 403);
        assert.equal((await server.get('/api/session', token)).status, 403);
        const sent = await server.track(
            { event: 'pageview', siteId: 'shut', path: '/' },
            { authorization: `Bearer ${token}` },
        );
        assert.equal(sent.status, 401);
    });

    test('an embed ends with its token and its tenant', async () => {
        const maker = await installation.namedToken('stats:read', { platform: true });
        await knows(() => ask('stats', { siteId: 'shut' }, maker.text), 200);
        const token = keyOf((await embed(maker.text, { tenantId: 'five' })).body);
        assert.equal((await ask('stats', { siteId: 'shut' }, token)).status, 200);
        await installation.must(['tenant', 'set', 'five', 'status=suspended']);
        await knows(() => ask('stats', { siteId: 'shut' }, token), 403);
        assert.equal((await ask('stats', { siteId: 'open' })).status, 401);
        await installation.must(['tenant', 'set', 'five', 'status=active']);
        await knows(() => ask('stats', { siteId: 'shut' }, token), 200);
        await installation.must(['token', 'revoke', maker.id]);
        await knows(() => ask('stats', { siteId: 'shut' }, token), 401);
    });

    test("a tenant's own token makes none", async () => {
        assert.equal((await embed(own, { tenantId: 'five' })).status, 403);
    });
});
