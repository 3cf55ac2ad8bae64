// What a tenant may use: under load it is cut to its rate while its neighbour keeps its own; a
// month's events are exact through a crash; suspended is out within a second; reads are limited.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inForce, Installation } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';

const view = (siteId, path = '/') => ({ event: 'pageview', siteId, path });
const views = (siteId, count) => Array.from({ length: count }, (_, i) => view(siteId, `/${i}`));

/** `sites` is {siteId: tenant}; `limits` {tenant: ["limits.eventsPerMonth=5", ...]}. */
async function world(sites, limits = {}) {
    const installation = new Installation();
    for (const [site, tenant] of Object.entries(sites)) await installation.site(site, tenant);
    for (const [tenant, set] of Object.entries(limits)) await limit(installation, tenant, ...set);
    return installation;
}

const limit = (installation, tenant, ...set) =>
    installation.must(['tenant', 'set', tenant, ...set]);

/** Send events in requests of 100 at most: {accepted, dropped}. */
async function send(server, siteId, count) {
    const sum = { accepted: 0, dropped: {} };
    for (let left = count; left > 0; left -= 100) {
        const { status, text, body } = await server.track(views(siteId, Math.min(left, 100)));
        assert.equal(status, 202, text);
        sum.accepted += body.accepted;
        for (const [reason, n] of Object.entries(body.dropped ?? {}))
            sum.dropped[reason] = (sum.dropped[reason] ?? 0) + n;
    }
    return sum;
}

// -- under load -----------------------------------------------------------------------------------

const LOAD_MS = 8000;
const RATE = 1000; // of the greedy tenant; it offers three times as much
const WITHIN = 0.05;

/** Offer `batch` events every `everyMs`, whatever the answers take: {offered, accepted, dropped,
 *  seconds, usable}, from the first request to the last answer. A bucket holds what a second gives:
 *  where nothing is answered for about as long, the rest of that time may be of no use to anybody. */
async function offer(server, siteId, batch, everyMs) {
    const begin = performance.now();
    const sum = { offered: 0, accepted: 0, dropped: 0, seconds: 0, usable: 0 };
    const waiting = [];
    for (let n = 0; n < LOAD_MS / everyMs; n++) {
        const asked = server.track(views(siteId, batch)).then(({ status, body, text }) => {
            assert.equal(status, 202, text);
            sum.accepted += body.accepted;
            sum.dropped += body.dropped?.quota ?? 0;
            const seconds = (performance.now() - begin) / 1000;
            sum.usable += Math.min(0.4, seconds - sum.seconds);
            sum.seconds = seconds;
        });
        sum.offered += batch;
        waiting.push(asked);
        await sleep(Math.max(0, begin + (n + 1) * everyMs - performance.now()));
    }
    await Promise.all(waiting);
    return sum;
}

test('a tenant over its rate is cut to it, and its neighbour keeps its own', async (t) => {
    const installation = await world(
        { greedy: 'greedy', modest: 'modest' },
        { greedy: [`limits.eventsPerSecond=${RATE}`] },
    );
    const token = await installation.token('stats:read', { platform: true });
    const server = await installation.serve();
    const [greedy, modest] = await Promise.all([
        offer(server, 'greedy', 100, 1000 / 30),
        offer(server, 'modest', 10, 1000 / 20),
    ]);
    const allowed = (seconds) => RATE * seconds + RATE; // and one bucket
    const [most, least] = [allowed(greedy.seconds), allowed(greedy.usable)];
    t.diagnostic(
        `${greedy.seconds.toFixed(2)} s: offered ${greedy.offered}, allowed ` +
            `${least.toFixed(0)} to ${most.toFixed(0)}, accepted ${greedy.accepted}; ` +
            `the neighbour offered ${modest.offered}, accepted ${modest.accepted}`,
    );
    assert.ok(greedy.offered > 1.5 * least, 'the load is over the quota');
    assert.ok(greedy.accepted <= (1 + WITHIN) * most, `${greedy.accepted} of at most ${most}`);
    assert.ok(greedy.accepted >= (1 - WITHIN) * least, `${greedy.accepted} of at least ${least}`);
    assert.equal(greedy.accepted + greedy.dropped, greedy.offered);
    assert.deepEqual([modest.accepted, modest.dropped], [modest.offered, 0]);
    assert.equal(
        await server.metric('analytics_events_dropped_total{reason="quota"}'),
        greedy.dropped,
    );
    await server.until(
        async () => (await server.ledger(token, 'greedy')).received === greedy.offered,
        'the ledger',
    );
    const ledger = await server.ledger(token, 'greedy');
    assert.deepEqual([ledger.stored, ledger.dropped], [greedy.accepted, { quota: greedy.dropped }]);
    assert.deepEqual((await server.ledger(token, 'modest')).dropped, {});
    await server.stop();
    await installation.balance();
});

// -- months ---------------------------------------------------------------------------------------

const MONTH = 1000;

test("a month's events are exact on one node, through a crash with nothing counted", async () => {
    const installation = await world(
        { a: 'five', b: 'five', c: 'six' },
        { five: [`limits.eventsPerMonth=${MONTH}`] },
    );
    const token = await installation.token('stats:read', { platform: true });
    // Nobody counts: what was taken is in the log alone.
    let server = await installation.serve([], { interval: '0' });
    assert.equal((await send(server, 'a', 700)).accepted, 700);
    await server.kill();
    server = await installation.serve([], { interval: '0' });
    assert.equal((await send(server, 'b', 200)).accepted, 200);
    await server.stop();
    // Now the job counts, some of it before and some of it while more comes.
    server = await installation.serve();
    const last = await send(server, 'a', 300);
    assert.deepEqual([last.accepted, last.dropped], [100, { quota: 200 }]);
    assert.deepEqual(await send(server, 'b', 10), { accepted: 0, dropped: { quota: 10 } });
    assert.equal((await send(server, 'c', 10)).accepted, 10);
    await server.kill();
    await installation.aggregate();
    server = await installation.serve();
    assert.deepEqual(await send(server, 'b', 10), { accepted: 0, dropped: { quota: 10 } });
    await server.stop();
    await installation.aggregate();
    server = await installation.serve();
    const [a, b] = [await server.ledger(token, 'a'), await server.ledger(token, 'b')];
    assert.deepEqual(
        [a.stored + b.stored, a.dropped, b.dropped],
        [MONTH, { quota: 200 }, { quota: 20 }],
    );
    await server.stop();
    await installation.balance();
});

test('a limit that is set while the node runs counts what was there before', async () => {
    const installation = await world({ a: 'five', b: 'five' });
    const server = await installation.serve([], { interval: '0' });
    assert.equal((await send(server, 'a', 50)).accepted, 50);
    // A node takes settings whole: once the alias is known so is the limit, of which what is refused
    // takes nothing.
    const limits = ['limits.eventsPerMonth=60', 'trackingIds=alias'];
    await installation.must(['site', 'set', 'a', ...limits]);
    const evil = { Origin: 'https://evil.example' };
    const isKnown = async () => (await server.track(view('alias'), evil)).status === 403;
    await server.until(isKnown, 'the limit');
    for (let n = 50; n < 60; n++) assert.equal((await send(server, 'a', 1)).accepted, 1);
    assert.deepEqual(await send(server, 'a', 1), { accepted: 0, dropped: { quota: 1 } });
    assert.equal((await send(server, 'b', 100)).accepted, 100);
    await installation.must(['site', 'set', 'a', 'limits.eventsPerMonth=0']);
    await server.until(async () => (await send(server, 'a', 1)).accepted === 1, 'no limit');
    await server.stop();
    await installation.aggregate();
    const again = await installation.serve();
    const token = await installation.token('stats:read', { platform: true });
    await again.until(
        async () => (await again.get('/api/analytics/stats?siteId=a', token)).status === 200,
        'token',
    );
    // Sixty of the limit, and the one without.
    assert.equal((await again.ledger(token, 'a')).stored, 61);
    await again.stop();
});

test("a month is that of an event's date at its site, whenever it is sent", async () => {
    const clock = new FakeClock(Date.UTC(2026, 11, 1, 3)); // in New York it is November still
    const installation = new Installation({ clock });
    await installation.site('a', 'five', { timezone: 'America/New_York' });
    await limit(installation, 'five', 'limits.eventsPerMonth=10');
    const token = await installation.token('events:write', { tenant: 'five' });
    const sent = async (count, at) => {
        const server = await installation.serve([], { interval: '0' });
        const { status, text, body } = await server.track(
            at === undefined
                ? views('a', count)
                : views('a', count).map((one) => ({ ...one, timestamp: at })),
            at === undefined ? {} : { authorization: `Bearer ${token}` },
        );
        assert.equal(status, 202, text);
        await server.stop();
        await installation.aggregate();
        clock.set(clock.ms + 60_000);
        return body.accepted;
    };
    assert.equal(await sent(7), 7);
    assert.equal(await sent(7), 3);
    assert.equal(await sent(7), 0);
    clock.set(Date.UTC(2026, 11, 5));
    assert.equal(await sent(2, '2026-11-20T12:00:00Z'), 0);
    assert.equal(await sent(2, '2026-12-01T04:59:59Z'), 0);
    assert.equal(await sent(4, '2026-12-01T05:00:00Z'), 4);
    assert.equal(await sent(7), 6);
    assert.equal(await sent(7), 0);
    await installation.balance();
});

// -- suspended ------------------------------------------------------------------------------------

test('suspended and resumed within a second, without an error to a browser', async (t) => {
    const installation = await world({ a: 'five', c: 'six' });
    const [own, other, platform] = [
        await installation.token('stats:read,events:write', { tenant: 'five' }),
        await installation.token('stats:read', { tenant: 'six' }),
        await installation.token('stats:read', { platform: true }),
    ];
    const server = await installation.serve();
    const read = async (token, site) =>
        (await server.get(`/api/analytics/stats?siteId=${site}`, token)).status;
    assert.deepEqual([await read(own, 'a'), await read(other, 'c')], [200, 200]);
    const isOut = async () => (await send(server, 'a', 1)).accepted === 0;
    const isBack = async () => !(await isOut());
    const to = async (status, ask) => {
        await limit(installation, 'five', `status=${status}`);
        await server.until(ask, status);
    };
    const gone = await inForce(
        'suspended',
        async (n) => {
            if (n > 0) await to('active', isBack);
            await limit(installation, 'five', 'status=suspended');
        },
        isOut,
    );
    assert.deepEqual(await send(server, 'a', 3), { accepted: 0, dropped: { disabled: 3 } });
    const sent = await server.track(view('a'), { authorization: `Bearer ${own}` });
    assert.deepEqual([sent.status, sent.body.dropped], [202, { disabled: 1 }]);
    assert.equal((await send(server, 'c', 1)).accepted, 1);
    const refused = await server.get('/api/analytics/stats?siteId=a', own);
    assert.deepEqual([refused.status, refused.body.detail], [403, 'the tenant is suspended']);
    assert.deepEqual([await read(other, 'c'), await read(platform, 'a')], [200, 200]);
    const back = await inForce(
        'resumed',
        async (n) => {
            if (n > 0) await to('suspended', isOut);
            await limit(installation, 'five', 'status=active');
        },
        isBack,
    );
    assert.equal(await read(own, 'a'), 200);
    t.diagnostic(`suspended after ${gone.toFixed(0)} ms, resumed after ${back.toFixed(0)} ms`);
    await server.stop();
});

// -- reads ----------------------------------------------------------------------------------------

test('reads beyond the minute are 429 and say how long; the others read on', async () => {
    const installation = await world(
        { a: 'five', c: 'six' },
        { five: ['limits.readsPerMinute=30'] },
    );
    const [own, other, platform] = [
        await installation.token('stats:read', { tenant: 'five' }),
        await installation.token('stats:read', { tenant: 'six' }),
        await installation.token('stats:read', { platform: true }),
    ];
    const server = await installation.serve();
    const read = (token, site) => server.get(`/api/analytics/stats?siteId=${site}`, token);
    const begin = performance.now();
    let good = 0;
    let answer;
    while ((answer = await read(own, 'a')).status === 200) good++;
    const seconds = (performance.now() - begin) / 1000;
    assert.equal(answer.status, 429, answer.text);
    // A read comes back every two seconds.
    assert.ok(good >= 30 && good <= 31 + seconds / 2, `${good} in ${seconds} s`);
    const wait = Number(answer.headers.get('retry-after'));
    assert.ok(wait === 1 || wait === 2, `Retry-After ${wait}`);
    assert.equal((await read(platform, 'a')).status, 200);
    assert.equal((await read(other, 'c')).status, 200);
    await sleep(wait * 1000);
    assert.equal((await read(own, 'a')).status, 200);
    await limit(installation, 'five', 'limits.readsPerMinute=0');
    // More than a minute's in one go: a single one may be left of the old limit.
    await server.until(async () => {
        for (let i = 0; i < 40; i++) if ((await read(own, 'a')).status !== 200) return false;
        return true;
    }, 'no limit');
    await server.stop();
});
