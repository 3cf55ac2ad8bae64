// `abacus demo`: made-up traffic, counted as anything else is, in both shapes. What the command says
// it has counted, the raw rows that are exported, and what the server answers are three ways to the
// same numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exec, Installation, query } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { inEachShape } from '../lib/platform.mjs';

const DAYS = 7;
const DAY_MS = 86_400_000;
const SITES = ['demo-shop', 'demo-blog', 'demo-app'];
const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);
/** Holds all days in all zones. */
const RANGE = [dateOf(Date.now() - (DAYS + 1) * DAY_MS), dateOf(Date.now() + DAY_MS)];
const sum = (values) => values.reduce((all, n) => all + n, 0);

const made = async (abacus, args = []) =>
    JSON.parse(await abacus.must(['demo', '--json', '--days', String(DAYS), ...args]));

/** Nothing of the day may have been counted before, so that it is to be counted. */
const hasJustBegun = (timeZone) =>
    new Date().toLocaleTimeString('sv-SE', { timeZone }).startsWith('00:');

/** Of rows: how many there are of each value, or the sum of what `weigh` says. */
function countBy(rows, value, weigh = () => 1) {
    const counts = {};
    for (const row of rows) counts[value(row)] = (counts[value(row)] ?? 0) + weigh(row);
    return counts;
}

async function breakdown(server, token, siteId, dimension, column) {
    const [from, to] = RANGE;
    const limit = 1000;
    const path = query('/api/analytics/breakdown', { siteId, dimension, from, to, limit });
    const { status, body, text } = await server.get(path, token);
    assert.equal(status, 200, text);
    assert.equal(body.other, null);
    return Object.fromEntries(body.rows.map((row) => [row.value, row[column]]));
}

/** The totals are what the command counted, and the ledger holds the rest. */
async function assertTotals(server, token, site) {
    const stats = await server.stats(token, site.siteId, RANGE);
    for (const name of ['pageviews', 'leads', 'forms', 'exports', 'automationRuns', 'aiTokens'])
        assert.equal(stats[name], site[name], `${site.siteId}: ${name}`);
    assert.equal(stats.exact, true);
    assert.equal(stats.timezone, site.timezone);
    const { records, stored, dropped } = site;
    assert.equal(stored + sum(Object.values(dropped)), records);
    assert.deepEqual(await server.ledger(token, site.siteId, RANGE), {
        received: records,
        stored,
        dropped,
        rejected: {},
    });
    return stats;
}

/** Raw rows, counted again here. */
async function assertRows(server, token, site, stats) {
    const rows = await server.exportRows(token, site.siteId, ...RANGE);
    const views = rows.filter(({ event }) => event === 'pageview');
    const zone = new Intl.DateTimeFormat('sv-SE', { timeZone: site.timezone });
    const day = ({ timestamp }) => zone.format(new Date(timestamp));
    assert.equal(rows.length, site.stored);
    assert.ok(rows.every(({ timestamp }) => Date.parse(timestamp) <= Date.now()));
    // Of a day that has just begun there may be none.
    assert.ok(new Set(rows.map(day)).size >= DAYS - 1);
    assert.ok(day(rows[0]) >= site.from);
    // Any event but engagement makes a visitor.
    const people = rows.filter(({ event, visitor }) => visitor !== null && event !== 'engagement');
    assert.ok(people.length < rows.length);
    const visitors = new Set(people.map((row) => `${day(row)} ${row.visitor}`)).size;
    assert.equal(stats.uniqueVisitors, visitors);
    assert.deepEqual(
        await breakdown(server, token, site.siteId, 'page', 'pageviews'),
        // A page on which only other things were done has no pageviews, and is there all the same.
        {
            ...countBy(
                rows.filter(({ path }) => path !== null),
                (row) => row.path,
                () => 0,
            ),
            ...countBy(views, ({ path }) => path),
        },
    );
    const forms = new Set(
        rows
            .filter(({ event }) => event === 'form.submit')
            .map((row) => `${row.props.form} ${day(row)} ${row.visitor}`),
    );
    assert.deepEqual(
        await breakdown(server, token, site.siteId, 'prop:form', 'visitors'),
        countBy([...forms], (text) => text.split(' ')[0]),
    );
}

inEachShape('makes up sites once, and counts them as any other', async (make) => {
    const abacus = await make();
    const token = await abacus.token('stats:read', { platform: true });
    const { tenantId, sites } = await made(abacus);
    assert.equal(tenantId, 'demo');
    assert.deepEqual(
        sites.map(({ siteId }) => siteId),
        SITES,
    );
    assert.ok(
        sites.every(({ known, dropped }) => known === 0 && dropped.bot > 0 && dropped.gpc > 0),
    );
    const server = await abacus.serve([], { interval: '0' });
    await server.ready();
    const before = [];
    for (const site of sites) before.push(await assertTotals(server, token, site));
    await assertRows(server, token, sites[0], before[0]);
    // The same again, while a server runs: nothing is new.
    const again = await made(abacus);
    for (const [i, { siteId, timezone, records, known, stored }] of again.sites.entries()) {
        if (hasJustBegun(timezone)) continue;
        assert.deepEqual([records, known, stored], [sites[i].records, sites[i].records, 0]);
        const { asOf } = before[i];
        assert.deepEqual({ ...(await server.stats(token, siteId, RANGE)), asOf }, before[i]);
    }
    const [from, to] = RANGE;
    const noted = await server.get(
        query('/api/analytics/annotations', { siteId: 'demo-shop', from, to }),
        token,
    );
    assert.equal(noted.status, 200, noted.text);
    assert.ok(noted.body.annotations.length >= 1);
    await server.stop();
    await abacus.balance();
});

// -- later ---------------------------------------------------------------------------------------

const counted = (abacus) =>
    abacus.sql(
        `SELECT site_id, day, kind, reason, events FROM ledger ORDER BY 1, 2, 3, 4;
         SELECT site_id, date, pageviews, visits, bounces, unique_visitors, conversions, ai_tokens
         FROM analytics_daily_stats ORDER BY 1, 2;`,
    );

test('a later run adds the days since, whatever was run between', async () => {
    const begin = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS + 12 * 3_600_000;
    const results = [];
    for (const later of [
        [0, 2],
        [0, 1, 1, 2],
    ]) {
        const clock = new FakeClock(begin);
        const abacus = new Installation({ clock });
        const reports = [];
        for (const days of later) {
            clock.set(begin + days * DAY_MS + (reports.length === 2 ? 3_600_000 : 0));
            reports.push(await made(abacus, ['--days', '3']));
        }
        for (const [i, { sites }] of reports.entries())
            for (const [n, { records, known, stored }] of sites.entries()) {
                assert.equal(known, i === 0 ? 0 : reports[i - 1].sites[n].records);
                // The third run of the second time is of the same day.
                assert.equal(stored > 0, !(later.length === 4 && i === 2), `${i}: ${records}`);
            }
        results.push(await counted(abacus));
        await abacus.balance();
    }
    assert.equal(results[0], results[1]);
    const days = new Set(results[0].match(/^demo-app\|\d{4}-\d\d-\d\d(?=\|)/gm));
    assert.equal(days.size, 5);
});

// -- what is somebody else's ---------------------------------------------------------------------

test('leaves alone what is not its own', async () => {
    const refused = async (abacus, why) => {
        const before = await abacus.must(['site', 'list', '--json']);
        const end = await abacus.command(['demo', '--days', '1']);
        assert.deepEqual([end.code, end.stdout], [1, ''], end.stderr);
        assert.match(end.stderr, why);
        assert.equal(await abacus.must(['site', 'list', '--json']), before);
    };
    const tenant = new Installation();
    await tenant.must(['tenant', 'add', 'demo', '--name', 'Demonstrations Ltd']);
    await refused(tenant, /^abacus: demo: tenant demo is somebody's/);
    const site = new Installation();
    await site.site('demo-blog', 'acme', { domain: 'blog.demo.example' });
    await refused(site, /^abacus: demo: site demo-blog is somebody's/);
    const domain = new Installation();
    await domain.site('demo-app', 'demo', { domain: 'app.example' });
    await refused(domain, /^abacus: demo: site demo-app is somebody's/);
    const numbers = new Installation();
    await numbers.site('demo-app', 'demo', { domain: 'app.demo.example' });
    const write = await numbers.token('events:write', { tenant: 'demo' });
    const server = await numbers.serve();
    const event = { event: 'automation.run', siteId: 'demo-app' };
    const sent = await server.track(event, { authorization: `Bearer ${write}` });
    assert.equal(sent.status, 202, sent.text);
    await server.stop();
    await numbers.aggregate();
    await refused(numbers, /^abacus: demo: site demo-app has numbers that are not this demo's/);
});

test('lives beside the demo page, and is gone with its tenant', async () => {
    const abacus = new Installation();
    await abacus.site('demo', 'demo', { domain: '127.0.0.1' });
    const quiet = await abacus.command(['demo', '--days', '2', '--json']);
    assert.deepEqual([quiet.code, quiet.stderr], [0, '']);
    const first = JSON.parse(quiet.stdout);
    const tenants = JSON.parse(await abacus.must(['tenant', 'list', '--json']));
    assert.deepEqual(
        tenants.map(({ id, name }) => [id, name]),
        [['demo', 'Demo: made-up numbers']],
    );
    const sites = JSON.parse(await abacus.must(['site', 'list', '--json']));
    assert.deepEqual(sites.map((site) => site.siteId).sort(), ['demo', ...SITES].sort());
    await abacus.must(['tenant', 'rm', 'demo', '--now']);
    await abacus.aggregate();
    assert.equal(await abacus.must(['site', 'list', '--json']), '[]\n');
    // It is made again, and whole: what was counted before is not taken for its own. On a terminal
    // it says how far it is.
    const typed = [abacus.bin, 'demo', '--days', '2', '--data-dir', abacus.dir];
    const { stdout } = await exec('script', ['-qec', typed.join(' '), '/dev/null']);
    const [, total] = /\rabacus: \d+ of (\d+) made-up records\r\nabacus: packing the days\r\n/.exec(
        stdout,
    );
    assert.match(stdout, /\ndemo-shop: [1-9]\d* made-up events, [1-9]\d* left out\r\n/);
    assert.doesNotMatch(stdout, /counted before/);
    assert.ok(Number(total) >= sum(first.sites.map(({ records }) => records)));
    await abacus.balance();
});
