// The servers and the proxy that other tests lean on do what they say: a fault that does not
// happen would make its test pass.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import '../lib/abacus.mjs'; // ends what a failed test leaves
import { until } from '../lib/process.mjs';
import {
    Postgres,
    psql,
    Proxy,
    Redis,
    redisCli,
    Sentinel,
    sharedServers,
} from '../lib/servers.mjs';

test('PostgreSQL keeps what it has committed through each way to stop it', async () => {
    const postgres = await Postgres.start({ fsync: true });
    const url = await postgres.createDatabase('kept');
    await psql(url, 'CREATE TABLE t (n integer);');
    const ways = {
        fast: () => postgres.stop('fast'),
        immediate: () => postgres.stop('immediate'),
        kill: () => postgres.kill(),
    };
    for (const [name, stop] of Object.entries(ways)) {
        await psql(url, 'INSERT INTO t VALUES (1);');
        await stop();
        await assert.rejects(psql(url, 'SELECT 1;'), /refused/, name);
        await postgres.start();
    }
    assert.equal((await psql(url, 'SELECT count(*) FROM t;')).trim(), '3');
    assert.equal((await postgres.sql('SHOW fsync;')).trim(), 'on');
    await postgres.stop();
});

test('a PostgreSQL that stands still answers nothing until it goes on', async () => {
    const postgres = await Postgres.start();
    postgres.pause();
    let answered = false;
    const answer = postgres.sql('SELECT 7;').then((text) => {
        answered = true;
        return text.trim();
    });
    await sleep(300);
    assert.equal(answered, false);
    postgres.resume();
    assert.equal(await answer, '7');
    await postgres.stop();
});

test('Redis comes back from kill -9 with its data, or empty, and can be out of memory', async () => {
    const redis = await Redis.start();
    assert.equal(await redis.cli('SET', 'key', 'value'), 'OK');
    await sleep(1500); // everysec
    await redis.kill();
    await redis.startAgain();
    assert.equal(await redis.cli('GET', 'key'), 'value');
    await redis.configure('maxmemory', '1');
    assert.match(await redis.cli('SET', 'other', 'value'), /^OOM/);
    await redis.configure('maxmemory', '0');
    await redis.kill();
    await redis.startAgain({ empty: true });
    assert.equal(await redis.cli('DBSIZE'), '0');
    await redis.stop();
});

test('a Sentinel names the master, and its replica after the master is gone', async () => {
    const master = await Redis.start();
    const replica = await Redis.start({ replicaof: `127.0.0.1 ${master.port}` });
    const sentinel = await Sentinel.start(master);
    assert.equal(await sentinel.masterPort(), master.port);
    await until(
        async () => /num-slaves\n1\n/.test(await sentinel.cli('SENTINEL', 'master', 'abacus')),
        'the replica to be known',
    );
    await master.kill();
    await until(async () => (await sentinel.masterPort()) === replica.port, 'the promotion');
    await sentinel.stop();
    await replica.stop();
});

test('a proxy passes, refuses, holds back and lets go', async () => {
    const redis = await Redis.start();
    const proxy = await Proxy.start(redis);
    const set = (name) => redisCli(redis.url(0, proxy.port), 'SET', name, '1');
    const has = async (name) => (await redis.cli('EXISTS', name)) === '1';
    assert.equal(await set('passed'), 'OK');
    await proxy.set('refuse');
    await assert.rejects(set('refused'), /refused/);
    for (const [mode, arrives] of [
        ['stall', true],
        ['swallow', false],
    ]) {
        await proxy.set(mode);
        let over = false;
        const asked = set(mode)
            .catch(() => 'cut')
            .finally(() => (over = true));
        await sleep(300);
        assert.deepEqual([mode, over, await has(mode)], [mode, false, false]);
        await proxy.pass();
        assert.equal(await asked, arrives ? 'OK' : 'cut');
        assert.equal(await has(mode), arrives);
    }
    assert.equal(await set('again'), 'OK');
    proxy.close();
    await redis.stop();
});

test('shared servers give everybody a database of their own', async () => {
    const { postgres, redis } = await sharedServers();
    assert.notEqual(await postgres.freshUrl(), await postgres.freshUrl());
    const [one, other] = [await redis.freshUrl(), await redis.freshUrl()];
    await redisCli(one, 'SET', 'key', 'value');
    assert.equal(await redisCli(other, 'EXISTS', 'key'), '0');
});
