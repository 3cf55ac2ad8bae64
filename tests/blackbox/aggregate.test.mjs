// `abacus aggregate` beside serve, before it, after it, several at once, in both shapes.

import assert from 'node:assert/strict';
import { AROUND_NOW, until } from '../lib/abacus.mjs';
import { browser } from '../lib/browsers.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { inEachShape } from '../lib/platform.mjs';
import { addDays } from '../lib/zones.mjs';

const view = (n) => ({ event: 'pageview', siteId: 'site', path: `/${n}` });

async function installation(make, options) {
    const abacus = await make(options);
    await abacus.site('site', 'tenant');
    return { abacus, token: await abacus.token('stats:read', { tenant: 'tenant' }) };
}

async function send(server, count) {
    for (let n = 0; n < count; n += 100) {
        const answer = await server.track(
            Array.from({ length: Math.min(100, count - n) }, (_, i) => view(n + i)),
            { 'User-Agent': browser(`Agent${n}`) },
        );
        assert.equal(answer.status, 202);
    }
}

const pageviews = async (server, token) => (await server.stats(token, 'site')).pageviews;

inEachShape('after aggregate exits 0 everything answered before is in the next answer', async (make) => {
    const { abacus, token } = await installation(make);
    const server = await abacus.serve([], { interval: '0' });
    assert.equal(await pageviews(server, token), 0);
    for (let round = 1; round <= 5; round++) {
        await send(server, 300);
        await abacus.aggregate();
        assert.equal(await pageviews(server, token), round * 300);
    }
    await server.stop();
});

inEachShape('several at once, beside a busy serve, count everything once', async (make) => {
    const { abacus, token } = await installation(make);
    const server = await abacus.serve([], { interval: '100ms' });
    for (let round = 1; round <= 4; round++) {
        await send(server, 1000);
        await Promise.all([1, 2, 3, 4].map(() => abacus.aggregate()));
        assert.equal(await pageviews(server, token), round * 1000);
    }
    await server.stop();
    const { stored, received } = await ledgerAfterwards(abacus, token);
    assert.deepEqual([stored, received], [4000, 4000]);
});

async function ledgerAfterwards(abacus, token) {
    const server = await abacus.serve();
    const sum = await server.ledger(token, 'site');
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    return sum;
}

inEachShape('aggregate counts what a killed serve left behind, once, whether serve runs again or not', async (make) => {
    const { abacus, token } = await installation(make);
    const first = await abacus.serve([], { interval: '0' });
    await send(first, 500);
    await first.kill();
    const report = JSON.parse(await abacus.aggregate(['--json']));
    assert.equal(report.events, 500);
    assert.equal(JSON.parse(await abacus.aggregate(['--json'])).events, 0);
    const second = await abacus.serve([], { interval: '0' });
    assert.equal(await pageviews(second, token), 500);
    await send(second, 200);
    await second.kill();
    const third = await abacus.serve([], { interval: '100ms' });
    await third.until(
        async () => (await pageviews(third, token)) === 700,
        'the rest to be counted by serve itself',
    );
    await third.stop();
});

inEachShape('aggregate on an installation without events, and with a literal --, does nothing and says so', async (make) => {
    const { abacus } = await installation(make);
    assert.equal(JSON.parse(await abacus.aggregate(['--json', '--'])).events, 0);
});

inEachShape('serve counts on its own interval, and at its stop nothing is lost for the next', async (make) => {
    const { abacus, token } = await installation(make);
    const first = await abacus.serve([], { interval: '200ms' });
    await send(first, 300);
    await first.until(async () => (await pageviews(first, token)) === 300, 'the interval');
    await send(first, 300);
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    const second = await abacus.serve();
    await abacus.aggregate();
    assert.equal(await pageviews(second, token), 600);
    await second.stop();
});

inEachShape('queue status and dump show what waits, and nothing when it is counted', async (make) => {
    const { abacus } = await installation(make);
    const server = await abacus.serve([], { interval: '0' });
    await send(server, 250);
    const status = async () => JSON.parse(await abacus.must(['queue', 'status', '--json']));
    // On the platform the relay is a moment behind.
    await until(async () => (await status()).length >= 250, 'the queue to hold all');
    const waiting = await status();
    assert.equal(waiting.length, 250);
    assert.ok(waiting.oldestAgeSeconds >= 0);
    const dump = (await abacus.must(['queue', 'dump']))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    assert.deepEqual(
        dump.map(({ path }) => path).sort(),
        Array.from({ length: 250 }, (_, i) => `/${i}`).sort(),
    );
    await abacus.aggregate();
    assert.equal((await status()).length, 0);
    assert.equal((await abacus.must(['queue', 'dump'])).trim(), '');
    await server.stop();
});

const DAY = 86_400_000;

inEachShape('a late event of a day without raw rows adds its counts and no raw row', async (make) => {
    const noon = Date.parse('2026-05-01T12:00:00Z');
    const clock = new FakeClock(noon);
    const { abacus, token } = await installation(make, { clock });
    await abacus.settings('site', { raw_days: 2 });
    const write = await abacus.token('events:write', { tenant: 'tenant' });
    const server = await abacus.serve();
    const late = {
        ...view('late'),
        timestamp: new Date(noon - 10 * DAY).toISOString(),
        visitor: { ip: '192.0.2.1', userAgent: browser('x') },
    };
    await until(
        async () => (await server.track(late, { Authorization: `Bearer ${write}` })).status === 202,
        'salts',
    );
    await abacus.aggregate();
    const {
        pageviews: views,
        uniqueVisitors,
        visits,
    } = await server.stats(token, 'site', ['2026-04-21', '2026-04-21']);
    assert.deepEqual([views, uniqueVisitors, visits], [1, 0, 0]);
    assert.equal((await abacus.sql('SELECT count(*) FROM analytics_events;')).trim(), '0');
    await server.stop();
});

inEachShape('days before the first one kept are null, totals cover the rest, and so is a change against them', async (make) => {
    const { abacus, token } = await installation(make);
    await abacus.settings('site', { stats_days: 3 });
    const server = await abacus.serve();
    await send(server, 10);
    await abacus.aggregate();
    const today = new Date().toISOString().slice(0, 10);
    const answer = await server.stats(token, 'site', [addDays(today, -6), AROUND_NOW[1]]);
    assert.equal(answer.days[0].pageviews, null);
    assert.equal(answer.pageviews, 10);
    const compare = await server.get(
        `/api/analytics/compare?siteId=site&from=${addDays(today, -1)}&to=${today}&against=year`,
        token,
    );
    assert.equal(compare.status, 200);
    assert.ok(
        compare.body.change === null ||
            Object.values(compare.body.change).every((one) => one === null),
    );
    await server.stop();
});
