// The basic path in another engine: Debian's Firefox against the real server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
    GPC,
    missingFor,
    openContext,
    REFUSAL,
    scenarios,
    Stage,
    told,
    traces,
} from '../lib/browsing.mjs';
import { FIREFOX, launchFirefox, UNDRIVEN } from '../lib/firefox.mjs';

const missing = missingFor(FIREFOX);

let stage;
before(async () => {
    if (missing) return;
    const sites = ['path', 'refusal', 'driven', 'gpc', 'bad'];
    const all = Object.fromEntries(sites.map((site) => [site, []]));
    stage = await Stage.start(all, { launch: launchFirefox });
});
after(() => stage?.close());

const scenario = scenarios(() => stage, missing);
const BACK = `new Promise((done) => {
    addEventListener('popstate', () => done(true), { once: true });
    history.back();
})`;

scenario(
    'load, pushState, back, and leave are counted exactly',
    { site: 'path', init: UNDRIVEN },
    async ({ site, page, front }) => {
        stage.show(site);
        await page.goto(stage.url(site, '/one'));
        await stage.sent(site, 1);
        await page.evaluate("history.pushState(null, '', '/two')");
        await page.evaluate("history.replaceState(null, '', '/two?q=1')");
        await page.evaluate(BACK);
        await stage.leave(page, site);
        const events = front.events(site);
        assert.deepEqual(told(events), [
            ...['pageview /one', 'engagement /one', 'pageview /two'],
            ...['engagement /two', 'pageview /one', 'engagement /one'],
        ]);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 3, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual([pages['/one'].pageviews, pages['/two'].pageviews], [2, 1]);
        assert.equal(pages['/one'].scrollDepth, 25);
        const seconds = [1, 3, 5].map((n) => events[n].seconds);
        assert.ok(seconds.every((one) => one > 0));
        assert.ok(Math.abs(pages['/two'].timeOnPage - seconds[1]) < 0.002);
        assert.ok(Math.abs(pages['/one'].timeOnPage - seconds[0] - seconds[2]) < 0.002);
        const { received, stored } = await stage.ledger(site);
        assert.deepEqual([received, stored], [6, 6]);
    },
);

scenario(
    'after optOut() nothing more is sent, and optIn() counts again',
    { site: 'refusal', init: UNDRIVEN },
    async ({ site, page, front }) => {
        stage.show(site);
        await page.goto(stage.url(site, '/one'));
        assert.equal(await page.evaluate("analytics.track('my.own')"), true);
        await page.evaluate('analytics.optOut()');
        assert.deepEqual(await page.evaluate('Object.keys(localStorage)'), [REFUSAL]);
        await page.evaluate("history.pushState(null, '', '/two')");
        assert.equal(await page.evaluate("analytics.track('my.own')"), false);
        await stage.leave(page, site);
        await page.goto(stage.url(site, '/one'));
        assert.equal(await page.evaluate('analytics.isOptedOut()'), true);
        await stage.leave(page, site);
        assert.deepEqual(told(front.events(site)), ['pageview /one', 'my.own /one']);
        await page.goto(stage.url(site, '/one'));
        await page.evaluate('analytics.optIn()');
        assert.equal(await page.evaluate("analytics.track('my.own')"), true);
        assert.deepEqual(await page.evaluate('Object.keys(localStorage)'), []);
        await stage.leave(page, site);
        const { totals } = await stage.numbers(site);
        assert.deepEqual([totals.visits, totals.visitors, totals.bounceRate], [1, 1, 0]);
    },
);

scenario(
    'with Global Privacy Control nothing is sent',
    {
        site: 'gpc',
        init: `${UNDRIVEN}; ${GPC}`,
    },
    async ({ site, page, front }) => {
        stage.show(site);
        await page.goto(stage.url(site, '/one'));
        assert.equal(await page.evaluate("analytics.track('my.own')"), false);
        await stage.leave(page, site);
        assert.deepEqual(front.events(site), []);
    },
);

scenario(
    'driven by a program, as it is here, it sends nothing',
    { site: 'driven' },
    async ({ site, page, front }) => {
        stage.show(site);
        await page.goto(stage.url(site, '/one'));
        assert.equal(await page.evaluate('navigator.webdriver'), true);
        assert.equal(await page.evaluate("analytics.track('my.own')"), false);
        await stage.leave(page, site);
        assert.deepEqual(front.events(site), []);
    },
);

test('what must not be left behind is seen where it is', { skip: missing }, async () => {
    const site = 'bad';
    stage.show(site);
    const context = await openContext(stage, { init: UNDRIVEN });
    try {
        const page = await context.newPage();
        await page.goto(stage.url(site, '/one'));
        await page.evaluate(`(async () => {
            document.cookie = 'a=1';
            localStorage.setItem('b', '1');
            sessionStorage.setItem('c', '1');
            await new Promise((resolve) => (indexedDB.open('d').onsuccess = resolve));
            await caches.open('e');
            await fetch('http://third.example/pixel').catch(() => 0);
            await fetch('${stage.front.url}/api/analytics/track',
                { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
            console.error('f');
            return true;
        })()`);
        const left = await traces(stage, context);
        assert.deepEqual(left.cookies, ['a']);
        assert.deepEqual(left.stored, [
            ...['cookie a=1', 'localStorage b', 'sessionStorage c', 'indexedDB d', 'caches e'],
        ]);
        assert.ok(left.thirdParties.includes('third.example'));
        assert.deepEqual(left.leaks, ['OPTIONS /api/analytics/track']);
        assert.ok(left.problems.includes('f'));
    } finally {
        await context.close();
    }
});

test('the dashboard is dark where that is chosen', { skip: missing }, async () => {
    const { text } = await stage.server.get('/admin/sites');
    const [, style] = /rel="stylesheet" href="([^"]+)"/.exec(text);
    const context = await openContext(stage);
    try {
        const page = await context.newPage();
        // A page without a script, which would ask who is there.
        await page.goto(`${stage.server.url}/share/none`);
        const grounds = await page.evaluate(`(async () => {
            const link = document.querySelector('link[rel=stylesheet]');
            await new Promise((done) => {
                link.onload = done;
                link.href = '${style}';
            });
            return ['light', 'dark'].map((theme) => {
                document.documentElement.dataset.theme = theme;
                return getComputedStyle(document.body).backgroundColor;
            });
        })()`);
        assert.deepEqual(grounds, ['rgb(246, 245, 241)', 'rgb(18, 22, 28)']);
    } finally {
        await context.close();
    }
});
