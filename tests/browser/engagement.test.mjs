// How long and how far a page was seen, and pages in tabs that nobody looks at.
//
// Tab gives tabs that are really hidden. Where seconds are to be exact the page's clock is
// Playwright's, and hiding is a visibilityState of our own with the browser's event.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { missing, scenarios, Stage, Tab, told, until, VIEW } from '../lib/browsing.mjs';

const SITES = ['seconds', 'depth', 'short', 'background', 'unseen', 'behind', 'closed'];

let stage;
before(async () => {
    if (missing) return;
    stage = await Stage.start(Object.fromEntries(SITES.map((site) => [site, []])));
});
after(() => stage?.close());

const scenario = scenarios(() => stage);

const turn = (page, state) =>
    page.evaluate(`Object.defineProperty(document, 'visibilityState',
            { value: '${state}', configurable: true });
        Object.defineProperty(document, 'hidden',
            { value: ${state === 'hidden'}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`);

/** What hiding the page now sends: the engagement, or nothing. */
async function hide({ page, site, front }) {
    const before = front.events(site).length;
    await turn(page, 'hidden');
    await stage.fence(page);
    return front.events(site).slice(before);
}

/** Load a page and let its clock stand still; what was seen until then is sent. */
async function stand(visit) {
    const { page, site } = visit;
    await page.goto(stage.url(site, '/one'));
    await page.clock.pauseAt(Date.now() + 3_600_000);
    const [first] = await hide(visit);
    return first.seconds;
}

scenario(
    'seconds are counted while the page is visible, to the thousandth',
    { site: 'seconds', clock: true },
    async (visit) => {
        const { page, site } = visit;
        stage.show(site);
        const first = await stand(visit);
        const seen = async (ms) => {
            await turn(page, 'visible');
            await page.clock.runFor(ms);
            const [sent] = await hide(visit);
            await page.clock.runFor(60_000);
            return sent && Number(sent.seconds.toFixed(3));
        };
        assert.equal(await seen(5000), 5);
        assert.equal(await seen(2250), 2.25);
        // Less than a second is not worth a request; it is told with the next one.
        assert.equal(await seen(600), undefined);
        assert.equal(await seen(600), 1.2);
        await stage.leave(page, site);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
        assert.ok(Math.abs(pages['/one'].timeOnPage - (first + 8.45)) < 0.002);
    },
);

scenario(
    'the deepest point counts, in percent of the page, and is sent when it is deeper',
    { site: 'depth', clock: true },
    async (visit) => {
        const { page, site } = visit;
        stage.show(site);
        await stand(visit);
        const at = async (windows) => {
            await turn(page, 'visible');
            await page.evaluate(`new Promise((done) => {
                addEventListener('scroll', () => done(), { once: true });
                scrollTo(0, ${windows * VIEW.height});
            })`);
            const [sent] = await hide(visit);
            return sent?.scroll;
        };
        assert.equal(await at(1), 50);
        assert.equal(await at(0), undefined);
        assert.equal(await at(3), 100);
        assert.equal(await at(1), undefined);
        const { pages } = await stage.numbers(site);
        assert.equal(pages['/one'].scrollDepth, 100);
    },
);

scenario('a page that fits the window is seen whole', { site: 'short' }, async (visit) => {
    const { page, site, front } = visit;
    stage.show(site, { body: '<p>Short</p>' });
    await page.goto(stage.url(site, '/one'));
    await stage.leave(page, site);
    const [, left] = front.events(site);
    assert.equal(left.scroll, 100);
    assert.ok(left.seconds > 0);
    const { pages } = await stage.numbers(site);
    assert.equal(pages['/one'].scrollDepth, 100);
});

/** A visible tab, and one behind it. */
async function twoTabs(site, { path = '/behind' } = {}) {
    const front = await Tab.open(stage.browser, stage.url(site, '/away'));
    const behind = await Tab.open(stage.browser, stage.url(site, path), {
        beside: front,
        background: true,
    });
    await until(async () => (await behind.evaluate('document.readyState')) === 'complete', 'load');
    assert.equal(await behind.evaluate('document.visibilityState'), 'hidden');
    return { front, behind };
}

const becomes = (tab, state) =>
    until(async () => (await tab.evaluate('document.visibilityState')) === state, state);

/** Without it whoever looks for a second, as a slow machine does, is told again. */
const NO_TIME_PASSES = '<script>performance.now = () => 1000</script>';

scenario(
    'a tab in the background is counted when it is first shown, once',
    { site: 'background' },
    async ({ site, front }) => {
        stage.show(site, { head: NO_TIME_PASSES });
        const tabs = await twoTabs(site);
        await stage.fence(tabs.behind);
        assert.deepEqual(front.events(site), []);
        for (const n of [1, 2]) {
            await tabs.behind.show();
            await becomes(tabs.behind, 'visible');
            await tabs.front.show();
            await becomes(tabs.behind, 'hidden');
            if (n === 1) await stage.sent(site, 2);
        }
        await tabs.behind.leave(stage, site);
        assert.deepEqual(told(front.events(site)), ['pageview /behind', 'engagement /behind']);
        const { totals } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
        await tabs.behind.leavesNothing();
    },
);

scenario(
    'a tab that is closed unseen is no page view, but what it tracks is sent at once',
    { site: 'unseen' },
    async ({ site, front }) => {
        stage.show(site);
        const tabs = await twoTabs(site);
        assert.equal(await tabs.behind.evaluate("analytics.track('my.own')"), true);
        assert.deepEqual(told(front.events(site)), ['my.own /behind']);
        await tabs.behind.close();
        await stage.fence(tabs.front);
        assert.deepEqual(told(front.events(site)), ['my.own /behind']);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 0, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual(pages, {});
        await tabs.front.leavesNothing();
    },
);

scenario(
    'the time behind another tab is not counted',
    { site: 'behind' },
    async ({ site, front }) => {
        stage.show(site);
        const tabs = await twoTabs(site, { path: '/one' });
        const began = Date.now();
        await tabs.behind.show();
        await becomes(tabs.behind, 'visible');
        await stage.sent(site, 1);
        await tabs.front.show();
        await stage.sent(site, 2);
        const hidden = Date.now();
        await until(() => Date.now() - hidden > 1500, 'time to pass');
        const shown = Date.now();
        await tabs.behind.show();
        await becomes(tabs.behind, 'visible');
        await tabs.behind.evaluate('scrollTo(0, document.body.scrollHeight)');
        await until(() => tabs.behind.evaluate('scrollY > 0'), 'the way down');
        await tabs.front.show();
        const events = await stage.sent(site, 3);
        const most = (hidden - began + (Date.now() - shown)) / 1000;
        const seconds = events.slice(1).reduce((sum, one) => sum + one.seconds, 0);
        assert.deepEqual(told(events), ['pageview /one', 'engagement /one', 'engagement /one']);
        assert.ok(seconds > 0 && seconds < most, `${seconds} s, at most ${most} s`);
        assert.equal(events[2].scroll, 100);
        const { pages } = await stage.numbers(site);
        assert.ok(Math.abs(pages['/one'].timeOnPage - seconds) < 0.002);
        assert.equal(pages['/one'].scrollDepth, 100);
        assert.equal(front.events(site).length, 3);
        await tabs.behind.leavesNothing();
    },
);

scenario('closing the tab is leaving the page', { site: 'closed' }, async ({ site }) => {
    stage.show(site);
    const tabs = await twoTabs(site, { path: '/one' });
    await tabs.behind.show();
    await stage.sent(site, 1);
    await tabs.behind.close();
    const events = await stage.sent(site, 2);
    assert.deepEqual(told(events), ['pageview /one', 'engagement /one']);
    const { totals, pages } = await stage.numbers(site);
    assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
    assert.ok(pages['/one'].timeOnPage > 0);
    await tabs.front.leavesNothing();
});
