// The demo page in a real browser: it counts itself, and leaves nothing on the device.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Installation } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';

const CHROMIUM = process.env.ABACUS_CHROMIUM ?? '/usr/bin/chromium';
const playwright = await import('playwright-core').catch(() => null);
const missing =
    playwright === null
        ? 'playwright-core is not installed'
        : existsSync(CHROMIUM)
          ? false
          : `${CHROMIUM} is missing`;
const options = { skip: missing };

const abacus = new Installation();
let server;
let browser;
let token;
let home;

before(async () => {
    if (missing) return;
    await abacus.site('demo', 'demo', { domain: 'localhost' });
    token = await abacus.token('stats:read', { tenant: 'demo' });
    server = await abacus.serve(['--demo-site', 'demo']);
    home = `http://localhost:${server.port}/demo`;
    browser = await playwright.chromium.launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox'],
    });
});

after(async () => {
    await browser?.close();
    await server?.stop();
});

/** A page in a browser profile of its own; what it sends to /track is collected in page.sent. */
async function open({ url = home, script } = {}) {
    // What runs without a screen says so, and is a robot.
    const context = await browser.newContext({ userAgent: BROWSER });
    const page = await context.newPage();
    page.sent = [];
    page.problems = [];
    page.on('response', (response) => {
        if (response.url().endsWith('/api/analytics/track')) page.sent.push(response.status());
        if (response.headers()['set-cookie'] !== undefined)
            page.problems.push(`a cookie from ${response.url()}`);
    });
    page.on('pageerror', (error) => page.problems.push(String(error)));
    page.on(
        'console',
        (message) => message.type() === 'error' && page.problems.push(message.text()),
    );
    if (script) await page.addInitScript(script);
    await page.goto(url);
    return page;
}

async function answered(page, count) {
    await server.until(
        () => page.sent.length >= count,
        `${count} events to be answered, of ${page.sent}`,
    );
    assert.deepEqual(page.sent, Array(count).fill(202));
}

async function change(what) {
    await abacus.aggregate();
    const before = await server.stats(token, 'demo');
    await what();
    await abacus.aggregate();
    const now = await server.stats(token, 'demo');
    return Object.fromEntries(
        Object.keys(now)
            .filter((name) => typeof now[name] === 'number')
            .map((name) => [name, now[name] - before[name]]),
    );
}

test('open it, click twice: 3 pageviews, 1 visitor, 1 visit', options, async () => {
    const page = await open();
    await answered(page, 1);
    await page.click('nav >> text=Pricing');
    await page.waitForURL('**/demo/pricing');
    await answered(page, 2);
    await page.click('nav >> text=About');
    await page.waitForURL('**/demo/about');
    await answered(page, 3);
    await abacus.aggregate();
    const { pageviews, uniqueVisitors, visits } = await server.stats(token, 'demo');
    assert.deepEqual(
        { pageviews, uniqueVisitors, visits },
        { pageviews: 3, uniqueVisitors: 1, visits: 1 },
    );
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('nothing is left on the device', options, async () => {
    const page = await open();
    await answered(page, 1);
    assert.deepEqual(await page.context().cookies(), []);
    const kept = await page.evaluate(async () => ({
        cookie: document.cookie,
        local: localStorage.length,
        session: sessionStorage.length,
        databases: (await indexedDB.databases()).length,
        caches: 'caches' in self ? (await caches.keys()).length : 0,
        workers: (await navigator.serviceWorker.getRegistrations()).length,
        name: window.name,
    }));
    assert.deepEqual(kept, {
        cookie: '',
        local: 0,
        session: 0,
        databases: 0,
        caches: 0,
        workers: 0,
        name: '',
    });
    await page.context().close();
});

test(
    'in a single-page site a new path counts, and neither the same path, a query, nor a hash does',
    options,
    async () => {
        const counts = await change(async () => {
            const page = await open();
            await answered(page, 1);
            const step = (code) => page.evaluate(code);
            await step("history.pushState(null, '', '/demo/two')");
            await answered(page, 2);
            await step("history.pushState(null, '', '/demo/two')");
            await step("history.replaceState(null, '', '/demo/two?q=1')");
            await step("location.hash = 'part'");
            await page.waitForTimeout(300);
            await step('history.go(-3)');
            await server.until(() => page.url() === home, 'the way back');
            await answered(page, 3);
            await page.waitForTimeout(500);
            assert.equal(page.sent.length, 3);
            assert.deepEqual(page.problems, []);
            await page.context().close();
        });
        assert.equal(counts.pageviews, 3);
    },
);

test(
    'track() sends events, and calls made before the script has loaded are not lost',
    options,
    async () => {
        const counts = await change(async () => {
            const page = await open({
                script: "window.analytics = { q: [['lead.created', { plan: 'pro' }]] };",
            });
            await answered(page, 2);
            await page.evaluate(
                "analytics.track('form.submit', { form: 'contact' }); analytics.track('ai.usage', { tokens: 950 }); analytics.track('my.own')",
            );
            await answered(page, 5);
            await page.context().close();
        });
        assert.deepEqual(
            [counts.pageviews, counts.leads, counts.forms, counts.aiTokens],
            [1, 1, 1, 950],
        );
    },
);

/** A web server of somebody else's, with a page that carries the script; returns its port. */
async function otherServer(t) {
    const html = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script>window.SITE_ID = 'demo'</script>
        <script src="http://localhost:${server.port}/public/analytics.js"></script>`;
    const other = createServer((request, response) =>
        response.setHeader('Content-Type', 'text/html').end(html),
    );
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    t.after(() => other.closeAllConnections?.());
    t.after(() => other.close());
    return other.address().port;
}

test('a page of another origin counts where the site allows it', options, async (t) => {
    const port = await otherServer(t);
    const counts = await change(async () => {
        const page = await open({ url: `http://shop.localhost:${port}/` });
        await answered(page, 1);
        await page.goto(`http://127.0.0.1:${port}/`);
        await server.until(() => page.sent.length === 2, 'the answer to the second origin');
        assert.deepEqual(page.sent, [202, 403]);
        await page.context().close();
    });
    assert.equal(counts.pageviews, 1);
});

test('with Global Privacy Control nothing is sent', options, async () => {
    const page = await open({
        script: "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { value: true })",
    });
    await page.waitForTimeout(1000);
    assert.deepEqual(page.sent, []);
    await page.context().close();
});
