// Who does not want to be counted is not: the switch of a site, its storage, and what browsers say
// by themselves (Global Privacy Control, Do Not Track).

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { GPC, missing, openContext, REFUSAL, scenarios, Stage, told } from '../lib/browsing.mjs';

const SITES = {
    after: [],
    before: [],
    retry: [],
    offline: [],
    tabs: [],
    again: [],
    meanwhile: [],
    never: [],
    stayed: [],
    'storage-throws': [],
    'storage-null': [],
    'storage-full': [],
    framed: [],
    gpc: [],
    'gpc-header': [],
    dnt: [],
    'dnt-kept': ['respectDnt=true'],
    'dnt-counted': [],
    one: [],
    two: [],
};
const FAILED = /Failed to load resource/;

let stage;
before(async () => {
    if (missing) return;
    stage = await Stage.start(SITES);
});
after(() => stage?.close());

const scenario = scenarios(() => stage);
const load = async ({ page, site }, path = '/one') => {
    stage.show(site);
    await page.goto(stage.url(site, path));
};
const push = (page, path) => page.evaluate(`history.pushState(null, '', '${path}')`);
const kept = (page) => page.evaluate('Object.keys(localStorage)');

/** Whatever a page may do, nothing more than `count` events is sent. */
async function staysSilent({ page, site, front }, count) {
    await push(page, '/silent');
    assert.equal(await page.evaluate("analytics.track('my.own')"), false);
    await page.evaluate('scrollTo(0, 2000)');
    await stage.leave(page, site);
    assert.equal(front.events(site).length, count, told(front.events(site)).join());
}

scenario(
    'after optOut() nothing more is sent, also not on leaving',
    { site: 'after' },
    async (visit) => {
        const { page, site, front } = visit;
        await load(visit);
        await push(page, '/two');
        await stage.sent(site, 3);
        assert.equal(await page.evaluate('analytics.isOptedOut()'), false);
        await page.evaluate('analytics.optOut()');
        assert.equal(await page.evaluate('analytics.isOptedOut()'), true);
        await staysSilent(visit, 3);
        assert.deepEqual(await kept(page), [REFUSAL], 'the one thing that is kept');
        assert.deepEqual(told(front.events(site)), [
            ...['pageview /one', 'engagement /one', 'pageview /two'],
        ]);
        const { totals } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 });
    },
);

scenario('who has refused before sends nothing at all', { site: 'before' }, async (visit) => {
    const { page, site, front, context } = visit;
    await load(visit);
    await stage.sent(site, 1);
    await page.evaluate('analytics.optOut()');
    const storageState = await context.storageState();
    await stage.leave(page, site);
    const next = await openContext(stage, { storageState });
    try {
        const later = await next.newPage();
        await later.goto(stage.url(site, '/one'));
        assert.equal(await later.evaluate('analytics.isOptedOut()'), true);
        await staysSilent({ page: later, site, front }, 1);
        // The page is loaded anew.
        await later.goto(stage.url(site, '/two'));
        await staysSilent({ page: later, site, front }, 1);
        const { totals } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
    } finally {
        await next.close();
    }
});

scenario(
    'a repeat that waits is not sent after optOut()',
    { site: 'retry', clock: true, grumbles: FAILED },
    async (visit) => {
        const { page, site, front } = visit;
        await load(visit);
        await stage.sent(site, 1);
        front.does = 503;
        // That of the page view may still be on its way.
        const failed = page.waitForEvent('response', (one) => one.status() === 503);
        await page.evaluate("window.said = analytics.track('my.own'); true");
        await failed;
        await page.evaluate('analytics.optOut()');
        front.does = 'pass';
        // The page has its answer, and waits.
        await stage.fence(page);
        await page.clock.fastForward(60_000);
        await stage.fence(page);
        assert.equal(await page.evaluate('window.said'), false);
        assert.deepEqual(told(front.events(site)), ['pageview /one', 'my.own /one']);
        const { stored } = await stage.numbers(site).then(() => stage.ledger(site));
        assert.equal(stored, 1);
    },
);

scenario('nor is what waits to be online', { site: 'offline', grumbles: FAILED }, async (visit) => {
    const { page, site, front, context } = visit;
    await load(visit);
    await stage.sent(site, 1);
    await stage.fence(page);
    await context.setOffline(true);
    const failed = page.waitForEvent('requestfailed');
    await page.evaluate("window.said = analytics.track('my.own'); true");
    await failed;
    await page.evaluate('analytics.optOut()');
    await context.setOffline(false);
    await stage.fence(page);
    assert.equal(await page.evaluate('window.said'), false);
    assert.deepEqual(told(front.events(site)), ['pageview /one']);
});

scenario('another open tab of the site is silent, too', { site: 'tabs' }, async (visit) => {
    const { page, site, front, context } = visit;
    await load(visit);
    const other = await context.newPage();
    await other.goto(stage.url(site, '/one'));
    await stage.sent(site, 2);
    await other.evaluate('analytics.optOut()');
    assert.equal(await page.evaluate('analytics.isOptedOut()'), true);
    await staysSilent({ page, site, front }, 2);
    await staysSilent({ page: other, site, front }, 2);
});

scenario('optIn() counts again, and keeps nothing', { site: 'again' }, async (visit) => {
    const { page, site, front } = visit;
    await load(visit);
    await stage.sent(site, 1);
    await page.evaluate('analytics.optOut()');
    await push(page, '/two');
    await page.evaluate('analytics.optIn()');
    assert.deepEqual(await kept(page), []);
    assert.equal(await page.evaluate('analytics.isOptedOut()'), false);
    assert.equal(await page.evaluate("analytics.track('my.own')"), true);
    await push(page, '/three');
    await stage.fence(page);
    const names = told(front.events(site).filter(({ event }) => event !== 'engagement'));
    assert.deepEqual(names, ['pageview /one', 'my.own /two', 'pageview /three']);
    const { totals } = await stage.numbers(site);
    assert.deepEqual(totals, { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 });
});

scenario('optIn() of who never refused changes nothing', { site: 'never' }, async (visit) => {
    const { page, site, front } = visit;
    await load(visit);
    await stage.sent(site, 1);
    await page.evaluate('analytics.optIn()');
    await stage.leave(page, site);
    assert.deepEqual(told(front.events(site)), ['pageview /one', 'engagement /one']);
});

scenario('what was seen while refusing is not told later', { site: 'meanwhile' }, async (visit) => {
    const { page, site, front } = visit;
    await load(visit);
    await stage.sent(site, 1);
    // As another tab does it.
    await page.evaluate("localStorage.setItem('analytics-opt-out', '1')");
    await push(page, '/secret');
    await page.evaluate("localStorage.removeItem('analytics-opt-out')");
    await push(page, '/three');
    await stage.fence(page);
    const events = front.events(site);
    const names = told(events.filter(({ event }) => event === 'pageview'));
    assert.deepEqual(names, ['pageview /one', 'pageview /three']);
    assert.doesNotMatch(JSON.stringify(events), /secret/);
});

scenario(
    'nor is it where the visitor stays on the page meanwhile',
    { site: 'stayed', clock: true },
    async (visit) => {
        const { page, site, front } = visit;
        await load(visit);
        await stage.sent(site, 1);
        await page.evaluate('analytics.optOut()');
        await page.clock.runFor(600_000);
        await page.evaluate(`new Promise((done) => {
            addEventListener('scroll', () => done(), { once: true });
            scrollTo(0, document.body.scrollHeight);
        })`);
        await page.evaluate('analytics.optIn()');
        await push(page, '/two');
        await page.clock.runFor(5000);
        await push(page, '/three');
        await stage.fence(page);
        const events = front.events(site);
        const names = told(events.filter(({ event }) => event === 'pageview'));
        assert.deepEqual(names, ['pageview /one', 'pageview /two', 'pageview /three']);
        const seen = events.filter(({ event }) => event === 'engagement');
        assert.deepEqual(told(seen), ['engagement /two']);
        assert.ok(seen[0].seconds >= 5 && seen[0].seconds < 60, `${seen[0].seconds} s`);
    },
);

// Storage as browsers deny it: blocked, switched off, and without room.
const STORAGE = {
    throws: `Object.defineProperty(window, 'localStorage',
        { get() { throw new DOMException('blocked', 'SecurityError'); } })`,
    null: "Object.defineProperty(window, 'localStorage', { value: null })",
    full: `Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }`,
};
for (const [kind, init] of Object.entries(STORAGE))
    scenario(
        `where storage is denied (${kind}) visits count, and a refusal holds for the page`,
        { site: `storage-${kind}`, init: `if (location.pathname !== '/away') { ${init} }` },
        async (visit) => {
            const { page, site } = visit;
            await load(visit);
            await stage.sent(site, 1);
            assert.equal(await page.evaluate('analytics.isOptedOut()'), false);
            assert.equal(await page.evaluate("analytics.track('my.own')"), true);
            await page.evaluate('analytics.optOut()');
            assert.equal(await page.evaluate('analytics.isOptedOut()'), true);
            await staysSilent(visit, 2);
            const { totals } = await stage.numbers(site);
            assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 0 });
        },
    );

scenario(
    'a frame that may keep nothing, by the browser itself, lets a refusal hold as well',
    // Its origin is none of the site's: what it sends is refused.
    { site: 'framed', grumbles: FAILED },
    async (visit) => {
        const { page, site, front } = visit;
        const pages = {
            '/outer': { html: '<iframe sandbox="allow-scripts" src="/inner"></iframe>' },
        };
        stage.show(site, { pages });
        await page.goto(stage.url(site, '/outer'));
        await stage.sent(site, 1);
        const frame = page.frames()[1];
        const storage = frame.evaluate('localStorage.length');
        await assert.rejects(storage, /SecurityError|denied/);
        assert.equal(await frame.evaluate("analytics.track('my.own')"), false);
        assert.equal(front.events(site).length, 2);
        await frame.evaluate('analytics.optOut()');
        assert.equal(await frame.evaluate('analytics.isOptedOut()'), true);
        await push(frame, '/silent').catch(() => {});
        assert.equal(await frame.evaluate("analytics.track('my.own')"), false);
        await stage.leave(page, site);
        assert.equal(front.events(site).length, 2);
        assert.deepEqual(new Set(front.posts(site).map(({ status }) => status)), new Set([403]));
    },
);

const DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })";

scenario(
    'with Global Privacy Control nothing is sent',
    { site: 'gpc', init: GPC, extraHTTPHeaders: { 'Sec-GPC': '1' } },
    async (visit) => {
        await load(visit);
        await staysSilent(visit, 0);
        const asked = visit.front.requests.filter(({ headers }) => headers['sec-gpc'] === '1');
        assert.ok(asked.length > 0, 'the browser says so to the server, too');
    },
);

/** Load, and go to another page (Playwright adds no headers to what a page sends while it is
 *  left); what the ledger says then. */
async function visited({ page, site, front }) {
    stage.show(site);
    await page.goto(stage.url(site, '/one'));
    await push(page, '/two');
    await stage.fence(page);
    assert.equal(front.events(site).length, 3);
    const { totals } = await stage.numbers(site);
    return { views: totals.pageviews, dropped: (await stage.ledger(site)).dropped };
}

scenario(
    'a browser that says it only by the header is left out by the server',
    { site: 'gpc-header', extraHTTPHeaders: { 'Sec-GPC': '1' } },
    async (visit) => assert.deepEqual(await visited(visit), { views: 0, dropped: { gpc: 3 } }),
);

const asksNotToBeTracked = { init: DNT, extraHTTPHeaders: { DNT: '1' } };
scenario(
    'Do Not Track sends nothing where the tag says data-dnt',
    { site: 'dnt', ...asksNotToBeTracked },
    async (visit) => {
        const { page, site } = visit;
        stage.show(site, { attributes: { 'data-dnt': true } });
        await page.goto(stage.url(site, '/one'));
        await staysSilent(visit, 0);
    },
);
scenario(
    'without it, a site that respects Do Not Track leaves it out',
    { site: 'dnt-kept', ...asksNotToBeTracked },
    async (visit) => {
        const dropped = { 'do-not-track': 3 };
        assert.deepEqual(await visited(visit), { views: 0, dropped });
    },
);
scenario(
    'and one that does not counts it',
    { site: 'dnt-counted', ...asksNotToBeTracked },
    async (visit) => assert.deepEqual(await visited(visit), { views: 2, dropped: {} }),
);

scenario('two sites on two origins are counted apart', { site: 'one' }, async (visit) => {
    const { page, front, context } = visit;
    await load(visit);
    stage.show('two');
    const other = await context.newPage();
    await other.goto(stage.url('two', '/one'));
    await stage.sent('one', 1);
    await stage.sent('two', 1);
    await page.evaluate('analytics.optOut()');
    assert.equal(await other.evaluate('analytics.isOptedOut()'), false);
    await push(other, '/two');
    await staysSilent({ page, site: 'one', front }, 1);
    await stage.leave(other, 'two');
    assert.deepEqual(told(front.events('two')), [
        ...['pageview /one', 'engagement /one'],
        ...['pageview /two', 'engagement /two'],
    ]);
    const counts = [(await stage.numbers('one')).totals, (await stage.numbers('two')).totals];
    assert.deepEqual(counts, [
        { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 },
        { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 },
    ]);
});
