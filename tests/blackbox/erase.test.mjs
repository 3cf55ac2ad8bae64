// Of a tenant, a site or a value that was erased no byte is left: in the database's files, the event
// log, dead letters, Redis's files and keys. Everybody else's numbers are what they were, the books
// balance, and the receipt says how many rows went.
//
// Not searched: PostgreSQL's write-ahead log, which the server writes over in its own time, memory,
// and what a file system keeps of files that are gone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Installation, start } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Erasing, Side } from '../lib/erasing.mjs';
import { Platform } from '../lib/platform.mjs';
import { filesBelow } from '../lib/search.mjs';

const SHAPES = ['one machine', 'platform'];
const DAY = 86_400_000;

/** Where a text stands in a dump: the tables of the lines that hold it. */
function tablesWith(dump, text) {
    const lines = dump.split('\n').filter((line) => line.includes(text));
    const tables = lines.map(
        (line) => /INSERT INTO (?:analytics\.)?"?(\w+)/.exec(line)?.[1] ?? line,
    );
    return [...new Set(tables)].sort();
}

function letters(dir) {
    const text = readFileSync(join(dir, 'dead-letter.ndjson'), 'utf8');
    const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    return lines.map(({ payload }) => Buffer.from(payload, 'base64').toString('latin1'));
}

for (const shape of SHAPES)
    test(`of a tenant that was erased no byte is left, and of the other one all (${shape})`, async (t) => {
        const world = await Erasing.open(shape);
        const { abacus, gone, kept, server } = world;
        await world.traffic();
        const before = await world.answers(kept);
        await world.answers(gone);
        const fields = Object.keys(gone.words).sort();
        for (const side of [gone, kept])
            assert.deepEqual(Object.keys(await world.found(side)).sort(), fields);
        assert.equal(letters(abacus.dir).length, 4);
        if (world.redis)
            assert.match(Object.keys(await world.live()).join(' '), /analytics:cache:/);
        const rows = await world.rows(gone.site);
        for (const table of ['analytics_events', 'visits', 'packs', 'ledger', 'links', 'event_ids'])
            assert.ok(rows[table] > 0, `${table}: ${JSON.stringify(rows)}`);

        const began = Date.now();
        const { id } = await world.ask('DELETE', `/api/admin/tenants/${gone.tenant}?now=true`);
        const receipt = await world.done(id);
        t.diagnostic(`done and noted after ${Date.now() - began} ms`);
        assert.deepEqual(receipt.rows, { ...rows, tenants: 1 });
        assert.equal(receipt.value, null);

        assert.deepEqual(await world.found(gone), {});
        assert.deepEqual(Object.keys(await world.found(kept)).sort(), fields);
        const dump = await world.dump();
        assert.deepEqual(tablesWith(dump, gone.site), ['audit_log']);
        assert.deepEqual(tablesWith(dump, gone.tenant), ['audit_log', 'erasures']);
        assert.ok(letters(abacus.dir).every((letter) => letter.includes(kept.site)));
        assert.equal(letters(abacus.dir).length, 2);
        await abacus.balance();
        assert.deepEqual(await world.answers(kept), before);
        assert.deepEqual(await world.answers(kept), before, 'from the cache');
        assert.equal((await server.track(gone.events(1))).status, 404);
        await world.stop();
        assert.deepEqual(await world.found(gone), {}, 'when all has stopped');
    });

for (const shape of SHAPES)
    test(`a path, an event and a property are erased from raw rows and packs, and totals stay (${shape})`, async () => {
        const world = await Erasing.open(shape);
        const { abacus, gone, kept } = world;
        await world.traffic();
        // Its goal names the path, and is its own business.
        await world.ask('PATCH', `/api/admin/sites/${gone.site}`, { goals: null });
        await abacus.aggregate();
        const others = await world.answers(kept);
        const totals = await world.answers(gone, { exact: false });
        assert.deepEqual(await world.properties(gone), ['plain', gone.words.propname]);
        const values = {
            path: `/${gone.words.path}`,
            event: gone.words.event,
            prop: gone.words.propname,
        };
        const left = Object.keys(gone.words).filter(
            (field) =>
                !['path', 'title', 'event', 'propname', 'propvalue', 'goal', 'letter'].includes(
                    field,
                ),
        );
        const asked = [];
        for (const [kind, value] of Object.entries(values)) {
            const body = { siteId: gone.site, [kind]: value };
            asked.push(await world.ask('POST', '/api/admin/erase', body));
            assert.deepEqual([asked.at(-1).status, asked.at(-1).value], ['due', value]);
        }
        for (const { id } of asked) {
            const { value, rows } = await world.done(id);
            assert.equal(value, null);
            assert.ok(rows.analytics_events > 0 && rows.packs > 0, JSON.stringify(rows));
        }
        // What asked for it named it too; that goes last.
        await world.server.until(async () => {
            const found = await world.found(gone);
            return ['path', 'event', 'propname', 'propvalue'].every((field) => !(field in found));
        }, 'the values to be gone');
        assert.deepEqual(await world.answers(gone, { exact: false }), totals);
        assert.deepEqual(await world.properties(gone), ['plain']);
        assert.deepEqual(await world.properties(kept), ['plain', kept.words.propname]);
        const found = Object.keys(await world.found(gone));
        assert.deepEqual(
            left.filter((field) => !found.includes(field)),
            [],
        );
        assert.deepEqual(await world.answers(kept), others);
        assert.ok(letters(abacus.dir).every((letter) => letter.includes(kept.site)));
        await abacus.balance();
        await world.stop();
    });

for (const shape of SHAPES)
    test(`what is taken back within the grace has lost no number (${shape})`, async () => {
        const world = await Erasing.open(shape, { files: false });
        const { abacus, gone, server } = world;
        await world.traffic();
        const before = await world.answers(gone);
        const rows = await world.rows(gone.site);
        // Accepted before it is deleted, and not counted yet.
        await world.accepted(gone.events(10));
        const receipt = await world.ask('DELETE', `/api/admin/sites/${gone.site}`);
        assert.ok(Date.parse(receipt.dueAt) > Date.now() + 29 * DAY);
        const path = `/api/analytics/stats?siteId=${gone.site}`;
        await server.until(async () => (await world.try('GET', path)).status === 404, 'the end');
        const late = await server.track(gone.events(3));
        assert.deepEqual([late.status, late.body.dropped], [202, { disabled: 3 }]);
        await abacus.aggregate();
        const kept = await world.rows(gone.site);
        assert.equal(kept.analytics_events, rows.analytics_events + 10);
        await world.ask('PATCH', `/api/admin/sites/${gone.site}`, {
            status: 'active',
        });
        await server.until(async () => (await world.try('GET', path)).status === 200, 'its return');
        const after = await world.answers(gone);
        const of = (answers) => JSON.parse(Object.values(answers)[0]);
        assert.equal(of(after).pageviews, of(before).pageviews + 8);
        await world.accepted(gone.events(1));
        await abacus.aggregate();
        assert.equal((await world.rows(gone.site)).analytics_events, kept.analytics_events + 1);
        assert.equal((await world.try('GET', `/api/admin/receipts/${receipt.id}`)).status, 404);
        await abacus.balance();
        await world.stop();
    });

/** As soon as something is gone: a lease that is left behind keeps others waiting for 10 s. */
async function killOnce({ abacus, gone }, id, { analytics_events: all }) {
    const count = `SELECT count(*) FROM analytics_events WHERE site_id = '${gone.site}';`;
    const left = async () => Number(await abacus.sql(count));
    const job = start(abacus.bin, ['aggregate', '--data-dir', abacus.dir], { env: abacus.env });
    // Looked at once more when it has ended: it may have been quicker than one look.
    let n = all;
    for (let running = true; n === all && running;) {
        running = job.exitCode === null;
        n = await left();
    }
    job.kill('SIGKILL');
    await job.ended;
    assert.ok(n < all);
    return `killed with ${await left()} of ${all} raw rows left`;
}

/** At one moment after the other, until it is done: a little later each time. */
async function killOften(world, id) {
    const { abacus } = world;
    const lefts = new Set();
    for (let ms = 4; ; ms += 2) {
        const job = start(abacus.bin, ['aggregate', '--data-dir', abacus.dir], { env: abacus.env });
        await sleep(ms);
        job.kill('SIGKILL');
        await job.ended;
        lefts.add(JSON.stringify(await world.rows(world.gone.site)));
        const { status } = await world.ask('GET', `/api/admin/receipts/${id}`);
        if (status === 'done')
            return `killed after 4, 6 ... up to ${ms} ms, ${lefts.size} states seen`;
    }
}

const RAW = 14_000; // raw rows: a transaction takes 10,000

for (const shape of SHAPES)
    test(`a job that is killed while it erases leaves the rest to the next one (${shape})`, async (t) => {
        const world = await Erasing.open(shape);
        const { abacus, gone, kept } = world;
        const plain = Array.from({ length: 100 }, (_, i) => ({
            ...{ event: 'pageview', siteId: gone.site, path: `/p${i}` },
        }));
        for (let i = 0; i < RAW / 100; i++) await world.accepted(plain);
        await world.accepted(kept.events(20));
        await abacus.aggregate();
        const others = await world.answers(kept);
        const rows = await world.rows(gone.site);
        const { id } = await world.ask('DELETE', `/api/admin/sites/${gone.site}?now=true`);
        const kills = await (shape === 'platform' ? killOnce : killOften)(world, id, rows);
        t.diagnostic(kills);
        const receipt = await world.done(id);
        assert.deepEqual(await world.rows(gone.site), {});
        for (const [table, count] of Object.entries(receipt.rows))
            assert.ok(count <= rows[table], `${table}: ${count} of ${rows[table]}`);
        assert.deepEqual(await world.answers(kept), others);
        await abacus.balance();
        await world.stop();
    });

test('a site goes after 30 days and not before', async () => {
    const clock = new FakeClock(Date.UTC(2026, 2, 10, 12));
    const abacus = new Installation({ clock });
    const side = new Side('gone');
    await abacus.site(side.site, side.tenant);
    const admin = await abacus.token('admin', { tenant: side.tenant });
    const server = await abacus.serve([], { interval: '0' });
    assert.equal((await server.track(side.events(20))).status, 202);
    await abacus.aggregate();
    const headers = { authorization: `Bearer ${admin}` };
    const path = `/api/admin/sites/${side.site}`;
    const { body: receipt } = await server.fetch(path, {
        method: 'DELETE',
        headers,
    });
    assert.equal(receipt.dueAt, '2026-04-09T12:00:00.000Z');
    await server.stop();
    const days = async () =>
        Number(
            await abacus.sql(
                `SELECT count(*) FROM analytics_daily_stats WHERE site_id = '${side.site}';`,
            ),
        );
    clock.set(Date.UTC(2026, 3, 9, 11, 59, 59, 999));
    await abacus.aggregate();
    assert.equal(await days(), 1);
    clock.set(Date.UTC(2026, 3, 9, 12));
    await abacus.aggregate();
    assert.equal(await days(), 0);
    const done = await abacus.sql(`SELECT done_ms > 0, rows FROM erasures;`);
    assert.match(done, /^1\|.*"analytics_settings":1/);
});

test('every node of a platform lets go, also one that was down', async () => {
    const abacus = await Platform.create();
    const side = new Side('gone');
    await abacus.site(side.site, side.tenant);
    const admin = await abacus.token('admin', { tenant: side.tenant });
    const nodes = [abacus, abacus.node(), abacus.node()];
    const servers = await Promise.all(nodes.map((node) => node.serve()));
    for (const [i, server] of servers.entries()) {
        await server.until(
            async () => (await server.track(side.events(10))).status === 202,
            `node ${i}`,
        );
    }
    await abacus.aggregate();
    const word = Buffer.from(side.words.title);
    const inLog = ({ dir }) => [...filesBelow(dir)].some(({ bytes }) => bytes.includes(word));
    assert.deepEqual(nodes.map(inLog), [true, true, true]);
    assert.deepEqual(await servers[2].stop(), { code: 0, signal: null });

    const headers = { authorization: `Bearer ${admin}` };
    const path = `/api/admin/sites/${side.site}?now=true`;
    const { body } = await servers[0].fetch(path, { method: 'DELETE', headers });
    const noted = async (count) => {
        const { body: receipt } = await servers[0].get(`/api/admin/receipts/${body.id}`, admin);
        return Object.keys(receipt.nodes ?? {}).length === count;
    };
    await servers[0].until(() => noted(2), 'two nodes');
    assert.deepEqual(nodes.map(inLog), [false, false, true]);
    await sleep(1000);
    assert.ok(await noted(2));
    const again = await nodes[2].serve();
    await servers[0].until(() => noted(3), 'the third node');
    assert.equal(inLog(nodes[2]), false);
    // One that begins now has nothing of it, and has no business in the receipt.
    const fresh = await abacus.node().serve();
    await sleep(1500);
    assert.ok(await noted(3));
    for (const server of [servers[0], servers[1], again, fresh])
        assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await abacus.balance();
});
