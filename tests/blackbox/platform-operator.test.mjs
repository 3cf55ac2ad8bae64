// What an operator of a platform reads and finds: no password anywhere, what to mend when something
// is wrong, no file that nobody needs, no flood of the same line.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../lib/abacus.mjs';
import { Platform } from '../lib/platform.mjs';
import { freePort, Proxy } from '../lib/servers.mjs';

const SITE = 'site';
const TENANT = 'tenant';
const SECRET = 'geheim';

/** With a user and a password that the server does not ask for. */
function withPassword(url, user) {
    const out = new URL(url);
    out.username = user;
    out.password = SECRET;
    return out.href;
}

/** The finding of doctor whose name is given: {status, detail, mend}. */
async function finding(platform, name) {
    const { stdout, code } = await platform.command(['doctor', '--json']);
    const found = JSON.parse(stdout).find(({ check }) => check === name);
    assert.equal(code, found.status === 'fail' ? 1 : code);
    return found;
}

// -- passwords -----------------------------------------------------------------------------------

test('no password is in anything that a command or a node says, nor on its command line', async () => {
    const { databaseUrl, redisUrl } = await Platform.create();
    const platform = new Platform({
        databaseUrl: withPassword(databaseUrl, 'abacus'),
        redisUrl: withPassword(redisUrl, 'default'),
        env: { ABACUS_LOG: 'debug' },
    });
    const copy = join(tempDir(), 'copy.ndjson');
    const said = [];
    const run = async (...args) => {
        const { code, stdout, stderr } = await platform.command(args);
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
        said.push(stdout, stderr);
    };

    for (const json of [[], ['--json']]) {
        await run('migrate', ...json);
        await run('doctor', ...json);
        await run('aggregate', ...json);
        await run('queue', 'status', ...json);
        await run('site', 'list', ...json);
        await run('backup', copy, ...json);
        await run('restore', copy, '--yes', ...json);
    }
    await run('queue', 'dump');
    await run('site', 'add', SITE, '--tenant', TENANT, '--domain', 'site.example');
    const server = await platform.serve();
    assert.equal((await server.track({ event: 'lead.created', siteId: SITE })).status, 202);
    said.push(readFileSync(`/proc/${server.child.pid}/cmdline`, 'latin1'));
    said.push((await server.fetch('/metrics')).text);
    await server.stop();
    said.push(server.stderr);
    await run('relay');
    said.push(readFileSync(copy, 'utf8'));
    for (const text of said) assert.doesNotMatch(text, new RegExp(SECRET));
    assert.match(said[0], /^postgres:\/\/abacus:\*\*\*@/);
});

test('no password is in what is said when a URL is wrong or leads nowhere', async () => {
    const port = await freePort();
    const { databaseUrl, redisUrl } = await Platform.create();
    const cases = [
        [`postgres://abacus:${SECRET}@127.0.0.1:${port}/d`, redisUrl, 1],
        [`postgres://abacus:x@${SECRET}@127.0.0.1:${port}/d`, redisUrl, 2],
        [`postgres://abacus:x/${SECRET}@127.0.0.1:${port}/d`, redisUrl, 2],
        [`postgres://abacus:12/${SECRET}@127.0.0.1:${port}/d`, redisUrl, 2],
        [`mysql://abacus:${SECRET}@127.0.0.1:${port}/d`, redisUrl, 2],
        [databaseUrl, `redis://:${SECRET}@127.0.0.1:${port}`, 1],
        [databaseUrl, `redis://:x@${SECRET}@127.0.0.1:${port}`, 2],
        [databaseUrl, `redis://:x/${SECRET}@127.0.0.1:${port}`, 2],
        [databaseUrl, `rediss://:${SECRET}@127.0.0.1:${port}`, 2],
    ];
    for (const [database, redis, expected] of cases) {
        const platform = new Platform({ databaseUrl: database, redisUrl: redis });
        for (const args of [['doctor'], ['queue', 'status']]) {
            const { code, stdout, stderr } = await platform.command(args);
            const about = `${args[0]} with ${database} and ${redis}: ${stdout}${stderr}`;
            assert.equal(code, expected, about);
            assert.doesNotMatch(stdout + stderr, new RegExp(SECRET), about);
            if (expected === 2) assert.match(stderr, /^abacus: (DATABASE|REDIS)_URL: /, about);
        }
    }
});

// -- doctor --------------------------------------------------------------------------------------

test('doctor tells a database that is away from one that is not made yet, and what mends each', async () => {
    const platform = await Platform.create();
    const early = await finding(platform, 'schema');
    assert.equal(early.status, 'fail');
    assert.match(early.detail, /run abacus migrate$/);
    assert.equal((await finding(platform, 'database')).status, 'ok');
    await platform.must(['migrate']);
    assert.equal((await finding(platform, 'schema')).status, 'ok');

    const { proxy, url } = await Proxy.before(platform.databaseUrl);
    await proxy.set('refuse');
    const away = await finding(platform.node({ databaseUrl: url }), 'database');
    assert.equal(away.status, 'fail');
    assert.match(away.mend, /^start it/);
    proxy.close();
});

test('doctor never advises a restore where a right is missing', async () => {
    const platform = await Platform.create();
    const role = `lesser_${process.pid}`;
    await platform.must(['migrate']);
    await platform.sql(
        `CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA analytics TO ${role};
         GRANT SELECT ON migrations TO ${role};`,
    );
    const url = new URL(platform.databaseUrl);
    url.username = role;
    const found = await finding(platform.node({ databaseUrl: url.href }), 'database');
    assert.equal(found.status, 'fail');
    assert.match(found.detail, /permission denied/);
    assert.match(found.mend, /role/);
    await platform.sql(`DROP OWNED BY ${role}; DROP ROLE ${role};`);
});

// -- files ---------------------------------------------------------------------------------------

test('a command that needs no file makes no data directory; a node that takes events does', async () => {
    const platform = (await Platform.create()).node({ dir: join(tempDir(), 'mistyped') });
    await platform.must(['migrate']);
    await platform.site(SITE, TENANT);
    await platform.token('stats:read', { tenant: TENANT });
    await platform.must(['queue', 'status']);
    await platform.must(['doctor', '--json'], { env: { ABACUS_ROLES: 'query,web' } });
    const reader = await platform.serve(['--roles', 'query,web']);
    await reader.ready();
    assert.deepEqual(await reader.stop(), { code: 0, signal: null }, reader.stderr);
    assert.equal(existsSync(platform.dir), false);
    const server = await platform.serve();
    await server.ready();
    await server.stop();
    assert.equal(existsSync(join(platform.dir, 'log')), true);
});

// -- lines ---------------------------------------------------------------------------------------

const count = (text, line) => text.split(line).length - 1;

test('a job that fails for the same reason says so once, is counted each time, and says when it runs again', async () => {
    const platform = await Platform.create();
    await platform.site(SITE, TENANT);
    const { proxy, url } = await Proxy.before(platform.redisUrl);
    await proxy.set('refuse');
    const server = await platform.node({ redisUrl: url }).serve([], { interval: '100ms' });
    const failures = () => server.metric('analytics_errors_total{kind="redis"}');
    await server.until(async () => (await failures()) >= 10, 'ten failures');
    await server.until(() => server.stderr.includes('the job failed'), 'the job to say so');
    assert.equal(count(server.stderr, 'the job failed and will run again'), 1);
    assert.equal(await server.metric('analytics_errors_total{kind="store"}'), 0);
    assert.equal(count(server.stderr, 'the job runs again'), 0);
    await proxy.pass();
    await server.until(() => server.stderr.includes('the job runs again'), 'the job to run again');
    await sleep(300);
    assert.equal(count(server.stderr, 'the job runs again'), 1);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    proxy.close();
});

// -- the ledger ----------------------------------------------------------------------------------

test('every node tells the same length of the queue in its ledger, and null while Redis is away', async () => {
    const platform = await Platform.create();
    await platform.site(SITE, TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    const { proxy, url } = await Proxy.before(platform.redisUrl);
    const idle = { interval: '0' };
    const node = await platform.serve([], idle);
    const other = await platform.node({ redisUrl: url }).serve([], idle);
    const reader = await platform.node().serve(['--roles', 'query'], idle);
    const queued = async (server) =>
        (await server.get(`/api/analytics/ledger?siteId=${SITE}&period=today`, token)).body.queued;

    const events = Array.from({ length: 7 }, () => ({ event: 'lead.created', siteId: SITE }));
    assert.equal((await node.track(events)).status, 202);
    for (const server of [node, other, reader])
        await server.until(async () => (await queued(server)) === 7, 'seven to wait');
    proxy.cut();
    await proxy.set('refuse');
    assert.equal(await queued(other), null);
    assert.equal(await queued(reader), 7);
    await proxy.pass();
    await platform.aggregate();
    assert.equal(await queued(reader), 0);
    for (const server of [node, other, reader])
        assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    proxy.close();
});
