// What tests of the pages for people stand on: an installation with two tenants behind its public
// address (a recorder), a real SMTP server, a browser, and pages of other origins.
//
//     t1 "Tenant One": shop, blog       t2 "Tenant Two": rival

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { bearer, Installation, until } from './abacus.mjs';
import { Front, Outside, Web } from './browser_ways.mjs';
import { launchChromium, missing, NO_BACK_CACHE, openContext } from './browsing.mjs';
import { storedBy } from './browser_page.mjs';
import { earlyInTheHour, SCENARIO_MS } from './browser_time.mjs';
import { noMail, Postbox } from './mail.mjs';
import { noAxe } from './readable.mjs';

export const PASSWORD = 'correct horse battery';
/** Why these tests cannot run; false where they can. */
export const withoutPeople = missing || noMail || noAxe;

/** Where each day begins first: yesterday still runs elsewhere at every hour, and has its salt. */
const FIRST = 'Pacific/Kiritimati';

export class PeopleStage {
    static async start({ launch = [] } = {}) {
        const self = new PeopleStage();
        self.abacus = new Installation();
        await self.abacus.must(['tenant', 'add', '--id', 't1', '--name', 'Tenant One']);
        await self.abacus.must(['tenant', 'add', '--id', 't2', '--name', 'Tenant Two']);
        for (const [site, tenant] of Object.entries({ shop: 't1', blog: 't1', rival: 't2' }))
            await self.abacus.site(site, tenant, { timezone: FIRST });
        self.platform = await self.abacus.token('admin,stats:read', { platform: true });
        self.tracks = await self.abacus.token('events:write', { tenant: 't1' });
        [self.front, self.web, self.outside, self.box] = await Promise.all([
            Front.start({ port: 0 }),
            Web.start(),
            Outside.start(),
            Postbox.start(),
        ]);
        self.url = self.front.url;
        const args = ['--public-url', self.url, '--smtp-url', self.box.url];
        args.push('--mail-from', 'abacus@stats.example');
        self.server = await self.abacus.serve(args);
        self.front.target = self.server.port;
        self.browser = await launchChromium(self, [NO_BACK_CACHE, ...launch]);
        return self;
    }

    async close() {
        await this.browser?.close();
        for (const one of [this.front, this.web, this.outside]) one?.close();
        await this.server?.stop();
        await this.box?.close();
    }

    /** {status, body}, as the platform's token or whoever `headers` say. */
    api(method, path, body, headers = bearer(this.platform)) {
        return this.server.fetch(path, {
            method,
            body: body && JSON.stringify(body),
            headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
        });
    }

    /** The same, where anything but success is an error. */
    async must(method, path, body, headers) {
        const answer = await this.api(method, path, body, headers);
        assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.body;
    }

    /** Somebody who has a password, and may do `args`. */
    person(email, args = ['--role', 'viewer', '--tenant', 't1']) {
        const input = `${PASSWORD}\n`;
        return this.abacus.must(['user', 'add', email, ...args], { input });
    }

    /** {status, body, cookie}: signing in without a browser. */
    async signIn(email, password = PASSWORD, more = {}) {
        const answer = await this.api('POST', '/api/session', { email, password, ...more }, {});
        const cookie = answer.headers.get('set-cookie')?.split(';')[0];
        return { ...answer, cookie };
    }

    /** What a page of this server would send with a session. */
    session(cookie) {
        return { cookie, origin: this.url };
    }

    /** The snapshot of every node follows within a second. */
    seen(ask, what) {
        return until(ask, what);
    }
}

/** RFC 6238 of a secret in base32; `ahead` in steps of 30 s. */
export function codeOf(secret, ahead = 0) {
    const bits = [...secret.replace(/[ =]/g, '')]
        .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
        .join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
    const mac = createHmac('sha1', key).update(step).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
}

/** What a browser's console says of an answer that is a refusal. */
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d/;

/** Tests of a file: scenario(name, options, run) opens a context and calls run({stage, context,
 *  page}). Nothing may be stored but the session's cookie, no third party asked, and no page
 *  complain but of what `grumbles` names. */
export function peopleScenarios(stageOf) {
    return (name, { grumbles, ...options }, run) =>
        test(name, { skip: withoutPeople, timeout: SCENARIO_MS }, async () => {
            await earlyInTheHour();
            const stage = stageOf();
            const context = await openContext(stage, options);
            const good = (one) => REFUSED.test(one) || grumbles?.test(one);
            try {
                const page = await context.newPage();
                await run({ stage, context, page });
                const stored = [];
                for (const one of context.pages())
                    if (one.url().startsWith(stage.url)) stored.push(...(await storedBy(one)));
                assert.deepEqual(stored, []);
                const names = (await context.cookies()).map((one) => one.name);
                assert.deepEqual(names.filter((one) => one !== 'abacus_session'), []);
                assert.deepEqual(context.problems.filter((one) => !good(one)), []);
                const asked = context.urls.filter((url) => /^https?:/.test(url));
                const hosts = new Set(asked.map((url) => new URL(url).hostname));
                for (const host of hosts) assert.match(host, /^127\.0\.0\.1$|\.localhost$/);
            } finally {
                await context.close();
            }
        });
}
