// What the analytics page shows of what, in real Chromium: periods and comparisons by the calendar
// of the site, the way from one of 3,000 sites to another, who is there now, keys, colours, and
// German.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import {
    asked,
    becomes,
    FIGURES,
    figures,
    figuresOf,
    METRICS,
    WORDS,
} from '../lib/dashboard_read.mjs';
import { painted } from '../lib/browser_time.mjs';
import { DashboardStage, dashboardScenarios } from '../lib/dashboard_stage.mjs';

const SHOP = '/admin/sites/demo-shop/analytics';
const SITES = 3000;
/** Where it is tomorrow, or still yesterday, for most of the day: 14 hours before and 11 after. */
const ZONES = { 'far-east': 'Pacific/Kiritimati', 'far-west': 'Pacific/Pago_Pago' };

const nameOf = (n) => `s${String(n).padStart(4, '0')}`;

let stage;
before(async () => {
    stage = await DashboardStage.start({
        prepare: async (abacus) => {
            for (const [id, timezone] of Object.entries({ ...ZONES, lively: 'UTC' }))
                await abacus.site(id, 'demo', { timezone });
            await abacus.sql(
                `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ${SITES - 1})
                 INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
                 SELECT printf('s%04d', n), 'demo', printf('s%04d.many.example', n), 1 FROM c;`,
            );
        },
    });
    await stage.server.until(
        async () => (await stage.api('analytics/sites', { names: true })).total > SITES,
        'all sites',
    );
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

const compare = (values) =>
    stage.api('analytics/compare', { siteId: 'demo-shop', against: 'previous', ...values });
const shows = async (page, values) =>
    becomes(() => figures(page), figuresOf(await compare(values), FIGURES, 'uniqueVisitors'));
const button = (page, name) => page.getByRole('button', { name, exact: true });
const periodButton = (page) => page.locator('.when .more');
const dates = (from, to, options = {}) =>
    new Intl.DateTimeFormat('en', { timeZone: 'UTC', day: 'numeric', month: 'short', ...options })
        .formatRange(new Date(from), new Date(to))
        .replace(/\s+/g, ' ');
const squeezed = async (locator) => (await locator.textContent()).replace(/\s+/g, ' ').trim();

/* -- periods ----------------------------------------------------------------------------------- */

const PRESETS = {
    today: 'Today',
    yesterday: 'Yesterday',
    '7d': 'Last 7 days',
    '28d': 'Last 28 days',
    week: 'This week',
    month: 'This month',
    all: 'All time',
};

scenario('a period is chosen by name, and the figures follow', {}, async ({ page }) => {
    // Properties are kept for a shorter time.
    page.expectFailure(/breakdown.*dimension=prop/);
    await page.goto(`${SHOP}?period=91d`);
    for (const [period, name] of Object.entries(PRESETS)) {
        await periodButton(page).click();
        await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        assert.equal(asked(page).period, period === '28d' ? undefined : period);
        await shows(page, { period });
    }
});

scenario(
    'dates are typed or chosen in the calendar; arrows go to those beside',
    {},
    async ({ page }) => {
        const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
        await page.goto(SHOP);
        await periodButton(page).click();
        const sheet = page.getByRole('dialog', { name: 'Period' });
        await sheet.getByText('Days as they are in Europe/Berlin').waitFor();
        await sheet.locator('.typed').getByLabel('From').fill(day(12));
        await sheet.locator('.typed').getByLabel('To').fill(day(9));
        await sheet.getByRole('button', { name: 'Apply' }).click();
        await becomes(() => asked(page), { from: day(12), to: day(9) });
        await shows(page, { from: day(12), to: day(9) });
        await button(page, 'Earlier range').click();
        await becomes(() => asked(page), { from: day(16), to: day(13) });
        await shows(page, { from: day(16), to: day(13) });
        for (const by of [4, 8]) {
            await button(page, 'Later range').click();
            await becomes(() => asked(page), { from: day(16 - by), to: day(13 - by) });
        }
        await shows(page, { from: day(8), to: day(5) });
        await periodButton(page).click();
        for (const one of [day(6), day(8)]) await sheet.locator(`[data-day="${one}"]`).click();
        await becomes(() => asked(page), { from: day(8), to: day(6) });
        await shows(page, { from: day(8), to: day(6) });
        await page.goBack();
        await becomes(() => asked(page), { from: day(8), to: day(5) });
    },
);

scenario('today is the day that it is at the site', {}, async ({ page }) => {
    const seen = {};
    for (const [id, timeZone] of Object.entries(ZONES)) {
        const today = new Intl.DateTimeFormat('en-CA', { timeZone }).format(new Date());
        seen[id] = today;
        const yesterday = new Date(Date.parse(today) - 86_400_000).toISOString().slice(0, 10);
        const year = yesterday.slice(0, 4) === today.slice(0, 4) ? {} : { year: 'numeric' };
        await stage.server.track({ event: 'pageview', siteId: id, path: '/' });
        const range = { siteId: id, period: 'today' };
        await stage.server.until(
            async () => (await stage.api('analytics/stats', range)).pageviews > 0,
            'the view',
        );
        await page.goto(`/admin/sites/${id}/analytics?period=today`);
        await becomes(
            () => squeezed(periodButton(page).locator('span').first()),
            dates(today, today, { weekday: 'short' }),
        );
        await becomes(async () => (await figures(page)).pageviews?.value, '1');
        await button(page, 'Earlier range').click();
        await becomes(
            () => squeezed(periodButton(page).locator('span').first()),
            dates(yesterday, yesterday, { weekday: 'short', ...year }),
        );
        assert.equal(
            (await stage.api('analytics/stats', { ...range, period: 'yesterday' })).from,
            yesterday,
        );
    }
    // 25 hours lie between them.
    assert.notEqual(seen['far-east'], seen['far-west']);
});

/* -- comparison -------------------------------------------------------------------------------- */

scenario('a range is compared with what is chosen', {}, async ({ page }) => {
    const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    const range = { from: day(10), to: day(6) };
    await page.goto(`${SHOP}?from=${range.from}&to=${range.to}`);
    const sheet = page.getByRole('dialog', { name: 'Compare with' });
    const compared = async (against) => {
        const { previous } = await compare({ ...range, ...against });
        await shows(page, { ...range, ...against });
        const text = dates(previous.from, previous.to, { year: 'numeric' });
        await becomes(
            () => squeezed(page.locator('.compared')).then((all) => all.includes(text)),
            true,
            text,
        );
        return previous.from;
    };
    await page.locator('.compare').click();
    const radio = (name) => sheet.getByRole('radio', { name });
    await radio('Previous period').check();
    await becomes(() => asked(page).against, 'previous');
    assert.equal(await compared({ against: 'previous' }), day(15));
    await sheet.getByRole('checkbox', { name: 'Begin on the same weekday' }).check();
    await becomes(() => asked(page).matchWeekday, 'true');
    const weekly = await compared({ against: 'previous', matchWeekday: true });
    assert.equal(new Date(weekly).getUTCDay(), new Date(range.from).getUTCDay());
    await sheet.getByRole('checkbox').uncheck();
    await radio('A year before').check();
    await becomes(() => asked(page).against, 'year');
    await compared({ against: 'year' });
    await radio('Another range').check();
    await sheet.getByLabel('From').fill(day(30));
    const custom = { against: 'custom', againstFrom: day(30), againstTo: day(26) };
    await becomes(() => asked(page), { ...range, ...custom, sheet: 'compare' });
    assert.equal(await compared(custom), day(30));
    await radio('No comparison').check();
    await becomes(() => asked(page), { ...range, sheet: 'compare' });
});

/* -- from site to site ------------------------------------------------------------------------- */

scenario('another of 3,000 sites is found by typing', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=7d`);
    await page.locator('.figure-value').first().waitFor();
    await painted(page);
    await page.keyboard.press('s');
    const sheet = page.getByRole('dialog', { name: 'Switch to another site' });
    const options = sheet.getByRole('option');
    await becomes(() => options.count(), 50);
    const { total } = await stage.api('analytics/sites', { names: true });
    await sheet.getByText(`${(total - 50).toLocaleString('en')} more sites`).waitFor();
    const answered = page.waitForResponse((one) => one.url().includes('search=2718'));
    await page.keyboard.type('2718');
    await (await answered).finished();
    const began = performance.now();
    await becomes(() => options.allTextContents(), ['s2718.many.examples2718']);
    console.log(`the site was shown ${Math.round(performance.now() - began)} ms after the answer`);
    await sheet.getByRole('combobox').fill('s001');
    await becomes(() => options.count(), 10);
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter'])
        await page.keyboard.press(key);
    await page.waitForURL(`**/admin/sites/${nameOf(12)}/analytics?period=7d`);
    await becomes(() => squeezed(page.locator('h1.site')), `${nameOf(12)}.many.example`);
    await painted(page);
    await page.keyboard.press('s');
    await sheet.getByRole('combobox').fill('no such');
    await sheet.getByText('No site has this in its name.').waitFor();
});

scenario('who is there now is told at once', {}, async ({ page }) => {
    const siteId = 'lively';
    const visitors = async () => (await stage.api('analytics/realtime', { siteId })).visitorsNow;
    const comes = (version) => {
        const firefox = `rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
        const headers = { 'User-Agent': `Mozilla/5.0 (X11; Linux x86_64; ${firefox}` };
        return stage.server.track({ event: 'pageview', siteId, path: '/' }, headers);
    };
    await comes(100);
    await becomes(visitors, 1);
    await page.goto(`/admin/sites/${siteId}/analytics?period=today`);
    const now = page.locator('.now');
    const shown = async () => (await squeezed(now)).split('?')[0].trim();
    await becomes(shown, '1 now');
    for (const version of [110, 120]) await comes(version);
    await becomes(shown, '3 now');
    assert.equal(await visitors(), 3);
    await page.locator('.now .dot:not(.still)').waitFor();
});

/* -- keys, colours, words ---------------------------------------------------------------------- */

scenario('every key of the help sheet does what it says', {}, async ({ page }) => {
    await page.goto(SHOP);
    await page.locator('.rows').first().waitFor();
    await page.keyboard.press('?');
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    const caps = ['t', 'y', 'w', 'm', 'a', '←', '→', 'c', 'f', 'x', 's', '/', '?', 'Esc'];
    await becomes(() => sheet.locator('kbd').allTextContents(), caps);
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    const keys = [
        ['t', { period: 'today' }],
        ['y', { period: 'yesterday' }],
        ['w', { period: '7d' }],
        ['m', {}],
        ['c', { against: 'previous' }],
        ['c', {}],
        ['y', { period: 'yesterday' }],
        ['ArrowRight', { period: 'today' }],
        ['ArrowLeft', { period: 'yesterday' }],
        ['s', { period: 'yesterday', sheet: 'site' }],
        ['Escape', { period: 'yesterday' }],
        ['/', { period: 'yesterday', details: 'page' }],
        ['Escape', { period: 'yesterday' }],
        ['f', { period: 'yesterday', sheet: 'filter' }],
        ['Escape', { period: 'yesterday' }],
    ];
    for (const [key, expected] of keys) {
        await page.keyboard.press(key);
        await becomes(() => asked(page), expected, key);
        const open = 'sheet' in expected || 'details' in expected;
        await becomes(() => page.locator('dialog[open]').count(), open ? 1 : 0, key);
    }
    await page.locator('[data-card=devices] .row-name').first().click();
    await becomes(() => page.locator('.pill').count(), 1);
    await page.keyboard.press('x');
    await becomes(() => page.locator('.pill').count(), 0);
    // Who types needs the keys.
    await page.keyboard.press('f');
    const box = page.getByRole('dialog').getByRole('combobox', { name: 'Value' });
    await box.fill('');
    await page.keyboard.type('twy?');
    assert.equal(await box.inputValue(), 'twy?');
    assert.equal(asked(page).period, 'yesterday');
});

scenario(
    "colours are the system's, or those that were chosen",
    { colorScheme: 'dark' },
    async ({ page }) => {
        const lightness = () =>
            page.evaluate(() => {
                const colour = getComputedStyle(document.documentElement).backgroundColor;
                const [r, g, b, a] = colour.match(/[\d.]+/g).map(Number);
                const body = getComputedStyle(document.body)
                    .backgroundColor.match(/[\d.]+/g)
                    .map(Number);
                const [x, y, z] = a === 0 ? body : [r, g, b];
                return (x + y + z) / 3 > 128 ? 'light' : 'dark';
            });
        // The canvas of the graph knows no variables.
        const inks = { light: [11, 97, 89], dark: [111, 211, 199] };
        const drawn = () =>
            page
                .locator('.graph-card canvas')
                .first()
                .evaluate((one, inks) => {
                    const copy = new OffscreenCanvas(one.width, one.height);
                    const context = copy.getContext('2d', { willReadFrequently: true });
                    context.drawImage(one, 0, 0);
                    const { data } = context.getImageData(0, 0, one.width, one.height);
                    const found = new Set();
                    for (let i = 0; i < data.length; i += 4)
                        for (const [name, ink] of Object.entries(inks))
                            if (data[i + 3] === 255 && ink.every((n, j) => data[i + j] === n))
                                found.add(name);
                    return [...found];
                }, inks);
        const is = async (name) => {
            await becomes(lightness, name);
            await becomes(drawn, [name]);
        };
        await page.goto(SHOP);
        await is('dark');
        const choose = async (name) => {
            await button(page, 'More').click();
            await page
                .getByRole('group', { name: 'Colours' })
                .getByRole('button', { name })
                .click();
            await page.keyboard.press('Escape');
        };
        await choose('Light');
        await is('light');
        await page.reload();
        await is('light');
        await choose('System');
        await is('dark');
        await page.emulateMedia({ colorScheme: 'light' });
        await is('light');
        await choose('Dark');
        await is('dark');
    },
);

scenario('German is spoken to whoever prefers it', { locale: 'de-DE' }, async ({ page }) => {
    const { current } = await compare({ period: '28d' });
    await page.goto(SHOP);
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    await becomes(
        () => page.locator('.figures-card .figure-label').allTextContents(),
        FIGURES.map((metric) => METRICS[metric].label.de),
    );
    await becomes(
        async () => (await figures(page)).pageviews?.full,
        current.pageviews.toLocaleString('de-DE'),
    );
    await becomes(
        async () => (await figures(page)).bounceRate.full,
        current.bounceRate.toLocaleString('de-DE', { style: 'percent' }),
    );
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: WORDS.keys.de }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.compare').click();
    await page.getByRole('radio', { name: WORDS['against.year'].de }).waitFor();
    // No English word of the catalogue that differs from the German one is left over.
    const seen = await page.locator('body').innerText();
    for (const word of [
        'noneInRange',
        'details',
        'compareWith',
        'mostFirst',
        'notCounted',
        'filter',
    ])
        if (WORDS[word].en !== WORDS[word].de && !WORDS[word].de.includes(WORDS[word].en))
            assert.ok(!new RegExp(`\\b${WORDS[word].en}\\b`).test(seen), word);
});
