// A platform's backend puts all of its tenants and sites, twice, over HTTP.

import assert from 'node:assert/strict';
import { bearer } from '../lib/abacus.mjs';
import { inEachShape } from '../lib/platform.mjs';

const TENANTS = 200;
const SITES = 3000;
/** Requests under way at once. */
const AT_ONCE = 8;

const tenantOf = (n) => `t${n % TENANTS}`;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];

const TENANT_PUTS = Array.from({ length: TENANTS }, (_, n) => ({
    path: `/api/admin/tenants/t${n}`,
    body: { name: `Tenant ${n}`, limits: { eventsPerMonth: 1_000_000, sites: 20 } },
}));
const SITE_PUTS = Array.from({ length: SITES }, (_, n) => ({
    path: `/api/admin/sites/s${n}`,
    body: {
        tenantId: tenantOf(n),
        domain: `s${n}.example`,
        timezone: ZONES[n % ZONES.length],
        trackingIds: [`track-${n}`],
        goals: [{ name: 'Bought', path: '/thanks/*' }],
    },
}));

/** How often each status was answered. */
async function putAll(server, token, puts) {
    const statuses = {};
    const waiting = [...puts];
    const headers = { ...bearer(token), 'content-type': 'application/json' };
    async function work() {
        for (let put = waiting.pop(); put !== undefined; put = waiting.pop()) {
            const body = JSON.stringify(put.body);
            const answer = await server.fetch(put.path, { method: 'PUT', headers, body });
            assert.ok(answer.status < 300, `${put.path}: ${answer.text}`);
            statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return statuses;
}

async function timed(work) {
    const began = performance.now();
    const result = await work();
    return [result, (performance.now() - began) / 1000];
}

/** Everything that a change would leave a trace in. */
const traces = async (abacus) =>
    [
        await abacus.sql(`SELECT count(*) FROM audit_log`),
        await abacus.sql(`SELECT value FROM counters WHERE name = 'directory'`),
    ].map((text) => Number(text.trim()));

async function listAll(server, token, kind) {
    const all = [];
    for (let cursor = ''; cursor !== null;) {
        const more = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const answer = await server.get(`/api/admin/${kind}?limit=1000${more}`, token);
        assert.equal(answer.status, 200, answer.text);
        all.push(...answer.body[kind]);
        cursor = answer.body.nextCursor;
    }
    return all;
}

inEachShape('3,000 sites of 200 tenants are put, and put again', async (make, shape) => {
    const abacus = await make();
    const token = await abacus.token('admin', { platform: true });
    const server = await abacus.serve();
    const second = shape === 'platform' ? await abacus.node().serve() : server;
    await server.ready();
    await second.ready();

    const puts = [...TENANT_PUTS];
    const run = async () => {
        const tenants = await putAll(server, token, puts);
        return [tenants, await putAll(server, token, SITE_PUTS)];
    };
    const [first, firstSeconds] = await timed(run);
    assert.deepEqual(first, [{ 201: TENANTS }, { 201: SITES }]);
    const before = await traces(abacus);
    const [again, againSeconds] = await timed(run);
    assert.deepEqual(again, [{ 200: TENANTS }, { 200: SITES }]);
    assert.deepEqual(await traces(abacus), before, 'the second time nothing changes');
    console.log(
        `${shape}: ${firstSeconds.toFixed(1)} s, the same again ${againSeconds.toFixed(1)} s`,
    );

    // All of it is there, each once.
    const sites = await listAll(server, token, 'sites');
    assert.equal(new Set(sites.map(({ id }) => id)).size, SITES);
    assert.equal(sites.length, SITES);
    assert.equal((await listAll(server, token, 'tenants')).length, TENANTS);
    const one = sites.find(({ id }) => id === 's17');
    assert.equal(one.tenantId, 't17');
    assert.equal(one.timezone, ZONES[1]);

    // The other node takes events of a new site, by its alias, and drops what is switched off.
    const headers = { ...bearer(token), 'content-type': 'application/json' };
    const view = { event: 'pageview', siteId: 'track-new', path: '/' };
    const body = JSON.stringify({
        tenantId: 't1',
        domain: 'new.example',
        trackingIds: ['track-new'],
    });
    assert.equal((await second.track(view)).status, 404);
    const made = await server.fetch('/api/admin/sites/new', { method: 'PUT', headers, body });
    assert.equal(made.status, 201, made.text);
    const [, takenSeconds] = await timed(() =>
        second.until(async () => (await second.track(view)).status === 202, 'the new site'),
    );
    const off = JSON.stringify({ enabled: false });
    const patched = await server.fetch('/api/admin/sites/new', {
        method: 'PATCH',
        headers,
        body: off,
    });
    assert.equal(patched.status, 200, patched.text);
    const [, offSeconds] = await timed(() =>
        second.until(
            async () => (await second.track(view)).body.dropped?.disabled === 1,
            'the site to be off',
        ),
    );
    console.log(
        `${shape}: in force after ${takenSeconds.toFixed(2)} s and ${offSeconds.toFixed(2)} s`,
    );
    for (const one of new Set([server, second])) assert.equal((await one.stop()).code, 0);
});
