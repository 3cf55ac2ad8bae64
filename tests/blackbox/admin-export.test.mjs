// Everything that is kept of a site or a tenant is in its export, nothing of anybody else's is, no
// secret is, and a long one takes no more memory than a short one.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { AROUND_NOW, Installation, query, residentBytes } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { inEachShape } from '../lib/platform.mjs';

const DAY = 86_400_000;
const METRICS = [
    ...['pageviews', 'uniqueVisitors', 'visits', 'viewsPerVisit', 'bounceRate', 'visitDuration'],
    ...['conversions', 'converters', 'conversionRate', 'unattributedConversions', 'leads', 'forms'],
    ...['exports', 'automationRuns', 'aiTokens'],
];

const parse = (text) =>
    text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
const of = (lines, type, siteId) =>
    lines.filter((line) => line.type === type && (siteId === undefined || line.siteId === siteId));
const pick = (row, names) => Object.fromEntries(names.map((name) => [name, row[name]]));

/** Two tenants, `own` with two sites, and a person who is in both. */
class World {
    static async open(make) {
        const self = new World();
        const abacus = (self.abacus = await make());
        self.server = await abacus.serve([], { interval: '0' });
        for (const [site, tenant] of [
            ['own-a', 'own'],
            ['own-b', 'own'],
            ['their-a', 'their'],
        ])
            await abacus.site(site, tenant);
        self.platform = await abacus.token('admin,stats:read,events:write', {
            platform: true,
        });
        self.own = await abacus.token('admin,stats:read', { tenant: 'own' });
        self.bound = await abacus.token('admin,stats:read', {
            tenant: 'own',
            site: 'own-b',
        });
        self.reading = await abacus.token('stats:read', { tenant: 'own' });
        self.theirs = await abacus.token('admin,stats:read', { tenant: 'their' });
        const known = async () => (await self.get('own-a', self.theirs)).status === 404;
        await self.server.until(known, 'the tokens');
        return self;
    }

    get(site, token, kind = 'sites') {
        return this.server.get(`/api/admin/${kind}/${site}/export`, token);
    }

    async ask(method, path, body) {
        const headers = { authorization: `Bearer ${this.platform}` };
        const answer = await this.server.fetch(path, {
            method,
            headers,
            body: JSON.stringify(body),
        });
        assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.body;
    }

    async traffic(site, count) {
        const headers = { authorization: `Bearer ${this.platform}` };
        const visitor = { ip: '198.51.100.9', userAgent: BROWSER };
        const event = (i) => ({
            ...{
                event: i % 4 === 3 ? 'lead.created' : 'pageview',
                siteId: site,
                path: `/${site}/${i}`,
            },
            ...{ title: `"${site}" №${i}`, props: { site, i } },
        });
        const events = Array.from({ length: count }, (_, i) => event(i));
        assert.equal((await this.server.track(events)).body.accepted, count);
        const timestamp = new Date(Date.now() - 2 * DAY).toISOString();
        const old = events.map((one) => ({ ...one, timestamp, visitor }));
        assert.equal((await this.server.track(old, headers)).body.accepted, count);
    }
}

const RANGE = {
    from: new Date(Date.now() - 5 * DAY).toISOString().slice(0, 10),
    to: AROUND_NOW[1],
};

/** Each row that the reading API shows of the site stands in the lines. */
async function compare(world, lines, siteId) {
    const { server, platform } = world;
    const read = async (path, more = {}) =>
        (await server.get(query(path, { siteId, ...RANGE, ...more }), platform)).body;
    const { days } = await read('/api/analytics/stats');
    const shown = of(lines, 'day', siteId).map((day) => [day.date, day.pageviews, day.leads]);
    const counted = days.filter((day) => day.pageviews > 0);
    assert.deepEqual(
        shown,
        counted.map((day) => [day.date, day.pageviews, day.leads]),
    );
    assert.equal(shown.length, 2);
    for (const line of of(lines, 'day', siteId)) {
        const totals = await read('/api/analytics/stats', {
            from: line.date,
            to: line.date,
        });
        assert.deepEqual(pick(line, METRICS), pick(totals, METRICS));
        const { points } = await read('/api/analytics/timeseries', {
            ...{ from: line.date, to: line.date, interval: 'hour' },
        });
        const hours = of(lines, 'hour', siteId).filter(({ time }) => time.startsWith(line.date));
        assert.deepEqual(
            hours.map((hour) => [hour.time, hour.pageviews]),
            points.filter(({ value }) => value > 0).map(({ time, value }) => [time, value]),
        );
    }
    const raw = await server.exportRows(platform, siteId, RANGE.from, RANGE.to);
    assert.deepEqual(
        of(lines, 'event', siteId),
        raw.map((row) => ({ type: 'event', ...row })),
    );
    const { received, stored } = await server.ledger(platform, siteId, [RANGE.from, RANGE.to]);
    const sum = (rows) => rows.reduce((total, { events }) => total + events, 0);
    const books = of(lines, 'ledger', siteId);
    assert.equal(sum(books), received);
    assert.equal(sum(books.filter(({ kind }) => kind === 'stored')), stored);
    await compareBreakdowns(lines, siteId, read);
}

/** Of the day that is packed: all dimensions but properties. */
async function compareBreakdowns(lines, siteId, read) {
    const [packed] = of(lines, 'day', siteId);
    const rows = of(lines, 'breakdown', siteId);
    assert.deepEqual([...new Set(rows.map(({ date }) => date))], [packed.date]);
    for (const dimension of ['page', 'event', 'channel', 'browser', 'goal']) {
        const answer = await read('/api/analytics/breakdown', {
            ...{ dimension, from: packed.date, to: packed.date, limit: 1000 },
        });
        const names = ['value', 'visitors', 'pageviews', 'visits', 'bounceRate', 'conversions'];
        const shown = rows.filter((row) => row.dimension === dimension);
        const byValue = (a, b) => (a.value < b.value ? -1 : 1);
        assert.deepEqual(
            shown.map((row) => pick(row, names)).sort(byValue),
            answer.rows.map((row) => pick(row, names)).sort(byValue),
        );
    }
    assert.ok(rows.some(({ dimension }) => dimension === 'page'));
}

inEachShape('an export holds all of a site or tenant and nothing of others', async (make) => {
    const world = await World.open(make);
    const { abacus, server } = world;
    await world.ask('PUT', '/api/admin/links/own-link', {
        ...{ name: 'shown', siteId: 'own-a', password: 'a password of it' },
    });
    await world.ask('PUT', '/api/admin/links/their-link', {
        name: 'theirs',
        siteId: 'their-a',
    });
    await world.ask('PUT', '/api/admin/users/only@example.com', {
        ...{ name: 'Only', memberships: [{ tenantId: 'own', role: 'viewer' }] },
    });
    await world.ask('PUT', '/api/admin/users/both@example.com', {
        name: 'Both',
        memberships: [
            { tenantId: 'own', role: 'manager', sites: ['own-a'] },
            { tenantId: 'their', role: 'viewer' },
        ],
    });
    await world.ask('PATCH', '/api/admin/sites/own-a', {
        blockedPaths: ['/private/*'],
    });
    for (const [site, text] of [
        ['own-a', 'A new shop'],
        ['their-a', 'theirs'],
    ])
        await world.ask('PUT', `/api/analytics/annotations?siteId=${site}&date=2026-03-01`, {
            text,
        });
    for (const site of ['own-a', 'own-b', 'their-a']) await world.traffic(site, 30);
    for (let i = 0; i < 2; i++) await abacus.aggregate();

    const site = await world.get('own-a', world.own);
    assert.equal(site.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(site.headers.get('cache-control'), 'no-store');
    assert.match(
        site.headers.get('content-disposition'),
        /^attachment; filename="own-a_[\d-]+\.ndjson"$/,
    );
    const lines = parse(site.text);
    assert.deepEqual(pick(lines[0], ['type', 'of', 'siteId', 'tenantId', 'format']), {
        ...{
            type: 'export',
            of: 'site',
            siteId: 'own-a',
            tenantId: 'own',
            format: 1,
        },
    });
    assert.deepEqual(lines.at(-1), { type: 'end', lines: lines.length - 1 });
    await compare(world, lines, 'own-a');
    assert.deepEqual(of(lines, 'site')[0].blockedPaths, ['/private/*']);
    assert.deepEqual(
        of(lines, 'link').map(({ id, hasPassword }) => [id, hasPassword]),
        [['own-link', true]],
    );
    const noted = [{ type: 'annotation', siteId: 'own-a', date: '2026-03-01', text: 'A new shop' }];
    assert.deepEqual(of(lines, 'annotation'), noted);
    assert.doesNotMatch(site.text, /own-b|their|example\.com|argon2|hash"/);
    assert.deepEqual(of(lines, 'tenant').concat(of(lines, 'user'), of(lines, 'audit')), []);

    const tenant = await world.get('own', world.own, 'tenants');
    const all = parse(tenant.text);
    for (const id of ['own-a', 'own-b']) await compare(world, all, id);
    assert.deepEqual(all.at(-1), { type: 'end', lines: all.length - 1 });
    assert.deepEqual(
        of(all, 'tenant').map(({ id }) => id),
        ['own'],
    );
    assert.deepEqual(
        of(all, 'user').map(({ type: _, ...user }) => user),
        [
            {
                id: 'both@example.com',
                memberships: [{ tenantId: 'own', role: 'manager', sites: ['own-a'] }],
            },
            {
                id: 'only@example.com',
                name: 'Only',
                memberships: [{ tenantId: 'own', role: 'viewer' }],
            },
        ],
    );
    assert.deepEqual(
        of(all, 'token')
            .map(({ siteId }) => siteId)
            .sort(),
        [null, null, 'own-b'],
    );
    assert.deepEqual(of(all, 'annotation'), noted);
    const actions = of(all, 'audit').map(({ action, target }) => `${action} ${target}`);
    assert.deepEqual(actions.slice(0, 2), ['tenant.export own', 'site.export own-a']);
    assert.doesNotMatch(tenant.text, /their|Both|argon2|hash"/);
    assert.equal(new Set(of(all, 'event').map(({ id, siteId }) => `${siteId} ${id}`)).size, 120);

    const theirs = parse((await world.get('their', world.theirs, 'tenants')).text);
    await compare(world, theirs, 'their-a');
    assert.doesNotMatch(JSON.stringify(theirs), /own-|"own"|only@/);
    await server.stop();
});

inEachShape('an export is for who manages it', async (make) => {
    const world = await World.open(make);
    const asks = [
        ['sites', 'own-a', undefined, 401],
        ['sites', 'own-a', 'abacus_wrong', 401],
        ['sites', 'own-a', world.reading, 403],
        ['sites', 'own-a', world.theirs, 404],
        ['sites', 'own-a', world.bound, 404],
        ['sites', 'none', world.own, 404],
        ['sites', 'own-a', world.own, 200],
        ['sites', 'own-b', world.bound, 200],
        ['sites', 'own-a', world.platform, 200],
        ['tenants', 'own', undefined, 401],
        ['tenants', 'own', world.reading, 403],
        ['tenants', 'own', world.bound, 404],
        ['tenants', 'own', world.theirs, 404],
        ['tenants', 'none', world.platform, 404],
        ['tenants', 'own', world.own, 200],
    ];
    for (const [kind, id, token, status] of asks) {
        const answer = await world.get(id, token, kind);
        assert.equal(answer.status, status, `${kind} ${id} for ${status}: ${answer.text}`);
    }
    const foreign = await world.get('own-a', world.theirs);
    const none = await world.get('none', world.theirs);
    assert.deepEqual(foreign.body, none.body);
    const wrong = await world.server.get('/api/admin/sites/own-a/export?x=1', world.own);
    assert.deepEqual([wrong.status, wrong.body.parameter], [400, 'x']);
    await world.server.stop();
});

const MANY = 100_000;
const PER_REQUEST = 100;

/** Begins an export and takes nothing of the answer behind its first bytes. */
async function hangUp(server, token, path) {
    const socket = connect(server.port, '127.0.0.1');
    const text = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    socket.write(text);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
}

test('an export of 100,000 events is bounded in memory, and who hangs up keeps nobody waiting', async (t) => {
    const abacus = new Installation();
    await abacus.site('large', 'own');
    const own = await abacus.token('admin,stats:read', { tenant: 'own' });
    const server = await abacus.serve([], { interval: '0' });
    const events = Array.from({ length: PER_REQUEST }, (_, i) => ({
        ...{
            event: 'pageview',
            siteId: 'large',
            path: `/${i}`,
            title: 'x'.repeat(150),
        },
    }));
    const body = JSON.stringify(events);
    for (let i = 0; i < MANY / PER_REQUEST; i += 10)
        await Promise.all(Array.from({ length: 10 }, () => server.track(body)));
    await abacus.aggregate();
    const path = '/api/admin/sites/large/export';
    for (let i = 0; i < 20; i++) await hangUp(server, own, path);
    const before = residentBytes(server.pid);
    let most = before,
        bytes = 0,
        lines = 0,
        end = '';
    const response = await fetch(server.url + path, {
        headers: { authorization: `Bearer ${own}` },
    });
    for await (const chunk of response.body) {
        bytes += chunk.length;
        for (const byte of chunk) lines += byte === 10 ? 1 : 0;
        end = (end + Buffer.from(chunk).toString()).slice(-200);
        most = Math.max(most, residentBytes(server.pid));
    }
    assert.deepEqual(JSON.parse(end.trim().split('\n').at(-1)), {
        type: 'end',
        lines: lines - 1,
    });
    assert.ok(lines > MANY);
    const grown = most - before;
    t.diagnostic(
        `${lines} lines, ${Math.round(bytes / 1e6)} MB, grown by ${Math.round(grown / 1e6)} MB`,
    );
    assert.ok(grown < 24e6, `${grown}`);
    // Nobody who hung up keeps a thread: the query pool answers at once.
    assert.equal((await server.get('/api/analytics/stats?siteId=large', own)).body.pageviews, MANY);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});
