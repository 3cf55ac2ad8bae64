// What a test does in a page: look at what it has stored; and tabs that Playwright does not manage.

import assert from 'node:assert/strict';
import { until } from './process.mjs';

/** What a page's origin and tab keep, as "where name"; empty where nothing is kept. `page` has
 *  evaluate(). Where a browser gives a page no such storage, it keeps nothing there. */
export const storedBy = (page) =>
    page.evaluate(`(async () => {
        const found = [];
        const add = (where, names) => { for (const name of names) found.push(where + ' ' + name); };
        add('cookie', document.cookie === '' ? [] : [document.cookie]);
        add('localStorage', Object.keys(localStorage));
        add('sessionStorage', Object.keys(sessionStorage));
        add('name', window.name === '' ? [] : [window.name]);
        add('indexedDB', (await indexedDB.databases()).map(({ name }) => name));
        if (self.caches) add('caches', await caches.keys());
        const workers = await navigator.serviceWorker?.getRegistrations();
        add('serviceWorker', (workers ?? []).map(({ scope }) => scope));
        const files = self.isSecureContext && (await navigator.storage?.getDirectory?.());
        if (files) for await (const name of files.keys()) add('files', [name]);
        return found;
    })()`);

/** A tab of Chromium as a person opens it. Playwright keeps all of its pages visible and cannot go
 *  back into the back/forward cache; here a tab in the background is hidden. A Tab has a browser
 *  context of its own, or shares another Tab's. */
export class Tab {
    static async open(browser, url, { beside, background = false } = {}) {
        const self = new Tab();
        self.root = beside?.root ?? (await browser.newBrowserCDPSession());
        self.context =
            beside?.context ??
            (await self.root.send('Target.createBrowserContext')).browserContextId;
        const made = { url, browserContextId: self.context, background };
        self.target = (await self.root.send('Target.createTarget', made)).targetId;
        return self;
    }

    #asked = new Map();
    #last = 0;
    #attached;
    /** Errors that the page has thrown, or that its console shows. */
    problems = [];

    /** Nothing is prerendered while a debugger is attached: wait until Playwright, which looks at
     *  each new tab, has found that this one is none of its own. */
    async unwatched() {
        const info = () => this.root.send('Target.getTargetInfo', { targetId: this.target });
        await until(async () => !(await info()).targetInfo.attached, 'no debugger');
    }

    /** At the first look into it, and no earlier. */
    async #attach() {
        const attach = { targetId: this.target, flatten: false };
        this.session = (await this.root.send('Target.attachToTarget', attach)).sessionId;
        this.#hear();
        // Both tell what was before, too.
        await this.#ask('Runtime.enable');
        await this.#ask('Log.enable');
    }

    #hear() {
        this.root.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
            if (sessionId !== this.session) return;
            const { id, method, params, ...answer } = JSON.parse(message);
            if (id !== undefined) return this.#asked.get(id)?.(answer);
            if (method === 'Runtime.exceptionThrown')
                this.problems.push(params.exceptionDetails.text);
            if (method === 'Log.entryAdded' && params.entry.level === 'error')
                this.problems.push(params.entry.text);
        });
    }

    async send(method, params) {
        await (this.#attached ??= this.#attach());
        return this.#ask(method, params);
    }

    async #ask(method, params = {}) {
        const id = ++this.#last;
        const answered = new Promise((resolve) => this.#asked.set(id, resolve));
        const message = JSON.stringify({ id, method, params });
        await this.root.send('Target.sendMessageToTarget', { sessionId: this.session, message });
        const { result, error } = await answered;
        if (error) throw new Error(`${method}: ${error.message}`);
        return result;
    }

    /** The value of an expression in the page, awaited. */
    async evaluate(expression) {
        const how = { awaitPromise: true, returnByValue: true, userGesture: true };
        const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
            expression,
            ...how,
        });
        if (exceptionDetails)
            throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
    }

    /** Bring it before the other tabs of its window. */
    show() {
        return this.root.send('Target.activateTarget', { targetId: this.target });
    }

    /** As page.goto; the page that is left may be kept in the cache. */
    goto(url) {
        return this.send('Page.navigate', { url });
    }

    /** Leave for the site's page without a script; what leaving sends has arrived. */
    async leave(stage, site) {
        await this.goto(stage.url(site, '/away'));
        // A page that goes has no answer.
        const where = () =>
            this.evaluate('location.pathname + document.readyState').catch(() => undefined);
        await until(async () => (await where()) === '/awaycomplete', 'the way to /away');
        await stage.fence(this);
    }

    async leavesNothing() {
        const { cookies } = await this.root.send('Storage.getCookies', {
            browserContextId: this.context,
        });
        const stored = await storedBy(this);
        assert.deepEqual([cookies, stored, this.problems], [[], [], []]);
    }

    close() {
        return this.root.send('Target.closeTarget', { targetId: this.target });
    }
}
