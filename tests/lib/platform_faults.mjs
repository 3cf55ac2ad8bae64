// What befalls a platform under load (lib/cluster.mjs), drawn by a seed or given by name; and a
// database that is put back to an earlier copy.
//
// A fault returns once it is over: what it has stopped runs again. Faults of OUTAGE may happen
// while PostgreSQL or Redis is away.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, tempDir, until } from './abacus.mjs';
import { Cluster, keyOf } from './cluster.mjs';
import { Random } from './random.mjs';

/** Longer than a lease, of 10 s. */
const PAUSE_MS = 12_000;
const HOLDER_TRIES = 40;

/** A moment of at most so many milliseconds. */
const moment = (random, ms) => sleep(random.next() * ms);

// -- processes -----------------------------------------------------------------------------------

async function killMember(cluster, random, member) {
    await member.kill();
    await moment(random, 1000);
    await member.start();
}

const killTracker = (cluster, random) =>
    killMember(cluster, random, random.pick(cluster.trackers));
const killCounter = (cluster, random) =>
    killMember(cluster, random, random.pick(cluster.counters));

/** SIGSTOP of whoever holds a lease, until another must have taken it over; SIGCONT, and it goes
 *  on with what it was doing. */
async function pauseHolder(cluster) {
    for (let i = 0; i < HOLDER_TRIES; i++) {
        const pid = await holderSoon(cluster);
        if (!cluster.counters.some(({ server }) => server.pid === pid)) continue;
        process.kill(pid, 'SIGSTOP');
        // Its lease may have ended just before the signal came.
        const held = `SELECT count(*) FROM leases WHERE holder LIKE '%/${pid}';`;
        if (Number(await cluster.sql(held)) > 0) {
            await sleep(PAUSE_MS);
            await until(
                async () => Number(await cluster.sql(held)) === 0,
                'the leases of a holder that stands still to be taken over',
            );
            process.kill(pid, 'SIGCONT');
            return;
        }
        process.kill(pid, 'SIGCONT');
    }
    throw new Error(`no lease holder could be stopped in ${HOLDER_TRIES} tries`);
}

/** Looked for by PostgreSQL itself, since a lease is short. */
async function holderSoon(cluster) {
    const said = await cluster.sql(`
        CREATE OR REPLACE FUNCTION pg_temp.holder() RETURNS text LANGUAGE plpgsql AS $$
        DECLARE found text;
        BEGIN
            FOR i IN 1 .. 2000 LOOP
                SELECT split_part(holder, '/', 2) INTO found FROM analytics.leases
                WHERE holder IS NOT NULL AND until > clock_timestamp() ORDER BY random() LIMIT 1;
                EXIT WHEN found IS NOT NULL;
                PERFORM pg_sleep(0.001);
            END LOOP;
            RETURN found;
        END $$;
        SELECT pg_temp.holder();`);
    return Number(said.trim() || NaN);
}

/** A node that is scaled away under load: it drains itself. */
async function drainTracker(cluster, random) {
    const tracker = random.pick(cluster.trackers);
    await tracker.drain();
    await cluster.replace(tracker);
}

/** A node that has died, and its volume that was saved. */
async function relayVolume(cluster, random) {
    const tracker = random.pick(cluster.trackers);
    await tracker.kill();
    await cluster.onVolume(tracker, ['relay']);
    await cluster.replace(tracker);
}

// -- Redis ---------------------------------------------------------------------------------------

/** kill -9; it comes back with what it had written out a second ago, or with nothing. */
async function killRedis(cluster, random, empty) {
    await cluster.redis.kill();
    await moment(random, 1000);
    await cluster.redis.startAgain({ empty });
}

const flushRedis = (cluster) => cluster.redis.cli('FLUSHALL');

async function fillRedis(cluster, random) {
    await cluster.redis.configure('maxmemory', '1mb');
    await sleep(1500);
    await moment(random, 1500);
    await cluster.redis.configure('maxmemory', '0');
}

// -- PostgreSQL ----------------------------------------------------------------------------------

const restartPostgres = (cluster, random, mode) =>
    cluster.withoutPostgres(async () => {
        await cluster.postgres.stop(mode);
        await moment(random, 1000);
        await cluster.postgres.start();
    });

/** Runs until another session has changed something and not yet committed; then `act` at once.
 *  pg_stat_activity is looked at without a pause. */
async function inMidCommit(cluster, act) {
    const shell = start('psql', ['--no-psqlrc', '--dbname', cluster.platform.databaseUrl], {
        stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    shell.stderr.on('data', (chunk) => {
        if (said === '') act(chunk);
        said += chunk;
    });
    shell.stdin.on('error', () => {});
    shell.stdin.end(`
        DO $$
        DECLARE writer integer;
        BEGIN
            FOR i IN 1 .. 200000 LOOP
                PERFORM pg_stat_clear_snapshot();
                SELECT pid INTO writer FROM pg_stat_activity
                WHERE datname = current_database() AND backend_type = 'client backend'
                      AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL LIMIT 1;
                EXIT WHEN writer IS NOT NULL;
            END LOOP;
            RAISE NOTICE '%', writer;
        END $$;`);
    await shell.ended;
    assert.match(said, /NOTICE: +\d+/, 'a session that has not yet committed');
}

/** The server dies while a commit is under way. */
async function killPostgresInMidCommit(cluster, random) {
    await cluster.withoutPostgres(async () => {
        let killed;
        await inMidCommit(cluster, () => (killed = cluster.postgres.kill()));
        await killed;
        await moment(random, 1000);
        await cluster.postgres.start();
    });
}

/** Sessions are cut off while they commit, again and again; the server lives. */
async function cutCommits(cluster) {
    for (let i = 0; i < 10; i++) {
        await cluster.sql(`
            DO $$
            BEGIN
                FOR i IN 1 .. 20000 LOOP
                    PERFORM pg_stat_clear_snapshot();
                    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND backend_type = 'client backend'
                          AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL;
                    EXIT WHEN FOUND;
                END LOOP;
            END $$;`);
        await sleep(50);
    }
}

export const FAULTS = {
    'a tracker killed': { run: killTracker, outage: true },
    'a counter killed': { run: killCounter, outage: true },
    'a lease holder stopped for longer than its lease': { run: pauseHolder },
    'a tracker drained and gone': { run: drainTracker },
    'a tracker killed and its volume relayed': { run: relayVolume },
    'Redis killed, back with its data': {
        run: (cluster, random) => killRedis(cluster, random, false),
        outage: true,
    },
    'Redis killed, back empty': {
        run: (cluster, random) => killRedis(cluster, random, true),
        outage: true,
    },
    'Redis flushed': { run: flushRedis, outage: true },
    'Redis out of memory': { run: fillRedis },
    'PostgreSQL restarted, fast': {
        run: (cluster, random) => restartPostgres(cluster, random, 'fast'),
        outage: true,
    },
    'PostgreSQL restarted, immediate': {
        run: (cluster, random) => restartPostgres(cluster, random, 'immediate'),
        outage: true,
    },
    'PostgreSQL killed in the middle of a commit': { run: killPostgresInMidCommit },
    'sessions cut off in the middle of commits': { run: cutCommits },
};
const FAULT_NAMES = Object.keys(FAULTS);
const OUTAGE_NAMES = FAULT_NAMES.filter((name) => FAULTS[name].outage);

/** Away for members; how the proxy makes it so, by its modes. */
export const OUTAGES = ['Redis', 'PostgreSQL', 'Redis and PostgreSQL'];
const MODES = ['refuse', 'stall', 'swallow'];

async function outage(cluster, random, { what, mode, ms, meanwhile }) {
    const proxies = [];
    if (what.includes('Redis')) proxies.push(cluster.toRedis);
    if (what.includes('PostgreSQL')) proxies.push(cluster.toPostgres);
    const body = async () => {
        for (const proxy of proxies) await proxy.set(mode);
        const over = sleep(ms);
        for (const name of meanwhile) {
            cluster.note(`  meanwhile: ${name}`);
            await FAULTS[name].run(cluster, random);
        }
        await over;
        for (const proxy of proxies) await proxy.pass();
    };
    await (what.includes('PostgreSQL') ? cluster.withoutPostgres(body) : body());
}

// -- runs ----------------------------------------------------------------------------------------

/** What a run does: {outage: {what, mode, ms, meanwhile}, faults}. The outage comes at a place of
 *  its own among the faults. */
export function drawRun(seed, { outageMs, faults = 6, meanwhile = 3 }) {
    const random = new Random(seed);
    const draw = (names, count) => Array.from({ length: count }, () => random.pick(names));
    return {
        seed,
        outage: {
            what: random.pick(OUTAGES),
            mode: random.pick(MODES),
            ms: outageMs,
            meanwhile: draw(OUTAGE_NAMES, meanwhile),
        },
        faults: draw(FAULT_NAMES, faults),
    };
}

/** One run: load, faults, and what must be true. `say` is given a line for each step. Returns what
 *  was measured. */
export async function faultRun({ seed, outage: away, faults }, say = () => {}) {
    const random = new Random(seed);
    const cluster = await Cluster.start({ longestOutageMs: away.ms });
    const step = (text) => {
        cluster.note(text);
        say(text);
    };
    try {
        await sleep(1000);
        const steps = faults.map((name) => [name, () => FAULTS[name].run(cluster, random)]);
        const { what, mode, ms, meanwhile } = away;
        steps.splice(random.int(0, steps.length), 0, [
            `${what} away for ${ms / 1000} s (${mode}), and meanwhile ${meanwhile.join(', ')}`,
            () => outage(cluster, random, away),
        ]);
        for (const [name, run] of steps) {
            step(name);
            await run();
            await moment(random, 1500);
        }
        const settledMs = await cluster.settle();
        await cluster.check();
        await cluster.stop();
        return { events: cluster.answered(), settledMs, slowestMs: slowestOf(cluster) };
    } catch (error) {
        error.message += `\n${await cluster.report()}`;
        throw error;
    } finally {
        await cluster.close();
    }
}

const slowestOf = ({ loads }) => Math.max(...Object.values(loads).map((load) => load.slowestMs));

// -- restore -------------------------------------------------------------------------------------

/** Put the database back, under load, to a copy made a while before. With the logs kept since,
 *  nothing is lost. Where they do not reach so far back (`logKeep`, and a `rate` that fills them),
 *  what came between copy and restore may be, nothing that came afterwards. Returns how many events
 *  are lost, and how many the ledger names. */
export async function restoreRun({ beforeMs, betweenMs, afterMs, logKeep, rate }) {
    const trackerArgs = logKeep === undefined ? [] : ['--log-keep', logKeep];
    const cluster = await Cluster.start({ trackerArgs, rate });
    const file = join(tempDir(), 'copy');
    try {
        await sleep(beforeMs);
        const copied = await cluster.stored();
        await cluster.platform.must(['backup', file]);
        await sleep(betweenMs);
        await cluster.platform.must(['restore', file, '--yes']);
        rmSync(file);
        const { again, once } = cluster.loads;
        const until = { again: again.sent, once: once.sent };
        await sleep(afterMs);
        await cluster.settle();
        const between = (kind, number) =>
            number <= until[kind] && !copied[kind].has(keyOf(cluster.loads[kind], number));
        const mayBeLost = logKeep === undefined ? undefined : between;
        const lost = await cluster.check({ mayBeLost });
        const named = await cluster.sql(
            "SELECT coalesce(sum(events), 0) FROM ledger WHERE reason = 'lost-by-restore';",
        );
        await cluster.stop();
        return { lost, named: Number(named) };
    } catch (error) {
        error.message += `\n${await cluster.report()}`;
        throw error;
    } finally {
        await cluster.close();
    }
}
