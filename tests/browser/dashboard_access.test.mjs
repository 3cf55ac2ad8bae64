// That everybody can use the dashboard: axe-core finds nothing on any screen, in either language,
// light and dark, at a desk and on a telephone; all of it is reached and used by the keyboard; and
// on a telephone a finger hits what it is meant to, and nothing lies beyond the edge.
//
// The rules of axe-core are those of WCAG 2.2 AA (tests/lib/readable.mjs).

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { settled } from '../lib/browser_time.mjs';
import { dashboardScenarios, DashboardStage, NARROW, WIDE } from '../lib/dashboard_stage.mjs';
import { noAxe, seenAs, violations } from '../lib/readable.mjs';

const SHOP = '/admin/sites/demo-shop';
const FILTERS = 'filter=country:is:DE&filter=device:is:desktop';

/* Every screen, and everything that opens over the analytics. */
const SCREENS = {
    analytics: `${SHOP}/analytics`,
    'analytics, compared and filtered': `${SHOP}/analytics?against=previous&sort=change&${FILTERS}`,
    period: `${SHOP}/analytics?sheet=period&against=previous`,
    'one day against another': `${SHOP}/analytics?sheet=compare&against=year`,
    filter: `${SHOP}/analytics?sheet=filter&${FILTERS}`,
    'site switcher': `${SHOP}/analytics?sheet=site`,
    keys: `${SHOP}/analytics?sheet=keys`,
    note: `${SHOP}/analytics?sheet=note:2026-01-01`,
    details: `${SHOP}/analytics?details=page&against=previous`,
    onboarding: '/admin/sites/fresh/analytics',
    settings: `${SHOP}/settings`,
    ledger: `${SHOP}/ledger`,
    sites: '/admin/sites',
    'new site': '/admin/sites/new',
    compare: '/admin/compare?sites=demo-shop,demo-blog',
    tenant: '/admin/tenants/demo/analytics',
    people: '/admin/people',
    tokens: '/admin/tokens',
    audit: '/admin/audit',
    system: '/admin/system',
};

let stage;
before(async () => {
    if (noAxe) return;
    stage = await DashboardStage.start({
        days: 60,
        prepare: (abacus) => abacus.site('fresh', 'demo'),
    });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

/** The screen with all that it has to show. */
async function visit(page, path) {
    await page.goto(path, { waitUntil: 'load' });
    await page.locator('main :is(h1, .site)').first().waitFor();
    await page.waitForFunction(() => {
        const { sheet, details } = Object.fromEntries(new URLSearchParams(location.search));
        const open = !sheet && !details ? true : document.querySelector('dialog[open]');
        return open && !document.querySelector('[aria-busy=true], .skeleton');
    });
    // Parts of it come later, and ask for more.
    await settled(page);
}

/* -- axe-core ---------------------------------------------------------------------------------- */

const beyondTheEdge = () => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth} px wide`] : [];
};

/* An inline link stands in the line height of its sentence; a control in a cell of a table or a label
 * that belongs to it counts with it. What ::after adds is part of the target. */
const tooSmall = () => {
    const px = (text) => parseFloat(text) || 0;
    const seen = (one) => one.checkVisibility({ visibilityProperty: true });
    const sizeOf = (control) => {
        const wide = control.closest('label') ?? control;
        const box = wide.getBoundingClientRect();
        const more = getComputedStyle(control, '::after');
        const has = more.content !== 'none' && more.position === 'absolute';
        const add = (a, b) => (has ? Math.max(0, -px(a) - px(b)) : 0);
        return [box.width + add(more.left, more.right), box.height + add(more.top, more.bottom)];
    };
    const inline = (one) =>
        one.matches('a, button.link') && getComputedStyle(one).display === 'inline';
    const open = document.querySelector('dialog[open]') ?? document;
    return [
        ...open.querySelectorAll(
            'a[href], button, input, select, textarea, summary, [role=option]',
        ),
    ]
        .filter((one) => seen(one) && !inline(one) && !one.matches('.skip'))
        .map((one) => [one, sizeOf(one).map(Math.round)])
        .filter(([, [width, height]]) => width < 44 || height < 44)
        .map(([one, size]) => `${size.join(' x ')}: ${one.outerHTML.slice(0, 120)}`);
};

/* Each language is seen at both sizes, each size in both themes. */
const LOOKS = {
    'en-US': [
        ['light', WIDE],
        ['dark', NARROW],
    ],
    'de-DE': [
        ['dark', WIDE],
        ['light', NARROW],
    ],
};

/** What is wrong with the page as it is; of a kind of fault the first few. */
async function faults(page, colorScheme, size) {
    await seenAs(page, colorScheme, size);
    const found = await violations(page);
    if (size === NARROW) found.push(...(await page.evaluate(beyondTheEdge)));
    if (size === NARROW) found.push(...(await page.evaluate(tooSmall)).slice(0, 5));
    return found.map((fault) => `${colorScheme}, ${size.width} px: ${fault}`);
}

for (const [locale, looks] of Object.entries(LOOKS))
    scenario(
        `everybody can read and touch every screen (${locale})`,
        { locale },
        async ({ page }) => {
            const found = {};
            for (const [name, path] of Object.entries(SCREENS)) {
                await visit(page, path);
                for (const look of looks) {
                    const wrong = await faults(page, ...look);
                    if (wrong.length > 0) (found[name] ??= []).push(...wrong);
                }
            }
            assert.deepEqual(found, {});
        },
    );

scenario('everybody can read what a button opens', {}, async ({ page }) => {
    const found = {};
    for (const opener of ['.menu-button', '.figure .explain']) {
        await visit(page, `${SHOP}/analytics`);
        await page.locator(opener).first().click();
        await page.locator(':popover-open').waitFor();
        for (const look of Object.values(LOOKS).flat()) {
            const wrong = await faults(page, ...look);
            if (wrong.length > 0) (found[opener] ??= []).push(...wrong);
        }
    }
    assert.deepEqual(found, {});
});

/* -- by keyboard ------------------------------------------------------------------------------- */

/** What has the focus, in words, and whether that is seen. */
const focused = () => {
    const one = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    const name = one.getAttribute('aria-label') || one.textContent || one.id;
    return {
        name: name.replace(/\s+/g, ' ').trim().slice(0, 60),
        seen: one === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2),
    };
};

/** The names of all that Tab comes to, once around. */
async function tabThrough(page) {
    const names = [];
    const mark = () => {
        const before = document.activeElement.hasAttribute('data-reached');
        document.activeElement.setAttribute('data-reached', '');
        return before;
    };
    for (let presses = 0; presses < 200; presses++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(mark)) break;
        const { name, seen } = await page.evaluate(focused);
        assert.ok(seen, `the focus on ${name} is not seen`);
        names.push(name);
    }
    return names;
}

/* A tab that is not chosen is reached by arrows. */
const unreached = () =>
    [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled)
        .filter((one) => one.tabIndex >= 0 && !one.hasAttribute('data-reached'))
        .map((one) => one.outerHTML.slice(0, 100));

scenario('Tab comes to every control, and one sees where it is', {}, async ({ page }) => {
    await visit(page, `${SHOP}/analytics?against=previous&filter=country:is:DE`);
    const names = await tabThrough(page);
    assert.deepEqual(await page.evaluate(unreached), []);
    assert.equal(names[0], 'Skip to the content');
    assert.ok(names.length > 60, `${names.length} controls`);
});

/** Opens with Enter on `opener`, closes with Escape; the focus is back where it was. */
async function opensAndGivesBack(page, opener, opened) {
    await opener.focus();
    await page.keyboard.press('Enter');
    await opened.waitFor();
    const isInside = () => opened.evaluate((one) => one.contains(document.activeElement));
    if (await opened.evaluate((one) => one.matches('dialog'))) assert.ok(await isInside());
    await page.keyboard.press('Escape');
    await opened.waitFor({ state: 'hidden' });
    await page.waitForFunction(
        (one) => document.activeElement === one,
        await opener.elementHandle(),
    );
}

scenario('what opens closes by Escape, and gives the focus back', {}, async ({ page }) => {
    await visit(page, `${SHOP}/analytics`);
    const sheet = page.locator('dialog[open]');
    for (const opener of [
        '.site button',
        '.filters .add',
        '.when .more',
        '.compare',
        '.list-card footer a',
    ])
        await opensAndGivesBack(page, page.locator(opener).first(), sheet);
    const popover = page.locator(':popover-open');
    for (const opener of ['.menu-button', '.figure .explain'])
        await opensAndGivesBack(page, page.locator(opener).first(), popover);
});

scenario('arrows and Enter choose', {}, async ({ page }) => {
    await visit(page, `${SHOP}/analytics`);
    await page.getByRole('tab', { name: 'Channels' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/sources=source/);
    assert.equal((await page.evaluate(focused)).name, 'Sources');

    await page.locator('[data-card=places] .row-name').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/filter=country:is:/);

    await page.keyboard.press('s');
    const box = page.getByRole('combobox');
    await box.waitFor();
    await box.pressSequentially('blog');
    await page.getByRole('option', { name: /blog/ }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/demo-blog/);
});

/* -- on a telephone ---------------------------------------------------------------------------- */

scenario(
    'a telephone has sheets from below, and figures to be pushed',
    { narrow: true },
    async ({ page }) => {
        await visit(page, `${SHOP}/analytics`);
        const figures = await page
            .locator('.figures')
            .first()
            .evaluate((one) => {
                one.scrollLeft = 1e6;
                return [one.scrollWidth > one.clientWidth, one.scrollLeft > 0];
            });
        assert.deepEqual(figures, [true, true]);
        // Nothing waits for a pointer that hovers.
        assert.equal(
            await page
                .locator('.row-percent')
                .first()
                .evaluate((one) => getComputedStyle(one).opacity),
            '1',
        );

        for (const opener of ['.when .more', '.filters .add']) {
            await page.locator(opener).tap();
            const sheet = page.locator('dialog[open]');
            await sheet.waitFor();
            const { x, y, width, height } = await sheet.boundingBox();
            assert.deepEqual([x, width, Math.round(y + height)], [0, NARROW.width, NARROW.height]);
            await sheet.getByRole('button', { name: 'Close' }).tap();
            await sheet.waitFor({ state: 'hidden' });
        }
    },
);
