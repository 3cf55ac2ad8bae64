// After 10,000 requests of every kind, full of addresses, User-Agents, cookies, e-mail addresses
// and tokens, none of them can be found: not in the data directory, in PostgreSQL's files and
// write-ahead log or Redis's, in backups or in what any of the programs has said, while they run
// and after they have stopped. Servers log all that they can log.
//
// What is packed is searched as it is and unpacked: copies by zstd and pg_restore, large values and
// dictionaries by reading them out (a dump as SQL, exports, breakdowns). Not searched: memory, and
// what a file system keeps of files that are gone.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AROUND_NOW, exec, Installation, query, ROOT, tempDir } from '../lib/abacus.mjs';
import { line } from '../lib/access_logs.mjs';
import {
    BROWSERS_KEPT,
    DOMAIN,
    KEPT,
    KIND_NAMES,
    Personal,
    SITE,
    SLOW_SITE,
    TENANT,
} from '../lib/personal.mjs';
import { Platform } from '../lib/platform.mjs';
import { filesBelow, Needles, search } from '../lib/search.mjs';
import { Postgres, Proxy, Redis } from '../lib/servers.mjs';
import { Cut, trackBytes, Wire } from '../lib/wire.mjs';

const REQUESTS = 10_200;
const CONNECTIONS = 8;
/** Until the server has read what is then cut off. */
const READ_MS = 10;
const SCRIPT = join(ROOT, 'packaging/abacus-backup');
const DIMENSIONS = [
    ...['page', 'entryPage', 'exitPage', 'referrer', 'source', 'channel', 'utmCampaign', 'utmTerm'],
    ...['browser', 'os', 'device', 'language', 'event', 'prop:plan', 'prop:mail', 'prop:token'],
];
/** In the name of an event that the store is made to refuse. */
const POISON = 'custom.poison';

/** What a machine that keeps quiet about nothing is set to. */
const LOGGED = {
    log_statement: 'all',
    log_min_duration_statement: '0',
    log_connections: 'on',
    log_disconnections: 'on',
    log_error_verbosity: 'verbose',
    log_min_messages: 'debug1',
    log_lock_waits: 'on',
    log_temp_files: '0',
    log_autovacuum_min_duration: '0',
};

// -- the two shapes ------------------------------------------------------------------------------

async function oneMachine() {
    const abacus = new Installation({ env: { ABACUS_LOG: 'debug' } });
    return {
        abacus,
        dirs: [abacus.dir],
        forms: [[], ['--no-zstd']],
        said: () => ({}),
        flush: () => abacus.sql('PRAGMA wal_checkpoint(FULL);'),
        /** All rows as text. */
        dump: () => abacus.sql('.dump'),
        refusePoison: () =>
            abacus.sql(
                `CREATE TRIGGER poison BEFORE INSERT ON analytics_events WHEN NEW.name = '${POISON}'
                 BEGIN SELECT RAISE(ABORT, 'refused'); END;`,
            ),
        full: () => fullLog(),
        stop: () => {},
    };
}

/** A node whose log has no room: it answers 503. */
async function fullLog() {
    const node = new Installation({ env: { ABACUS_LOG: 'debug', ABACUS_LOG_MAX: '32MiB' } });
    await node.site(SITE, TENANT, { domain: DOMAIN });
    const server = await node.serve([], { interval: '0' });
    const props = Object.fromEntries(
        Array.from({ length: 30 }, (_, i) => [`k${i}`, 'x'.repeat(2000)]),
    );
    const small = { event: 'pageview', siteId: SITE, path: '/small' };
    const wire = await Wire.open(server.port);
    // What has no room any more is smaller each time.
    for (const events of [{ ...small, props }, Array(100).fill(small), small])
        for (let status = 202; status !== 503;) {
            wire.send(trackBytes(events));
            ({ status } = await wire.response());
        }
    wire.close();
    return { node, server };
}

async function platform() {
    const postgres = await Postgres.start({ settings: LOGGED, keep: true });
    const redis = await Redis.start({ loglevel: 'debug' }, { keep: true });
    const databaseUrl = await postgres.createDatabase('abacus');
    const env = { ABACUS_LOG: 'debug' };
    const abacus = new Platform({ databaseUrl, redisUrl: redis.url(), env });
    return {
        abacus,
        dirs: [abacus.dir, postgres.dir, redis.dir],
        forms: [[], ['--pg-dump']],
        said: () => ({
            PostgreSQL: Buffer.concat(postgres.everything),
            Redis: Buffer.concat(redis.everything),
        }),
        flush: () => abacus.sql('CHECKPOINT; VACUUM ANALYZE;'),
        dump: async () => (await postgres.run('pg_dump', ['abacus'])).stdout,
        refusePoison: () =>
            abacus.sql(
                `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE check_violation USING CONSTRAINT = 'poison'; END $$;
                 CREATE TRIGGER poison BEFORE INSERT ON analytics_events FOR EACH ROW
                 WHEN (NEW.name = '${POISON}') EXECUTE FUNCTION refuse();`,
            ),
        /** A node that was started while the database is away. */
        full: async () => {
            const { proxy, url } = await Proxy.before(databaseUrl);
            await proxy.set('refuse');
            const node = abacus.node({ databaseUrl: url });
            return { node, server: await node.serve([], { ready: false }) };
        },
        stop: () => Promise.all([postgres.stop(), redis.stop()]),
    };
}

// -- traffic -------------------------------------------------------------------------------------

class World {
    static async open(make) {
        const self = Object.assign(new World(), await make());
        const { abacus } = self;
        self.texts = {};
        self.copies = tempDir();
        self.dirs.push(self.copies);
        self.seen = new Map(); // kind -> how many were answered as they should
        self.bytes = 0;
        await abacus.site(SITE, TENANT, { domain: DOMAIN });
        await abacus.site(SLOW_SITE, TENANT, { domain: DOMAIN });
        await abacus.settings(SITE, {
            query_params: ['keep'],
            blocked_paths: ['/blocked/*'],
            disabled_events: ['form.submit'],
            events_per_second: 0,
        });
        await abacus.settings(SLOW_SITE, { events_per_second: 1 });
        await self.refusePoison();
        const of = { tenant: TENANT };
        self.token = await abacus.token('stats:read', of);
        const write = await abacus.token('events:write', of);
        self.personal = new Personal({ write, read: self.token });
        self.server = await abacus.serve(['--trusted-proxies', '127.0.0.1/32']);
        return self;
    }

    /** All requests, several at a time. */
    async send(count) {
        const requests = this.personal.requests(count);
        const began = Date.now();
        await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#sender(requests)));
        this.sendMs = Date.now() - began;
    }

    async #sender(requests) {
        let wire = null;
        for (const request of requests) {
            if (wire === null || wire.closed) wire = await Wire.open(this.server.port);
            wire = await this.#exchange(wire, request);
            this.seen.set(request.kind, (this.seen.get(request.kind) ?? 0) + 1);
        }
        wire?.close();
    }

    /** The connection for the next request; null where this one is over. */
    async #exchange(wire, { kind, bytes, answer }) {
        wire.send(bytes);
        if (answer === 'cut') {
            await sleep(READ_MS);
            wire.close();
            return null;
        }
        const got = await wire.response().catch((error) => {
            if (!(error instanceof Cut)) throw error;
            return null;
        });
        judge(kind, answer, got);
        const over = got === null || got.headers.connection === 'close' || answer.includes?.(null);
        if (over) wire.close();
        return over ? null : wire;
    }

    /** What a node that can take nothing is sent. */
    async refuseAll(count) {
        const { node, server } = await this.full();
        const wire = await Wire.open(server.port);
        for (let i = 0; i < count; i++) {
            const { bytes } = this.personal.request('foreignOrigin');
            const text = bytes.toString('latin1').replace(/^Origin: .*\r\n/m, '');
            wire.send(Buffer.from(text, 'latin1'));
            assert.equal((await wire.response()).status, 503);
        }
        wire.close();
        assert.equal((await server.stop('SIGTERM')).signal, null);
        this.dirs.push(node.dir);
        this.texts['the node that refuses'] = server.stderr + server.stdout;
        this.seen.set('unavailable', count);
    }

    /** Events that the store refuses: they end in the dead-letter file. */
    async poison(count) {
        const events = Array.from({ length: count }, () => this.personal.event({ event: POISON }));
        const sent = await this.server.track(events);
        assert.deepEqual([sent.status, sent.body], [202, { accepted: count }]);
    }

    /** An access log, which is full of addresses by its nature. */
    async importLog(count) {
        const file = join(tempDir(), 'access.log');
        const lines = Array.from({ length: count }, (_, i) => {
            const { address, agent } = this.personal.person('imported');
            const { path, referrer } = this.personal.event();
            const request = `GET ${path.split('#')[0]} HTTP/1.1`;
            return line({ ms: Date.now() - 6 * 3_600_000 + i, address, agent, request, referrer });
        });
        writeFileSync(file, lines.map((one) => `${one}\n`).join(''));
        await this.#command(['import', '--site', SITE, '--json', file], file);
        this.seen.set('imported', count);
    }

    /** What a command says is searched too. */
    async #command(args, hide = ' ') {
        const { code, stdout, stderr } = await this.abacus.command(args);
        assert.ok(code === 0 || args[0] === 'doctor', `${args}: ${stderr}`);
        this.texts[args.join(' ')] = (stdout + stderr).replaceAll(hide, '');
    }

    // -- what there is then ----------------------------------------------------------------------

    async readOut() {
        const { abacus, server, token, texts } = this;
        await abacus.aggregate();
        for (const args of [
            ['doctor', '--json'],
            ['queue', 'status', '--json'],
            ['queue', 'dump'],
            ['site', 'list', '--json'],
        ])
            await this.#command(args);
        const [from, to] = AROUND_NOW;
        const range = { siteId: SITE, from, to };
        for (const format of ['csv', 'ndjson'])
            await this.#read('/api/analytics/export', { ...range, format });
        for (const dimension of DIMENSIONS)
            await this.#read('/api/analytics/breakdown', { ...range, dimension, limit: 1000 });
        await this.#read('/api/analytics/ledger', range);
        texts.metrics = (await server.get('/metrics', token)).text;
        texts.dump = await this.dump();
    }

    async #read(path, params) {
        const target = query(path, params);
        const { status, text } = await this.server.get(target, this.token);
        assert.equal(status, 200, `${target}: ${text}`);
        this.texts[target] = text;
    }

    /** By the shipped script, in each form; unpacked beside. */
    async backUp() {
        const { dir, env, bin } = this.abacus;
        for (const form of this.forms) {
            const end = await exec(SCRIPT, ['--dir', this.copies, ...form], {
                env: { ...env, ABACUS_DATA_DIR: dir, ABACUS_BIN: bin },
            });
            assert.equal(end.code, 0, end.stderr);
            this.texts[`backup ${form}`] = end.stdout + end.stderr;
        }
        for (const { path } of filesBelow(this.copies)) {
            const unpack = path.endsWith('.dump') ? ['pg_restore', '-f', '-'] : ['zstd', '-dc'];
            if (path.endsWith('.ndjson')) continue;
            const { code, stdout } = await exec(unpack[0], [...unpack.slice(1), path]);
            assert.equal(code, 0, path);
            this.texts[`${path} unpacked`] = stdout;
        }
    }

    /** The dead letters' records, which stand there as base64. */
    deadLetters() {
        const text = readFileSync(join(this.abacus.dir, 'dead-letter.ndjson'), 'utf8');
        const letters = text.trim().split('\n').map((one) => JSON.parse(one));
        return Buffer.concat(letters.map(({ payload }) => Buffer.from(payload, 'base64')));
    }

    search(needles) {
        const { server, texts } = this;
        const all = {
            ...texts,
            ...this.said(),
            stdout: server.stdout,
            stderr: server.stderr,
            'dead letters': this.deadLetters(),
        };
        const { found, bytes } = search(this.dirs, all, needles);
        this.bytes += bytes;
        return found;
    }

    findsNothing(when) {
        const found = this.search(this.personal.needles);
        assert.deepEqual(summary(found), [], `${Object.keys(found).length} needles ${when}`);
    }
}

/** [what, where] of the first few that were found: there may be thousands. */
function summary(found) {
    return Object.entries(found)
        .slice(0, 20)
        .map(([name, places]) => `${name} in ${places.slice(0, 3).map(({ path }) => path)}`);
}

/** The answer is what a request of this kind is answered. */
function judge(kind, expected, got) {
    const about = `${kind}: ${got?.status} ${got?.body}`;
    if (got === null || Array.isArray(expected) || typeof expected === 'number') {
        const list = [expected].flat();
        assert.ok(list.includes(got === null ? null : got.status), about);
        return;
    }
    assert.equal(got.status, 202, about);
    const { accepted = 0, dropped = {} } = JSON.parse(got.body);
    assert.equal(accepted, expected.accepted ?? 0, about);
    assert.deepEqual(dropped, expected.dropped ? { [expected.dropped]: 1 } : {}, about);
}

// -- what is found -------------------------------------------------------------------------------

/** Four bytes occur somewhere by chance, in so many megabytes. Those of an address that were kept
 *  would be there for each address; of a kind of request at most a third is, and of all no more
 *  than of addresses that nobody sent. */
function checkByChance(world) {
    const { needles, kinds, of } = world.personal.byChance();
    const found = Object.keys(world.search(needles)).map((name) => name.split(' ')[0]);
    const share = (list) => found.filter((one) => list.includes(one)).length;
    for (const kind of kinds)
        assert.ok(share([kind]) <= 2 + of(kind) / 3, `${kind}: ${share([kind])} of ${of(kind)}`);
    const sent = share(kinds.filter((kind) => kind !== 'nobody'));
    assert.ok(sent <= 10 + 2 * share(['nobody']), `${sent} against ${share(['nobody'])}`);
    return `${sent} of the addresses' 4 bytes and ${share(['nobody'])} of others'`;
}

/** What is kept is found by the same search in each place where it is kept. */
function checkKept(world, everywhere) {
    const kept = new Needles();
    const texts = [...Object.values(KEPT), ...BROWSERS_KEPT];
    for (const text of texts) kept.add(text, Buffer.from(text));
    const found = world.search(kept);
    for (const { name } of kept) {
        const paths = found[name]?.map(({ path }) => path) ?? [];
        for (const place of [...everywhere, world.copies, 'unpacked', 'dump'])
            assert.ok(
                paths.some((path) => path.includes(place)),
                `${name} is not in ${place}: ${paths}`,
            );
    }
}

for (const [shape, make] of Object.entries({ 'one machine': oneMachine, platform }))
    test(`of 10,000 requests no address, no User-Agent, no e-mail address and no token is left anywhere (${shape})`, async (t) => {
        const world = await World.open(make);
        const { personal } = world;
        await world.poison(40);
        await world.send(REQUESTS);
        await world.importLog(200);
        await world.refuseAll(60);
        const kinds = [...KIND_NAMES, 'imported', 'unavailable'].sort();
        assert.deepEqual([...world.seen.keys()].sort(), kinds);
        world.findsNothing('while events come');

        await world.readOut();
        await world.backUp();
        world.findsNothing('when all is counted');
        await world.flush();
        world.findsNothing('when all is written out');
        assert.deepEqual(await world.server.stop(), { code: 0, signal: null });
        await world.stop();
        world.findsNothing('when all has stopped');
        const chance = checkByChance(world);
        checkKept(world, world.dirs.slice(0, shape === 'platform' ? 3 : 1));
        t.diagnostic(
            `${REQUESTS} requests in ${world.sendMs} ms, ${personal.needles.count} needles, ` +
                `${Math.round(world.bytes / 1e6)} MB searched, ${chance}`,
        );
    });

test('every needle is found where it is', () => {
    const personal = new Personal({ write: 'abacus_write', read: 'abacus_read' });
    for (const request of personal.requests(2000)) assert.ok(request.bytes.length > 0);
    const { needles } = personal;
    const dir = tempDir();
    const planted = [...needles].flatMap(({ bytes }) => [bytes, Buffer.from([0])]);
    writeFileSync(join(dir, 'planted'), Buffer.concat(planted));
    const { found } = search([dir], {}, needles);
    assert.deepEqual(
        Object.keys(found).sort(),
        [...new Set([...needles].map(({ name }) => name))].sort(),
    );
    assert.ok(needles.count > 10_000, `${needles.count}`);
});

test('the requests are full of what is looked for', () => {
    const personal = new Personal({ write: 'abacus_write', read: 'abacus_read' });
    const texts = Object.fromEntries(
        [...personal.requests(5000)].map(({ bytes }, i) => [i, bytes]),
    );
    const found = new Set(Object.keys(search([], texts, personal.needles).found));
    const missing = [...new Set([...personal.needles].map(({ name }) => name))].filter(
        (name) => !found.has(name) && !/^own token| bytes: /.test(name),
    );
    assert.deepEqual(missing, []);
});
