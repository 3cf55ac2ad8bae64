// Start and stop the real program in fresh directories.

import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BROWSER } from './browsers.mjs';
import './midnight.mjs'; // before any date is taken
import { exec, HANG_MS, killAll, ROOT, start, tempDir, until } from './process.mjs';

export { atExit, exec, inForce, residentBytes, ROOT, start, tempDir, until } from './process.mjs';

export const BUILD = process.env.ABACUS_BUILD ?? join(ROOT, 'build');
export const BIN = process.env.ABACUS_BIN ?? join(BUILD, 'src/cli/abacus');
export const ASAN_BIN = process.env.ABACUS_ASAN_BIN ?? join(ROOT, 'build-asan/src/cli/abacus');

/** Yesterday to tomorrow in UTC: holds today in every zone. */
export const AROUND_NOW = [-1, 1].map((days) =>
    new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
);

// After the last test of a file: a process that a failed test has left would keep the file from
// ending.
after(killAll);

/** An installation: one data directory and the commands that work on it. */
export class Installation {
    constructor({ dir = tempDir(), bin = BIN, env = {}, clock } = {}) {
        this.dir = dir;
        this.bin = bin;
        this.env = { ...env, ...clock?.env() };
    }

    /** Run `abacus ARGS --data-dir DIR`, whatever its end. */
    command(args, options = {}) {
        const env = { ...this.env, ...options.env };
        return exec(this.bin, [...args, '--data-dir', this.dir], { ...options, env });
    }

    /** The same, and its stdout; anything but exit 0 is an error. */
    async must(args, options) {
        const end = await this.command(args, options);
        if (end.code !== 0)
            throw new Error(
                `abacus ${args.join(' ')} ended with ${end.code ?? end.signal}: ${end.stderr}`,
            );
        return end.stdout;
    }

    site(id, tenant, { domain = `${id}.example`, timezone } = {}) {
        const zone = timezone === undefined ? [] : ['--timezone', timezone];
        return this.must([
            'site',
            'add',
            '--id',
            id,
            '--tenant',
            tenant,
            '--domain',
            domain,
            ...zone,
        ]);
    }

    /** For tests that ask more often in a minute than a tenant may. */
    readFreely(tenant) {
        return this.must(['tenant', 'set', tenant, 'limits.readsPerMinute=0']);
    }

    /** The text of a new token. `of` is {tenant} or {platform: true}, and perhaps {site}. */
    async token(scope, of) {
        const whose = of.platform ? ['--platform'] : ['--tenant', of.tenant];
        const bound = of.site === undefined ? [] : ['--site', of.site];
        return (await this.must(['token', 'create', ...whose, ...bound, '--scope', scope])).trim();
    }

    /** The ids that revoke takes. */
    async tokenIds() {
        return JSON.parse(await this.must(['token', 'list', '--json'])).map(({ id }) => id);
    }

    /** A new token {text, id}. */
    async namedToken(scope, of) {
        const before = new Set(await this.tokenIds());
        const text = await this.token(scope, of);
        const [id] = (await this.tokenIds()).filter((one) => !before.has(one));
        return { text, id };
    }

    /** Change a site's row of analytics_settings, as Payload would; lists are given as arrays. */
    settings(site, values) {
        const text = (value) =>
            Array.isArray(value) ? `'${JSON.stringify(value)}'` : Number(value);
        const sets = Object.entries(values).map(([column, value]) => `${column} = ${text(value)}`);
        return this.sql(
            `UPDATE analytics_settings SET ${sets.join(', ')} WHERE site_id = '${site}';`,
        );
    }

    aggregate(args = [], options) {
        return this.must(['aggregate', ...args], options);
    }

    /** What doctor finds about the ledger and its independent check; throws unless the books
     *  balance. */
    async balance() {
        const { stdout, stderr } = await this.command(['doctor', '--json']);
        const finding = JSON.parse(stdout).find(({ check }) => check === 'ledger');
        if (finding?.status !== 'ok')
            throw new Error(`the ledger: ${JSON.stringify(finding)} ${stderr}`);
        return finding;
    }

    serve(args = [], options = {}) {
        return Server.start(this, args, options);
    }

    /** Run one SQL text with the sqlite3 shell, as another process would. */
    async sql(text) {
        const end = await exec(
            'sqlite3',
            ['-batch', '-cmd', '.timeout 10000', join(this.dir, 'abacus.db')],
            {
                input: text,
            },
        );
        if (end.code !== 0 || end.stderr !== '') throw new Error(`sqlite3: ${end.stderr}`);
        return end.stdout;
    }
}

/** A database that is there and slow to answer is taken for one that is away: the node starts all the
 *  same, and answers 503 for a moment. One that is kept away stays so. */
const READY_MS = 30_000;

/** A running `abacus serve`. */
export class Server {
    /** Returns once it takes events. A test of a node that has no database says `ready: false`, and
     *  has it back as soon as it says where it listens. */
    static async start(installation, args, options = {}) {
        const { env = {}, interval = '200ms', limit = HANG_MS, ready = true } = options;
        const self = new Server();
        self.installation = installation;
        self.child = start(
            installation.bin,
            [
                'serve',
                '--listen',
                '127.0.0.1:0',
                '--data-dir',
                installation.dir,
                '--aggregate-interval',
                interval,
                ...args,
            ],
            { env: { ...installation.env, ...env } },
        );
        self.pid = self.child.pid;
        self.stdout = '';
        self.stderr = '';
        self.child.stdout.on('data', (chunk) => (self.stdout += chunk));
        const line = new Promise((resolve) => {
            self.child.stderr.on('data', (chunk) => {
                self.stderr += chunk;
                const said = /^abacus: listening on (http:\/\/\S+)$/m.exec(self.stderr);
                if (said) resolve(said[1]);
            });
        });
        const given = sleep(limit, undefined, { ref: false });
        self.url = await Promise.race([line, self.child.ended, given]);
        if (typeof self.url !== 'string') {
            self.child.kill('SIGKILL');
            throw new Error(`serve did not come up: ${JSON.stringify(self.url)} ${self.stderr}`);
        }
        self.port = Number(new URL(self.url).port);
        if (ready) await self.ready(READY_MS);
        return self;
    }

    /** Ask it to stop: {code, signal}. */
    async stop(signal = 'SIGTERM', limit = HANG_MS) {
        this.child.kill(signal);
        setTimeout(() => this.child.kill('SIGKILL'), limit).unref();
        return this.child.ended;
    }

    kill() {
        return this.stop('SIGKILL');
    }

    get running() {
        return this.child.exitCode === null && this.child.signalCode === null;
    }

    /** GET with a token: {status, headers, body} with the body parsed where it is JSON. */
    async get(path, token, headers = {}) {
        return this.fetch(path, { headers: { ...bearer(token), ...headers } });
    }

    async fetch(path, options = {}) {
        const response = await fetch(this.url + path, options).catch((error) =>
            this.#explain(error),
        );
        const text = await response.text().catch((error) => this.#explain(error));
        const type = response.headers.get('content-type') ?? '';
        const isJson = /^application\/(problem\+)?json\b/.test(type);
        return {
            status: response.status,
            headers: response.headers,
            text,
            body: isJson ? JSON.parse(text) : text,
        };
    }

    /** A request that got no answer: because the server has died? */
    async #explain(error) {
        await sleep(100);
        const state = this.running
            ? 'it runs'
            : `it ended with ${this.child.exitCode ?? this.child.signalCode}`;
        throw new Error(
            `${error.message} (${error.cause?.message}); ${state}; it said ${this.stderr.slice(-4000)}`,
        );
    }

    /** POST events; `headers` may hold Origin, X-Forwarded-For, Authorization ... */
    track(events, headers = {}) {
        const body = typeof events === 'string' ? events : JSON.stringify(events);
        const all = new Headers(headers);
        if (!all.has('User-Agent')) all.set('User-Agent', BROWSER);
        return this.fetch('/api/analytics/track', { method: 'POST', body, headers: all });
    }

    /** The raw rows of a site, through the export as it streams; `pick` takes from each what is
     *  to be kept. */
    async exportRows(token, siteId, from, to, pick = (row) => row) {
        const path = query('/api/analytics/export', { siteId, from, to, format: 'ndjson' });
        const response = await fetch(this.url + path, { headers: bearer(token) });
        if (response.status !== 200)
            throw new Error(`export: ${response.status} ${await response.text()}`);
        const rows = [];
        const decoder = new TextDecoder();
        let rest = '';
        for await (const chunk of response.body) {
            const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
            rest = lines.pop();
            for (const line of lines) rows.push(pick(JSON.parse(line)));
        }
        if (rest !== '') throw new Error('export: the last line has no end');
        return rows;
    }

    /** Totals and days of a site over more than all dates that a test touches. */
    async stats(token, siteId, [from, to] = AROUND_NOW) {
        const answer = await this.get(query('/api/analytics/stats', { siteId, from, to }), token);
        if (answer.status !== 200)
            throw new Error(`stats: ${answer.status} ${answer.text} ${this.stderr.slice(-2000)}`);
        return answer.body;
    }

    /** The ledger of a site summed over its days: {received, stored, dropped, rejected}. */
    async ledger(token, siteId, [from, to] = AROUND_NOW) {
        const answer = await this.get(query('/api/analytics/ledger', { siteId, from, to }), token);
        if (answer.status !== 200) throw new Error(`ledger: ${answer.status} ${answer.text}`);
        const sum = { received: 0, stored: 0, dropped: {}, rejected: {} };
        for (const day of answer.body.days) {
            sum.received += day.received;
            sum.stored += day.stored;
            for (const kind of ['dropped', 'rejected'])
                for (const [reason, n] of Object.entries(day[kind]))
                    sum[kind][reason] = (sum[kind][reason] ?? 0) + n;
        }
        return sum;
    }

    /** What /metrics shows under a name, with its labels as they stand there; undefined where it
     *  is left out. */
    async metric(name) {
        const { text } = await this.fetch('/metrics');
        const line = text.split('\n').find((one) => one.startsWith(`${name} `));
        return line && Number(line.slice(name.length + 1));
    }

    /** Wait until `ask` gives something true. The limit is for what never comes; it is no
     *  measurement. */
    async until(ask, what, limit = 60_000) {
        return until(ask, what, limit, () => this.stderr.slice(-2000));
    }

    ready(limit) {
        return this.until(
            async () => (await this.fetch('/readyz')).status === 200,
            'readyz',
            limit,
        );
    }
}

export function bearer(token) {
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** A parameter whose value is an array is given once for each. */
export function query(path, params) {
    const given = Object.entries(params)
        .filter(([, value]) => value !== undefined)
        .flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
    return `${path}?${new URLSearchParams(given)}`;
}
