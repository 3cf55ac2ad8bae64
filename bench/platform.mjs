// bench/platform.mjs -- the figures of the platform, on a PostgreSQL and a Redis of its own:
//
//     relay        events per second and per CPU second, from the log into Redis
//     aggregation  CPU of everything that takes part (abacus, Redis, all of PostgreSQL), beside a
//                  bare COPY BINARY of the same raw rows into the same table of another database
//     stats        p50 and p99 of a year of one of 10,000 sites, uncached and from the cache
//     growth       how the cost of an event grows with events and with sites
//
// PostgreSQL syncs as it does in earnest; both sides of the comparison pay for it.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, exec, start, tempDir, until } from '../tests/lib/process.mjs';
import { Postgres, Redis, psql } from '../tests/lib/servers.mjs';

const BUILD = process.env.ABACUS_BUILD ?? join(ROOT, 'build');
const BIN = join(BUILD, 'src/cli/abacus');
const TICKS = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
const RAW_COLUMNS =
    'site_id, "timestamp", tenant_id, type, name, day, visitor, path, referrer, title, screen, ' +
    'props, count, tokens, seconds_ms, scroll';

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// -- CPU -------------------------------------------------------------------------------------------

function stat(pid) {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU seconds of a process and of its children, those that have ended included. */
function cpuOf(pid) {
    let ticks = 0;
    const own = stat(pid);
    for (const at of [11, 12, 13, 14]) ticks += Number(own[at]);
    for (const name of readdirSync('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        try {
            const fields = stat(name);
            if (Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
        } catch {
            // It has ended since the directory was read; its parent has its time.
        }
    }
    return ticks / TICKS;
}

/** Run a program; its CPU seconds. */
async function timed(file, args, options) {
    const end = await exec('/usr/bin/time', ['-f', '%U %S', file, ...args], {
        limit: 3_600_000,
        ...options,
    });
    if (end.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${end.stderr}`);
    const [user, system] = end.stderr.trim().split('\n').at(-1).split(' ').map(Number);
    return { cpu: user + system, stdout: end.stdout };
}

// -- an installation -------------------------------------------------------------------------------

class Platform {
    static async start() {
        const self = new Platform();
        self.postgres = await Postgres.start({
            fsync: true,
            settings: { shared_buffers: '512MB', max_wal_size: '4GB' },
        });
        self.redis = await Redis.start();
        return self;
    }

    async stop() {
        await this.redis.stop();
        await this.postgres.stop();
    }

    /** A database with `sites` sites and a directory for a log. */
    async install(sites) {
        const url = await this.postgres.createDatabase();
        await this.redis.cli('flushall');
        const one = { url, dir: tempDir(), sites };
        one.env = { DATABASE_URL: url, REDIS_URL: this.redis.url(), ABACUS_LOG: 'error' };
        one.run = (args, options = {}) =>
            timed(BIN, [...args, '--data-dir', one.dir], { ...options, env: one.env });
        await one.run(['site', 'add', '--id', 'bench-1', '--tenant', 'bench', '--domain', 'b.example']);
        await psql(
            url,
            `INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
             SELECT 'bench-' || n, 'bench', 'b.example', 0 FROM generate_series(2, ${sites}) n;`,
        );
        return one;
    }

    async fill(one, events, visitors, even = false) {
        const args = [one.dir, one.sites, visitors, events, ...(even ? ['even'] : [])];
        await timed(join(BUILD, 'bench/fill'), args.map(String));
    }

    /** CPU seconds of both servers. */
    servers() {
        return cpuOf(this.postgres.pid) + cpuOf(this.redis.pid);
    }

    /** Count what the log holds; the CPU seconds of all. */
    async aggregate(one, events) {
        const before = this.servers();
        const redisBefore = cpuOf(this.redis.pid);
        const done = await one.run(['aggregate', '--json']);
        const report = JSON.parse(done.stdout);
        if (report.events !== events)
            throw new Error(`aggregated ${report.events} of ${events}: ${done.stdout}`);
        return {
            cpu: done.cpu + this.servers() - before,
            abacus: done.cpu,
            redis: cpuOf(this.redis.pid) - redisBefore,
            report,
        };
    }

    /** COPY BINARY of the same raw rows into the same table of a database of its own. */
    async bareCopy(one) {
        const file = join(one.dir, 'raw.copy');
        const url = await this.postgres.createDatabase();
        await timed(BIN, ['migrate', '--data-dir', tempDir()], { env: { DATABASE_URL: url } });
        const copy = (database, text) => ['--no-psqlrc', '-q', '--dbname', database, '-c', text];
        await timed('psql', copy(one.url, `\\copy (SELECT ${RAW_COLUMNS} FROM
            analytics.analytics_events ORDER BY id) TO '${file}' WITH (FORMAT binary)`.replace(/\s+/g, ' ')));
        const before = cpuOf(this.postgres.pid);
        const done = await timed('psql', copy(url, `\\copy analytics.analytics_events (${RAW_COLUMNS})
            FROM '${file}' WITH (FORMAT binary)`.replace(/\s+/g, ' ')));
        const rows = Number(await psql(url, 'SELECT count(*) FROM analytics_events;'));
        const cpu = done.cpu + cpuOf(this.postgres.pid) - before;
        rmSync(file);
        return { rows, cpu };
    }
}

// -- the figures -----------------------------------------------------------------------------------

async function benchRelay(platform, events) {
    const one = await platform.install(50);
    await platform.fill(one, events, 60_000);
    const redis = cpuOf(platform.redis.pid);
    const began = performance.now();
    const node = start(BIN, ['serve', '--roles', 'ingest', '--listen', '127.0.0.1:0', '--data-dir', one.dir], {
        env: one.env,
    });
    const length = async () => {
        const lengths = await Promise.all(
            [...Array(16).keys()].map((p) => platform.redis.cli('xlen', `analytics:events:${p}`)),
        );
        return lengths.reduce((sum, one) => sum + Number(one), 0);
    };
    await until(async () => (await length()) >= events, 'the relay', 600_000);
    const seconds = (performance.now() - began) / 1000;
    const cpu = cpuOf(node.pid);
    node.kill('SIGKILL');
    await node.ended;
    return { perSecond: events / seconds, perCpu: events / cpu, redis: events / (cpuOf(platform.redis.pid) - redis) };
}

async function benchAggregation(platform, events, rounds) {
    const ours = [];
    const bare = [];
    const ratios = [];
    let parts;
    for (let round = 0; round < rounds; round++) {
        const one = await platform.install(50);
        await platform.fill(one, events, 60_000);
        const job = await platform.aggregate(one, events);
        const copy = await platform.bareCopy(one);
        if (copy.rows !== events) throw new Error(`copied ${copy.rows} of ${events}`);
        ours.push(events / job.cpu);
        bare.push(events / copy.cpu);
        ratios.push(copy.cpu / job.cpu);
        parts = job;
    }
    return { ours: median(ours), bare: median(bare), ratio: median(ratios), parts };
}

/** Touched: hourly rows, each with its day's; every batch reads and writes those it touches. */
async function benchGrowth(platform, points) {
    const rows = [];
    for (const { events, sites } of points) {
        const one = await platform.install(sites);
        await platform.fill(one, events, Math.max(sites, Math.round(events / 5)), true);
        const job = await platform.aggregate(one, events);
        const touched = Number(await psql(one.url, 'SELECT count(*) FROM hourly_stats;'));
        rows.push({ events, sites, touched, cpu: job.cpu, batches: job.report.batches });
        rmSync(one.dir, { recursive: true, force: true });
    }
    return rows;
}

async function benchStats(platform, sites, requests) {
    const one = await platform.install(sites);
    const numbers = ['pageviews', 'leads', 'forms', 'exports', 'automation_runs', 'ai_tokens',
        'unique_visitors', 'converters', 'visits', 'bounces', 'visit_ms', 'visit_pageviews',
        'conversions', 'unattributed_conversions', 'estimated'];
    await psql(one.url, `INSERT INTO analytics_daily_stats (site_id, date, tenant_id, ${numbers})
        SELECT 'bench-' || s, current_date - d, 'bench', ${numbers.map((_, i) => `${i} * 7 + d`)}
        FROM generate_series(1, ${sites}) s, generate_series(0, 364) d; ANALYZE;`);
    const token = (await one.run(['token', 'create', '--tenant', 'bench', '--scope', 'stats:read'])).stdout.trim();
    const node = start(BIN, ['serve', '--listen', '127.0.0.1:0', '--data-dir', one.dir, '--aggregate-interval', '0'], {
        env: { ...one.env, ABACUS_LOG: 'error' },
    });
    let said = '';
    node.stderr.on('data', (chunk) => (said += chunk));
    const url = await until(() => /listening on (http:\S+)/.exec(said)?.[1], 'serve');
    const day = (offset) => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 10);
    const ask = async (site) => {
        const began = performance.now();
        const answer = await fetch(
            `${url}/api/analytics/stats?siteId=bench-${site}&from=${day(364)}&to=${day(0)}`,
            { headers: { authorization: `Bearer ${token}` } },
        );
        const text = await answer.text();
        if (answer.status !== 200) throw new Error(`stats: ${answer.status} ${text}`);
        return performance.now() - began;
    };
    const measure = async (pick) => {
        const times = [];
        for (let i = 0; i < requests; i++) times.push(await ask(pick(i)));
        times.sort((a, b) => a - b);
        return { p50: times[Math.floor(requests / 2)], p99: times[Math.floor(requests * 0.99)] };
    };
    await measure(() => 1);
    const uncached = await measure((i) => 2 + ((i * 7919) % (sites - 2)));
    const cached = await measure(() => 1);
    const floor = [];
    for (let i = 0; i < requests; i++) {
        const began = performance.now();
        await (await fetch(`${url}/healthz`)).text();
        floor.push(performance.now() - began);
    }
    node.kill('SIGTERM');
    await node.ended;
    return { uncached, cached, floor: median(floor) };
}

const round = (n) => Math.round(n).toLocaleString('en');

/** Print them; `quick` shows that it works. */
export async function benchPlatform({ quick = false, growth = false } = {}) {
    const platform = await Platform.start();
    const events = quick ? 30_000 : 300_000;
    try {
        const relay = await benchRelay(platform, events);
        console.log(
            `relay: ${round(relay.perSecond)} events per second, ${round(relay.perCpu)} per CPU ` +
                `second of the node, ${round(relay.redis)} per CPU second of Redis`,
        );
        const job = await benchAggregation(platform, events, quick ? 1 : 3);
        console.log(
            `aggregation into PostgreSQL: ${round(job.ours)} events per CPU second of all processes; ` +
                `bare COPY BINARY of the same rows: ${round(job.bare)}; ratio ${job.ratio.toFixed(2)} ` +
                `(abacus ${job.parts.abacus.toFixed(1)} s, Redis ${job.parts.redis.toFixed(1)} s of ` +
                `${job.parts.cpu.toFixed(1)} s)`,
        );
        const stats = await benchStats(platform, quick ? 100 : 10_000, quick ? 200 : 2000);
        console.log(
            `stats over a year on PostgreSQL: uncached p50 ${stats.uncached.p50.toFixed(2)} ms, p99 ` +
                `${stats.uncached.p99.toFixed(2)} ms; cached p50 ${stats.cached.p50.toFixed(2)} ms, p99 ` +
                `${stats.cached.p99.toFixed(2)} ms; /healthz p50 ${stats.floor.toFixed(2)} ms`,
        );
        if (growth) {
            const points = [
                [100_000, 50],
                [1_000_000, 50],
                [10_000_000, 50],
                [1_000_000, 10],
                [1_000_000, 1000],
                [1_000_000, 100_000],
            ].map(([events, sites]) => ({ events: quick ? events / 100 : events, sites: quick ? Math.min(sites, 1000) : sites }));
            for (const row of await benchGrowth(platform, points))
                console.log(
                    `growth: ${round(row.events)} events, ${round(row.sites)} sites: ` +
                        `${((row.cpu / row.events) * 1e6).toFixed(1)} us per event, ` +
                        `${((row.cpu / row.touched) * 1e6).toFixed(0)} us per touched (site, day, hour) ` +
                        `(${round(row.touched)} of them, ${row.batches} batches)`,
                );
        }
    } finally {
        await platform.stop();
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
    await benchPlatform({
        quick: process.argv.includes('--quick'),
        growth: process.argv.includes('--growth'),
    });
