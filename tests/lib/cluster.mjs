// A platform under load: two nodes that track, three that count, one that answers, behind proxies
// before PostgreSQL and Redis, and two kinds of senders. lib/platform_faults.mjs does it harm; here
// stands what must be true afterwards.

import assert from 'node:assert/strict';
import { AROUND_NOW, exec, until } from './abacus.mjs';
import { Load, pathOf } from './load.mjs';
import { Platform } from './platform.mjs';
import { removeDir } from './process.mjs';
import { Postgres, Proxy, Redis } from './servers.mjs';

const TENANT = 'tenant';
const ROLES = { tracker: 'ingest', counter: 'aggregate', reader: 'query,web' };
const SITES = { again: 6, once: 6 }; // over several of the 16 partitions
/** What comes back to life after the longest outage has paused its tries for some seconds. */
const RECOVER_MS = 120_000;

/** One `abacus serve` of the platform and its volume; it dies and comes back under other ports. */
export class Member {
    constructor(cluster, kind, name, args = []) {
        Object.assign(this, { cluster, kind, name, lives: [], server: null });
        this.args = ['--roles', ROLES[kind], ...args];
        this.node = cluster.platform.node({
            databaseUrl: cluster.urls.database,
            redisUrl: cluster.urls.redis,
        });
    }

    get running() {
        return this.server !== null && this.server.running;
    }

    /** A node that starts while PostgreSQL is away has no sites and no salts: it answers 503 until
     *  it is ready. A balancer sends nothing to one that is not ready, unless it has no other. */
    async start() {
        this.server = await this.node.serve(this.args, { interval: '200ms', ready: false });
        const { port } = this.server;
        const life = { port, from: Date.now(), stopping: Infinity, excused: Infinity };
        this.lives.push(life);
        const ready = this.server
            .until(
                async () => life.stopping < Infinity || (await this.#isReady()),
                `${this.name} to be ready`,
                RECOVER_MS + this.cluster.longestOutageMs,
            )
            .then(() => (life.excused = Date.now()));
        if (this.cluster.postgresAway > 0) this.cluster.expect(ready);
        else await ready;
        this.cluster.aim();
    }

    async #isReady() {
        try {
            return (await this.server.fetch('/readyz')).status === 200;
        } catch {
            return false;
        }
    }

    async kill() {
        this.#goes();
        await this.server.kill();
        this.cluster.aim();
    }

    /** SIGTERM while it is sent events: what it has answered is in PostgreSQL when it has ended. */
    async drain() {
        this.#goes();
        const end = await this.server.stop();
        this.cluster.aim();
        assert.deepEqual(end, { code: 0, signal: null }, `${this.name}: ${this.lastWords()}`);
    }

    #goes() {
        this.lives.at(-1).stopping = Date.now();
    }

    lastWords() {
        return this.server?.stderr.slice(-3000);
    }

    /** Whether a sender may have met with this there: a node that is dead or dying cuts off and
     *  refuses; one that began without PostgreSQL refuses what was sent before it was ready. */
    excuses({ port, sentAt, at, what }) {
        const life = this.lives.filter((one) => one.port === port && one.from <= at).at(-1);
        if (life === undefined) return false;
        return at >= life.stopping || (what.startsWith('503') && sentAt <= life.excused);
    }
}

export class Cluster {
    static async start({ rate = 250, longestOutageMs = 0, trackerArgs = [] } = {}) {
        const self = new Cluster();
        self.longestOutageMs = longestOutageMs;
        self.trackerArgs = trackerArgs;
        await self.#startServers();
        await self.#startMembers();
        self.#startLoads(rate);
        return self;
    }

    constructor() {
        this.postgresAway = 0; // how many reasons there are for it to be away now
        this.trackers = [];
        this.counters = [];
        this.retired = []; // trackers that will not come back
        this.pending = [];
        this.log = [];
    }

    async #startServers() {
        [this.postgres, this.redis] = await Promise.all([
            Postgres.start({ fsync: true }),
            Redis.start(),
        ]);
        this.toPostgres = await Proxy.start(this.postgres);
        this.toRedis = await Proxy.start(this.redis);
        const databaseUrl = await this.postgres.createDatabase('abacus');
        const redisUrl = this.redis.url();
        // For us: the direct way. The members go through the proxies.
        this.platform = new Platform({ databaseUrl, redisUrl });
        this.urls = {
            database: this.postgres.url('abacus', this.toPostgres.port),
            redis: this.redis.url(0, this.toRedis.port),
        };
    }

    async #startMembers() {
        this.sites = Object.fromEntries(
            Object.entries(SITES).map(([kind, count]) => [
                kind,
                Array.from({ length: count }, (_, i) => `${kind}-${i}`),
            ]),
        );
        for (const site of Object.values(this.sites).flat())
            await this.platform.site(site, TENANT);
        await this.platform.readFreely(TENANT);
        this.token = await this.platform.token('stats:read', { tenant: TENANT });
        this.trackers = [1, 2].map((i) => this.#tracker(`tracker ${i}`));
        this.counters = [1, 2, 3].map((i) => new Member(this, 'counter', `counter ${i}`));
        this.reader = new Member(this, 'reader', 'reader');
        await Promise.all(this.members.map((member) => member.start()));
    }

    #tracker(name) {
        return new Member(this, 'tracker', name, this.trackerArgs);
    }

    /** Each of both kinds sends `rate` events a second, if the servers keep up. */
    #startLoads(rate) {
        const [connections, perRequest] = rate > 1000 ? [4, 40] : [4, 5];
        const pauseMs = (1000 * connections * ((1 + perRequest) / 2)) / rate;
        this.loads = Object.fromEntries(
            Object.entries(this.sites).map(([kind, sites]) => [
                kind,
                new Load({ sites, again: kind === 'again', connections, perRequest, pauseMs }),
            ]),
        );
        this.aim();
    }

    get members() {
        return [...this.trackers, ...this.counters, this.reader].filter(Boolean);
    }

    /** Senders know the trackers that run. */
    aim() {
        const alive = this.trackers.filter(({ running }) => running);
        const ports = alive.map(({ server }) => server.port);
        for (const load of Object.values(this.loads ?? {})) load.ports = ports;
    }

    /** Something that goes on beside; it must have gone well in the end. */
    expect(promise) {
        promise.catch(() => {});
        this.pending.push(promise);
    }

    note(text) {
        this.log.push(`${new Date().toISOString()} ${text}`);
    }

    /** While `body` runs nobody may count on PostgreSQL. */
    async withoutPostgres(body) {
        this.postgresAway += 1;
        try {
            return await body();
        } finally {
            this.postgresAway -= 1;
        }
    }

    /** The node is gone for good; another one takes its place, with an empty volume. */
    async replace(tracker) {
        this.retired.push(tracker);
        const fresh = this.#tracker(`${tracker.name}'`);
        this.trackers[this.trackers.indexOf(tracker)] = fresh;
        this.aim();
        await fresh.start();
    }

    sql(text) {
        return this.platform.sql(text);
    }

    answered() {
        return Object.values(this.loads).reduce((sum, load) => sum + load.answered.size, 0);
    }

    // -- the end ---------------------------------------------------------------------------------

    /** No more events; then everything that was answered is counted. Says how long it took. */
    async settle() {
        await Promise.all(this.pending);
        await Promise.all(Object.values(this.loads).map((load) => load.stop()));
        const began = Date.now();
        // Each waits for what stands in its own log.
        for (const tracker of this.trackers)
            await tracker.node.aggregate([], { limit: 5 * RECOVER_MS });
        await until(() => this.#isDrained(), 'the streams to be empty', RECOVER_MS);
        return Date.now() - began;
    }

    async #isDrained() {
        const said = await this.platform.must(['queue', 'status', '--json']);
        return JSON.parse(said).length === 0;
    }

    /** Everything that must be true, whatever has befallen them. Events of which `mayBeLost(kind,
     *  number)` holds need not be there; returns how many of them are not. */
    async check({ mayBeLost = () => false } = {}) {
        const stored = await this.stored();
        this.#checkSenders();
        const lost =
            this.#checkAgain(stored.again, mayBeLost) + this.#checkOnce(stored.once, mayBeLost);
        await this.#checkBooks(stored);
        await this.platform.balance();
        return lost;
    }

    /** {kind: Map "site path" -> how many rows}; see keyOf() */
    async stored() {
        const rows = await this.sql(
            'SELECT site_id, path, count(*) FROM analytics_events GROUP BY site_id, path;',
        );
        const stored = { again: new Map(), once: new Map() };
        for (const line of rows.split('\n').filter((text) => text !== '')) {
            const [site, path, count] = line.split('\t');
            stored[site.split('-')[0]].set(`${site} ${path}`, Number(count));
        }
        return stored;
    }

    #checkSenders() {
        const everybody = [...this.members, ...this.retired];
        for (const [kind, load] of Object.entries(this.loads)) {
            assert.deepEqual(load.problems.slice(0, 5), [], `${kind}: wrong answers`);
            const unexcused = load.troubles.filter(
                (trouble) => !everybody.some((member) => member.excuses(trouble)),
            );
            assert.deepEqual(
                unexcused
                    .slice(0, 5)
                    .map((one) => ({ ...one, at: new Date(one.at).toISOString() })),
                [],
                `${kind}: ${unexcused.length} requests went wrong at nodes that should be well`,
            );
            assert.ok(load.answered.size > 300, `only ${load.answered.size} events were answered`);
        }
    }

    /** Sent until answered: there once. */
    #checkAgain(stored, mayBeLost) {
        const load = this.loads.again;
        const sent = Array.from({ length: load.sent }, (_, i) => i + 1);
        const absent = sent.filter((number) => !stored.has(keyOf(load, number)));
        const missing = absent.filter((number) => !mayBeLost('again', number));
        const double = [...stored].filter(([, count]) => count > 1).map(([key]) => key);
        const others = [...stored.keys()].filter((key) => !isKeyOf(load, key));
        assert.deepEqual(
            counted({ missing, double, others }),
            counted({ missing: [], double: [], others: [] }),
            'sent until answered',
        );
        return absent.length;
    }

    /** Sent once: there once if answered; what is there beyond that was cut off. */
    #checkOnce(stored, mayBeLost) {
        const load = this.loads.once;
        const absent = [...load.answered].filter((number) => !stored.has(keyOf(load, number)));
        const missing = absent.filter((number) => !mayBeLost('once', number));
        const double = [...stored].filter(([, count]) => count > 1).map(([key]) => key);
        const others = [...stored.keys()].filter((key) => {
            const number = numberOf(key);
            return !isKeyOf(load, key) || !(load.answered.has(number) || load.cut.has(number));
        });
        assert.deepEqual(
            counted({ missing, double, others }),
            counted({ missing: [], double: [], others: [] }),
            'sent once',
        );
        return absent.length;
    }

    /** Rows, ledger and stats say the same of every site, by the node that answers. */
    async #checkBooks(stored) {
        const total = (reasons) => Object.values(reasons).reduce((a, b) => a + b, 0);
        const { server } = this.reader;
        for (const [kind, sites] of Object.entries(this.sites)) {
            for (const site of sites) {
                const rows = [...stored[kind].entries()]
                    .filter(([key]) => key.startsWith(`${site} `))
                    .reduce((sum, [, count]) => sum + count, 0);
                const sum = await server.ledger(this.token, site, AROUND_NOW);
                assert.equal(sum.stored, rows, `${site}: stored`);
                assert.equal(
                    sum.received,
                    sum.stored + total(sum.dropped) + total(sum.rejected),
                    `${site}: received`,
                );
                const duplicates = sum.dropped.duplicate ?? 0;
                assert.equal(total(sum.dropped), duplicates, `${site}: dropped`);
                if (kind === 'once') assert.equal(duplicates, 0, `${site}: duplicates`);
                const { pageviews } = await server.stats(this.token, site, AROUND_NOW);
                assert.equal(pageviews, rows, `${site}: pageviews`);
            }
        }
    }

    /** All of them end as they should, and take their servers along. */
    async stop() {
        for (const member of this.members) {
            const end = await member.server.stop();
            assert.deepEqual(
                end,
                { code: 0, signal: null },
                `${member.name}: ${member.lastWords()}`,
            );
        }
        await this.close();
    }

    /** Whatever state it is in. */
    async close() {
        for (const load of Object.values(this.loads ?? {})) load.stopping = true;
        this.aim();
        for (const member of this.members) if (member.running) await member.server.kill();
        this.aim();
        await Promise.allSettled([...this.pending]);
        this.toPostgres?.close();
        this.toRedis?.close();
        for (const server of [this.postgres, this.redis]) {
            if (server?.running) await server.kill();
            if (server) removeDir(server.dir);
        }
        for (const { node } of [...this.members, ...this.retired]) removeDir(node.dir);
    }

    /** For whoever has to find out why. */
    async report() {
        const ask = (promise) => promise.catch((error) => error.message);
        const leases = 'SELECT * FROM leases ORDER BY partition;';
        const lines = [
            ...this.log,
            `postgres: ${this.postgres.said.slice(-1500)}`,
            `leases:\n${await ask(this.sql(leases))}`,
            `queue: ${await ask(this.platform.must(['queue', 'status', '--json']))}`,
            ...[...this.members, ...this.retired].map(
                (member) => `${member.name}: ${member.lastWords()}`,
            ),
        ];
        return lines.join('\n');
    }

    /** Run a command on a node's volume, as on a machine that has mounted it. */
    async onVolume(member, args) {
        const { bin, dir, env } = member.node;
        const end = await exec(bin, [...args, '--data-dir', dir], { env, limit: 5 * RECOVER_MS });
        assert.equal(end.code, 0, `${args.join(' ')}: ${end.stderr}`);
        return end.stdout;
    }
}

/** What a number of a load is stored under. */
export const keyOf = (load, number) => `${load.siteOf(number)} ${pathOf(number)}`;
const numberOf = (key) => Number(key.split(' ')[1].slice(pathOf('').length));

/** A row that a number of this load can have made. */
function isKeyOf(load, key) {
    const number = numberOf(key);
    return number >= 1 && number <= load.sent && keyOf(load, number) === key;
}

/** Lists that may be long, with their lengths. */
function counted(lists) {
    return Object.fromEntries(
        Object.entries(lists).map(([name, list]) => [
            name,
            { count: list.length, first: list.slice(0, 10) },
        ]),
    );
}
