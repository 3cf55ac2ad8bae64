// What tests in a real browser stand on: one installation, one browser, and a recorder on every way
// out of it (browser_ways.mjs).
//
// A test sends nothing when a marker that its page sends later has arrived and nothing else has
// (Stage.fence): every request has a connection of its own, and a marker waits for its answer, so
// what began before it has been seen; and once more, so that the page has the answers, too.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { AROUND_NOW, Installation, query, until } from './abacus.mjs';
import { BROWSER } from './browsers.mjs';
import { storedBy } from './browser_page.mjs';
import { PATIENCE_MS, SCENARIO_MS, watchRequests } from './browser_time.mjs';
import { Front, Outside, Web } from './browser_ways.mjs';

export { until } from './abacus.mjs';
export { Tab } from './browser_page.mjs';
export { told } from './browser_ways.mjs';

export const playwright = await import('playwright-core').catch(() => null);
export const CHROMIUM = process.env.ABACUS_CHROMIUM ?? '/usr/bin/chromium';
/** Why tests with a browser at `path` cannot run; false where they can. */
export const missingFor = (path) =>
    playwright === null
        ? 'playwright-core is not installed'
        : !existsSync(path) && `${path} is missing`;
export const missing = missingFor(CHROMIUM);

export const REFUSAL = 'analytics-opt-out';
/** A script that makes a browser say so. */
export const GPC =
    "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })";
/** The window that Playwright gives a page. */
export const VIEW = { width: 1280, height: 720 };
/** As tall as four windows, so that depths are whole percents. */
export const TALL = `<div style="height:${4 * VIEW.height}px"></div>`;

const TENANT = 'tenant';

/** Where it is about noon now: no day ends while a test runs. */
function noonZone(hour = new Date().getUTCHours()) {
    const ahead = 12 - hour;
    return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

const page = (head, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>A page</title><link rel="icon" href="data:,">${head}</head>
<body style="margin:0">${body}</body></html>`;

export class Stage {
    /** `sites` names the sites and the settings of each (arguments of `site set`). The domain of
     *  SITE is SITE.localhost. */
    static async start(sites, { launch = launchChromium, serve = [] } = {}) {
        const self = new Stage();
        self.abacus = new Installation();
        for (const [id, settings] of Object.entries(sites)) {
            const more = { domain: `${id}.localhost`, timezone: noonZone() };
            await self.abacus.site(id, TENANT, more);
            if (settings.length > 0) await self.abacus.must(['site', 'set', id, ...settings]);
        }
        self.token = await self.abacus.token('stats:read', { tenant: TENANT });
        self.server = await self.abacus.serve(serve, { interval: '0' });
        [self.front, self.web, self.outside] = await Promise.all([
            Front.start(self.server),
            Web.start(),
            Outside.start(),
        ]);
        self.browser = await launch(self);
        return self;
    }

    async close() {
        await this.browser?.close();
        for (const one of [this.front, this.web, this.outside]) one?.close();
        await this.server?.stop();
    }

    url(site, path = '/') {
        return this.web.origin(site) + path;
    }

    /** The tag of one of the scripts; an attribute that is true has no value. */
    tag(site, attributes = {}, file = 'analytics.js') {
        const all = { defer: true, src: `${this.front.url}/public/${file}`, 'data-site': site };
        const text = Object.entries({ ...all, ...attributes })
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => (value === true ? name : `${name}="${value}"`));
        return `<script ${text.join(' ')}></script>`;
    }

    /** A site of pages with the script. `pages` has what differs by path: a body, {html}, or a
     *  function that gives one of these. /away has no script: what leaves for it stays on its
     *  origin. */
    show(site, { head = '', body = TALL, attributes, headers, pages = {} } = {}) {
        const tag = this.tag(site, attributes);
        const all = { '/away': { html: page('', '') }, ...pages };
        this.web.sites.set(site, async (path) => {
            const found = all[path.split('?')[0]] ?? body;
            const given = typeof found === 'function' ? await found() : found;
            const html = given.html ?? page(head + tag, given);
            return { html, headers: { ...headers, ...given.headers } };
        });
    }

    /** Wait until so many events of a site have been answered. */
    async sent(site, count) {
        const answered = () => this.front.posts(site).filter(({ isOver }) => isOver).length;
        await until(
            () => answered() >= count,
            `${count} events of ${site}`,
            PATIENCE_MS,
            () => JSON.stringify(this.front.events(site)),
        );
        return this.front.events(site);
    }

    /** After it, what `page` has begun to send has arrived at Front, and its answer in the page. */
    async fence(page) {
        const { url, port } = this.front;
        // A page that comes from Front may ask nobody else.
        const host = `(location.port === '${port}' ? '' : '${url}')`;
        const mark = (n) =>
            page.evaluate(`fetch(${host} + '/marker/${n}', { mode: 'no-cors' }).then(() => true)`);
        await mark(1);
        await mark(2);
        const isAnswered = ({ body, events, isOver }) =>
            body !== undefined && (!events || isOver === true);
        await until(() => this.front.requests.every(isAnswered), 'the answers');
        await mark(3);
    }

    /** Leave the page for one of the same origin that has no script; what leaving sends has
     *  arrived. */
    async leave(page, site) {
        await page.goto(this.url(site, '/away'));
        await this.fence(page);
    }

    /** What stats and breakdown say of a site, now that all is counted. */
    async numbers(site) {
        await this.abacus.aggregate();
        const stats = await this.server.stats(this.token, site);
        const [from, to] = AROUND_NOW;
        const ask = { siteId: site, dimension: 'page', from, to };
        const { body } = await this.server.get(query('/api/analytics/breakdown', ask), this.token);
        const { pageviews, visits, uniqueVisitors: visitors, bounceRate } = stats;
        const pages = Object.fromEntries(body.rows.map((row) => [row.value, row]));
        return { stats, totals: { pageviews, visits, visitors, bounceRate }, pages };
    }

    ledger(site) {
        return this.server.ledger(this.token, site);
    }

    isOurs(url) {
        const { hostname, port, protocol } = new URL(url);
        if (!protocol.startsWith('http')) return true;
        if (Number(port) === this.front.port) return /^(127\.0\.0\.1|localhost)$/.test(hostname);
        return Number(port) === this.web.port && /\.(localhost|test)$/.test(hostname);
    }

    /** Hosts that are neither the page's nor the analytics', as the pages of a context asked for
     *  them, and as they came to Outside, but for the browser's search for its own updates. */
    thirdParties({ urls, since }) {
        const own = /(^|[.-])(google|googleapis|mozilla)\.(com|org|net)(:443)?$/;
        const beyond = this.outside.requests.slice(since.outside).map(({ host }) => host);
        return [
            ...urls.filter((url) => !this.isOurs(url)).map((url) => new URL(url).host),
            ...beyond.filter((host) => !own.test(host)),
        ];
    }

    /** What must not be on the way to the analytics, nor back: preflights, and cookies. */
    leaks({ since }) {
        return this.front.requests
            .slice(since.front)
            .flatMap(({ method, path, headers, cookie }) => [
                ...(method === 'OPTIONS' ? [`OPTIONS ${path}`] : []),
                ...(headers.cookie === undefined ? [] : [`Cookie: ${headers.cookie}`]),
                ...(cookie === undefined ? [] : [`Set-Cookie: ${cookie}`]),
            ]);
    }
}

/** For tests that go back to a page: one that comes from the cache never loads, for which
 *  page.goBack() waits. */
export const NO_BACK_CACHE = '--disable-back-forward-cache';

/** Debian's Chromium as its user has it: with the back/forward cache unless `args` say otherwise, and
 *  not automated. */
export function launchChromium(stage, args = []) {
    return playwright.chromium.launch({
        executablePath: CHROMIUM,
        args: [
            '--no-sandbox',
            '--disable-blink-features=AutomationControlled',
            // What runs without a screen says so, and is a robot.
            `--user-agent=${BROWSER}`,
            `--proxy-server=127.0.0.1:${stage.outside.port}`,
            ...args,
        ],
        ignoreDefaultArgs: args.includes(NO_BACK_CACHE) ? [] : [NO_BACK_CACHE],
    });
}

// -- a test --------------------------------------------------------------------------------------

/** A context that keeps what its pages complain of (`context.problems`). */
export async function openContext(stage, { init, clock = false, ...options } = {}) {
    const context = await stage.browser.newContext({ viewport: VIEW, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    watchRequests(context);
    context.problems = [];
    context.urls = [];
    context.since = {
        front: stage.front.requests.length,
        outside: stage.outside.requests.length,
    };
    context.on('request', (request) => context.urls.push(request.url()));
    context.on('weberror', (one) => context.problems.push(String(one.error())));
    context.on('console', (one) => one.type() === 'error' && context.problems.push(one.text()));
    if (clock) await context.clock.install();
    if (init) await context.addInitScript(init);
    return context;
}

/** Everything that a visit must not leave behind, by name; empty lists where nothing is. */
export async function traces(stage, context) {
    const stored = [];
    for (const page of context.pages())
        if (page.url().startsWith('http')) stored.push(...(await storedBy(page)));
    const { cookies } = await context.storageState();
    return {
        cookies: cookies.map(({ name }) => name),
        stored: [...new Set(stored)].filter((one) => one !== `localStorage ${REFUSAL}`),
        thirdParties: stage.thirdParties(context),
        leaks: stage.leaks(context),
        problems: context.problems,
    };
}

export const NO_TRACES = { cookies: [], stored: [], thirdParties: [], leaks: [], problems: [] };

/** Tests of a file: scenario(name, {site, ...}, run) opens a context (options `init`, `clock` and
 *  Playwright's), calls run({stage, site, context, page, front}), and asserts that nothing is left
 *  behind. `grumbles` is what its console may say, as refused requests make it. */
export function scenarios(stageOf, skip = missing) {
    return (name, { site, grumbles, ...options }, run) =>
        test(name, { skip, timeout: SCENARIO_MS }, async () => {
            const stage = stageOf();
            const context = await openContext(stage, options);
            try {
                const page = await context.newPage();
                await run({ stage, site, context, page, front: stage.front });
                const left = await traces(stage, context);
                left.problems = left.problems.filter((one) => !grumbles?.test(one));
                assert.deepEqual(left, NO_TRACES);
            } finally {
                stage.front.does = 'pass';
                await context.close();
            }
        });
}
