// Nodes of a platform: roles, what a node leaves behind when it goes, and the shapes in between.

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Installation, query } from '../lib/abacus.mjs';
import { Pages } from '../lib/pages.mjs';
import { Platform } from '../lib/platform.mjs';
import { Proxy, sharedServers } from '../lib/servers.mjs';

const SITE = 'site';
const TENANT = 'tenant';

/** A platform with a site, a reader's token, and pageviews to send. */
async function furnish(platform) {
    await platform.site(SITE, TENANT);
    platform.token = await platform.token('stats:read', { tenant: TENANT });
    platform.pages = new Pages(SITE);
    return platform;
}

async function createPlatform() {
    return furnish(await Platform.create());
}

const viewsAt = async (server, { token }) => (await server.stats(token, SITE)).pageviews;

const showsAll = (server, platform) =>
    server.until(
        async () => (await viewsAt(server, platform)) === platform.pages.sent,
        'all pageviews to be counted',
    );

// -- roles ---------------------------------------------------------------------------------------

const read = (path) =>
    query(path, {
        siteId: /\/(tenants|sites$)/.test(path) ? undefined : SITE,
        dimension: path.endsWith('breakdown') ? 'page' : undefined,
    });
const EVERYWHERE = ['/healthz', '/readyz', '/metrics', '/api/openapi.json'];
/** Role -> what it answers beside that, and with which status. */
const MANAGING = ['tenants', 'sites', 'users', 'tokens', 'links', 'receipts'].flatMap((kind) => [
    `/api/admin/${kind}`,
    `/api/admin/${kind}/x`,
]);
const ANSWERS = {
    ingest: { '/api/analytics/track': 202 },
    aggregate: {},
    query: Object.fromEntries([
        ...[
            ...['stats', 'compare', 'timeseries', 'breakdown', 'realtime', 'ledger', 'export'],
            ...['sites', 'check', 'snippet', 'annotations', 'properties'],
            `tenants/${TENANT}/stats`,
        ].map((name) => [`/api/analytics/${name}`, 200]),
        // Not with a token that reads; and what is not for GET is there all the same.
        ...[
            ...MANAGING,
            ...['/api/admin/tenants/x/export', '/api/admin/sites/x/export'],
            ...['/api/admin/settings', '/api/admin/usage', '/api/admin/audit', '/api/admin/system'],
            ...['/api/analytics/settings', '/api/session'],
        ].map((path) => [path, 403]),
        ...[
            ...['/api/admin/users/x/reset', '/api/admin/erase', '/api/admin/embed', '/api/share'],
            ...['password', 'totp', 'reset', 'link', 'accept'].map((one) => `/api/session/${one}`),
        ].map((path) => [path, 405]),
    ]),
    web: Object.fromEntries(
        [
            ...['/public/analytics.js', '/settings/privacy', `/settings/privacy/${SITE}`, '/demo'],
            ...['/admin/sign-in', '/admin/accept', '/admin'],
            ...['sites', 'sites/new', 'compare', 'people', 'tokens', 'audit', 'system'].map(
                (page) => `/admin/${page}`,
            ),
            ...['analytics', 'settings', 'ledger'].map((page) => `/admin/sites/${SITE}/${page}`),
            `/admin/tenants/${TENANT}/analytics`,
        ].map((path) => [path, 200]),
    ),
};

async function statusOf(server, path, token) {
    if (path === '/api/analytics/track')
        return (await server.track({ event: 'form.submit', siteId: SITE })).status;
    return (await server.get(path.startsWith('/api') ? read(path) : path, token)).status;
}

test('each role answers what is its own, and 404 to everything else', async () => {
    const platform = await createPlatform();
    const own = Object.values(ANSWERS).flatMap((paths) => Object.keys(paths));
    for (const [role, answers] of Object.entries(ANSWERS)) {
        const node = platform.node();
        const server = await node.serve(['--roles', role, '--demo-site', SITE]);
        await server.ready();
        for (const path of [...EVERYWHERE, ...own])
            assert.equal(
                await statusOf(server, path, platform.token),
                EVERYWHERE.includes(path) ? 200 : (answers[path] ?? 404),
                `${role}: ${path}`,
            );
        const paths = Object.keys((await server.fetch('/api/openapi.json')).body.paths).map(
            (path) =>
                path.replace('{tenantId}', TENANT).replace('{siteId}', SITE).replace('{id}', 'x'),
        );
        assert.deepEqual(
            // To a key that opens nothing these say 404 wherever they are.
            paths.filter(
                (path) => ![...own, ...EVERYWHERE].includes(path) && !/\{key\}$/.test(path),
            ),
            [],
            'routes that no role has here',
        );
        assert.equal(existsSync(join(node.dir, 'log')), role === 'ingest', `${role}: a log`);
        await server.kill();
    }
});

test('one node takes events, another counts them, a third one answers', async () => {
    const platform = await createPlatform();
    const { pages, token } = platform;
    const root = await platform.node().token('admin', { platform: true });
    const [ingest, reader] = await Promise.all([
        platform.serve(['--roles', 'ingest']),
        platform.node().serve(['--roles', 'query']),
    ]);
    await pages.send(ingest, 120);
    await reader.until(
        async () => (await reader.metric('analytics_queue_pending')) === 120,
        'everything to wait in the buffer',
    );
    assert.equal(await viewsAt(reader, platform), 0);
    // Who does not count knows all the same what waits, and that the books add up.
    const system = async () => (await reader.get('/api/admin/system', root)).body;
    await reader.until(async () => (await system()).queue.length === 120, 'the page to tell');
    const { queue, job, log, ledger, redis } = await system();
    assert.equal(queue.length, 120);
    assert.ok(Math.abs(Date.now() - Date.parse(queue.oldestAt)) < 60_000, queue.oldestAt);
    const nobody = { lastSuccessAt: null, seconds: null, intervalSeconds: null };
    assert.deepEqual(job, { ...nobody, late: false });
    assert.deepEqual([log, ledger], [{ pending: 0 }, { imbalance: 0 }]);
    assert.ok(redis.connected && redis.usedBytes > 0, JSON.stringify(redis));
    const counter = await platform.node().serve(['--roles', 'aggregate']);
    await showsAll(reader, platform);
    await pages.areStoredOnce(platform);
    const { received, stored } = await reader.ledger(token, SITE);
    assert.deepEqual({ received, stored }, { received: 120, stored: 120 });
    for (const server of [ingest, reader, counter])
        assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
});

// -- nodes that go -------------------------------------------------------------------------------

test('the log of a node that was killed is sent from its volume, once, and the volume may go', async () => {
    const platform = await createPlatform();
    const { pages } = platform;
    const { proxy, url } = await Proxy.before(platform.redisUrl);
    const node = platform.node({ redisUrl: url });
    const volume = platform.node({ dir: node.dir });
    const dying = await node.serve(['--roles', 'ingest']);

    await pages.send(dying, 40);
    await dying.until(
        async () => (await dying.metric('analytics_queue_pending')) === 40,
        'some to be sent',
    );
    await proxy.set('refuse');
    await pages.send(dying, 60);
    const refused = await volume.command(['relay']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^abacus: relay: a server runs on .*: stop it first/);
    await dying.kill();

    const tooEarly = await volume.command(['relay', '--timeout', '1s', '--json']);
    assert.equal(tooEarly.code, 1, tooEarly.stderr);
    assert.equal(JSON.parse(tooEarly.stdout).left, 100, 'nobody counts as yet');

    const rest = await platform.serve(['--roles', 'aggregate,query']);
    const done = JSON.parse(await volume.must(['relay', '--json']));
    assert.equal(done.left, 0);
    rmSync(node.dir, { recursive: true });
    assert.equal(await viewsAt(rest, platform), 100);
    await pages.areStoredOnce(platform);
    await platform.balance();

    const gone = await volume.command(['relay']);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /^abacus: relay: there is no event log to read in /);
    proxy.close();
    await rest.stop();
});

test('a node that is told to stop ends when everything it has answered is committed', async () => {
    const platform = await createPlatform();
    const server = await platform.serve([], { interval: '1h' });
    await platform.pages.send(server, 300);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    await platform.pages.areStoredOnce(platform);
});

test('a node whose events nobody counts says how many remain, and goes on with them when it is started again', async () => {
    const platform = await createPlatform();
    const { pages } = platform;
    const lonely = await platform.serve(['--roles', 'ingest', '--drain-timeout', '1s']);
    await pages.send(lonely, 37);
    assert.deepEqual(await lonely.stop(), { code: 1, signal: null });
    assert.match(lonely.stderr, /^abacus: stopped with 37 events not committed: /m);
    const again = await platform.serve();
    await showsAll(again, platform);
    await pages.send(again, 3);
    await showsAll(again, platform);
    await pages.areStoredOnce(platform);
    assert.deepEqual(await again.stop(), { code: 0, signal: null }, again.stderr);
});

// -- between the shapes --------------------------------------------------------------------------

test('with PostgreSQL and without Redis each node counts its own log, and all answer for all', async () => {
    const { postgres } = await sharedServers();
    const databaseUrl = await postgres.freshUrl();
    const platform = await furnish(new Platform({ databaseUrl, redisUrl: '' }));
    const { pages, token } = platform;
    const nodes = await Promise.all([platform.serve(), platform.node().serve()]);
    await pages.send(nodes[0], 30);
    await pages.send(nodes[1], 20);
    for (const node of nodes) {
        await showsAll(node, platform);
        assert.equal((await node.ledger(token, SITE)).received, 50);
        await node.until(
            async () => (await node.metric('analytics_queue_pending')) === 0,
            'an empty log',
        );
        assert.equal(await node.metric('analytics_log_pending'), 0);
    }
    const relay = await platform.command(['relay']);
    assert.equal(relay.code, 2);
    assert.match(relay.stderr, /REDIS_URL is not set/);
    for (const node of nodes) await node.kill();
    const after = await platform.serve();
    await pages.send(after, 10);
    await showsAll(after, platform);
    await pages.areStoredOnce(platform);
    await platform.balance();
    await after.stop();
});

test('with Redis and without PostgreSQL one machine counts through the buffer', async () => {
    const { redis } = await sharedServers();
    const redisUrl = await redis.freshUrl();
    const machine = await furnish(new Installation({ env: { REDIS_URL: redisUrl } }));
    const { pages } = machine;
    const server = await machine.serve();
    await pages.send(server, 200);
    await showsAll(server, machine);
    await server.kill();
    const again = await machine.serve();
    await pages.send(again, 50);
    await machine.aggregate();
    assert.equal(await viewsAt(again, machine), 250);
    await pages.areStoredOnce(machine);
    await machine.balance();
    assert.deepEqual(await again.stop(), { code: 0, signal: null }, again.stderr);
});
