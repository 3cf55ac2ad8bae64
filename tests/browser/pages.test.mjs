// Which pages are counted, in a real browser against the real server: what left the browser, in
// order, and what stats and breakdown make of it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before } from 'node:test';
import {
    launchChromium,
    missing,
    scenarios,
    Stage,
    Tab,
    TALL,
    told,
    until,
} from '../lib/browsing.mjs';

const SITES = {
    probe: [],
    cached: [],
    prerender: [],
    hash: [],
    'no-hash': [],
    driven: [],
    cypress: [],
    twice: [],
    inserted: [],
    pinned: [],
    plain: ['domain=plain.test'],
    bare: [],
    screen: [],
};

let stage;
before(async () => {
    if (missing) return;
    // A name that is not the loopback's: its pages are no secure context.
    const alone = ['--host-resolver-rules=MAP *.test 127.0.0.1', '--proxy-bypass-list=*.test'];
    stage = await Stage.start(SITES, { launch: (self) => launchChromium(self, alone) });
});
after(() => stage?.close());

const scenario = scenarios(() => stage);
const POPPED = `new Promise((done) => addEventListener('popstate', () => done(), { once: true }))`;

/** What each of the steps has sent. */
async function sends({ page, site, front }, code) {
    const before = front.events(site).length;
    await page.evaluate(code);
    await stage.fence(page);
    return told(front.events(site).slice(before));
}

/** The seconds that were sent for a page, as breakdown shows them of one visit. */
const secondsOf = (events, path) =>
    events
        .filter((one) => one.event === 'engagement' && one.path.split('?')[0] === path)
        .reduce((sum, { seconds }) => sum + seconds, 0);

function assertSeen(events, pages, path, scroll) {
    const seconds = secondsOf(events, path);
    assert.ok(seconds > 0, `${path}: ${seconds} s`);
    assert.ok(Math.abs(pages[path].timeOnPage - seconds) < 0.002, `${path}: ${seconds} s`);
    assert.equal(pages[path].scrollDepth, scroll);
}

scenario(
    'the single-page probe counts 1, 1, 0, 0, 0, 1, and engagement for each page that was left',
    { site: 'probe' },
    async (visit) => {
        const { site, page, front } = visit;
        stage.show(site);
        await page.goto(stage.url(site, '/one'));
        await stage.sent(site, 1);
        await stage.fence(page);
        assert.deepEqual(told(front.events(site)), ['pageview /one']);
        const push = "history.pushState(null, '', '/two')";
        assert.deepEqual(await sends(visit, push), ['engagement /one', 'pageview /two']);
        assert.deepEqual(await sends(visit, push), []);
        assert.deepEqual(await sends(visit, "history.replaceState(null, '', '/two?q=1')"), []);
        assert.deepEqual(await sends(visit, "location.hash = 'part'"), []);
        const back = `(() => { const popped = ${POPPED}; history.go(-3); return popped; })()`;
        assert.deepEqual(await sends(visit, back), ['engagement /two', 'pageview /one']);
        assert.equal(page.url(), stage.url(site, '/one'));
        await page.mouse.wheel(0, 720);
        await page.waitForFunction('scrollY === 720');
        await stage.leave(page, site);
        const events = front.events(site);
        assert.deepEqual(told(events).slice(5), ['engagement /one']);

        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 3, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual([pages['/one'].pageviews, pages['/two'].pageviews], [2, 1]);
        assertSeen(events, pages, '/one', 50);
        assertSeen(events, pages, '/two', 25);
        const { received, stored } = await stage.ledger(site);
        assert.deepEqual([received, stored], [6, 6]);
    },
);

scenario('what leaves is plain text without a preflight', { site: 'bare' }, async (visit) => {
    const { site, page, front, context } = visit;
    stage.show(site);
    await page.goto(stage.url(site, '/one'));
    await stage.leave(page, site);
    const posts = front.posts(site);
    assert.deepEqual(told(front.events(site)), ['pageview /one', 'engagement /one']);
    for (const { headers } of posts) {
        assert.match(headers['content-type'], /^text\/plain/);
        assert.equal(headers.origin, stage.web.origin(site));
    }
    const asked = front.requests.slice(context.since.front).map(({ method }) => method);
    assert.deepEqual([...new Set(asked)].sort(), ['GET', 'POST']);
    // Reading the size of the screen is access to the device.
    assert.ok(front.events(site).every(({ screen }) => screen == null));
});

scenario('the screen is told where the tag asks for it', { site: 'screen' }, async (visit) => {
    const { site, page } = visit;
    stage.show(site, { attributes: { 'data-screen': true } });
    await page.goto(stage.url(site, '/one'));
    const [view] = await stage.sent(site, 1);
    assert.equal(view.screen, '1280x720');
});

scenario(
    'a page that comes back from the back/forward cache is counted again',
    { site: 'cached' },
    async ({ site, front }) => {
        stage.show(site);
        const tab = await Tab.open(stage.browser, stage.url(site, '/one'));
        await stage.sent(site, 1);
        await tab.evaluate(`window.mark = 'kept';
            addEventListener('pageshow', ({ persisted }) => { window.was = { persisted }; });
            location.href = '/two'`);
        await stage.sent(site, 3);
        await until(async () => (await tab.evaluate('location.pathname')) === '/two', 'the way on');
        await tab.evaluate('history.back()');
        await stage.sent(site, 5);
        const shown = await tab.evaluate('[location.pathname, window.mark, window.was?.persisted]');
        assert.deepEqual(shown, ['/one', 'kept', true]);
        await tab.leave(stage, site);
        const events = front.events(site);
        // Two pages speak at once when one goes and the other comes.
        assert.deepEqual(told(events).sort(), [
            ...['engagement /one', 'engagement /one', 'engagement /two'],
            ...['pageview /one', 'pageview /one', 'pageview /two'],
        ]);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 3, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual([pages['/one'].pageviews, pages['/two'].pageviews], [2, 1]);
        assertSeen(events, pages, '/one', 25);
        await tab.leavesNothing();
    },
);

/** What a page asks for, and gets when the gate is opened. */
function gate() {
    const self = {};
    const opened = new Promise((resolve) => (self.open = resolve));
    self.passed = () => opened.then(() => ({ html: '' }));
    return self;
}

scenario(
    'a prerendered page is counted when it is shown, and one that never is, never',
    { site: 'prerender' },
    async ({ site, front }) => {
        const prerendering = gate();
        const going = gate();
        const rules = '{"prerender":[{"urls":["/next","/never"],"eagerness":"immediate"}]}';
        stage.show(site, {
            // The early call waits with the page.
            head: `<script>
                if (location.pathname !== '/start') window.analytics = { q: [['my.own']] };
                addEventListener('load', () =>
                    fetch('/loaded?' + location.pathname + document.prerendering));
                </script>`,
            pages: {
                '/start': `${TALL}<script>
                    fetch('/may-prerender').then(() => {
                        const script = document.createElement('script');
                        script.type = 'speculationrules';
                        script.textContent = '${rules}';
                        document.head.append(script);
                    });
                    fetch('/may-go').then(() => (location.href = '/next'));
                    </script>`,
                '/may-prerender': prerendering.passed,
                '/may-go': going.passed,
                '/loaded': { html: '' },
            },
        });
        const asked = (path) => stage.web.requests.some((one) => one.path === path);
        const tab = await Tab.open(stage.browser, stage.url(site, '/start'));
        await tab.unwatched();
        prerendering.open();
        await until(
            () => asked('/loaded?/nexttrue') && asked('/loaded?/nevertrue'),
            'the prerendering of two pages',
        );
        await stage.sent(site, 1);
        const other = await Tab.open(stage.browser, stage.url(site, '/away'));
        await stage.fence(other);
        assert.deepEqual(told(front.events(site)), ['pageview /start']);

        going.open();
        await stage.sent(site, 4);
        const activation = "performance.getEntriesByType('navigation')[0].activationStart";
        assert.ok((await tab.evaluate(activation)) > 0, 'it was activated');
        await tab.leave(stage, site);
        const events = front.events(site);
        assert.deepEqual(told(events).sort(), [
            ...['engagement /next', 'engagement /start', 'my.own /next'],
            ...['pageview /next', 'pageview /start'],
        ]);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual(Object.keys(pages).sort(), ['/next', '/start']);
        const { received, stored } = await stage.ledger(site);
        assert.deepEqual([received, stored], [5, 5], 'the server had nothing to drop');
        await tab.leavesNothing();
    },
);

/** Load '/app#/a', go to '#/b', there again, and back. */
async function routes({ site, page, front }, attributes) {
    stage.show(site, { attributes });
    await page.goto(stage.url(site, '/app#/a'));
    await page.evaluate("location.hash = '#/b'");
    await page.evaluate("history.pushState(null, '', '#/b')");
    const back = `(() => { const popped = ${POPPED}; history.go(-2); return popped; })()`;
    await page.evaluate(back);
    await stage.leave(page, site);
    const { totals, pages } = await stage.numbers(site);
    const views = Object.entries(pages).map(([path, row]) => [path, row.pageviews]);
    return { views: Object.fromEntries(views), totals, told: told(front.events(site)) };
}

scenario('with data-hash each route is a page of its own', { site: 'hash' }, async (visit) => {
    const { views, totals, told: sent } = await routes(visit, { 'data-hash': true });
    assert.deepEqual(sent, [
        ...['pageview /app#/a', 'engagement /app#/a', 'pageview /app#/b'],
        ...['engagement /app#/b', 'pageview /app#/a', 'engagement /app#/a'],
    ]);
    assert.deepEqual(views, { '/app#/a': 2, '/app#/b': 1 });
    assert.deepEqual(totals, { pageviews: 3, visits: 1, visitors: 1, bounceRate: 0 });
});

scenario('without it no hash is a page', { site: 'no-hash' }, async (visit) => {
    const { views, totals, told: sent } = await routes(visit);
    assert.deepEqual(sent, ['pageview /app', 'engagement /app']);
    assert.deepEqual(views, { '/app': 1 });
    assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
});

/** Nothing at all is sent by a page that is loaded, moved, tracked in, and left. */
async function isSilent({ site, page, front }) {
    stage.show(site);
    await page.goto(stage.url(site, '/one'));
    await page.evaluate("history.pushState(null, '', '/two')");
    assert.equal(await page.evaluate("analytics.track('my.own')"), false);
    await stage.leave(page, site);
    assert.deepEqual(front.events(site), []);
}

scenario(
    'a browser that is driven by a program sends nothing',
    {
        site: 'driven',
        init: "Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => true })",
    },
    isSilent,
);

scenario('nor does one in Cypress', { site: 'cypress', init: 'window.Cypress = {}' }, isSilent);

scenario('a script that is loaded twice counts once', { site: 'twice' }, async (visit) => {
    const { site, page, front } = visit;
    // From another address, so that it is another file to the browser.
    const src = `${stage.front.url}/public/analytics.js?again`;
    stage.show(site, { head: stage.tag(site, { src }) });
    await page.goto(stage.url(site, '/one'));
    await page.evaluate("history.pushState(null, '', '/two')");
    await stage.leave(page, site);
    assert.deepEqual(told(front.events(site)), [
        ...['pageview /one', 'engagement /one'],
        ...['pageview /two', 'engagement /two'],
    ]);
    const { totals } = await stage.numbers(site);
    assert.deepEqual(totals, { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 });
});

scenario('an inserted element is as good as a tag', { site: 'inserted' }, async (visit) => {
    const { site, page, front } = visit;
    const attributes = `Object.assign(element.dataset, { site: '${site}', screen: '' })`;
    const element = `const element = document.createElement('script');
        element.src = '${stage.front.url}/public/analytics.js'; ${attributes}`;
    const pages = {
        '/one': {
            html: `<!doctype html><script>${element};
        document.head.append(element)</script><link rel="icon" href="data:,">${TALL}`,
        },
    };
    stage.show(site, { pages });
    await page.goto(stage.url(site, '/one'));
    const [view] = await stage.sent(site, 1);
    assert.equal(view.screen, '1280x720', 'its attributes are read');
    await stage.leave(page, site);
    assert.deepEqual(told(front.events(site)), ['pageview /one', 'engagement /one']);
});

scenario('a pinned script is loaded with its integrity', { site: 'pinned' }, async (visit) => {
    const { site, page } = visit;
    const { text } = await stage.server.fetch('/public/analytics.js');
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const integrity = `sha384-${createHash('sha384').update(text).digest('base64')}`;
    const src = `${stage.front.url}/public/analytics.${hash}.js`;
    stage.show(site, { attributes: { src, integrity, crossorigin: 'anonymous' } });
    await page.goto(stage.url(site, '/one'));
    assert.deepEqual(told(await stage.sent(site, 1)), ['pageview /one']);
});

scenario('a page without TLS is counted as well', { site: 'plain' }, async (visit) => {
    const { site, page, front } = visit;
    stage.show(site);
    const url = `http://plain.test:${stage.web.port}`;
    await page.goto(`${url}/one`);
    assert.equal(await page.evaluate('isSecureContext'), false);
    await page.goto(`${url}/away`);
    await stage.fence(page);
    assert.deepEqual(told(front.events(site)), ['pageview /one', 'engagement /one']);
    const { totals } = await stage.numbers(site);
    assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
});
