// Who is on a site now, as JSON and as an event stream, in both shapes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bearer, query } from '../lib/abacus.mjs';
import { BROWSER, browser } from '../lib/browsers.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { EventStream } from '../lib/events.mjs';
import { inEachShape, Platform, SHAPES } from '../lib/platform.mjs';

const PATH = '/api/analytics/realtime';
const MINUTE = 60_000;
/** What the server promises of its event streams. */
const PAUSE_MS = 2_000;
const QUIET_MS = 15_000;
const STREAMS_OF_TENANT = 64;

const view = (path, siteId = 'site') => ({ event: 'pageview', siteId, path });

async function open(make, options, args) {
    const abacus = await make(options);
    for (const [site, tenant] of [
        ['site', 'alpha'],
        ['foreign', 'beta'],
    ])
        await abacus.site(site, tenant);
    const token = await abacus.token('stats:read', { tenant: 'alpha' });
    const write = await abacus.token('events:write', { tenant: 'alpha' });
    const foreign = await abacus.token('stats:read', { tenant: 'beta' });
    const server = await abacus.serve([], args);
    await server.ready();
    return { abacus, token, write, foreign, server };
}

inEachShape('who is here now, what they look at and where they come from, and nobody where that is not known', async (make) => {
    const now = Date.parse('2026-03-10T12:10:30Z');
    const clock = new FakeClock(now);
    const { abacus, token, write, server } = await open(make, { clock }, { interval: '0' });
    const addresses = ['192.0.2.1', '198.51.100.1', '203.0.113.1']; // of no country
    const come = (minutesAgo, visitor, path) => ({
        ...view(path),
        timestamp: new Date(now - minutesAgo * MINUTE).toISOString(),
        visitor: { ip: addresses[visitor - 1], userAgent: BROWSER },
    });
    const utm = '/a?utm_source=news&utm_medium=email';
    const answer = await server.track(
        [
            come(29, 1, utm),
            come(6, 1, '/a'),
            come(4, 1, '/b'),
            come(4, 2, '/b'),
            come(3, 2, '/c'),
            come(31, 3, '/old'),
        ],
        bearer(write),
    );
    assert.deepEqual([answer.status, answer.body.accepted], [202, 6]);
    await abacus.aggregate();

    const ask = () => server.get(query(PATH, { siteId: 'site' }), token);
    const { body } = await ask();
    assert.deepEqual([body.siteId, body.tenantId, body.timezone], ['site', 'alpha', 'UTC']);
    assert.equal(body.asOf, new Date(now).toISOString());
    assert.equal(body.visitorsNow, 2);
    const minutes = body.last30Minutes;
    assert.equal(minutes.length, 30);
    assert.equal(minutes[0].time, '2026-03-10T11:41:00.000Z');
    assert.equal(minutes[29].time, '2026-03-10T12:10:00.000Z');
    assert.deepEqual(
        minutes.filter(({ pageviews }) => pageviews > 0),
        [
            { time: '2026-03-10T11:41:00.000Z', pageviews: 1, visitors: 1 },
            { time: '2026-03-10T12:04:00.000Z', pageviews: 1, visitors: 1 },
            { time: '2026-03-10T12:06:00.000Z', pageviews: 2, visitors: 2 },
            { time: '2026-03-10T12:07:00.000Z', pageviews: 1, visitors: 1 },
        ],
    );
    // Visitor 1's visit of now began after a pause of 23 minutes: it is still that of the campaign.
    assert.deepEqual(body.pages, [
        { value: '/b', visitors: 2, pageviews: 2 },
        { value: '/c', visitors: 1, pageviews: 1 },
    ]);
    assert.deepEqual(
        body.sources.map(({ value, visitors, pageviews }) => [value, visitors, pageviews]),
        [
            ['(direct)', 1, 2],
            ['news', 1, 1],
        ],
    );
    assert.deepEqual(body.countries, [{ value: '(unknown)', visitors: 2, pageviews: 3 }]);

    clock.set(now + MINUTE);
    assert.equal((await ask()).body.visitorsNow, 2);
    clock.set(now + MINUTE + 1);
    const late = (await ask()).body;
    assert.equal(late.visitorsNow, null);
    assert.deepEqual(late.last30Minutes, minutes);
    clock.set(now + 3 * MINUTE);
    await abacus.aggregate();
    assert.equal((await ask()).body.visitorsNow, 0);
    await server.stop();
});

inEachShape('what cannot be asked is refused in both forms', async (make) => {
    const { token, write, foreign, server } = await open(make);
    assert.equal((await server.get(query(PATH, { siteId: 'foreign' }), foreign)).status, 200);
    for (const accept of ['*/*', 'text/event-stream'])
        for (const [params, secret, status] of [
            [{ siteId: 'site' }, undefined, 401],
            [{ siteId: 'site' }, write, 403],
            [{ siteId: 'foreign' }, token, 404],
            [{ siteId: 'nowhere' }, token, 404],
            [{}, token, 400],
            [{ siteId: 'site', period: 'today' }, token, 400],
            [{ siteId: 'site', filter: 'page:is:/' }, token, 400],
        ]) {
            const answer = await server.get(query(PATH, params), secret, { accept });
            assert.equal(answer.status, status, `${accept} ${JSON.stringify(params)}`);
            assert.match(answer.headers.get('content-type'), /problem\+json/);
        }
    await server.stop();
});

inEachShape('a stream says who is here at once, and again after each commit, at most every 2 s', async (make) => {
    const { token, server } = await open(make);
    const began = performance.now();
    const stream = await EventStream.open(server, query(PATH, { siteId: 'site' }), token);
    assert.equal(stream.status, 200);
    assert.match(stream.headers.get('content-type'), /^text\/event-stream/);
    assert.equal(stream.headers.get('cache-control'), 'no-store');
    await server.until(() => stream.data.length > 0, 'the first data');
    assert.equal(stream.data[0].data.siteId, 'site');
    let sent = 0;
    // Six seconds, and more where the machine is slow.
    for (; sent < 30 || (stream.data.length < 4 && sent < 300); sent++) {
        await server.track(view(`/${sent}`), { 'User-Agent': browser(`n${sent}`) });
        await sleep(200);
    }
    const here = () => stream.data.at(-1).data.visitorsNow;
    await server.until(() => here() === sent, 'all visitors');
    const { length } = stream.data;
    assert.ok(length >= 4, `${length} times`);
    // What lies between two of them on the way is not in the server's hands: all of them together
    // cannot have come sooner.
    const tookMs = stream.data.at(-1).atMs - began;
    assert.ok(tookMs >= (length - 1) * PAUSE_MS, `${length} times in ${tookMs} ms`);
    const shown = stream.data.map(({ data }) => data.visitorsNow ?? 0);
    assert.deepEqual(shown, [...shown].sort((a, b) => a - b));
    await stream.close();
    await server.stop();
});

// Who waits is the HTTP server, the same in both shapes.
test('a stream where nothing happens is kept alive every 15 s', async () => {
    const { token, server } = await open(SHAPES[0].make);
    const path = query(PATH, { siteId: 'site' });
    const asOf = async () => (await server.get(path, token)).body.asOf;
    await server.until(async () => (await asOf()) !== null, 'the first run');
    const stream = await EventStream.open(server, path, token);
    // The minutes move on once in this time, which is said instead. One that comes late is the
    // machine's fault if the next one does not.
    const pauses = [];
    for (let seen = 0; pauses.length < 3 && !(pauses.at(-1) < QUIET_MS + 4_000);) {
        const next = () => stream.messages.findIndex((one, i) => i >= seen && one.comment);
        await server.until(() => next() >= 0, 'a comment');
        const at = next();
        assert.equal(stream.messages[at].comment, ': keep-alive');
        const times = stream.messages.slice(Math.max(0, seen - 1), at + 1).map(({ atMs }) => atMs);
        pauses.push(Math.max(...times.slice(1).map((ms, i) => ms - times[i])));
        seen = at + 1;
    }
    assert.ok(pauses.at(-1) < QUIET_MS + 4_000, `${pauses} ms`);
    await stream.close();
    await server.stop();
});

inEachShape('streams end with the server, and with their token', async (make) => {
    const { abacus, token, server } = await open(make);
    const other = await abacus.namedToken('stats:read', { tenant: 'alpha' });
    const path = query(PATH, { siteId: 'site' });
    await server.until(async () => (await server.get(path, other.text)).status === 200, 'token');
    const revoked = await EventStream.open(server, path, other.text);
    await server.until(() => revoked.data.length > 0, 'data');
    const streams = await tenStreams(server, token);
    await abacus.must(['token', 'revoke', '--id', other.id]);
    const goesOn = sleep(60_000, 'goes on', { ref: false });
    assert.equal(await Promise.race([revoked.ended, goesOn]), 'end');
    // A stop may take 10 s; where it does, once more: it may have been the machine.
    const times = [await timedStop(server, streams)];
    while (times.length < 3 && times.at(-1) >= 9_000) {
        const again = await abacus.serve();
        times.push(await timedStop(again, await tenStreams(again, token)));
    }
    assert.ok(times.at(-1) < 9_000, `${times} ms`);
});

async function tenStreams(server, token) {
    const streams = [];
    for (let i = 0; i < 10; i++)
        streams.push(await EventStream.open(server, query(PATH, { siteId: 'site' }), token));
    for (const stream of streams) await server.until(() => stream.data.length > 0, 'data');
    return streams;
}

/** How many milliseconds a clean stop takes, which ends the streams. */
async function timedStop(server, streams) {
    const began = performance.now();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    for (const stream of streams) assert.notEqual(await stream.ended, 'left');
    return performance.now() - began;
}

inEachShape('streams of one tenant are bounded, wait without a query thread, and make room when they leave', async (make) => {
    const { token, foreign, server } = await open(make, {}, { interval: '1s' });
    const path = query(PATH, { siteId: 'site' });
    const theirs = query(PATH, { siteId: 'foreign' });
    const streams = [];
    for (let i = 0; i < STREAMS_OF_TENANT; i++)
        streams.push(await EventStream.open(server, path, token));
    assert.ok(streams.every(({ status }) => status === 200));
    const refused = await server.get(path, token, { accept: 'text/event-stream' });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    const other = await EventStream.open(server, theirs, foreign);
    assert.equal(other.status, 200);
    for (const stream of [...streams, other])
        await server.until(() => stream.data.length > 0, 'data');
    const times = [];
    for (let i = 0; i < 5; i++) {
        const began = performance.now();
        assert.equal((await server.get(path, token)).status, 200);
        times.push(performance.now() - began);
    }
    assert.ok(Math.min(...times) < 3_000, `${times} ms`);
    await streams.pop().close();
    await server.until(async () => {
        const stream = await EventStream.open(server, path, token);
        await stream.close();
        return stream.status === 200;
    }, 'room');
    for (const stream of [...streams, other]) await stream.close();
    await server.stop();
});

test('a stream of one node shows what came to another', async () => {
    const platform = await Platform.create();
    await platform.site('site', 'alpha');
    const token = await platform.token('stats:read', { tenant: 'alpha' });
    const [one, two] = [await platform.serve(), await platform.node().serve()];
    await one.ready();
    await two.ready();
    const stream = await EventStream.open(one, query(PATH, { siteId: 'site' }), token);
    await one.until(() => stream.data.length > 0, 'data');
    await two.track(view('/elsewhere'));
    await one.until(
        () => stream.data.at(-1).data.pages.some(({ value }) => value === '/elsewhere'),
        'what came to the other node',
    );
    await stream.close();
    await one.stop();
    await two.stop();
});
