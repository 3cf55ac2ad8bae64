// The list of sites: whose it shows, in which order and with which numbers, in both shapes; and
// with 3,000 sites, of which the store is asked all at once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cpuOf } from '../../bench/cpu.mjs';
import { query } from '../lib/abacus.mjs';
import { SHAPES } from '../lib/platform.mjs';

const SITES = 3000;
const DAYS = 56;
const TENANTS = 300;
const QUESTIONS = 5;
const FIRST = Date.UTC(2026, 0, 1);
const dateOf = (day) => new Date(FIRST + day * 86_400_000).toISOString().slice(0, 10);
const RANGE = { from: dateOf(28), to: dateOf(55) };

/** Of site and day: visitors and pageviews, unlike those of most others. */
const visitorsOf = (site, day) => ((site * 37) % 1009) + ((day * 7) % 5) * (site % 3);
const pageviewsOf = (site, day) => 3 * visitorsOf(site, day) + (site % 11);

const sum = (of, site, from, to) => {
    let all = 0;
    for (let day = from; day <= to; day++) all += of(site, day);
    return all;
};
const nameOf = (site) => `s${String(site).padStart(4, '0')}`;

/** The same numbers in SQL, of both kinds. */
const visitorsSql = '(s.n * 37) % 1009 + ((d.n * 7) % 5) * (s.n % 3)';
const series = (last) =>
    `(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ${last})` +
    ' SELECT n FROM c)';
const PADDED = {
    'one machine': ["printf('s%04d', s.n)", "printf('t%03d', s.n % 300)", "printf('t%03d', s.n)"],
    platform: [
        "'s' || lpad(s.n::text, 4, '0')",
        "'t' || lpad((s.n % 300)::text, 3, '0')",
        "'t' || lpad(s.n::text, 3, '0')",
    ],
};
const DATE = {
    'one machine': `date('2026-01-01', d.n || ' days')`,
    platform: `date '2026-01-01' + d.n`,
};

const ZEROS = [
    'leads',
    'forms',
    'exports',
    'automation_runs',
    'ai_tokens',
    'converters',
    'bounces',
];
const MORE = ['visit_ms', 'conversions', 'unattributed_conversions', 'estimated'];

function fill(abacus, shape) {
    const [site, tenant, tenantAlone] = PADDED[shape];
    const zeros = [...ZEROS, ...MORE];
    return abacus.sql(
        `INSERT INTO tenants (id, name, active, created_ms)
         SELECT ${tenantAlone}, 'Tenant ' || s.n, true, 1 FROM ${series(TENANTS - 1)} s;
         INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
         SELECT ${site}, ${tenant}, ${site} || '.example', 1 FROM ${series(SITES - 1)} s;
         INSERT INTO analytics_daily_stats (site_id, tenant_id, date, unique_visitors, pageviews,
             visits, visit_pageviews, ${zeros.join(', ')})
         SELECT ${site}, ${tenant}, ${DATE[shape]}, ${visitorsSql}, 3 * (${visitorsSql}) + s.n % 11,
             ${visitorsSql}, 0, ${zeros.map(() => 0).join(', ')}
         FROM ${series(SITES - 1)} s CROSS JOIN ${series(DAYS - 1)} d;`,
    );
}

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);
    let abacus;
    let server;
    let tokens;

    before(async () => {
        abacus = await make();
        await abacus.must(['migrate']);
        await fill(abacus, shape);
        tokens = {
            platform: await abacus.token('stats:read', { platform: true }),
            tenant: await abacus.token('stats:read', { tenant: 't007' }),
            site: await abacus.token('stats:read', { tenant: 't007', site: 's0307' }),
        };
        server = await abacus.serve([], { interval: '0' });
        await server.ready();
    });
    after(() => server?.stop());

    async function list(params, token = tokens.platform) {
        const { status, body, text } = await server.get(
            query('/api/analytics/sites', params),
            token,
        );
        assert.equal(status, 200, text);
        return body;
    }

    /** How often the server has asked the store for rows, by verb. */
    async function asked() {
        const { text } = await server.get('/metrics');
        const series = /^analytics_db_latency_seconds_count\{op="(each_\w+)"\} (\d+)$/gm;
        return Object.fromEntries([...text.matchAll(series)].map(([, op, n]) => [op, Number(n)]));
    }

    /** What questions cost that nobody has asked before, printed. */
    async function measure(t, name, params) {
        const [begun, cpu] = [performance.now(), cpuOf(server.pid)];
        for (let offset = 0; offset < QUESTIONS; offset++)
            await list({ ...params, limit: 99, offset });
        const took = (performance.now() - begun) / QUESTIONS;
        const used = ((cpuOf(server.pid) - cpu) * 1000) / QUESTIONS;
        t.diagnostic(
            `${SITES} sites, ${name}: ${took.toFixed(0)} ms, ${used.toFixed(0)} ms CPU of the server`,
        );
    }

    function assertRow(row) {
        const site = Number(row.siteId.slice(1));
        assert.deepEqual(
            [row.uniqueVisitors, row.pageviews, row.previous, row.tenantName, row.domain],
            [
                now(visitorsOf, site),
                now(pageviewsOf, site),
                {
                    uniqueVisitors: then(visitorsOf, site),
                    pageviews: then(pageviewsOf, site),
                },
                `Tenant ${site % TENANTS}`,
                `${row.siteId}.example`,
            ],
        );
        assert.deepEqual(
            row.days,
            Array.from({ length: 28 }, (_, i) => visitorsOf(site, 28 + i)),
        );
    }

    const ids = ({ sites }) => sites.map(({ siteId }) => siteId);

    /** What must come, worked out here. */
    function ranked(rank) {
        const all = Array.from({ length: SITES }, (_, site) => site);
        const ranks = all.map(rank);
        return all.sort((a, b) => ranks[b] - ranks[a] || a - b).map(nameOf);
    }
    const now = (of, site) => sum(of, site, 28, 55);
    const then = (of, site) => sum(of, site, 0, 27);

    check('thousands of sites are a few questions to the store', async (t) => {
        const params = { ...RANGE, against: 'previous', sort: 'change', limit: 100 };
        const before = await asked();
        const body = await list(params);
        const after = Object.entries(await asked()).map(([op, n]) => [op, n - (before[op] ?? 0)]);
        // The sums of either range, and the days of the hundred that are shown.
        assert.deepEqual(
            after.filter(([, count]) => count > 0),
            [['each_day_of', 3]],
        );
        assert.equal(body.total, SITES);
        const change = (site) => Math.abs(now(visitorsOf, site) - then(visitorsOf, site));
        assert.deepEqual(ids(body), ranked(change).slice(0, 100));
        for (const row of body.sites) assertRow(row);
        await measure(t, 'two ranges of 28 days', params);
        await measure(t, 'one range of 28 days', RANGE);
    });

    check('by visitors, page by page', async () => {
        const order = ranked((site) => now(visitorsOf, site));
        for (const offset of [0, 1, 2990]) {
            const body = await list({ ...RANGE, offset });
            assert.deepEqual(ids(body), order.slice(offset, offset + 50));
        }
    });

    check('a tenant has its ten, and one site is one', async () => {
        const own = Array.from({ length: 10 }, (_, i) => nameOf(7 + i * TENANTS));
        assert.deepEqual(ids(await list({ ...RANGE, sort: 'name' }, tokens.tenant)), own);
        assert.deepEqual(ids(await list({ names: 'true' }, tokens.tenant)), own);
        assert.deepEqual(
            ids(await list({ ...RANGE, sort: 'name', tenantId: 't007' }, tokens.platform)),
            own,
        );
        const { sites, total } = await list(RANGE, tokens.site);
        assert.deepEqual([sites.map(({ siteId }) => siteId), total], [['s0307'], 1]);
    });

    check('a switcher finds a name among all of them', async () => {
        const { sites, total } = await list({ names: 'true', search: 'S29', limit: 3 });
        assert.equal(total, 100);
        assert.deepEqual(sites, [
            { siteId: 's2900', tenantId: 't200', domain: 's2900.example' },
            { siteId: 's2901', tenantId: 't201', domain: 's2901.example' },
            { siteId: 's2902', tenantId: 't202', domain: 's2902.example' },
        ]);
    });

    check("a tenant's report adds the same numbers", async () => {
        const { body } = await server.get(
            query('/api/analytics/tenants/t007/stats', RANGE),
            tokens.tenant,
        );
        const own = Array.from({ length: 10 }, (_, i) => 7 + i * TENANTS);
        assert.equal(
            body.uniqueVisitors,
            own.reduce((all, site) => all + now(visitorsOf, site), 0),
        );
    });
}
