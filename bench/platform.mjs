// bench/platform.mjs -- the figures of the platform, on a PostgreSQL and a Redis of its own:
//
//     relay        events per second and per CPU second, from the log into Redis
//     aggregation  CPU of everything that takes part (abacus, Redis, all of PostgreSQL), beside a
//                  bare COPY BINARY of the same raw rows into the same table of another database
//     stats        p50 and p99 of a year of one of 10,000 sites, uncached and from the cache
//     growth       how the cost of an event grows with events and with sites (with --growth this alone)
//
// PostgreSQL syncs as it does in earnest; both sides of the comparison pay for it.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, start, tempDir, until } from '../tests/lib/process.mjs';
import { Postgres, Redis, psql } from '../tests/lib/servers.mjs';
import { cpuOf, timed } from './cpu.mjs';
import { describeStats, measureStats } from './stats.mjs';

const BUILD = process.env.ABACUS_BUILD ?? join(ROOT, 'build');
const BIN = join(BUILD, 'src/cli/abacus');
const RAW_COLUMNS =
    'site_id, "timestamp", tenant_id, type, name, day, visitor, path, referrer, title, screen, ' +
    'props, count, tokens, seconds_ms, scroll';

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// -- an installation ----------------------------------------------------------------------------

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
        const site = ['--id', 'bench-1', '--tenant', 'bench', '--domain', 'b.example'];
        await one.run(['site', 'add', ...site]);
        await one.run(['tenant', 'set', 'bench', 'limits.readsPerMinute=0']);
        await psql(
            url,
            `INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
             SELECT 'bench-' || n, 'bench', 'b.example', 0 FROM generate_series(2, ${sites}) n;`,
        );
        return one;
    }

    async fill(one, events, visitors, even = false) {
        const shares = ['--sites', one.sites, '--visitors', visitors, ...(even ? ['--even'] : [])];
        const args = [...shares, one.dir, events];
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
        const copy = (database, what) => {
            const text = `\\copy ${what} WITH (FORMAT binary)`;
            return timed('psql', ['--no-psqlrc', '-q', '--dbname', database, '-c', text]);
        };
        const rowsOfOurs = `SELECT ${RAW_COLUMNS} FROM analytics.analytics_events ORDER BY id`;
        await copy(one.url, `(${rowsOfOurs}) TO '${file}'`);
        const before = cpuOf(this.postgres.pid);
        const done = await copy(url, `analytics.analytics_events (${RAW_COLUMNS}) FROM '${file}'`);
        const rows = Number(await psql(url, 'SELECT count(*) FROM analytics_events;'));
        const cpu = done.cpu + cpuOf(this.postgres.pid) - before;
        rmSync(file);
        return { rows, cpu };
    }
}

// -- the figures --------------------------------------------------------------------------------

async function benchRelay(platform, events) {
    const one = await platform.install(50);
    // In shares that are even: no partition's window is full before all is sent.
    await platform.fill(one, events, 60_000, true);
    const redis = cpuOf(platform.redis.pid);
    const began = performance.now();
    const args = ['serve', '--roles', 'ingest', '--listen', '127.0.0.1:0', '--data-dir', one.dir];
    const node = start(BIN, args, { env: one.env });
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
    return {
        perSecond: events / seconds,
        perCpu: events / cpu,
        redis: events / (cpuOf(platform.redis.pid) - redis),
    };
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
async function benchGrowth(platform, events, sites) {
    const one = await platform.install(sites);
    await platform.fill(one, events, Math.max(sites, Math.round(events / 5)), true);
    const job = await platform.aggregate(one, events);
    const touched = Number(await psql(one.url, 'SELECT count(*) FROM hourly_stats;'));
    rmSync(one.dir, { recursive: true, force: true });
    return { events, sites, touched, cpu: job.cpu, batches: job.report.batches };
}

async function benchStats(platform, sites, seconds) {
    const one = await platform.install(sites);
    const numbers = ['pageviews', 'leads', 'forms', 'exports', 'automation_runs', 'ai_tokens',
        'unique_visitors', 'converters', 'visits', 'bounces', 'visit_ms', 'visit_pageviews',
        'conversions', 'unattributed_conversions', 'estimated'];
    await psql(one.url, `INSERT INTO analytics_daily_stats (site_id, date, tenant_id, ${numbers})
        SELECT 'bench-' || s, current_date - d, 'bench', ${numbers.map((_, i) => `${i} * 7 + d`)}
        FROM generate_series(1, ${sites}) s, generate_series(0, 364) d; ANALYZE;`);
    const scope = ['--tenant', 'bench', '--scope', 'stats:read'];
    const token = (await one.run(['token', 'create', ...scope])).stdout.trim();
    const args = ['--listen', '127.0.0.1:0', '--data-dir', one.dir, '--aggregate-interval', '0'];
    const node = start(BIN, ['serve', ...args], { env: one.env });
    let said = '';
    node.stderr.on('data', (chunk) => (said += chunk));
    const url = await until(() => /listening on (http:\S+)/.exec(said)?.[1], 'serve');
    const stats = await measureStats({ url, token, sites, dir: one.dir, seconds });
    node.kill('SIGTERM');
    await node.ended;
    return stats;
}

const round = (n) => Math.round(n).toLocaleString('en');

async function printFigures(platform, quick) {
    const events = quick ? 30_000 : 300_000;
    const relay = await benchRelay(platform, events);
    console.log(
        `relay: ${round(relay.perSecond)} events per second, ${round(relay.perCpu)} per CPU ` +
            `second of the node, ${round(relay.redis)} per CPU second of Redis`,
    );
    const job = await benchAggregation(platform, events, quick ? 1 : 5);
    console.log(
        `aggregation into PostgreSQL: ${round(job.ours)} events per CPU second of all processes; ` +
            `bare COPY BINARY of the same rows: ${round(job.bare)}; ratio ${job.ratio.toFixed(2)} ` +
            `(abacus ${job.parts.abacus.toFixed(1)} s, Redis ${job.parts.redis.toFixed(1)} s of ` +
            `${job.parts.cpu.toFixed(1)} s)`,
    );
    const stats = await benchStats(platform, quick ? 100 : 10_000, quick ? 1 : 3);
    console.log(`stats over a year on PostgreSQL: ${describeStats(stats)}`);
}

/** From 10^5 to 10^7 events, and from 10 to 100,000 sites. */
const GROWTH = [
    [100_000, 50],
    [1_000_000, 50],
    [10_000_000, 50],
    [1_000_000, 10],
    [1_000_000, 1000],
    [1_000_000, 100_000],
];

async function printGrowth(platform, quick) {
    for (const [events, sites] of GROWTH) {
        const row = await benchGrowth(platform, quick ? events / 100 : events, quick ? sites / 10 : sites);
        console.log(
            `growth: ${round(row.events)} events, ${round(row.sites)} sites: ` +
                `${((row.cpu / row.events) * 1e6).toFixed(1)} us per event, ` +
                `${((row.cpu / row.touched) * 1e6).toFixed(0)} us per touched (site, day, hour) ` +
                `(${round(row.touched)} of them, ${row.batches} batches)`,
        );
    }
}

const options = process.argv.slice(2);
const platform = await Platform.start();
try {
    const quick = options.includes('--quick');
    await (options.includes('--growth') ? printGrowth : printFigures)(platform, quick);
} finally {
    await platform.stop();
}
