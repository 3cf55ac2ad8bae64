// The graph of the analytics page in real Chromium: what it draws and tells of each point, by mouse,
// by keys and as a table; a part of the range; notes of days; days that were imported.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import {
    asked,
    becomes,
    changed,
    FIGURES,
    figures,
    figuresOf,
    inFull,
    METRICS,
    table,
} from '../lib/dashboard_read.mjs';
import { painted } from '../lib/browser_time.mjs';
import { DashboardStage, dashboardScenarios } from '../lib/dashboard_stage.mjs';

const SHOP = '/admin/sites/demo-shop/analytics';
const SITE = { siteId: 'demo-shop' };
const DAY_MS = 86_400_000;

const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const dayAfter = (day, days = 1) =>
    new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
/** Two weeks that are over in every zone. */
const [FROM, TO] = [daysAgo(16), daysAgo(3)];
const RANGE = `from=${FROM}&to=${TO}`;

/** Days of another product, before the first of this one: 100 visitors, 200, ... */
const IMPORTED = [70, 69, 68, 67, 66].map((ago, i) => [daysAgo(ago), 100 * (i + 1)]);

let stage;
before(async () => {
    stage = await DashboardStage.start({
        prepare: async (abacus) => {
            const file = join(abacus.dir, 'daily.csv');
            const lines = IMPORTED.map(([date, n]) => `${date},${2 * n},${n},${n}`);
            writeFileSync(file, `date,pageviews,uniqueVisitors,visits\n${lines.join('\n')}\n`);
            await abacus.must(['import', '--site', 'demo-shop', '--daily', file]);
        },
    });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

const series = (values) =>
    stage.api('analytics/timeseries', { ...SITE, metric: 'uniqueVisitors', ...values });
const graph = (page) => page.locator('.graph-card').first();
const canvas = (page) => graph(page).getByRole('application');
const tip = (page) => graph(page).locator('.graph-tip');
const squeezed = async (locator) => (await locator.textContent()).replace(/\s+/g, ' ').trim();

/** "Monday, Nov 16, 2026". */
const named = (day, weekday = 'long') =>
    new Intl.DateTimeFormat('en', {
        timeZone: 'UTC',
        weekday,
        day: 'numeric',
        month: 'short',
        year: 'numeric',
    }).format(new Date(day));

/** What the tooltip tells of a day, as two answers have it. */
const toldOf = ({ points, previousPoints }, at, metric = 'uniqueVisitors') => {
    const [now, before] = [points[at], previousPoints?.[at]];
    const change = before && changed(metric, now.value, before.value).text;
    return [
        named(now.time),
        METRICS[metric].label.en,
        `${inFull(metric, now.value)}${change ? ` ${change}` : ''}`,
        ...(before ? [named(before.time, 'short'), inFull(metric, before.value)] : []),
    ];
};
const told = async (page) => {
    const parts = tip(page).locator('strong, dt, dd');
    return (await parts.allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim());
};

/** Where a point is on the canvas, from the left of the plotting area. */
async function xOf(page, at, count) {
    const area = await graph(page).locator('.u-over').boundingBox();
    return { x: area.x + (area.width * at) / (count - 1), y: area.y + area.height / 2, area };
}

/* -- what is told of a point ------------------------------------------------------------------- */

scenario('a mouse is told weekday, date, both values and the change', {}, async ({ page }) => {
    const answer = await series({ from: FROM, to: TO, against: 'previous' });
    assert.equal(answer.points.length, 14);
    await page.goto(`${SHOP}?${RANGE}&against=previous`);
    await canvas(page).waitFor();
    const area = await graph(page).locator('.u-over').boundingBox();
    // From the left edge to the right one: every day is met, each with its own numbers.
    const met = new Map();
    for (let x = 1; x < area.width; x += area.width / 60) {
        await page.mouse.move(area.x + x, area.y + 100);
        await tip(page).waitFor();
        const words = await told(page);
        met.set(words[0], words);
    }
    assert.deepEqual(
        [...met.values()],
        answer.points.map((_, at) => toldOf(answer, at)),
    );
    await page.mouse.move(5, 5);
    await tip(page).waitFor({ state: 'detached' });
});

scenario('arrow keys go from point to point, and it is said aloud', {}, async ({ page }) => {
    const answer = await series({ from: FROM, to: TO, against: 'previous' });
    await page.goto(`${SHOP}?${RANGE}&against=previous`);
    await canvas(page).focus();
    const steps = [
        ['Home', 0],
        ['ArrowRight', 1],
        ['ArrowRight', 2],
        ['ArrowLeft', 1],
        ['End', 13],
        ['ArrowRight', 13],
        ['ArrowLeft', 12],
    ];
    for (const [key, at] of steps) {
        await page.keyboard.press(key);
        await becomes(() => told(page), toldOf(answer, at));
        const said = await squeezed(graph(page).getByRole('status'));
        assert.ok(said.startsWith(`${named(answer.points[at].time)}: `), said);
        assert.ok(said.includes(inFull('uniqueVisitors', answer.points[at].value)), said);
    }
    await page.keyboard.press('Escape');
    await tip(page).waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).search, `?${RANGE}&against=previous`);
});

/* What lies over a card takes its clicks. */
scenario('nothing of the graph lies over what is below it', {}, async ({ page }) => {
    await page.goto(`${SHOP}?${RANGE}`);
    await canvas(page).waitFor();
    const below = await canvas(page).evaluate((box) => {
        const { bottom } = box.getBoundingClientRect();
        const parts = [...box.querySelectorAll('*')];
        return parts
            .filter((part) => part.getBoundingClientRect().bottom > bottom + 1)
            .map((part) => part.className);
    });
    assert.deepEqual(below, []);
});

scenario('the table is the series of the API, at every interval', {}, async ({ page }) => {
    const [from, to] = [daysAgo(100), daysAgo(1)];
    // Properties are kept for a shorter time.
    page.expectFailure(/breakdown.*dimension=prop/);
    const cases = [
        [`from=${FROM}&to=${TO}`, { from: FROM, to: TO }, ['Hours', 'Days', 'Weeks']],
        [`from=${from}&to=${to}`, { from, to }, ['Days', 'Weeks', 'Months']],
    ];
    for (const [search, range, offered] of cases) {
        await page.goto(`${SHOP}?${search}&metric=pageviews`);
        const intervals = graph(page).getByRole('group', { name: 'Interval' });
        await becomes(() => intervals.getByRole('button').allTextContents(), offered);
        await graph(page).getByRole('button', { name: 'As a table' }).click();
        for (const name of offered) {
            await intervals.getByRole('button', { name }).click();
            const interval = name.slice(0, -1).toLowerCase();
            const { points, exact } = await series({ ...range, metric: 'pageviews', interval });
            const values = points.map(({ value }) =>
                value === null ? '–' : (exact ? '' : '≈ ') + inFull('pageviews', value),
            );
            await becomes(
                async () => (await table(page, '.graph-table tbody')).map((line) => line[1]),
                values,
                name,
            );
            assert.equal(asked(page).interval, interval);
        }
    }
});

scenario('the table has both values and the change of each day', {}, async ({ page }) => {
    const answer = await series({ from: FROM, to: TO, against: 'year', metric: 'visits' });
    const previous = await series({ from: FROM, to: TO, against: 'previous', metric: 'visits' });
    assert.ok(answer.previousPoints === null || answer.previousPoints.every((one) => !one?.value));
    await page.goto(`${SHOP}?${RANGE}&against=previous&metric=visits`);
    await graph(page).getByRole('button', { name: 'As a table' }).click();
    await becomes(
        async () => (await table(page, '.graph-table tbody')).map((line) => line.slice(0, 4)),
        previous.points.map(({ time, value }, at) => {
            const { value: before } = previous.previousPoints[at];
            return [
                named(time),
                inFull('visits', value),
                inFull('visits', before),
                changed('visits', value, before).text,
            ];
        }),
    );
    await becomes(() => squeezed(graph(page).locator('.graph-before')), spanText(previous));
});

/** "Oct 23 – Nov 5, 2026". */
function spanText({ previousFrom, previousTo }) {
    return new Intl.DateTimeFormat('en', { timeZone: 'UTC', dateStyle: 'medium' })
        .formatRange(new Date(previousFrom), new Date(previousTo))
        .replace(/\s+/g, ' ');
}

/* -- what it draws ----------------------------------------------------------------------------- */

/** How many pixels of the plotting area are of each kind, at points from..to of `count`. */
const pixels = (page, from = 0, to = 1, count = 1) =>
    graph(page)
        .locator('canvas')
        .evaluate(
            (one, [from, to, count]) => {
                const over = one.closest('.uplot').querySelector('.u-over');
                const ratio = one.width / one.getBoundingClientRect().width;
                const box = over.getBoundingClientRect();
                const at = one.getBoundingClientRect();
                const left = (box.left - at.left + (box.width * from) / count) * ratio;
                const width = ((box.width * (to - from)) / count) * ratio;
                const height = box.height * ratio;
                // A copy, since what is read is slow to be drawn on.
                const copy = document.createElement('canvas');
                [copy.width, copy.height] = [width, height];
                const context = copy.getContext('2d', { willReadFrequently: true });
                context.drawImage(one, -left, -(box.top - at.top) * ratio);
                const { data } = context.getImageData(0, 0, width, height);
                const kinds = {};
                for (let i = 0; i < data.length; i += 4) {
                    const key = [data[i], data[i + 1], data[i + 2], data[i + 3]].join();
                    kinds[key] = (kinds[key] ?? 0) + 1;
                }
                return kinds;
            },
            [from, to, count],
        );
/** A text that tells whether something else is drawn at the third of 14 days. */
const drawn = async (page) => JSON.stringify(await pixels(page, 1.8, 2.2, 13));

/** Of the line of the earlier range: red, green, blue. */
const colourOf = (page) =>
    page.evaluate(() => {
        const probe = document.body.appendChild(document.createElement('i'));
        probe.style.color = 'var(--graph-grey)';
        const { color } = getComputedStyle(probe);
        probe.remove();
        return color.match(/\d+/g).slice(0, 3).map(Number);
    });

scenario(
    'a comparison is a line of its own, and imported days are hatched',
    {},
    async ({ page }) => {
        // Properties are kept for a shorter time.
        page.expectFailure(/breakdown.*dimension=prop/);
        let wanted;
        const grey = async () =>
            Object.entries(await pixels(page)).reduce((sum, [key, n]) => {
                const [alpha, ...rgb] = key.split(',').map(Number).toReversed();
                const near = rgb.toReversed().every((one, i) => Math.abs(one - wanted[i]) < 25);
                return near && alpha > 90 ? sum + n : sum;
            }, 0);
        await page.goto(`${SHOP}?${RANGE}`);
        await canvas(page).waitFor();
        wanted = await colourOf(page);
        assert.ok((await grey()) < 20);
        await page.keyboard.press('c');
        await graph(page).locator('.graph-before').waitFor();
        await becomes(async () => (await grey()) > 100, true);

        const [[first], [last]] = [IMPORTED[0], IMPORTED.at(-1)];
        const answer = await series({ from: dayAfter(first, -5), to: last });
        assert.deepEqual(
            answer.points.map(({ imported, value }) => (imported ? value : null)).slice(-5),
            IMPORTED.map(([, n]) => n),
        );
        await page.goto(`${SHOP}?from=${dayAfter(first, -5)}&to=${last}`);
        await graph(page).locator('.graph-legend .graph-imported').waitFor();
        // Another product counted by its own rules.
        const range = { from: dayAfter(first, -5), to: last, against: 'previous' };
        const compared = await stage.api('analytics/compare', { ...SITE, ...range });
        assert.equal(compared.exact, false);
        await becomes(() => figures(page), figuresOf(compared, FIGURES, 'uniqueVisitors'));
        assert.equal((await figures(page)).uniqueVisitors.value, '≈ 1,500');
        await canvas(page).focus();
        await page.keyboard.press('End');
        await becomes(async () => (await tip(page).locator('p').allTextContents())[0], 'imported');
        await page.keyboard.press('Escape');
        // The first days have nothing but gridlines; the imported ones, under a line of 100 to 500,
        // something in every part of their area.
        const empty = await pixels(page, 0, 3, 10);
        const lines = await pixels(page, 7, 9, 10);
        const blank = (kinds) => {
            const all = Object.values(kinds);
            return (kinds['0,0,0,0'] ?? 0) / all.reduce((sum, n) => sum + n, 0);
        };
        assert.ok(blank(empty) > 0.95, JSON.stringify(empty));
        assert.ok(blank(lines) < 0.7, JSON.stringify(lines));
    },
);

scenario('an interval that still runs is told to be incomplete', {}, async ({ page }) => {
    await page.goto(`${SHOP}?period=today&interval=hour&against=previous`);
    await graph(page).getByRole('button', { name: 'As a table' }).click();
    const today = await series({ period: 'today', interval: 'hour', against: 'previous' });
    const running = today.points.findIndex(({ partial }) => partial);
    assert.ok(running >= 0);
    await becomes(async () => {
        const line = (await table(page, '.graph-table tbody'))[running];
        // No change: an hour that runs says nothing beside a whole one.
        return [line.at(-1), line.at(-2)];
    }, ['incomplete', '']);
});

/* -- a part of the range ----------------------------------------------------------------------- */

scenario(
    'a mouse drawn across shows that part; Escape and the button lead back',
    {},
    async ({ page }) => {
        await page.goto(`${SHOP}?${RANGE}&metric=visits`);
        await canvas(page).waitFor();
        const whole = new URL(page.url()).search;
        const zoom = async () => {
            const from = await xOf(page, 3, 14);
            const to = await xOf(page, 8, 14);
            await page.mouse.move(from.x, from.y);
            await page.mouse.down();
            await page.mouse.move((from.x + to.x) / 2, to.y);
            await graph(page).locator('.graph-part').waitFor();
            await page.mouse.move(to.x, to.y);
            await page.mouse.up();
        };
        const part = { from: dayAfter(FROM, 3), to: dayAfter(FROM, 8), metric: 'visits' };
        for (const back of ['Escape', 'button', 'history']) {
            await zoom();
            await becomes(() => asked(page), part);
            await graph(page).getByRole('button', { name: 'Back to the whole range' }).waitFor();
            await page.mouse.move(5, 5);
            await painted(page);
            if (back === 'Escape') await page.keyboard.press('Escape');
            else if (back === 'history') await page.goBack();
            else await graph(page).getByRole('button', { name: 'Back to the whole range' }).click();
            await becomes(() => new URL(page.url()).search, whole);
            await becomes(() => graph(page).locator('.dimmed').count(), 0);
        }
    },
);

/* -- notes ------------------------------------------------------------------------------------- */

const notes = () =>
    stage
        .api('analytics/annotations', { ...SITE, from: FROM, to: TO })
        .then(({ annotations }) => annotations.filter(({ date }) => date === dayAfter(FROM, 2)));

scenario('a note is added to a day, seen by others, and removed', {}, async ({ page }) => {
    const day = dayAfter(FROM, 2);
    const text = 'Sale <b>begins</b>';
    await page.goto(`${SHOP}?${RANGE}`);
    await canvas(page).focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
    const before = await drawn(page);
    await tip(page).getByRole('button', { name: 'Add a note' }).click();
    const sheet = page.getByRole('dialog', { name: 'Note on a day' });
    await becomes(() => sheet.getByLabel('Day').inputValue(), day);
    const box = sheet.getByRole('textbox', { name: 'Note' });
    await box.waitFor();
    await painted(page);
    await box.fill('x'.repeat(81));
    await sheet.getByText('1 character too many').waitFor();
    assert.ok(await sheet.getByRole('button', { name: 'Save' }).isDisabled());
    await box.fill(text);
    await sheet.getByText(`${80 - text.length} characters left`).waitFor();
    await page.keyboard.press('Enter');
    await sheet.waitFor({ state: 'detached' });
    assert.deepEqual(await notes(), [{ date: day, text }]);
    await canvas(page).focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
    await tip(page).getByText(text, { exact: true }).waitFor();
    await becomes(async () => (await drawn(page)) !== before, true);

    // Whoever only reads the site reads the note, and is offered no way to write one.
    const viewer = await stage.newPage({ as: 'viewer' });
    await viewer.goto(`${SHOP}?${RANGE}`);
    await canvas(viewer).focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await viewer.keyboard.press(key);
    await tip(viewer).getByText(text, { exact: true }).waitFor();
    assert.equal(await viewer.getByRole('button', { name: 'Add a note' }).count(), 0);
    await viewer.goto(`${SHOP}?${RANGE}&sheet=note:${day}`);
    await viewer.getByRole('dialog').getByText(text, { exact: true }).waitFor();
    assert.equal(await viewer.getByRole('textbox', { name: 'Note', exact: true }).count(), 0);
    assert.equal(await viewer.getByRole('button', { name: 'Save' }).count(), 0);
    assert.deepEqual(viewer.problems, []);
    await viewer.context().close();

    await page.goto(`${SHOP}?${RANGE}&sheet=note:${day}`);
    await becomes(() => box.inputValue(), text);
    await sheet.getByRole('button', { name: 'Remove' }).click();
    await sheet.waitFor({ state: 'detached' });
    assert.deepEqual(await notes(), []);
    await becomes(() => drawn(page), before);
});
