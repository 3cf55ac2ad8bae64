// Who may read what: made over all reading routes. And how soon a change is in force. In both
// shapes; tests/blackbox/isolation.test.mjs goes on from here.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bearer, inForce, query } from '../lib/abacus.mjs';
import { SHAPES } from '../lib/platform.mjs';

const RANGE = { from: '2026-01-01', to: '2026-01-02' };
const ROUTES = [
    ...['stats', 'compare', 'timeseries', 'ledger', 'export'].map((name) => [name, RANGE]),
    ['breakdown', { ...RANGE, dimension: 'page' }],
    ['realtime', {}],
].map(([name, asked]) => [
    name,
    (siteId) => query(`/api/analytics/${name}`, { siteId, ...asked }),
]);
const ofTenant = (tenant) => `/api/analytics/tenants/${tenant}/stats?from=2026-01-01&to=2026-01-02`;

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);

    let abacus;
    let server;
    const tokens = {};

    before(async () => {
        abacus = await make();
        await abacus.site('own', 'alpha');
        await abacus.site('sibling', 'alpha');
        await abacus.site('foreign', 'beta');
        tokens.alpha = await abacus.token('stats:read', { tenant: 'alpha' });
        tokens.beta = await abacus.token('stats:read', { tenant: 'beta' });
        tokens.bound = await abacus.token('stats:read', { tenant: 'alpha', site: 'own' });
        tokens.writer = await abacus.token('events:write', { tenant: 'alpha' });
        tokens.platform = await abacus.token('stats:read', { platform: true });
        tokens.metrics = await abacus.token('metrics', { platform: true });
        const expired = await abacus.namedToken('stats:read', { tenant: 'alpha' });
        const revoked = await abacus.namedToken('stats:read', { tenant: 'alpha' });
        await abacus.sql(`UPDATE tokens SET expires_ms = 1000 WHERE id = '${expired.id}';`);
        await abacus.must(['token', 'revoke', '--id', revoked.id]);
        Object.assign(tokens, { expired: expired.text, revoked: revoked.text });
        server = await abacus.serve();
        await server.track([
            { event: 'pageview', siteId: 'own', path: '/' },
            { event: 'pageview', siteId: 'foreign', path: '/' },
        ]);
        await abacus.aggregate();
    });
    after(() => server?.stop());

    for (const [name, path] of ROUTES) {
        check(`${name}: without valid credentials it is 401 with WWW-Authenticate, whether or not the site exists`, async () => {
            for (const siteId of ['own', 'foreign', 'nowhere']) {
                for (const token of [
                    undefined,
                    '',
                    'nonsense',
                    `${tokens.alpha}x`,
                    tokens.alpha.slice(0, -1),
                    tokens.expired,
                    tokens.revoked,
                ]) {
                    const answer = await server.get(path(siteId), token);
                    assert.equal(answer.status, 401, `${siteId} ${answer.text}`);
                    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
                    assert.match(answer.headers.get('content-type'), /problem\+json/);
                }
            }
            assert.equal(
                (
                    await server.get(path('own'), undefined, {
                        Authorization: `Basic ${tokens.alpha}`,
                    })
                ).status,
                401,
            );
            assert.equal((await server.fetch(`${path('own')}&token=${tokens.alpha}`)).status, 401);
        });

        check(`${name}: without the scope it is 403`, async () => {
            for (const token of [tokens.writer, tokens.metrics])
                assert.equal((await server.get(path('own'), token)).status, 403);
        });

        check(`${name}: another tenant's site is 404, exactly as one that does not exist`, async () => {
            const unknown = await server.get(path('nowhere'), tokens.alpha);
            assert.equal(unknown.status, 404);
            const foreign = await server.get(path('foreign'), tokens.alpha);
            assert.deepEqual([foreign.status, foreign.text], [404, unknown.text]);
            const sibling = await server.get(path('sibling'), tokens.bound);
            assert.deepEqual([sibling.status, sibling.text], [404, unknown.text]);
            assert.equal((await server.get(path('own'), tokens.beta)).status, 404);
        });

        check(`${name}: tenant, bound and platform tokens open what is theirs`, async () => {
            for (const token of [tokens.alpha, tokens.bound, tokens.platform])
                assert.equal((await server.get(path('own'), token)).status, 200);
            assert.equal((await server.get(path('foreign'), tokens.platform)).status, 200);
            assert.equal((await server.get(path('sibling'), tokens.alpha)).status, 200);
        });

        check(`${name}: a bound token means its site where none is named`, async () => {
            const answer = await server.get(path(undefined), tokens.bound);
            assert.equal(answer.status, 200, answer.text);
            if (name !== 'export') assert.equal(answer.body.siteId, 'own');
        });

        check(`${name}: a platform token must name a tenant or a site`, async () => {
            assert.equal((await server.get(path(undefined), tokens.platform)).status, 400);
        });
    }

    check("a tenant's report opens to its own and platform tokens alone", async () => {
        const wanted = [
            [undefined, 401],
            ['nonsense', 401],
            [tokens.expired, 401],
            [tokens.writer, 403],
            [tokens.metrics, 403],
            [tokens.beta, 404],
            [tokens.bound, 404],
            [tokens.alpha, 200],
            [tokens.platform, 200],
        ];
        for (const [token, status] of wanted)
            assert.equal((await server.get(ofTenant('alpha'), token)).status, status);
        assert.equal(
            (await server.get(ofTenant('nobody'), tokens.alpha)).text,
            (await server.get(ofTenant('beta'), tokens.alpha)).text,
        );
    });

    check("side by side, one site that is not one's own makes it 404", async () => {
        const path = (siteIds) =>
            query('/api/analytics/compare', { siteIds, from: '2026-01-01', to: '2026-01-02' });
        assert.equal((await server.get(path('own,sibling'), tokens.alpha)).status, 200);
        assert.equal((await server.get(path('own,foreign'), tokens.alpha)).status, 404);
        assert.equal((await server.get(path('own,foreign'), tokens.platform)).status, 200);
        assert.equal((await server.get(path('own,sibling'), tokens.bound)).status, 404);
    });

    check("a tenant without its site named sees its own sites' sums only", async () => {
        const answer = await server.stats(tokens.alpha, undefined);
        assert.equal(answer.pageviews, 1);
        assert.equal((await server.stats(tokens.beta, undefined)).pageviews, 1);
    });

    check('a new site, a new token and a revoked one are in force at once, without a restart', async () => {
        const site = (n) => `brandnew${n}`;
        const path = query('/api/analytics/stats', { siteId: site(0) });
        await inForce(
            'a new site',
            (n) => abacus.site(site(n), 'alpha'),
            async (n) =>
                (await server.track({ event: 'pageview', siteId: site(n), path: '/' })).status ===
                202,
        );
        const made = [];
        const answers = async (status) =>
            (await server.get(path, made.at(-1).text)).status === status;
        const add = async () => {
            const of = { tenant: 'alpha', site: site(0) };
            made.push(await abacus.namedToken('stats:read', of));
        };
        await inForce('a new token', add, () => answers(200));
        await inForce(
            'a revoked token',
            async (n) => {
                if (n > 0) await add();
                await server.until(() => answers(200), 'the token');
                await abacus.must(['token', 'revoke', '--id', made.at(-1).id]);
            },
            () => answers(401),
        );
    });

    check('a removed site is counted no more, and gone for reading', async () => {
        const site = (n) => `shortlived${n}`;
        const track = (n) => server.track({ event: 'pageview', siteId: site(n), path: '/' });
        await inForce(
            'a removed site',
            async (n) => {
                await abacus.site(site(n), 'alpha');
                await server.until(async () => (await track(n)).status === 202, 'a new site');
                await abacus.must(['site', 'rm', '--id', site(n)]);
            },
            async (n) => (await track(n)).body.accepted === 0,
        );
        // Until it is erased its visitors' browsers meet no error.
        assert.deepEqual((await track(0)).body, { accepted: 0, dropped: { disabled: 1 } });
        assert.equal(
            (await server.get(`/api/analytics/stats?siteId=${site(0)}`, tokens.alpha)).status,
            404,
        );
    });

    check('/metrics is open to a loopback peer and closed to whoever comes through a proxy, but for a metrics token', async () => {
        const open = await server.fetch('/metrics');
        assert.equal(open.status, 200);
        assert.match(open.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
        for (const header of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Forwarded-Proto']) {
            assert.equal(
                (await server.fetch('/metrics', { headers: { [header]: 'for=1.2.3.4' } })).status,
                401,
                header,
            );
            assert.equal(
                (
                    await server.fetch('/metrics', {
                        headers: { [header]: 'x', ...bearer(tokens.alpha) },
                    })
                ).status,
                403,
                header,
            );
            assert.equal(
                (
                    await server.fetch('/metrics', {
                        headers: { [header]: 'x', ...bearer(tokens.metrics) },
                    })
                ).status,
                200,
                header,
            );
        }
    });

    check('the metrics that the specification names count what happened', async () => {
        const { text } = await server.fetch('/metrics');
        const valueOf = (series) =>
            Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
        assert.equal(
            valueOf('analytics_events_total{tenant="alpha",site="own",event="pageview"}'),
            1,
        );
        assert.equal(
            valueOf('analytics_events_total{tenant="alpha",site="sibling",event="pageview"}'),
            0,
        );
        assert.ok(valueOf('analytics_daily_stats_total') >= 2);
        assert.ok(Number.isFinite(valueOf('analytics_queue_pending')));
        assert.match(text, /^analytics_db_latency_seconds_bucket\{op="\w+",le="30"\} \d+$/m);
        assert.equal(valueOf('analytics_ledger_imbalance'), 0);
    });

    check('openapi.json lists the routes that are built, and each of them answers', async () => {
        const { status, body } = await server.fetch('/api/openapi.json');
        assert.equal(status, 200);
        for (const path of [
            '/api/analytics/track',
            '/api/analytics/stats',
            '/api/analytics/compare',
            '/api/analytics/timeseries',
            '/api/analytics/breakdown',
            '/api/analytics/properties',
            '/api/analytics/realtime',
            '/api/analytics/ledger',
            '/api/analytics/check',
            '/api/analytics/snippet',
            '/api/analytics/annotations',
            '/api/analytics/sites',
            '/api/analytics/export',
            '/api/analytics/tenants/{tenantId}/stats',
        ])
            assert.ok(body.paths[path], path);
        for (const [path, methods] of Object.entries(body.paths)) {
            for (const method of Object.keys(methods)) {
                const filled = path.replace('{tenantId}', 'alpha').replace(/\{\w+\}/, 'own');
                const answer = await server.fetch(filled, {
                    method: method.toUpperCase(),
                });
                // What a key opens, and what is wrong with one, is no matter of routes.
                const found = path.endsWith('/{key}')
                    ? answer.headers.get('content-type').startsWith('text/html')
                    : answer.status !== 404;
                assert.ok(
                    found && answer.status !== 405 && answer.status < 500,
                    `${method} ${path}: ${answer.status}`,
                );
            }
        }
        assert.equal(body.paths['/api/analytics/heatmap'], undefined);
    });
}
