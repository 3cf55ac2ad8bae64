// What tests of the dashboard stand on: a server whose tenant `demo` was filled by `abacus demo`, a
// browser, and people who are signed in.
//
//     admin    ada@example.com        manager  max@example.com       viewer   vic@example.com
//
// A page keeps what it complains of, and every request that fails; page.expectFailure() says which
// may. Nobody but the server is asked. A picture of the page is kept where a scenario fails.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bearer, Installation, query, until } from './abacus.mjs';
import { earlyInTheHour, PATIENCE_MS, SCENARIO_MS, watchRequests } from './browser_time.mjs';
import { Outside } from './browser_ways.mjs';
import { launchChromium, missing, NO_BACK_CACHE } from './browsing.mjs';

export const PASSWORD = 'correct horse battery';
export const TENANT = 'demo';
/** Why these tests cannot run; false where they can. */
export const withoutDashboard = missing;

const PEOPLE = {
    admin: { email: 'ada@example.com', args: ['--role', 'admin'] },
    manager: { email: 'max@example.com', args: ['--role', 'manager', '--tenant', TENANT] },
    viewer: { email: 'vic@example.com', args: ['--role', 'viewer', '--tenant', TENANT] },
};

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 360, height: 780 };

export class DashboardStage {
    /** `prepare` is called with the installation before it is served, `serve` are arguments of
     *  serve, `options` of Installation#serve (env, interval); `launch` are arguments of the
     *  browser. */
    static async start({ days = 60, launch = [], prepare, serve = [], options } = {}) {
        const self = new DashboardStage();
        self.abacus = new Installation();
        if (days > 0) await self.abacus.must(['demo', '--days', String(days)]);
        else await self.abacus.must(['tenant', 'add', '--id', TENANT, '--name', 'Demo']);
        // Tests ask more often in a minute than a tenant may.
        await self.abacus.readFreely(TENANT);
        await self.#add('admin');
        self.platform = await self.abacus.token('admin,stats:read,events:write', {
            platform: true,
        });
        await prepare?.(self.abacus);
        self.outside = await Outside.start();
        [self.server, self.browser] = await Promise.all([
            self.abacus.serve(serve, options),
            launchChromium(self, [NO_BACK_CACHE, ...launch]),
        ]);
        self.url = self.server.url;
        return self;
    }

    async close() {
        await this.browser?.close();
        this.outside?.close();
        await this.server?.stop();
    }

    #added = new Set();
    #sessions = new Map();

    async #add(who) {
        if (this.#added.has(who)) return;
        this.#added.add(who);
        const { email, args } = PEOPLE[who];
        await this.abacus.must(['user', 'add', email, ...args], { input: `${PASSWORD}\n` });
    }

    /** The cookie of a session of admin, manager or viewer, as "name=value". */
    async session(who = 'admin') {
        if (!this.#sessions.has(who)) this.#sessions.set(who, this.#signIn(who));
        return this.#sessions.get(who);
    }

    async #signIn(who) {
        await this.#add(who);
        const body = JSON.stringify({ email: PEOPLE[who].email, password: PASSWORD });
        const headers = { 'Content-Type': 'application/json', origin: this.url };
        const made = await until(async () => {
            const asked = { method: 'POST', body, headers };
            const answer = await this.server.fetch('/api/session', asked);
            return answer.status < 300 && answer;
        }, `${who} to sign in`);
        return made.headers.get('set-cookie').split(';')[0];
    }

    /** The body of a GET as the platform's token; api('analytics/stats', {siteId, period}) asks
     *  with parameters (an array stands for several of one name). Anything but 200 is an error. */
    async api(path, values) {
        const asked = values === undefined ? path : query(`/api/${path}`, values);
        const answer = await this.server.get(asked, this.platform);
        assert.equal(answer.status, 200, `GET ${asked}: ${answer.status} ${answer.text}`);
        return answer.body;
    }

    /** Any method as the platform's token; anything but success is an error. */
    async must(method, path, body) {
        const headers = { ...bearer(this.platform), 'Content-Type': 'application/json' };
        const text = body === undefined ? undefined : JSON.stringify(body);
        const answer = await this.server.fetch(path, { method, body: text, headers });
        assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.body;
    }

    /** A page of a context of its own, signed in. `as` is admin, manager, viewer, or null for
     *  nobody; `narrow` is a telephone; the rest are Playwright's options of a context. */
    async newPage({ as = 'admin', narrow = false, init, ...options } = {}) {
        const context = await this.browser.newContext({
            viewport: narrow ? NARROW : WIDE,
            hasTouch: narrow,
            locale: 'en-US',
            baseURL: this.url,
            ...options,
        });
        context.setDefaultTimeout(PATIENCE_MS);
        watchRequests(context);
        if (as !== null) await this.signInto(context, as);
        if (init) await context.addInitScript(init);
        const page = await context.newPage();
        watch(page, this.url);
        return page;
    }

    async signInto(context, as = 'admin') {
        const [name, value] = (await this.session(as)).split(/=(.*)/s);
        await context.addCookies([{ name, value, url: this.url }]);
    }
}

const FAILED = /^Failed to load resource/;

/** Keeps in page.problems what is wrong with it. */
function watch(page, url) {
    const mayFail = [];
    const isExpected = (at) => mayFail.some((one) => one.test(at.replace(url, '')));
    page.problems = [];
    /** Answers (path and query match `pattern`) may be a refusal or an error from here on. */
    page.expectFailure = (pattern) => mayFail.push(pattern);
    page.on('pageerror', (error) => page.problems.push(`error: ${error.stack ?? error}`));
    page.on('console', (one) => {
        const at = one.location().url;
        if (FAILED.test(one.text()) && isExpected(at)) return;
        if (['error', 'warning', 'assert'].includes(one.type()))
            page.problems.push(`console: ${one.text()} ${at}`);
    });
    page.on('response', (answer) => {
        if (answer.status() >= 400 && !isExpected(answer.url()))
            page.problems.push(`${answer.status()} ${answer.url()}`);
    });
    page.on('requestfailed', (request) => {
        // A page that is left, or that hides, ends its stream.
        const why = request.failure()?.errorText;
        if (why !== 'net::ERR_ABORTED' && !isExpected(request.url()))
            page.problems.push(`${why} ${request.url()}`);
    });
    page.on('request', (request) => {
        const asked = request.url();
        if (!asked.startsWith(`${url}/`) && !/^(data|blob):/.test(asked))
            page.problems.push(`a third party: ${asked}`);
    });
}

/** Tests of a file: scenario(name, options, run) opens a page (options of newPage), calls
 *  run({stage, page, context}), and asserts that no page of it had a problem. */
export function dashboardScenarios(stageOf) {
    return (name, options, run) =>
        test(name, { skip: withoutDashboard, timeout: SCENARIO_MS }, async () => {
            await earlyInTheHour();
            const stage = stageOf();
            const page = await stage.newPage(options);
            try {
                await run({ stage, page, context: page.context() });
                assert.deepEqual(page.problems, []);
            } catch (error) {
                await keepPicture(page, name, error);
                throw error;
            } finally {
                // What a route still holds is nobody's any more.
                await page.unrouteAll({ behavior: 'ignoreErrors' });
                await page.context().close();
            }
        });
}

/** Where ABACUS_PICTURES says; the error tells what the page complained of. */
async function keepPicture(page, name, error) {
    if (page.problems.length > 0) error.message += `\nthe page: ${page.problems.join('\n')}`;
    const dir = process.env.ABACUS_PICTURES;
    if (!dir) return;
    const path = join(dir, `${name.replace(/\W+/g, '-')}.png`);
    await page.screenshot({ path, fullPage: true, timeout: 5000 }).catch(() => {});
}
