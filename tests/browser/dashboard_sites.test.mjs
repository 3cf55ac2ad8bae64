// The screens that show several sites: the list of all of them, sites side by side, and the report
// of a tenant. Every figure is what the API answers at that moment.
//
//     demo    Demo: made-up numbers    demo-app, demo-blog, demo-shop
//     many    Many                     many-1 ... many-3000, without events
//     pair    Pair                     pair-a, pair-b

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { becomes, percent } from '../lib/dashboard_read.mjs';
import {
    dashboardScenarios,
    DashboardStage,
    PASSWORD,
    withoutDashboard,
} from '../lib/dashboard_stage.mjs';

const MANY = 3000;
const PAGE_ROWS = 50;

let stage;
before(async () => {
    if (withoutDashboard) return;
    stage = await DashboardStage.start({ days: 60, prepare });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

async function prepare(abacus) {
    for (const [id, name] of Object.entries({ many: 'Many', pair: 'Pair' })) {
        await abacus.must(['tenant', 'add', '--id', id, '--name', name]);
        await abacus.readFreely(id);
    }
    for (const id of ['pair-a', 'pair-b']) await abacus.site(id, 'pair');
    await abacus.sql(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY})
         INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
         SELECT 'many-' || i, 'many', 'many-' || i || '.example', 1 FROM n;`,
    );
    const person = (email, ...memberships) =>
        memberships.reduce(
            (before, args) =>
                before.then(() =>
                    abacus.must(['user', 'add', email, ...args], { input: `${PASSWORD}\n` }),
                ),
            Promise.resolve(),
        );
    const of = (tenant, role, ...sites) => [
        ...['--role', role, '--tenant', tenant],
        ...sites.flatMap((site) => ['--site', site]),
    ];
    await person('both@example.com', of('demo', 'manager'), of('pair', 'manager'));
    await person('part@example.com', of('pair', 'viewer', 'pair-a'));
}

async function signIn(page, email) {
    const answer = await page.request.post('/api/session', {
        data: { email, password: PASSWORD },
        headers: { origin: stage.url },
    });
    assert.equal(answer.status(), 200);
}

// -- how figures are written ---------------------------------------------------------------------

const grouped = (value, digits = 0) =>
    value.toLocaleString('en-US', { maximumFractionDigits: digits });
const short = (value) => (value < 10_000 ? grouped(value, 1) : `${grouped(value / 1000, 1)}k`);
function duration(value) {
    const seconds = Math.round(value);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}

/** Below 20 in units, else in per cent. */
function change(now, before) {
    const sign = now > before ? '+' : now < before ? '−' : '';
    if (before < 20) return `${sign}${Math.abs(now - before)}`;
    const by = percent(Math.abs(now / before - 1));
    return by === '0%' ? by : sign + by;
}

// -- the list ------------------------------------------------------------------------------------

const asked = (more) => ({ period: '28d', against: 'previous', limit: PAGE_ROWS, ...more });
const rowsOf = (page) => page.locator('.sites-table tbody tr');

async function shown(page) {
    return rowsOf(page).evaluateAll((rows) =>
        rows.map((row) => ({
            name: row.querySelector('.row-name').textContent,
            tenant: row.querySelector('.of-tenant')?.textContent,
            points: (row.querySelector('.sparkline path').getAttribute('d').match(/[ML]/g) ?? [])
                .length,
            cells: [...row.querySelectorAll('td:not(.of-days)')].map(
                (cell) => /[+−\d≈.][^A-Za-z]*k?%?$/.exec(cell.textContent.trim())?.[0] ?? '',
            ),
        })),
    );
}

const expected = ({ sites }, tenants) =>
    sites.map((site) => ({
        name: site.domain,
        tenant: tenants ? site.tenantName : undefined,
        points: site.days.filter((value) => value !== null).length,
        cells: [
            (site.exact ? '' : '≈ ') + short(site.uniqueVisitors),
            site.previous ? change(site.uniqueVisitors, site.previous.uniqueVisitors) : '',
            short(site.pageviews),
        ],
    }));

/** The table is what the API answers to `more`. */
async function assertTable(page, more, tenants = true) {
    const wanted = expected(await stage.api('analytics/sites', asked(more)), tenants);
    assert.ok(wanted.length > 0);
    await becomes(() => shown(page), wanted);
    return wanted;
}

scenario('all sites are there with their figures, change and days', {}, async ({ page }) => {
    await page.goto('/admin/sites');
    const rows = await assertTable(page, {});
    assert.equal(rows.length, PAGE_ROWS);
    assert.deepEqual(
        rows.slice(0, 3).map(({ points }) => points),
        [28, 28, 28],
    );
    assert.equal(await page.title(), 'Sites');
    await page.getByLabel('Range').selectOption('Last 7 days');
    await assertTable(page, { period: '7d' });
    await page.goBack();
    await assertTable(page, {});
});

scenario('they are sorted by each column, and the address says by which', {}, async ({ page }) => {
    await page.goto('/admin/sites');
    const head = (name) => page.getByRole('columnheader', { name });
    for (const [name, sort] of [
        ['Site', 'name'],
        ['Change', 'change'],
        ['Page views', 'pageviews'],
    ]) {
        await head(name).getByRole('link').click();
        await assertTable(page, { sort });
        assert.equal(new URL(page.url()).searchParams.get('sort'), sort);
        assert.match(await head(name).getAttribute('aria-sort'), /^(a|de)scending$/);
    }
    await head('Visitors').getByRole('link').click();
    await assertTable(page, {});
    assert.equal(new URL(page.url()).search, '');
});

scenario('one of 3,000 is found by a part of its name', {}, async ({ page }) => {
    await page.goto('/admin/sites');
    await assertTable(page, {});
    const box = page.getByRole('searchbox', { name: 'Search sites' });
    // So slowly that the first letters are asked for on the way.
    await box.pressSequentially('MANY-2999', { delay: 140 });
    await assertTable(page, { search: 'many-2999' });
    await page.reload();
    await assertTable(page, { search: 'many-2999' });
    assert.equal(await box.inputValue(), 'MANY-2999');
    await box.fill('nothing like it');
    await page.getByText('No site has this in its name.').waitFor();
    await page.getByRole('link', { name: 'Show all sites' }).click();
    await assertTable(page, {});
});

scenario('they are shown fifty at a time', {}, async ({ page }) => {
    await page.goto('/admin/sites?sort=name');
    const { total } = await stage.api('analytics/sites', asked({}));
    assert.equal(total, MANY + 5);
    await assertTable(page, { sort: 'name' });
    const pager = page.getByRole('navigation', { name: 'More rows' });
    assert.match(await pager.innerText(), /1 to 50 of 3,005/);
    await pager.getByRole('link', { name: 'Next' }).click();
    await assertTable(page, { sort: 'name', offset: 50 });
    await pager.getByText('51 to 100 of 3,005').waitFor();
    await page.goto('/admin/sites?sort=name&offset=3000');
    await assertTable(page, { sort: 'name', offset: 3000 });
    await pager.getByText('3,001 to 3,005 of 3,005').waitFor();
    assert.equal(await pager.getByRole('link', { name: 'Next' }).count(), 0);
    await pager.getByRole('link', { name: 'Back' }).click();
    await assertTable(page, { sort: 'name', offset: 2950 });
});

scenario('a row leads to the analytics of its site, in the same range', {}, async ({ page }) => {
    await page.goto('/admin/sites?period=7d');
    await page.getByRole('link', { name: 'shop.demo.example' }).click();
    await page.getByRole('heading', { name: 'shop.demo.example' }).waitFor();
    assert.equal(page.url(), `${stage.url}/admin/sites/demo-shop/analytics?period=7d`);
});

scenario('on a telephone visitors and change are at hand', { narrow: true }, async ({ page }) => {
    await page.goto('/admin/sites');
    await assertTable(page, {});
    const right = await rowsOf(page)
        .first()
        .locator('td')
        .nth(1)
        .evaluate((cell) => cell.getBoundingClientRect().right);
    assert.ok(right <= 360, `${right}`);
    assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
});

// -- who sees what -------------------------------------------------------------------------------

scenario('a viewer is offered nothing that is refused', { as: 'viewer' }, async ({ page }) => {
    await page.goto('/admin/sites');
    await assertTable(page, { tenantId: 'demo' }, false);
    const places = page.getByRole('navigation', { name: 'Where to go' }).getByRole('link');
    assert.deepEqual(await places.allInnerTexts(), ['Sites', 'Compare']);
    assert.equal(await page.getByRole('link', { name: 'Add a site' }).count(), 0);
    // One tenant is not named in each row, but its report is at hand.
    await page.getByRole('link', { name: 'Report of Demo: made-up numbers' }).click();
    await page.getByRole('heading', { name: 'Report of Demo: made-up numbers' }).waitFor();
    await page.locator('.figure-value', { hasText: /\d/ }).first().waitFor();
});

scenario('a manager of two tenants sees whose each site is', { as: null }, async ({ page }) => {
    await signIn(page, 'both@example.com');
    await page.goto('/admin/sites');
    const names = async () =>
        (await shown(page)).map(({ name, tenant }) => `${name} ${tenant}`).sort();
    await becomes(names, [
        'app.demo.example Demo: made-up numbers',
        'blog.demo.example Demo: made-up numbers',
        'pair-a.example Pair',
        'pair-b.example Pair',
        'shop.demo.example Demo: made-up numbers',
    ]);
    assert.equal(await page.getByRole('link', { name: 'System' }).count(), 0);
    await page.getByRole('link', { name: 'Pair', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Report of Pair' }).waitFor();
    await rowsOf(page).nth(1).waitFor();
    assert.equal(await rowsOf(page).count(), 2);
});

scenario('who sees a part of a tenant is led to no report', { as: null }, async ({ page }) => {
    await signIn(page, 'part@example.com');
    await page.goto('/admin/sites');
    await rowsOf(page).first().waitFor();
    assert.deepEqual(
        (await shown(page)).map(({ name }) => name),
        ['pair-a.example'],
    );
    assert.equal(await page.getByRole('link', { name: /^Report/ }).count(), 0);
});

// -- side by side --------------------------------------------------------------------------------

const COMPARED = {
    Visitors: ({ exact, uniqueVisitors }) => (exact ? '' : '≈ ') + short(uniqueVisitors),
    Visits: ({ visits }) => short(visits),
    'Page views': ({ pageviews }) => short(pageviews),
    'Views per visit': ({ viewsPerVisit }) => grouped(viewsPerVisit, 1),
    'Bounce rate': ({ bounceRate }) => percent(bounceRate),
    'Visit duration': ({ visitDuration }) => duration(visitDuration),
    Conversions: ({ conversions }) => short(conversions),
    'Conversion rate': ({ conversionRate }) => percent(conversionRate),
    Leads: ({ leads }) => short(leads),
};

/** The columns are these sites, with the figures that the API answers. */
async function assertCompared(page, ids, period = '28d') {
    const { sites } = await stage.api('analytics/compare', { siteIds: ids.join(','), period });
    const wanted = Object.entries(COMPARED).map(([name, write]) => [name, ...sites.map(write)]);
    const seen = () =>
        page.locator('.compare-table tbody tr').evaluateAll((rows) =>
            rows.slice(1).map((row) => [
                row.querySelector('th').firstChild.firstChild.textContent,
                ...[...row.querySelectorAll('td')].map((cell) =>
                    [...cell.childNodes]
                        .filter((node) => node.nodeType === 3)
                        .map((node) => node.data)
                        .join(''),
                ),
            ]),
        );
    await becomes(seen, wanted);
    return sites;
}

scenario('sites are compared side by side, and the address keeps them', {}, async ({ page }) => {
    await page.goto('/admin/compare');
    const box = page.getByRole('combobox', { name: 'Add a site to the comparison' });
    await box.pressSequentially('shop.demo');
    await page.getByRole('option', { name: 'shop.demo.example' }).waitFor();
    await page.keyboard.press('Enter');
    await assertCompared(page, ['demo-shop']);
    await box.fill('demo-app');
    await page.getByRole('option', { name: 'app.demo.example' }).click();
    const sites = await assertCompared(page, ['demo-shop', 'demo-app']);
    assert.equal(new URL(page.url()).searchParams.get('sites'), 'demo-shop,demo-app');

    // The lower bounce rate is the better one, and more visitors are.
    const best = (name) =>
        page
            .getByRole('row', { name })
            .locator('td')
            .evaluateAll((cells) => cells.findIndex((cell) => cell.className === 'best'));
    const [shop, app] = sites;
    assert.ok(shop.uniqueVisitors > app.uniqueVisitors && shop.bounceRate > app.bounceRate);
    assert.equal(await best(/^Visitors/), 0);
    assert.equal(await best(/^Bounce rate/), 1);

    await page.getByLabel('Range').selectOption('Last 7 days');
    await assertCompared(page, ['demo-shop', 'demo-app'], '7d');
    await page.reload();
    await assertCompared(page, ['demo-shop', 'demo-app'], '7d');
    assert.equal(await page.locator('.compare-table .sparkline').count(), 2);
    await page.getByRole('button', { name: 'Take shop.demo.example out' }).click();
    await assertCompared(page, ['demo-app'], '7d');
});

// -- a tenant ------------------------------------------------------------------------------------

scenario('the report of a tenant is what the API counts', {}, async ({ page }) => {
    await page.goto('/admin/tenants/demo/analytics');
    await assertTable(page, { tenantId: 'demo' }, false);
    const { current } = await stage.api('analytics/compare', { tenantId: 'demo', period: '28d' });
    const about = current.exact === false ? '≈ ' : '';
    for (const [metric, text] of Object.entries({
        uniqueVisitors: about + short(current.uniqueVisitors),
        visits: short(current.visits),
        pageviews: short(current.pageviews),
        bounceRate: percent(current.bounceRate),
        visitDuration: duration(current.visitDuration),
        leads: short(current.leads),
        conversionRate: about + percent(current.conversionRate),
    }))
        await becomes(
            async () => {
                const value = page.locator(`[data-metric=${metric}] .figure-value`);
                return (await value.innerText()).replace('≈ ', '');
            },
            text.replace('≈ ', ''),
            metric,
        );
    // The trend: the days of one figure after the other.
    const { days } = await stage.api('analytics/tenants/demo/stats', { period: '28d' });
    const drawn = () => page.locator('.graph-card tbody tr td:nth-of-type(1)').allInnerTexts();
    for (const metric of ['uniqueVisitors', 'pageviews', 'leads']) {
        await page.locator(`[data-metric=${metric}] button`).first().click();
        const wanted = days.map((day) => grouped(day[metric]));
        await becomes(async () => (await drawn()).map((text) => text.replace('≈ ', '')), wanted);
    }
    // Of others there are no days to draw.
    assert.ok(await page.locator('[data-metric=visits] button').first().isDisabled());
    await page.getByRole('columnheader', { name: 'Change' }).getByRole('link').click();
    await assertTable(page, { tenantId: 'demo', sort: 'change' }, false);
});
