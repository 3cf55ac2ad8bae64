// The analytics of a site in real Chromium: figures, cards, filters, details, product, and the line
// of what was not counted. Every number on the screen is what the API answers.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { DashboardStage, dashboardScenarios } from '../lib/dashboard_stage.mjs';
import {
    DIMENSIONS,
    FIGURES,
    METRICS,
    asked,
    becomes,
    changed,
    figures,
    figuresOf,
    isOfEvents,
    lines,
    named,
    percent,
    rows,
    rowsOf,
    table,
    written,
} from '../lib/dashboard_read.mjs';

const SHOP = '/admin/sites/demo-shop/analytics';
const SITE = { siteId: 'demo-shop' };

let stage;
before(async () => {
    stage = await DashboardStage.start();
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

const compare = (values) =>
    stage.api('analytics/compare', { ...SITE, against: 'previous', ...values });
const breakdown = (dimension, values) =>
    stage.api('analytics/breakdown', {
        ...SITE,
        period: '28d',
        dimension,
        limit: 9,
        ...(isOfEvents(dimension) ? { sort: 'events' } : {}),
        ...values,
    });

/* -- figures ----------------------------------------------------------------------------------- */

scenario("the figures are the API's, beside those of the range before", {}, async ({ page }) => {
    for (const siteId of ['demo-shop', 'demo-blog']) {
        const answer = await compare({ siteId, period: '28d' });
        await page.goto(`/admin/sites/${siteId}/analytics`);
        await becomes(() => figures(page), figuresOf(answer, FIGURES, 'uniqueVisitors'));
    }
    // Both ways of writing a change and of a number were there.
    const [shop, blog] = await Promise.all(
        ['demo-shop', 'demo-blog'].map((siteId) => compare({ siteId, period: '28d' })),
    );
    assert.ok(blog.previous.leads < 20 && shop.previous.leads >= 20);
    assert.ok(shop.current.pageviews >= 10_000 && shop.current.leads < 10_000);
    await page.getByText('Arrows compare with').waitFor();
});

scenario('more bounces are worse, and fewer are better', {}, async ({ page }) => {
    const ranges = [];
    for (let day = 1; day <= 24; day++) {
        const from = new Date(Date.now() - (day + 8) * 86_400_000).toISOString().slice(0, 10);
        const { current, previous } = await compare({ from, to: from });
        ranges.push({ from, by: current.bounceRate - previous.bounceRate });
    }
    for (const [way, tone] of [
        [1, 'bad'],
        [-1, 'good'],
    ]) {
        const { from } = ranges.find(({ by }) => Math.sign(by) === way);
        await page.goto(`${SHOP}?from=${from}&to=${from}`);
        const bounce = page.locator('[data-metric=bounceRate] .change');
        await becomes(() => bounce.getAttribute('class'), `change ${tone}`);
        await becomes(() => bounce.locator('.unseen').textContent(), way > 0 ? 'up ' : 'down ');
    }
});

scenario('the chosen figure is the graph, and stands in the address', {}, async ({ page }) => {
    await page.goto(SHOP);
    for (const metric of FIGURES.toReversed()) {
        await page.locator(`[data-metric=${metric}] button`).first().click();
        const label = METRICS[metric].label.en;
        await page.getByRole('application', { name: label }).waitFor();
        await becomes(
            async () => (await figures(page))[metric].chosen && asked(page).metric,
            metric === 'uniqueVisitors' ? undefined : metric,
        );
    }
    await page.goBack();
    await becomes(() => asked(page).metric, 'visits');
    await becomes(async () => (await figures(page)).visits.chosen, true);
});

scenario('a label says what it means when it is asked', {}, async ({ page }) => {
    await page.goto(SHOP);
    await page.getByRole('button', { name: 'What does “Bounce rate” mean?' }).click();
    await page.locator('.popover:popover-open').getByText(METRICS.bounceRate.explain.en).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'What does “Channel” mean?' }).click();
    await page.locator('.popover:popover-open').getByText(DIMENSIONS.channel.explain.en).waitFor();
});

/* -- cards ------------------------------------------------------------------------------------- */

const CARDS = {
    sources: ['channel', 'source', 'utmCampaign'],
    pages: ['page', 'entryPage', 'exitPage'],
    places: ['country', 'language'],
    devices: ['device', 'browser', 'os'],
    goals: ['goal', 'event'],
};

scenario("the rows of every tab are the API's, with their share", {}, async ({ page }) => {
    await page.goto(SHOP);
    for (const [card, dimensions] of Object.entries(CARDS))
        for (const dimension of dimensions) {
            const tab = DIMENSIONS[dimension].plural.en;
            await page
                .locator(`[data-card=${card}]`)
                .getByRole('tab', { name: tab, exact: true })
                .click();
            const answer = await breakdown(dimension);
            assert.ok(answer.rows.length > 0, dimension);
            await becomes(() => rows(page, card), rowsOf(answer), dimension);
        }
    // And they stand in the address: who opens it sees the same.
    const chosen = asked(page);
    assert.deepEqual(
        [chosen.sources, chosen.pages, chosen.goals],
        ['utmCampaign', 'exitPage', 'event'],
    );
    await page.reload();
    await becomes(() => rows(page, 'devices'), rowsOf(await breakdown('os')));
    const line = page.locator('[data-card=devices] .rows > li').first();
    await line.hover();
    await becomes(
        () => line.locator('.row-percent').evaluate((one) => getComputedStyle(one).opacity),
        '1',
    );
});

async function showsAll(page, values, filters) {
    const range = { period: '7d', filter: filters };
    const answer = await compare(range);
    await becomes(() => figures(page), figuresOf(answer, FIGURES, 'uniqueVisitors'));
    for (const [card, [dimension]] of Object.entries(CARDS))
        await becomes(() => rows(page, card), rowsOf(await breakdown(dimension, range)), card);
}

scenario('a click on a row filters everything; the way back takes it off', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=7d`);
    await showsAll(page, {}, []);
    const [{ value: country }] = (await breakdown('country', { period: '7d' })).rows;
    await page.locator('[data-card=places] .row-name').first().click();
    const pills = page.locator('.pills .pill');
    await becomes(() => pills.allTextContents(), [`Country: ${named('country', country)}✕`]);
    await becomes(() => asked(page).filter, `country:is:${country}`);
    await showsAll(page, {}, [`country:is:${country}`]);
    const [{ value: device }] = (
        await breakdown('device', { period: '7d', filter: `country:is:${country}` })
    ).rows;
    await page.locator('[data-card=devices] .row-name').first().click();
    await showsAll(page, {}, [`country:is:${country}`, `device:is:${device}`]);
    await becomes(() => pills.count(), 2);
    await page.goBack();
    await becomes(() => pills.count(), 1);
    await page.goBack();
    await becomes(() => pills.count(), 0);
    await showsAll(page, {}, []);
});

scenario('a filter is made by typing, changed, and removed', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=7d`);
    await page.locator('.rows').first().waitFor();
    await page.keyboard.press('f');
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Dimension').selectOption('source');
    await sheet.getByLabel('Condition').selectOption('contains');
    await sheet.getByRole('combobox', { name: 'Value' }).fill('goog');
    const offered = sheet.getByRole('listbox').getByRole('option');
    await offered.first().waitFor();
    await page.keyboard.press('Enter');
    await becomes(() => asked(page).filter, 'source:contains:goog');
    await showsAll(page, {}, ['source:contains:goog']);
    await page.locator('.pill button').first().click();
    await sheet.getByLabel('Condition').selectOption('isNot');
    await sheet.getByRole('combobox', { name: 'Value' }).fill('google');
    await offered.filter({ hasText: 'google' }).first().click();
    await becomes(async () => asked(page).filter?.split(':').slice(0, 2), ['source', 'isNot']);
    await page.getByRole('button', { name: /^Remove the filter/ }).click();
    await becomes(() => asked(page).filter, undefined);
});

scenario('changes stand beside the rows, and the biggest come first', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=7d&against=previous`);
    for (const sort of [undefined, 'change']) {
        if (sort) await page.getByRole('tab', { name: 'Biggest changes first' }).click();
        for (const [card, [dimension]] of Object.entries(CARDS)) {
            const answer = await breakdown(dimension, { period: '7d', against: 'previous', sort });
            await becomes(() => rows(page, card), rowsOf(answer, true), `${card} ${sort}`);
        }
    }
    assert.equal(asked(page).sort, 'change');
});

scenario('no card changes its height while numbers are on their way', {}, async ({ page }) => {
    const held = [];
    let holds = true;
    await page.route('**/api/analytics/**', async (route) => {
        if (holds) await new Promise((resolve) => held.push(resolve));
        await route.continue();
    });
    const boxes = () =>
        page.locator('.card').evaluateAll((all) =>
            all
                .filter((one) => !one.closest('.product'))
                .map((one) => one.getBoundingClientRect())
                .map(({ top, height }) => [Math.round(top), Math.round(height)]),
        );
    const letGo = () => {
        holds = false;
        for (const resolve of held.splice(0)) resolve();
    };
    await page.goto(SHOP);
    await becomes(() => page.locator('.skeleton').count(), 7);
    const first = await boxes();
    assert.equal(first.length, 7);
    letGo();
    await becomes(
        () =>
            page
                .locator('.rows')
                .count()
                .then((count) => count >= 5),
        true,
    );
    await becomes(() => page.locator('[aria-busy=true], .skeleton').count(), 0);
    assert.deepEqual(await boxes(), first);
    const before = await figures(page);
    // The old numbers stay, dimmed.
    holds = true;
    await page.keyboard.press('w');
    const dimmed = page.locator('.analytics > :not(.product) .dimmed, .analytics > .dimmed');
    await becomes(() => dimmed.count(), 7);
    assert.equal(await page.locator('.skeleton').count(), 0);
    assert.deepEqual(await boxes(), first);
    assert.deepEqual(await figures(page), before);
    letGo();
    await becomes(() => dimmed.count(), 0);
    assert.deepEqual(await boxes(), first);
});

/* -- details ----------------------------------------------------------------------------------- */

const COLUMNS = [
    ['visitors', 'uniqueVisitors'],
    ['visits', 'visits'],
    ['pageviews', 'pageviews'],
    ['bounceRate', 'bounceRate'],
    ['visitDuration', 'visitDuration'],
    ['conversions', 'conversions'],
    ['conversionRate', 'conversionRate'],
    ['timeOnPage', 'timeOnPage'],
    ['scrollDepth', 'scrollDepth'],
];

const linesOf = ({ rows: given, other }) =>
    [...given, ...(other ? [other] : [])].map((row) => [
        named('page', row.value),
        ...COLUMNS.map(([column, metric]) => written(metric, row[column])[0]),
        percent((row.percent ?? 0) / 100),
    ]);

scenario('details have all values: every column, searched, and by pages', {}, async ({ page }) => {
    await page.goto(SHOP);
    await page
        .locator('[data-card=pages]')
        .getByRole('link', { name: /^Details/ })
        .click();
    const ask = (values) => breakdown('page', { limit: 50, ...values });
    const whole = await ask();
    assert.ok(whole.total > 50, 'more than one page of rows');
    await becomes(() => lines(page), linesOf(whole));
    const head = (await table(page, '.details-body thead'))[0];
    assert.deepEqual(head.map((text) => text.replace(/ ?\?.*$/, '')).slice(1), [
        ...COLUMNS.map(([, metric]) => METRICS[metric].label.en),
        'Share',
    ]);
    await page.getByRole('link', { name: 'Next', exact: true }).click();
    await becomes(() => lines(page), linesOf(await ask({ offset: 50 })));
    await page.getByRole('link', { name: 'Back', exact: true }).click();
    await becomes(() => lines(page), linesOf(whole));
    await page.keyboard.press('/');
    // So slowly that the first letters are asked for on the way.
    await page.keyboard.type('lamp', { delay: 140 });
    const found = await ask({ search: 'lamp' });
    assert.ok(found.rows.length > 0 && found.total < whole.total);
    await becomes(() => lines(page), linesOf(found));
    assert.deepEqual([asked(page).details, asked(page).search], ['page', 'lamp']);
    await page.getByRole('searchbox', { name: 'Search' }).fill('no such page');
    await page.getByText('No value contains this.').waitFor();
    // The first Escape is the search box's own.
    for (const name of ['search', 'details']) {
        await page.keyboard.press('Escape');
        await becomes(() => asked(page)[name], undefined);
    }
});

scenario('a page opens to show where its visitors came from', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=7d&details=page`);
    const answer = await breakdown('page', { period: '7d', limit: 50 });
    const { value } = answer.rows[1];
    await page.getByRole('button', { name: `Where visitors of ${value} came from` }).click();
    const filter = `page:is:${value}`;
    const { rows: from } = await breakdown('referrer', { period: '7d', filter, limit: 5 });
    await becomes(
        () =>
            page
                .locator('.referrers li')
                .allInnerTexts()
                .then((all) => all.map((text) => text.split(/\s+/).filter(Boolean).join(' '))),
        from.map((row) => `${named('referrer', row.value)} ${written('visits', row.visitors)[0]}`),
    );
});

scenario('a download holds what the export of the same question does', {}, async ({ page }) => {
    const filter = 'device:is:mobile';
    await page.goto(`${SHOP}?period=7d&details=page&filter=${filter}`);
    await page.locator('.details-body tbody tr').first().waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV', exact: true }).click();
    const got = await readAll(await download);
    const asked = { ...SITE, period: '7d', filter, rows: 'page', format: 'csv' };
    assert.equal(got, await stage.api('analytics/export', asked));
    assert.ok(got.split('\n').length > 10, got);
});

async function readAll(download) {
    const parts = [];
    for await (const part of await download.createReadStream()) parts.push(part);
    return Buffer.concat(parts).toString();
}

/* -- product, and what was not counted --------------------------------------------------------- */

scenario('the product section shows what the product does', {}, async ({ page }) => {
    await page.goto('/admin/sites/demo-app/analytics');
    const siteId = 'demo-app';
    const kinds = {
        forms: ['form.submit', 'form'],
        automationRuns: ['automation.run', 'flow'],
        exports: ['export.completed', 'format'],
        aiTokens: ['ai.usage', 'model'],
    };
    const answer = await compare({ siteId, period: '28d' });
    await becomes(() => figures(page, '.product'), figuresOf(answer, Object.keys(kinds)));
    for (const [card, [event, prop]] of Object.entries(kinds)) {
        const filter = `event:is:${event}`;
        const found = await breakdown(`prop:${prop}`, { siteId, filter, limit: 5 });
        assert.ok(found.rows.length > 0, card);
        await becomes(() => rows(page, card), rowsOf(found), card);
    }
    // Nobody but the product's own servers sends these.
    const [{ visitors, events }] = (
        await breakdown('prop:flow', { siteId, filter: 'event:is:automation.run' })
    ).rows;
    assert.ok(visitors === 0 && events > 0);
    const tokens = page.locator('.product .graph-card');
    await tokens.getByRole('button', { name: 'As a table' }).click();
    const series = { siteId, period: '28d', metric: 'aiTokens' };
    const { points } = await stage.api('analytics/timeseries', series);
    await becomes(
        async () => (await table(page, '.product .graph-table tbody')).map((line) => line[1]),
        points.map(({ value }) => written('aiTokens', value)[1]),
    );
});

scenario('one quiet line tells what was not counted, and leads there', {}, async ({ page }) => {
    const { dropped, rejected } = await stage.api('analytics/ledger', { ...SITE, period: '28d' });
    assert.ok(dropped.bot > 1 && dropped.gpc > 1);
    assert.deepEqual([Object.keys(dropped).sort(), rejected], [['bot', 'gpc'], {}]);
    await page.goto(SHOP);
    const [bots, signals] = [dropped.bot, dropped.gpc].map((n) => written('visits', n)[0]);
    const line = page.getByRole('link', { name: /^Not counted/ });
    await becomes(
        () => line.textContent(),
        `Not counted: ${bots} bots, ${signals} by browser signal`,
    );
    await line.click();
    await page.waitForURL('**/admin/sites/demo-shop/ledger?period=28d');
});
