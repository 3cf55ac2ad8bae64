// What a platform's nodes tell Prometheus: what waits, where, and what the cache was good for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../lib/clock.mjs';
import { Pages } from '../lib/pages.mjs';
import { Platform } from '../lib/platform.mjs';
import { Proxy } from '../lib/servers.mjs';

const SITE = 'site';
const TENANT = 'tenant';
const IN_BUFFER = 'analytics_queue_pending';
const IN_LOG = 'analytics_log_pending';

async function createPlatform(options) {
    const platform = await Platform.create(options);
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    return { platform, token };
}

const shows = (server, name, value) =>
    server.until(async () => (await server.metric(name)) === value, `${name} to be ${value}`);

test("what waits in the buffer is the same on all nodes, what waits in a log is its node's alone", async () => {
    const { platform } = await createPlatform();
    const { proxy, url } = await Proxy.before(platform.redisUrl);
    const nodes = await Promise.all(
        [1, 2].map(() => platform.node({ redisUrl: url }).serve(['--roles', 'ingest'])),
    );
    const [one, other] = nodes;
    const pages = new Pages(SITE);
    await pages.send(one, 20);
    await pages.send(other, 5);
    for (const node of nodes) {
        await shows(node, IN_BUFFER, 25);
        await shows(node, IN_LOG, 0);
    }

    await proxy.set('refuse');
    for (const node of nodes) await shows(node, IN_BUFFER, undefined);
    await pages.send(one, 31);
    await pages.send(other, 11);
    await shows(one, IN_LOG, 31);
    await shows(other, IN_LOG, 11);
    await proxy.pass();
    for (const node of nodes) {
        await shows(node, IN_BUFFER, 67);
        await shows(node, IN_LOG, 0);
    }

    const counter = await platform.node().serve(['--roles', 'aggregate']);
    for (const node of [...nodes, counter]) await shows(node, IN_BUFFER, 0);
    assert.equal(await counter.metric(IN_LOG), 0);
    await shows(counter, 'analytics_ledger_imbalance', 0);
    for (const node of [...nodes, counter])
        assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.stderr);
    await pages.areStoredOnce(platform);
    proxy.close();
});

const RESULTS = ['hit', 'miss', 'stale', 'error'];

async function cacheResults(server) {
    const name = (result) => `analytics_cache_requests_total{result="${result}"}`;
    const values = await Promise.all(RESULTS.map((result) => server.metric(name(result))));
    return Object.fromEntries(RESULTS.map((result, i) => [result, values[i]]));
}

/** A cache that is slow for a moment is an error, and left alone for a while: then nobody can say
 *  whose answer it is. */
const isFound = (server, ask, before = 0) =>
    server.until(async () => {
        await ask(server);
        return (await cacheResults(server)).hit > before;
    }, 'an answer out of the cache');

test('an answer that one node has made is taken from the cache by every node until new events are counted', async () => {
    // The clock stands still: answers of another quarter of an hour are other ones.
    const { platform, token } = await createPlatform({ clock: new FakeClock(Date.now()) });
    const roles = ['--roles', 'query'];
    const [one, other, tracker] = await Promise.all([
        platform.node().serve(roles),
        platform.node().serve(roles),
        platform.serve(['--roles', 'ingest']),
    ]);
    const views = async (server) => (await server.stats(token, SITE)).pageviews;
    const pages = new Pages(SITE);
    await pages.send(tracker, 7);
    await platform.aggregate();

    assert.equal(await views(one), 7);
    assert.equal((await cacheResults(one)).hit, 0);
    await isFound(one, views);
    assert.equal(await views(one), 7);
    await isFound(other, views);
    const { miss, stale } = await cacheResults(other);
    assert.deepEqual({ miss, stale }, { miss: 0, stale: 0 }, 'it was made elsewhere');

    await pages.send(tracker, 1);
    await platform.aggregate();
    const before = await cacheResults(other);
    assert.equal(await views(other), 8);
    assert.equal((await cacheResults(other)).hit, before.hit);
    const hits = (await cacheResults(one)).hit;
    assert.equal(await views(one), 8);
    await isFound(one, views, hits);
    for (const server of [one, other, tracker]) await server.stop();
});
