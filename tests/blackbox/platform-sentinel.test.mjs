// A Redis that Sentinels watch: the server finds the master by them, and the next one when that is
// gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Load, pathOf } from '../lib/load.mjs';
import { Platform } from '../lib/platform.mjs';
import { freePort, Redis, Sentinel, sharedServers } from '../lib/servers.mjs';
import { until } from '../lib/abacus.mjs';

const SITE = 'site';
const TENANT = 'tenant';

test('when the master dies under load, its replica takes over, and nothing is lost or counted twice', async () => {
    const master = await Redis.start();
    const replica = await Redis.start({ replicaof: `127.0.0.1 ${master.port}` });
    const sentinel = await Sentinel.start(master);
    await until(
        async () => /num-slaves\n1\n/.test(await sentinel.cli('SENTINEL', 'master', 'abacus')),
        'the replica to be known',
    );
    const { postgres } = await sharedServers();
    const nobody = `127.0.0.1:${await freePort()}`; // a Sentinel that is away
    const redisUrl = sentinel.url().replace('//', `//${nobody},`);
    const platform = new Platform({ databaseUrl: await postgres.freshUrl(), redisUrl });
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    const server = await platform.serve();
    const load = new Load({ site: SITE, connections: 2, perRequest: 3, pauseMs: 20 });
    load.port = server.port;
    const counted = async () => (await server.stats(token, SITE)).pageviews;

    try {
        await server.until(async () => (await counted()) > 50, 'events to be counted');
        await master.kill();
        await until(async () => (await sentinel.masterPort()) === replica.port, 'the promotion');
        const then = await counted();
        await server.until(async () => (await counted()) > then + 50, 'counting to go on');
    } finally {
        await load.stop();
    }
    await platform.aggregate();
    assert.deepEqual([load.problems, load.troubles], [[], []], 'tracking went on');
    const rows = (await platform.sql('SELECT path FROM analytics_events;')).trim().split('\n');
    const stored = new Set(rows);
    assert.equal(stored.size, rows.length, 'each once');
    assert.deepEqual(
        [...load.answered].map(pathOf).filter((path) => !stored.has(path)),
        [],
        'answered and not stored',
    );
    assert.ok(stored.size <= load.answered.size + load.cut.size);
    assert.equal(await counted(), rows.length);
    await platform.balance();
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    await sentinel.stop();
    await replica.stop();
});
