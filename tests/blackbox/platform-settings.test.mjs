// What is changed in one place holds on every node within a second, whoever changes it; and the
// roles of PostgreSQL that src/store/sql/postgres-001.sql tells an operator to make are enough.
//
// The roles are a whole server's, and one test restarts it: this file has a PostgreSQL of its own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inForce, query, ROOT, tempDir, until } from '../lib/abacus.mjs';
import { Pages } from '../lib/pages.mjs';
import { Platform } from '../lib/platform.mjs';
import { Postgres, Proxy, psql, sharedServers } from '../lib/servers.mjs';

const TENANT = 'tenant';

let postgres;
let redis;
before(async () => {
    [postgres, { redis }] = await Promise.all([Postgres.start(), sharedServers()]);
});
after(() => postgres.stop());

const view = (siteId) => ({ event: 'pageview', siteId, path: '/' });
const track = async (server, siteId) => (await server.track(view(siteId))).status;
const read = async (server, token) =>
    (await server.get(query('/api/analytics/stats', {}), token)).status;

/** Every kind of change, made on the machine of `platform` or with SQL; `name` tells them from
 *  those made before. */
async function changesReach(server, platform, name) {
    const made = (n) => `${name}-${n}`;
    const bySql = (n) => `${name}-sql-${n}`;
    assert.equal(await track(server, made(0)), 404);
    await inForce(
        `${name}: a new site`,
        (n) => platform.site(made(n), TENANT),
        async (n) => (await track(server, made(n))) === 202,
    );
    let reader;
    await inForce(
        `${name}: a token revoked`,
        async () => {
            reader = await platform.namedToken('stats:read', { tenant: TENANT });
            await until(async () => (await read(server, reader.text)) === 200, 'the token');
            await platform.must(['token', 'revoke', reader.id]);
        },
        async () => (await read(server, reader.text)) === 401,
    );
    const isOff = async () => (await server.track(view(made(0)))).body.dropped?.disabled === 1;
    await inForce(
        `${name}: a setting changed by SQL`,
        async (n) => {
            if (n > 0) await platform.settings(made(0), { enabled: true });
            await until(async () => !(await isOff()), 'the site to be on');
            await platform.settings(made(0), { enabled: false });
        },
        isOff,
    );
    await inForce(
        `${name}: a site made by SQL`,
        (n) => makeBySql(platform, bySql(n)),
        async (n) => (await track(server, bySql(n))) === 202,
    );
    await inForce(
        `${name}: a site removed by SQL`,
        async (n) => {
            const made = platform.sql(
                `SELECT count(*) FROM analytics_settings WHERE site_id = '${bySql(n)}';`,
            );
            if (Number(await made) === 0) await makeBySql(platform, bySql(n));
            await until(async () => (await track(server, bySql(n))) === 202, 'what is removed');
            await platform.sql(`DELETE FROM analytics_settings WHERE site_id = '${bySql(n)}';`);
        },
        async (n) => (await track(server, bySql(n))) === 404,
    );
}

const makeBySql = (platform, id) =>
    platform.sql(
        `INSERT INTO analytics_settings (site_id, tenant_id, domain)
         VALUES ('${id}', '${TENANT}', '${id}.example');`,
    );

test('sites, tokens and settings that are changed anywhere hold on every node within a second, also after PostgreSQL was restarted', async () => {
    const databaseUrl = await postgres.createDatabase();
    const platform = new Platform({ databaseUrl, redisUrl: await redis.freshUrl() });
    await platform.site('before', TENANT);
    const server = await platform.node().serve();
    await changesReach(server, platform, 'first');
    for (const mode of ['fast', 'immediate']) {
        await postgres.restart(mode);
        await platform.site(`at-${mode}`, TENANT);
        await until(async () => (await track(server, `at-${mode}`)) === 202, 'the node is back');
        await changesReach(server, platform, mode);
    }
    await server.stop();
});

test('a node that PostgreSQL was hidden from reads what it has missed', async () => {
    const databaseUrl = await postgres.createDatabase();
    const platform = new Platform({ databaseUrl, redisUrl: await redis.freshUrl() });
    await platform.site('before', TENANT);
    const { proxy, url } = await Proxy.before(databaseUrl);
    const server = await platform.node({ databaseUrl: url }).serve();
    await server.ready();
    await proxy.set('refuse');
    await platform.site('meanwhile', TENANT);
    await platform.sql("DELETE FROM analytics_settings WHERE site_id = 'before';");
    assert.deepEqual(
        [await track(server, 'before'), await track(server, 'meanwhile')],
        [202, 404],
        'the last that was read holds on',
    );
    await proxy.pass();
    await until(async () => (await track(server, 'meanwhile')) === 202, 'the new site');
    assert.equal(await track(server, 'before'), 404);
    await server.kill();
    proxy.close();
});

// -- roles of PostgreSQL -------------------------------------------------------------------------

/** The statements in the header of the schema: {first, then} the first migration. The database and
 *  the server's role have other names here, since the superuser has that one. */
function documentedRoles() {
    const text = readFileSync(join(ROOT, 'src/store/sql/postgres-001.sql'), 'utf8');
    const statements = text
        .slice(0, text.indexOf('CREATE TABLE'))
        .split('\n')
        .map((line) => /^-- {5}([A-Z].*;)/.exec(line)?.[1])
        .filter(Boolean)
        .map((line) => line.replace(/\babacus\b/g, 'counting'));
    const isGrant = (line) => /^(GRANT|REVOKE)/.test(line);
    const [first, then] = [statements.filter((line) => !isGrant(line)), statements.filter(isGrant)];
    assert.deepEqual([first.length, then.length], [3, 5], statements.join('\n'));
    return { first, then };
}

const as = (role) => {
    const url = new URL(postgres.url('counting'));
    url.username = role;
    return url.href;
};

test('the role that the header of the schema describes is all that the server needs', async () => {
    const { first, then } = documentedRoles();
    const [role, database, schema] = first;
    await postgres.sql(role);
    await postgres.sql(database);
    await postgres.sql(schema, 'counting');
    const redisUrl = await redis.freshUrl();
    const platform = new Platform({ databaseUrl: as('counting'), redisUrl });
    const pages = new Pages('site');
    await platform.site('site', TENANT);
    const token = await platform.token('stats:read', { tenant: TENANT });
    await postgres.sql('CREATE ROLE abacus_reader LOGIN; CREATE ROLE payload LOGIN;');
    await postgres.sql(then.join('\n'), 'counting');

    const server = await platform.serve();
    await pages.send(server, 60);
    await platform.aggregate(['--raw-days', '1']); // days are dropped
    assert.equal((await server.stats(token, 'site')).pageviews, 60);
    const file = join(tempDir(), 'copy');
    await platform.must(['backup', file]);
    await platform.must(['restore', file, '--yes']);
    await pages.send(server, 5);
    await platform.aggregate();
    assert.equal((await server.stats(token, 'site')).pageviews, 65);
    await pages.areStoredOnce(platform);
    await platform.balance();
    await readerReads();
    await withoutTheRevoke(then, redisUrl, token);
    await payloadChanges(server);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
});

const denied = /permission denied/;
/** Not for reports, and not for other programs. */
const SECRET = ['salts', 'secrets', 'tokens', 'users', 'sessions'];

async function readerReads() {
    const count = 'SELECT count(*) FROM analytics_events;';
    assert.equal((await psql(as('abacus_reader'), count)).trim(), '65');
    for (const table of [...SECRET, 'links', 'erasures'])
        await assert.rejects(psql(as('abacus_reader'), `SELECT * FROM ${table};`), denied, table);
    await assert.rejects(psql(as('abacus_reader'), 'DELETE FROM tenants;'), denied);
}

async function payloadChanges(server) {
    const payload = as('payload');
    assert.equal(
        (await psql(payload, 'SELECT sum(pageviews) FROM analytics_daily_stats;')).trim(),
        '65',
    );
    const enable = (on) =>
        psql(payload, `UPDATE analytics_settings SET enabled = ${on} WHERE site_id = 'site';`);
    const isOff = async () => (await server.track(view('site'))).body.dropped?.disabled === 1;
    await inForce(
        'a setting changed by Payload',
        async (n) => {
            if (n > 0) await enable(true);
            await until(async () => !(await isOff()), 'the site to be on');
            await enable(false);
        },
        isOff,
    );
    for (const table of [...SECRET, 'visits'])
        await assert.rejects(psql(payload, `SELECT * FROM ${table};`), denied, table);
    await assert.rejects(psql(payload, 'UPDATE analytics_daily_stats SET leads = 1;'), denied);
}

/** A node that only answers, with rights to read and nothing else. */
async function withoutTheRevoke(then, redisUrl, token) {
    await postgres.sql('CREATE ROLE answering LOGIN;');
    const grants = then.filter((line) => /^GRANT .*abacus_reader/.test(line));
    await postgres.sql(grants.join('\n').replace(/abacus_reader/g, 'answering'), 'counting');
    const node = new Platform({ databaseUrl: as('answering'), redisUrl });
    const server = await node.serve(['--roles', 'query,web']);
    await server.ready();
    assert.equal((await server.stats(token, 'site')).pageviews, 65);
    await assert.rejects(psql(as('answering'), 'DELETE FROM tenants;'), denied);
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
}
