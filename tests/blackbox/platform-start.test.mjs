// In whichever order a platform's parts come up, and with parts that do not fit: a node begins to
// work by itself, or says what is wrong and does not start.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Installation, query } from '../lib/abacus.mjs';
import { Pages } from '../lib/pages.mjs';
import { Platform } from '../lib/platform.mjs';
import { Proxy, Redis } from '../lib/servers.mjs';

const SITE = 'site';
const TENANT = 'tenant';

const showsAll = (server, token, pages) =>
    server.until(
        async () => (await server.stats(token, SITE)).pageviews === pages.sent,
        'all pageviews to be counted',
    );

// -- servers that come later ---------------------------------------------------------------------

test('a node that is started before PostgreSQL answers 503 until that is there, makes the schema and works', async () => {
    const platform = await Platform.create();
    const { proxy, url } = await Proxy.before(platform.databaseUrl);
    await proxy.set('refuse');
    const server = await platform.node({ databaseUrl: url }).serve([], { ready: false });
    const pages = new Pages(SITE);

    const unready = await server.fetch('/readyz');
    assert.equal(unready.status, 503);
    assert.match(unready.body.detail, /^not ready: .* is missing$/);
    const refused = await server.track(pages.event(1));
    assert.equal(refused.status, 503);
    assert.match(refused.headers.get('retry-after'), /^[1-9]\d*$/);
    assert.equal((await server.get('/api/analytics/stats', 'abacus_any')).status, 503);
    assert.equal((await server.fetch('/healthz')).status, 200);

    // An empty database: nobody has made the schema.
    await proxy.pass();
    await server.ready();
    assert.equal((await server.track(pages.event(1))).status, 404);
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    await server.until(
        async () => (await server.track(pages.event(1))).status === 202,
        'the first event to be taken',
    );
    pages.sent = 1;
    await pages.send(server, 20);
    await server.until(
        async () => (await server.get(query('/api/analytics/stats', {}), token)).status === 200,
        'the token',
    );
    await showsAll(server, token, pages);
    await pages.areStoredOnce(platform);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    proxy.close();
});

test('a node that is started before Redis takes events, which are counted when Redis is there', async () => {
    const platform = await Platform.create();
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    const { proxy, url } = await Proxy.before(platform.redisUrl);
    await proxy.set('refuse');
    const server = await platform.node({ redisUrl: url }).serve();
    const pages = new Pages(SITE);
    await server.ready();
    await pages.send(server, 50);
    assert.equal((await server.stats(token, SITE)).pageviews, 0);
    await proxy.pass();
    await showsAll(server, token, pages);
    await pages.areStoredOnce(platform);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    proxy.close();
});

// -- a Redis that throws keys away ---------------------------------------------------------------

const POLICY = 'maxmemory-policy';
const MUST_KEEP = /maxmemory-policy is allkeys-lru and must be noeviction/;

test('a Redis that throws keys away is refused at the start, and waited for when it is found later', async () => {
    const redis = await Redis.start({ [POLICY]: 'allkeys-lru' });
    const { proxy, url } = await Proxy.before(redis.url());
    const { databaseUrl } = await Platform.create();
    const platform = new Platform({ databaseUrl, redisUrl: url });
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    const pages = new Pages(SITE);

    const refused = await platform.command(['serve', '--listen', '127.0.0.1:0']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, MUST_KEEP);
    const findings = JSON.parse((await platform.command(['doctor', '--json'])).stdout);
    const { status, detail } = findings.find(({ check }) => check === 'Redis');
    assert.equal(status, 'fail', detail);
    assert.match(detail, /maxmemory-policy allkeys-lru/);

    await redis.configure(POLICY, 'noeviction');
    const server = await platform.serve();
    await pages.send(server, 10);
    await showsAll(server, token, pages);

    await redis.configure(POLICY, 'allkeys-lru');
    proxy.cut();
    await server.until(() => MUST_KEEP.test(server.stderr), 'the relay to say so');
    await pages.send(server, 15);
    await server.until(
        async () => (await server.metric('analytics_log_pending')) === 15,
        'events to wait in the log',
    );
    assert.equal((await server.stats(token, SITE)).pageviews, 10);

    await redis.configure(POLICY, 'noeviction');
    await showsAll(server, token, pages);
    await pages.areStoredOnce(platform);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    proxy.close();
    await redis.stop();
});

// -- schemas of other versions -------------------------------------------------------------------

test('a newer schema that does not suit this program is refused, and left as it is', async () => {
    const platform = await Platform.create();
    await platform.site(SITE, TENANT);
    await platform.sql('INSERT INTO migrations (number, works_from) VALUES (999, 999);');
    for (const args of [['serve', '--listen', '127.0.0.1:0'], ['aggregate'], ['migrate']]) {
        const { code, stderr } = await platform.command(args);
        assert.equal(code, 1, `${args[0]}: ${stderr}`);
        assert.match(
            stderr,
            /the database has schema 999, this program knows \d+: use a newer one/,
            args[0],
        );
    }
    assert.equal((await platform.sql('SELECT max(number) FROM migrations;')).trim(), '999');
});

test('a newer schema that suits this program is used', async () => {
    const platform = await Platform.create();
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    await platform.sql('INSERT INTO migrations (number, works_from) VALUES (999, 1);');
    const server = await platform.serve();
    const pages = new Pages(SITE);
    await pages.send(server, 10);
    await showsAll(server, token, pages);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
});

test('on one machine every newer schema is refused', async () => {
    const machine = new Installation();
    await machine.site(SITE, TENANT);
    await machine.sql('PRAGMA user_version = 999;');
    const { code, stderr } = await machine.command(['serve', '--listen', '127.0.0.1:0']);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /schema 999, this program knows \d+: use a newer one/);
});
