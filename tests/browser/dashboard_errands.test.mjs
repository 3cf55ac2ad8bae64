// What people come to the dashboard for, each in at most 4 actions, at a desk and on a telephone, on
// a year of a shop, on a site with 3 visits and on one with 50,000 paths. An action is a click, a key
// that does something, or a text typed into a field; looking and scrolling are none.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { until } from '../lib/abacus.mjs';
import { addDays, dateOf, dayAt, page as logged, text } from '../lib/access_logs.mjs';
import { settled } from '../lib/browser_time.mjs';
import {
    becomes,
    changed,
    figures,
    figuresOf,
    FIGURES,
    lines,
    METRICS,
    named,
    percent,
    rows,
    rowsOf,
    table,
    WORDS,
    written,
} from '../lib/dashboard_read.mjs';
import { dashboardScenarios, DashboardStage, withoutDashboard } from '../lib/dashboard_stage.mjs';

const ACTIONS_MAX = 4;
const PATHS = 50_000;
const PARTNER = 'partner.example';
const SITES = { year: 'demo-shop', 'three visits': 'three', '50,000 paths': 'many' };

let stage;
before(async () => {
    if (!withoutDashboard) stage = await DashboardStage.start({ days: 365, prepare });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

/* -- the sites --------------------------------------------------------------------------------- */

const today = dateOf(Date.now());
const inLastMonth = addDays(`${today.slice(0, 8)}01`, -12);
const view = (date, path, address, referrer) =>
    logged(path, { ms: dayAt(date, '12:00:00'), address, ...(referrer ? { referrer } : {}) });
const fromPartner = (date, path, address) => view(date, path, address, `https://${PARTNER}/`);

/* Two visits came from a partner two days ago, one came by itself in the last month. */
const threeVisits = () => [
    view(inLastMonth, '/', '192.0.2.1'),
    fromPartner(addDays(today, -2), '/', '192.0.2.1'),
    fromPartner(addDays(today, -2), '/', '198.51.100.1'),
];

/* On each of 50 days a thousand paths, each of another visitor; every second one came from a
 * partner, but nobody yesterday: as many more on the day before all others. */
function* manyPaths() {
    for (let i = 0; i < PATHS; i++) {
        const isPartners = i % 2 === 0;
        const daysAgo = isPartners && i < 1000 ? 51 : 1 + Math.floor(i / 1000);
        const come = isPartners ? fromPartner : view;
        yield come(addDays(today, -daysAgo), `/p/${i}`, `10.${i % 4}.${i % 250}.1`);
    }
}

async function prepare(abacus) {
    const sites = { three: threeVisits(), many: [...manyPaths()] };
    for (const [site, views] of Object.entries(sites)) {
        await abacus.site(site, 'demo', { timezone: 'UTC' });
        const log = join(abacus.dir, `${site}.log`);
        writeFileSync(log, text(views.sort((a, b) => a.ms - b.ms)));
        await abacus.must(['import', '--site', site, log]);
    }
}

/* -- a person ---------------------------------------------------------------------------------- */

/** Counts what is done to a page. */
class Hands {
    actions = 0;
    constructor(page, narrow) {
        Object.assign(this, { page, narrow });
    }
    /** A finger has nothing but what can be touched. */
    async press(target) {
        this.actions++;
        await (this.narrow ? target.tap() : target.click());
    }
    button(name) {
        return this.press(this.page.getByRole('button', { name, exact: true }));
    }
    tab(name) {
        return this.press(this.page.getByRole('tab', { name, exact: true }));
    }
    choose(select, option) {
        this.actions++;
        return select.selectOption(option);
    }
    type(field, text) {
        this.actions++;
        return field.fill(text).then(() => field.press('Enter'));
    }
    period(name) {
        return this.button(WORDS[`period.${name}`].en);
    }
    openPeriod() {
        return this.press(this.page.locator('.when [aria-haspopup=dialog]'));
    }
    menu() {
        return this.button(WORDS.menu.en);
    }
}

/* Raw events are kept for 30 days: of a month before, what needs them says so in its card. */
const NOT_KEPT = /breakdown.*filter=/;

/** On every site and both sizes. */
function errand(name, run, { sites = SITES, sizes = [false, true] } = {}) {
    for (const [kind, site] of Object.entries(sites))
        for (const narrow of sizes) {
            const where = `${kind}, ${narrow ? 'telephone' : 'desk'}`;
            scenario(`${name} (${where})`, { narrow }, async ({ page, context }) => {
                const hands = new Hands(page, narrow);
                page.expectFailure(NOT_KEPT);
                await run({ page, context, hands, site, path: `/admin/sites/${site}/analytics` });
                assert.ok(hands.actions <= ACTIONS_MAX, `${name}: ${hands.actions} actions`);
            });
        }
}

/* Whatever is asked of the API is asked when the page has asked it. */
const breakdown = (values) => stage.api('analytics/breakdown', { limit: '9', ...values });
const namesOf = (found) => found.map(([name]) => name);

/* -- errands ----------------------------------------------------------------------------------- */

errand('Which campaign brought last month’s leads', async ({ page, hands, site, path }) => {
    const asked = { siteId: site, period: 'lastMonth' };
    await page.goto(path);
    await hands.openPeriod();
    await hands.period('lastMonth');
    const goals = await breakdown({ ...asked, dimension: 'goal' });
    const shownGoals = () => page.locator('[data-card=goals] .list-body').innerText();
    if (!goals.rows.some(({ value }) => value === 'Lead')) {
        assert.notEqual(site, SITES.year);
        await becomes(shownGoals, WORDS.noGoals.en);
        return becomes(async () => (await figures(page)).leads.value, '0');
    }
    await hands.press(page.locator('[data-card=goals]').getByRole('link', { name: 'Lead' }));
    await hands.tab('Campaigns');
    const leads = { ...asked, filter: 'goal:is:Lead', dimension: 'utmCampaign' };
    const answer = await breakdown(leads);
    assert.equal(answer.rows[0].value, 'made-to-measure');
    await becomes(() => rows(page, 'sources'), rowsOf(answer));
});

errand('Compare with the month before', async ({ page, hands, site, path }) => {
    await page.goto(path);
    await hands.openPeriod();
    await hands.press(page.getByRole('radio', { name: WORDS['against.previous'].en }));
    await hands.period('lastMonth');
    const asked = { siteId: site, period: 'lastMonth', against: 'previous' };
    const { current, previous } = await stage.api('analytics/compare', asked);
    for (const metric of ['uniqueVisitors', 'pageviews', 'leads']) {
        const change = changed(metric, current[metric], previous[metric]);
        const shown = async () => (await figures(page))[metric].change?.text;
        await becomes(shown, change?.text, metric);
    }
    const pages = await breakdown({ ...asked, dimension: 'page' });
    await becomes(() => rows(page, 'pages'), rowsOf(pages, true));
});

errand('Leave out my own office', async ({ page, hands, site, path }) => {
    const settings = `/api/analytics/settings?siteId=${site}`;
    await stage.must('PATCH', settings, { blockedAddresses: null });
    const blocked = async () => {
        const { dropped } = await stage.api('analytics/ledger', { siteId: site, period: 'today' });
        return dropped.blocked ?? 0;
    };
    const before = await blocked();

    await page.goto(path);
    await hands.menu();
    await hands.press(page.getByRole('link', { name: WORDS.siteSettings.en }));
    await hands.button('Leave out my address (127.0.0.1)');
    await hands.button('Save 1 change');
    await page.getByText('Your address (127.0.0.1) is left out.').waitFor();
    await page.getByRole('status').filter({ hasText: 'Saved' }).waitFor();

    const domain = (await stage.api('analytics/settings', { siteId: site })).domain.value;
    const event = { siteId: site, event: 'pageview', path: '/' };
    const send = async () => {
        const answer = await stage.server.track(event, { Origin: `https://${domain}` });
        assert.equal(answer.status, 202, answer.text);
        return (await blocked()) > before;
    };
    await until(send, 'an event from the office to be left out');
});

errand('Send the exact view as a link', async ({ page, context, hands, site, path }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(
        `${path}?period=lastMonth&against=previous&filter=country:isNot:FR&pages=entryPage`,
    );
    await hands.menu();
    // It says so for two seconds: the page itself has to look.
    const said = page.waitForFunction(isSaid, WORDS.copied.en);
    await hands.button(WORDS.copyLink.en);
    await said;
    const link = await page.evaluate(() => navigator.clipboard.readText());

    const other = await stage.newPage({ as: 'viewer' });
    other.expectFailure(NOT_KEPT);
    await other.goto(link);
    const { from, to } = await stage.api('analytics/stats', { siteId: site, period: 'lastMonth' });
    const search = new URL(link).searchParams;
    assert.deepEqual([search.get('from'), search.get('to')], [from, to]);
    const seen = async (one) => [
        await figures(one),
        await rows(one, 'pages'),
        await one.locator('.when .more > span:first-child').innerText(),
        await one.locator('.pill').first().innerText(),
    ];
    await page.locator('[data-card=pages] .rows').waitFor();
    await settled(page);
    await becomes(() => seen(other), await seen(page));
    assert.deepEqual(other.problems, []);
    await other.context().close();
});

const isSaid = (word) =>
    [...document.querySelectorAll('button')].some((one) => one.textContent === word);

errand('Download the view as CSV', async ({ page, hands, site, path }) => {
    await page.goto(`${path}?period=lastMonth`);
    await page.locator('[data-card=pages] .rows').waitFor();
    await hands.menu();
    const [download] = await Promise.all([
        page.waitForEvent('download'),
        hands.press(page.getByRole('link', { name: WORDS.downloadCsv.en })),
    ]);
    const { from, to } = await stage.api('analytics/stats', { siteId: site, period: 'lastMonth' });
    const query = new URLSearchParams({ siteId: site, from, to, rows: 'days', format: 'csv' });
    const { text: csv } = await stage.server.get(`/api/analytics/export?${query}`, stage.platform);
    assert.ok(csv.includes(from) && csv.split('\n').length > 2);
    assert.equal(readFileSync(await download.path(), 'utf8'), csv);
});

errand('See why yesterday is lower', async ({ page, hands, site, path }) => {
    await page.goto(path);
    await hands.openPeriod();
    await hands.period('yesterday');
    await hands.press(page.getByRole('link', { name: WORDS.changeFirst.en }));
    await hands.tab('Sources');

    const asked = { siteId: site, period: 'yesterday', dimension: 'source' };
    const sorted = await breakdown({ ...asked, against: 'previous', sort: 'change' });
    await becomes(() => rows(page, 'sources'), rowsOf(sorted, true));
    const [first] = namesOf(await rows(page, 'sources'));
    assert.equal(first, named('source', await whoFellMost(sorted)));
});

/** By two answers that are compared here. */
async function whoFellMost({ siteId, from, previousFrom }) {
    const on = async (day) => {
        const asked = { siteId, dimension: 'source', from: day, to: day, limit: '1000' };
        const found = (await breakdown(asked)).rows;
        return new Map(found.map(({ value, visitors }) => [value, visitors]));
    };
    const [now, earlier] = [await on(from), await on(previousFrom)];
    const fell = [...earlier].map(([value, visitors]) => [visitors - (now.get(value) ?? 0), value]);
    return fell.sort(([a], [b]) => b - a)[0][1];
}

/* -- what events carried ----------------------------------------------------------------------- */

const PRODUCT = { sites: { 'a product': 'demo-app' } };
const ON_TELEPHONE = { ...PRODUCT, sizes: [true] };

const COLUMNS = [
    ['events', 'events'],
    ['visitors', 'uniqueVisitors'],
    ['pageviews', 'pageviews'],
    ['conversions', 'conversions'],
    ['conversionRate', 'conversionRate'],
];
const COMPARED = new Set(['events', 'visitors', 'conversions']);

/** The lines of the details; a change stands below its number. */
const linesOf = ({ rows: given }) =>
    given.map((row) => [
        row.value,
        ...COLUMNS.map(([column, metric]) => {
            const before = COMPARED.has(column) ? row.previous?.[column] : undefined;
            const { text: change = '' } = changed(metric, row[column], before) ?? {};
            return written(metric, row[column])[0] + change;
        }),
        percent((row.percent ?? 0) / 100),
    ]);

const byEvents = (site, dimension, more) =>
    breakdown({ siteId: site, period: '28d', dimension, sort: 'events', limit: '50', ...more });
const propertiesOf = (site) =>
    stage
        .api('analytics/properties', { siteId: site, period: '28d' })
        .then((all) => all.properties);

const compareEvents = async ({ page, hands, site, path }) => {
    await page.goto(`${path}?against=previous`);
    await hands.tab('Events');
    const events = await byEvents(site, 'event', { against: 'previous' });
    // Some come from nobody but the product's own servers.
    assert.ok(events.rows.some(({ visitors, events }) => visitors === 0 && events > 0));
    await becomes(() => rows(page, 'goals'), rowsOf(events, true));
    const card = page.locator('[data-card=goals]');
    await hands.press(card.getByRole('link', { name: 'Details' }));
    await becomes(() => lines(page), linesOf(events));
    const [head] = await table(page, '.details-body thead');
    assert.deepEqual(head.map((words) => words.replace(/ ?\?.*$/, '')).slice(1), [
        ...COLUMNS.map(([, metric]) => METRICS[metric].label.en),
        'Share',
    ]);
    const flows = await byEvents(site, 'prop:flow', { against: 'previous' });
    await hands.choose(page.getByRole('dialog').getByLabel('Dimension'), 'flow');
    await becomes(() => lines(page), linesOf(flows));
};
errand('How often did each automation run, and before', compareEvents, PRODUCT);

errand(
    'Which properties are there, and what of one that is not named',
    async ({ page, hands, site, path }) => {
        await page.goto(`${path}?details=event`);
        const properties = await propertiesOf(site);
        assert.ok(properties.includes('flow') && properties.includes('model'));
        const choice = page.getByRole('dialog').getByLabel('Dimension');
        await becomes(
            () => choice.locator('option').allTextContents(),
            ['Goals', 'Events', ...properties, 'Another name …'],
        );
        await hands.choose(choice, 'Another name …');
        const name = page.getByLabel('Name of a property');
        await hands.type(name, 'nobody-sent-it');
        await page.getByText('Nothing in this range yet.').waitFor();
        await hands.type(name, 'model');
        await becomes(() => lines(page), linesOf(await byEvents(site, 'prop:model')));
    },
    ON_TELEPHONE,
);

const filterByProperty = async ({ page, hands, site, path }) => {
    await page.goto(`${path}?sheet=filter`);
    const sheet = page.getByRole('dialog');
    const choice = sheet.getByLabel('Dimension');
    const properties = await propertiesOf(site);
    await becomes(
        () => choice.locator('optgroup').last().locator('option').allTextContents(),
        [...properties, 'Another name …'],
    );
    await hands.choose(choice, 'plan');
    const offered = sheet.getByRole('listbox').getByRole('option');
    const { rows: plans } = await byEvents(site, 'prop:plan', { limit: '20' });
    await becomes(
        () => offered.allTextContents(),
        plans.map(({ value, events }) => value + written('events', events)[0]),
    );
    await hands.press(offered.first());
    const filter = `prop:plan:is:${plans[0].value}`;
    await page.waitForURL((url) => url.searchParams.get('filter') === filter);
    const asked = { siteId: site, period: '28d', against: 'previous', filter };
    const answer = await stage.api('analytics/compare', asked);
    await becomes(() => figures(page), figuresOf(answer, FIGURES, 'uniqueVisitors'));
};
errand('Look at one plan only', filterByProperty, PRODUCT);

errand(
    'Change the plan to a property that is typed',
    async ({ page, hands, site, path }) => {
        await page.goto(`${path}?filter=prop:plan:is:free&sheet=filter:0`);
        const sheet = page.getByRole('dialog');
        const choice = sheet.getByLabel('Dimension');
        await becomes(() => choice.inputValue(), 'prop:plan');
        await hands.choose(choice, 'Another name …');
        // A colon stands between the pieces of a filter.
        await hands.type(sheet.getByLabel('Name of a property'), 'mo:del');
        const { rows: models } = await byEvents(site, 'prop:model');
        const offered = sheet.getByRole('listbox').getByRole('option');
        await becomes(() => offered.count(), models.length);
        await hands.press(offered.last());
        const filter = `prop:model:is:${models.at(-1).value}`;
        await page.waitForURL((url) => url.searchParams.get('filter') === filter);
    },
    ON_TELEPHONE,
);
