// A salt that has ended is nowhere, day after day, on a clock that is set forward: in no file of
// the data directory, of PostgreSQL or Redis, in no write-ahead log, backup or line of output, and
// not in the memory of the program; one that lives is in the one place where it is kept, and in
// memory that is neither swapped out nor dumped.
//
// PostgreSQL is asked to do what could carry a salt out of its table: to analyze it, to log every
// statement and plan, to write whole pages and logical changes into its log, to crash, to be copied
// by pg_basebackup. Its clock is the real one; the days are the program's. What a file system keeps
// of files that are gone is not looked at.

import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec, Installation, ROOT, tempDir, until } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Platform } from '../lib/platform.mjs';
import { filesBelow, Needles, search, spellings } from '../lib/search.mjs';
import { Postgres, psql, Redis, sharedServers } from '../lib/servers.mjs';

const DAY_MS = 86_400_000;
/** An hour after the last zone has ended the date before: each day ends one salt. */
const BEGIN = Date.parse('2026-05-01T13:00:00Z');
const DAYS = 5;
const CRASH_ON = 3;
const SCRIPT = join(ROOT, 'packaging/abacus-backup');
const MIGRATIONS = join(ROOT, 'src/store/sql');

const TELLTALE = {
    log_statement: 'all',
    log_min_duration_statement: '0',
    log_error_verbosity: 'verbose',
    log_min_messages: 'debug2',
    shared_preload_libraries: 'pg_stat_statements,auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_nested_statements': 'on',
    full_page_writes: 'on',
    wal_level: 'logical',
    autovacuum_naptime: '1s',
    // Every change is worth an ANALYZE.
    autovacuum_analyze_threshold: '0',
    autovacuum_analyze_scale_factor: '0',
};

// -- the two shapes ------------------------------------------------------------------------------

async function oneMachine(clock) {
    const abacus = new Installation({ clock, env: { ABACUS_LOG: 'debug' } });
    return {
        abacus,
        dirs: [abacus.dir],
        forms: [[], ['--no-zstd']],
        said: () => ({}),
        salts: async () =>
            readFileSync(join(abacus.dir, 'salts'), 'utf8')
                .trim()
                .split('\n')
                .map((line) => [line.slice(0, 10), Buffer.from(line.slice(11, 75), 'hex')]),
        home: async () => join(abacus.dir, 'salts'),
        pry: () => {},
        crash: () => {},
        stop: () => {},
    };
}

async function platform(clock) {
    const postgres = await Postgres.start({ settings: TELLTALE, keep: true });
    const redis = await Redis.start({ loglevel: 'debug' }, { keep: true });
    const databaseUrl = await postgres.createDatabase('abacus');
    await psql(databaseUrl, 'CREATE EXTENSION pg_stat_statements;');
    const env = { ABACUS_LOG: 'debug' };
    const abacus = new Platform({ clock, databaseUrl, redisUrl: redis.url(), env });
    return {
        abacus,
        dirs: [abacus.dir, postgres.dir, redis.dir],
        forms: [[], ['--pg-dump']],
        said: () => ({
            PostgreSQL: Buffer.concat(postgres.everything),
            Redis: Buffer.concat(redis.everything),
        }),
        // COPY's answer is in no log, whatever is logged; it is empty until the first are made.
        salts: async () => {
            const rows = await abacus.sql(
                "COPY (SELECT date '1970-01-01' + day, key FROM salts ORDER BY day) TO STDOUT;",
            );
            const lines = rows.split('\n').filter((line) => line !== '');
            const list = lines.map((line) => line.split('\t'));
            return list.map(([date, key]) => [date, Buffer.from(key.replace(/^\\\\x/, ''), 'hex')]);
        },
        home: async () => {
            const path = await abacus.sql("SELECT pg_relation_filepath('salts');");
            return join(postgres.data, path.trim());
        },
        pry: async () => {
            await abacus.sql('ANALYZE salts; VACUUM (ANALYZE) salts; ANALYZE; CHECKPOINT;');
            // A checkpoint passes over unlogged tables; to copy files it writes them as well.
            await postgres.sql('CREATE DATABASE x STRATEGY file_copy;', 'postgres');
            await postgres.sql('DROP DATABASE x;', 'postgres');
            const stats = "FROM pg_stats WHERE tablename = 'salts' AND attname = 'key';";
            assert.equal((await abacus.sql(`SELECT count(*) ${stats}`)).trim(), '0');
        },
        /** kill -9 of the database: it comes back with an empty table. */
        crash: async () => {
            await postgres.kill();
            await postgres.start();
        },
        baseBackup: async (dir) => {
            const args = ['-D', dir, '-X', 'fetch', '-c', 'fast', '--no-sync'];
            const { code, stderr } = await postgres.run('pg_basebackup', args);
            assert.equal(code, 0, stderr);
        },
        stop: () => Promise.all([postgres.stop(), redis.stop()]),
    };
}

// -- memory --------------------------------------------------------------------------------------

/** [{begin, end, flags}] of the memory that a process has written to. */
function mappings(pid) {
    return readFileSync(`/proc/${pid}/smaps`, 'latin1')
        .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
        .filter((text) => /^\S+ rw/.test(text) && !/^Rss: +0 kB/m.test(text))
        .map((text) => {
            const [, begin, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(text);
            const flags = /^VmFlags: (.*)$/m.exec(text)[1].trim().split(' ');
            return { begin: BigInt(`0x${begin}`), end: BigInt(`0x${end}`), flags };
        });
}

/** {name: [flags of the mapping in which it stands]} */
function inMemory(pid, needles) {
    const found = {};
    const fd = openSync(`/proc/${pid}/mem`, 'r');
    for (const { begin, end, flags } of mappings(pid)) {
        const bytes = Buffer.alloc(Number(end - begin));
        let length = 0;
        try {
            length = readSync(fd, bytes, 0, bytes.length, begin);
        } catch (error) {
            if (!['EIO', 'EFAULT'].includes(error.code)) throw error; // it is gone since
        }
        const names = needles.in(bytes.subarray(0, length)).keys();
        for (const name of names) (found[name] ??= []).push(flags);
    }
    closeSync(fd);
    return found;
}

// -- the story -----------------------------------------------------------------------------------

/** Each key, and each half of it, as anybody may write it down. */
function needlesOf(keys) {
    const needles = new Needles();
    for (const [date, key] of keys)
        for (const part of [key, key.subarray(0, 16), key.subarray(16)])
            for (const bytes of [part, Buffer.from(part).reverse()])
                for (const form of spellings(bytes)) needles.add(date, form);
    return needles;
}

class Story {
    static async open(make) {
        const self = new Story();
        self.clock = new FakeClock(BEGIN);
        Object.assign(self, await make(self.clock));
        self.copies = tempDir();
        self.dirs.push(self.copies);
        self.texts = {};
        self.seen = new Map(); // date -> key
        self.bytes = 0;
        await self.abacus.site('site', 'tenant');
        self.server = await self.abacus.serve([], { interval: '0' });
        return self;
    }

    async day(n) {
        this.clock.set(BEGIN + n * DAY_MS);
        const today = new Date(this.clock.ms).toISOString().slice(0, 10);
        // The thread that keeps them wakes up by itself.
        const living = await until(async () => {
            const salts = await this.salts();
            return salts[0]?.[0] === today && salts;
        }, `the salts of ${today}`);
        assert.equal(living.length, 4);
        for (const [date, key] of living) {
            assert.equal(key.length, 32);
            assert.deepEqual(key, this.seen.get(date) ?? key, date);
            this.seen.set(date, key);
        }
        await this.work();
        if (n === CRASH_ON) {
            await this.crash();
            const back = async () => (await this.salts().catch(() => [])).length === 4;
            await until(back, 'salts put back');
            assert.deepEqual(await this.salts(), living);
            await this.work();
        }
        await this.pry();
        await this.look(living);
    }

    /** Events, a run of the job, and a backup in each form. */
    async work() {
        const { dir, env, bin } = this.abacus;
        const event = { event: 'pageview', siteId: 'site', path: '/' };
        await until(async () => (await this.server.track(event)).status === 202, '202');
        await this.abacus.aggregate();
        const { stdout, stderr } = await this.abacus.command(['doctor', '--json']);
        this.texts[`doctor ${this.clock.ms}`] = stdout + stderr;
        for (const form of this.forms) {
            const to = join(this.copies, `${this.clock.ms}${Object.keys(this.texts).length}`);
            // On the real clock, which the tools of a system without packages of ours have.
            const end = await exec(SCRIPT, ['--dir', to, ...form], {
                env: { ...env, ABACUS_DATA_DIR: dir, ABACUS_BIN: bin, LD_PRELOAD: '' },
            });
            assert.equal(end.code, 0, end.stderr);
            this.texts[`backup to ${to}`] = end.stdout + end.stderr;
            for (const { path } of filesBelow(to))
                this.texts[`${path} unpacked`] = await unpacked(path);
        }
    }

    find(needles) {
        const { server, texts } = this;
        const all = { ...texts, ...this.said(), stdout: server.stdout, stderr: server.stderr };
        const { found, bytes } = search(this.dirs, all, needles);
        this.bytes += bytes;
        return found;
    }

    /** Ended salts are nowhere; each that lives is in its place, and in locked memory. */
    async look(living) {
        const needles = needlesOf(this.seen);
        const dates = living.map(([date]) => date);
        const home = await this.home();
        const expected = Object.fromEntries(dates.map((date) => [date, [home]]));
        assert.deepEqual(summary(this.find(needles)), expected, `alive: ${dates}`);
        const held = inMemory(this.server.pid, needles);
        assert.deepEqual(Object.keys(held).sort(), dates, 'in memory');
        for (const [date, places] of Object.entries(held))
            for (const flags of places)
                assert.ok(flags.includes('lo') && flags.includes('dd'), `${date}: ${flags}`);
    }

    async end() {
        assert.deepEqual(await this.server.stop(), { code: 0, signal: null });
        await this.stop();
        const today = new Date(this.clock.ms).toISOString().slice(0, 10);
        const ended = [...this.seen].filter(([date]) => date < today);
        assert.equal(ended.length, DAYS - 1);
        assert.deepEqual(summary(this.find(needlesOf(ended))), {}, 'after the end');
        return ended.length;
    }
}

const summary = (found) =>
    Object.fromEntries(
        Object.entries(found).map(([date, places]) => [date, places.map(({ path }) => path)]),
    );

async function unpacked(path) {
    if (path.endsWith('.ndjson')) return readFileSync(path);
    const unpack = path.endsWith('.dump') ? ['pg_restore', '-f', '-'] : ['zstd', '-dc'];
    const { code, stdout } = await exec(unpack[0], [...unpack.slice(1), path]);
    assert.equal(code, 0, path);
    return stdout;
}

for (const [shape, make] of Object.entries({ 'one machine': oneMachine, platform }))
    test(`a salt is in its one place while it lives, and nowhere afterwards (${shape})`, async (t) => {
        const story = await Story.open(make);
        for (let n = 0; n < DAYS; n++) await story.day(n);
        if (story.baseBackup) {
            const copy = join(tempDir(), 'base');
            mkdirSync(copy);
            await story.baseBackup(copy);
            const { found } = search([copy], {}, needlesOf(story.seen));
            assert.deepEqual(summary(found), {}, 'in a base backup');
        }
        const ended = await story.end();
        t.diagnostic(`${ended} salts ended, ${Math.round(story.bytes / 1e6)} MB searched`);
    });

test('an upgrade takes away what ANALYZE kept of salts, and it keeps none again', async () => {
    const { postgres, redis } = await sharedServers();
    const databaseUrl = await postgres.freshUrl();
    const first = readFileSync(join(MIGRATIONS, 'postgres-001.sql'), 'utf8');
    const kept = async () => {
        const from = "FROM pg_stats WHERE tablename = 'salts' AND attname = 'key'";
        return (await psql(databaseUrl, `SELECT count(*) ${from};`)).trim();
    };
    await psql(
        databaseUrl,
        `CREATE SCHEMA analytics; SET search_path = analytics, pg_catalog; BEGIN; ${first}
         INSERT INTO salts SELECT n, 0, sha256(n::text::bytea) FROM generate_series(1, 4) AS n;
         COMMIT; ANALYZE salts;`,
    );
    assert.equal(await kept(), '1');
    const platform = new Platform({ databaseUrl, redisUrl: await redis.freshUrl() });
    await platform.must(['migrate']);
    assert.equal(await kept(), '0');
    await psql(databaseUrl, 'ANALYZE salts;');
    assert.equal(await kept(), '0');
});
