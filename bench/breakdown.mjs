// bench/breakdown.mjs -- what people look at, on both stores: sites with 5,000,000 raw events in 30
// days and 500, 5,000 and 50,000 pages.
//
//     node bench/breakdown.mjs [--quick | --events N] [--store sqlite|postgres] [--paths-per-day N]
//
//     counting    CPU of everything that takes part, an event, with idempotency keys in the last
//                 seven days; packing alone, of the copies below
//     disk        bytes an event, by table, with nothing compacted
//     breakdown   p50 and p99 over HTTP, one question at a time, unfiltered and filtered, uncached
//                 (each question differs from those before in its offset) and from the cache,
//                 beside the same question asked as plain SQL of the raw rows by sqlite3 and psql
//
// The site with 50,000 pages goes the way of all events, from the log through the job. The others
// are its raw rows and visits with fewer pages (the same skew), copied in SQL and packed by the
// job. The other eleven months of the year are copies of these 30 days' packs and daily rows.
// Answers are compared with those of plain SQL before anything is measured.

import { statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { ROOT, exec, removeDir, start, tempDir, until } from '../tests/lib/process.mjs';
import { Postgres } from '../tests/lib/servers.mjs';
import { cpuOf, timed } from './cpu.mjs';
import { dayAgo, wrk } from './stats.mjs';

const BUILD = process.env.ABACUS_BUILD ?? join(ROOT, 'build');
const BIN = join(BUILD, 'src/cli/abacus');
const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS);
const MONTH = 30;
const YEAR = 365;
const MOST_PAGES = 50_000;
const FEWER_PAGES = [500, 5_000];
const LIMIT_MS = 600_000;

const option = (name, preset) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? preset : process.argv[at + 1];
};
const QUICK = process.argv.includes('--quick');
const EVENTS = Number(option('events', QUICK ? 200_000 : 5_000_000));

const siteOf = (pages) => `pages-${pages}`;
const whole = (n) => Math.round(n).toLocaleString('en');
const ms = (n) => (n < 10 ? n.toFixed(2) : whole(n));

async function mustRun(file, args, options) {
    const end = await exec(file, args, { limit: LIMIT_MS, ...options });
    if (end.code !== 0) throw new Error(`${file}: ${end.stderr}\n${options?.input ?? ''}`);
    return end.stdout;
}

const lines = (text) => text.trim().split('\n');
const cells = (text, separator) => lines(text).map((line) => line.split(separator));

// -- stores ---------------------------------------------------------------------------------------

/** The number at the end of a page's path, as bench/fill.c writes it. */
const lastOf = (path) => `CAST(substr(${path}, length(${path}) - 4) AS integer)`;
const FEWER_PREFIX = '/guides/practical-invoices-';
/** Makes the k-th of 50,000 pages one of `pages` so that shares keep falling off like 1/rank. */
const exponent = (pages) => Math.log(pages + 1) / Math.log(MOST_PAGES + 1);

class Sqlite {
    name = 'SQLite';
    env = { ABACUS_LOG: 'error' };

    async open() {
        this.dir = tempDir();
        this.file = join(this.dir, 'abacus.db');
    }

    async close() {
        removeDir(this.dir);
    }

    /** The database is in abacus' own process. */
    serverCpu = () => 0;

    sql(text) {
        return mustRun('sqlite3', ['-bail', '-batch', this.file], { input: text });
    }

    /** How long a question takes, and its rows. */
    async ask(question) {
        const out = lines(await this.sql(`.timer on\n${question};`));
        const took = /real ([\d.]+)/.exec(out.pop());
        return { ms: Number(took[1]) * 1000, rows: out.map((line) => line.split('|')) };
    }

    async columns(table) {
        return lines(await this.sql(`SELECT name FROM pragma_table_info('${table}');`));
    }

    daysAgo = (date, days) => `date(${date}, '-${days} days')`;
    instant = (day) => day * DAY_MS;
    dateOf = (day) => `date(${day} * 86400, 'unixepoch')`;
    visitOf = 'v.day = e.day AND e.timestamp BETWEEN v.begin_ms AND v.end_ms';
    fewerPages = (path, pages) =>
        `'${FEWER_PREFIX}' || printf('%05d',
            CAST(pow(${lastOf(path)} + 1, ${exponent(pages)}) AS integer) - 1)`;

    async settle() {
        await this.sql('PRAGMA wal_checkpoint(TRUNCATE);');
    }

    async disk() {
        const tables = await this.sql(
            `SELECT s.tbl_name || iif(s.type = 'index', ' (index)', ''), sum(d.pgsize) FROM dbstat d
             JOIN sqlite_schema s USING (name) GROUP BY 1 ORDER BY 2 DESC;`,
        );
        return { all: statSync(this.file).size, tables: cells(tables, '|') };
    }
}

class PostgreSql {
    name = 'PostgreSQL';

    async open() {
        this.dir = tempDir();
        const settings = { shared_buffers: '1GB', max_wal_size: '8GB' };
        this.server = await Postgres.start({ fsync: true, settings });
        this.url = await this.server.createDatabase();
        this.env = { DATABASE_URL: this.url, ABACUS_LOG: 'error' };
    }

    async close() {
        await this.server.stop();
        removeDir(this.server.dir);
        removeDir(this.dir);
    }

    serverCpu = () => cpuOf(this.server.pid);

    sql(text) {
        const args = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '-F', '|'];
        return mustRun('psql', [...args, '-v', 'ON_ERROR_STOP=1', '--dbname', this.url], {
            input: text,
            env: { PGOPTIONS: '-c search_path=analytics -c client_min_messages=warning' },
        });
    }

    async ask(question) {
        const out = lines(await this.sql(`\\timing on\n${question};`));
        const took = /Time: ([\d.]+) ms/.exec(out.pop());
        return { ms: Number(took[1]), rows: out.map((line) => line.split('|')) };
    }

    async columns(table) {
        const names = await this.sql(
            `SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = '${table}'::regclass
             AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum;`,
        );
        return lines(names);
    }

    daysAgo = (date, days) => `${date} - ${days}`;
    instant = (day) => `timestamptz '${new Date(day * DAY_MS).toISOString()}'`;
    dateOf = (day) => `date '1970-01-01' + ${day}`;
    visitOf = `v.day = e.day - date '1970-01-01'
        AND (extract(epoch FROM e."timestamp") * 1000)::bigint BETWEEN v.begin_ms AND v.end_ms`;
    fewerPages = (path, pages) =>
        `'${FEWER_PREFIX}' || lpad((floor(power(${lastOf(path)} + 1, ${exponent(pages)})) - 1)::text,
            5, '0')`;

    async settle() {
        await this.sql('ANALYZE; CHECKPOINT;');
    }

    /** A day's partition of raw rows counts as its table. */
    async disk() {
        const of = (size, word) =>
            `SELECT coalesce(p.inhparent::regclass, c.oid::regclass) || '${word}' AS name,
                    ${size}(c.oid) AS bytes
             FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid
             WHERE c.relnamespace = 'analytics'::regnamespace AND c.relkind = 'r'`;
        const tables = await this.sql(
            `SELECT name, sum(bytes) FROM (${of('pg_table_size', '')} UNION ALL
             ${of('pg_indexes_size', ' (index)')}) t GROUP BY 1 ORDER BY 2 DESC;`,
        );
        const rows = cells(tables, '|');
        return { all: rows.reduce((sum, [, bytes]) => sum + Number(bytes), 0), tables: rows };
    }
}

// -- an installation ------------------------------------------------------------------------------

class Installation {
    constructor(store) {
        this.store = store;
        this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    }

    abacus(args) {
        return timed(BIN, [...args, '--data-dir', this.store.dir], { env: this.store.env });
    }

    async addSite(pages) {
        const id = siteOf(pages);
        const site = ['--id', id, '--tenant', 'bench', '--domain', 'bench.example'];
        await this.abacus(['site', 'add', ...site]);
        await this.abacus(['tenant', 'set', 'bench', 'limits.readsPerMinute=0']);
        const most = option('paths-per-day');
        if (most) await this.abacus(['site', 'set', '--id', id, '--set', `pathsPerDay=${most}`]);
    }

    /** One run of the job; CPU seconds of all that takes part. */
    async job() {
        const before = this.store.serverCpu();
        const done = await this.abacus(['aggregate', '--json']);
        return {
            cpu: done.cpu + this.store.serverCpu() - before,
            report: JSON.parse(done.stdout),
        };
    }

    /** The rows of a table again for another site, with some columns changed. */
    async copyRows(table, from, to, changes = {}) {
        const columns = await this.store.columns(table);
        const changed = { site_id: `'${to}'`, ...changes };
        await this.store.sql(
            `INSERT INTO ${table} (${columns.join(', ')})
             SELECT ${columns.map((column) => changed[column] ?? column).join(', ')}
             FROM ${table} WHERE site_id = '${from}';`,
        );
    }

    async copySite(pages) {
        const { store } = this;
        const [from, to] = [siteOf(MOST_PAGES), siteOf(pages)];
        const path = (column) => ({ [column]: store.fewerPages(column, pages) });
        await this.addSite(pages);
        await this.copyRows('analytics_events', from, to, path('path'));
        await this.copyRows('visits', from, to, { ...path('entry_path'), ...path('exit_path') });
        await this.copyRows('analytics_daily_stats', from, to);
        await store.sql(
            `INSERT INTO due_days (site_id, day) SELECT '${to}', day FROM packs
             WHERE site_id = '${from}' GROUP BY day;`,
        );
    }

    /** What is kept for a year of a month, every month before. */
    async makeYear() {
        const { store } = this;
        const daily = await store.columns('analytics_daily_stats');
        for (let days = MONTH; days < YEAR; days += MONTH) {
            const first = TODAY - YEAR + days;
            const columns = daily.map((one) => (one === 'date' ? store.daysAgo(one, days) : one));
            await store.sql(
                `INSERT INTO packs (site_id, day, part, bytes)
                 SELECT site_id, day - ${days}, part, bytes FROM packs
                 WHERE part < 200 AND day >= ${Math.max(first, TODAY - MONTH)};
                 INSERT INTO analytics_daily_stats (${daily.join(', ')})
                 SELECT ${columns.join(', ')} FROM analytics_daily_stats
                 WHERE date >= ${store.dateOf(Math.max(first, TODAY - MONTH))};`,
            );
        }
    }

    async serve() {
        const scope = ['--tenant', 'bench', '--scope', 'stats:read'];
        this.token = (await this.abacus(['token', 'create', ...scope])).stdout.trim();
        const args = ['--listen', '127.0.0.1:0', '--data-dir', this.store.dir];
        this.node = start(BIN, ['serve', ...args, '--aggregate-interval', '0'], {
            env: this.store.env,
        });
        let said = '';
        this.node.stderr.on('data', (chunk) => (said += chunk));
        this.url = await until(() => /listening on (http:\S+)/.exec(said)?.[1], 'serve');
    }

    async stop() {
        this.agent.destroy();
        this.node.kill('SIGTERM');
        await this.node.ended;
    }

    /** CPU seconds so far of all that takes part in an answer. */
    cpu() {
        return cpuOf(this.node.pid) + this.store.serverCpu();
    }

    /** The answer and how long it took. */
    ask(path) {
        const headers = { authorization: `Bearer ${this.token}` };
        const began = performance.now();
        return new Promise((resolve, reject) => {
            get(this.url + path, { agent: this.agent, headers }, (response) => {
                const chunks = [];
                response.on('data', (chunk) => chunks.push(chunk));
                response.on('end', () => {
                    const took = performance.now() - began;
                    const text = Buffer.concat(chunks).toString();
                    if (response.statusCode !== 200) reject(new Error(`${path}: ${text}`));
                    else resolve({ ms: took, body: JSON.parse(text) });
                });
            }).on('error', reject);
        });
    }
}

// -- questions ------------------------------------------------------------------------------------

const RANGES = {
    '30 days': { from: MONTH, to: 1 },
    'a year': { from: YEAR, to: 1 },
    'a day': { from: 1, to: 1 },
};

const pathOf = ({ pages, dimension, range, filter }) =>
    `/api/analytics/breakdown?siteId=${siteOf(pages)}&dimension=${dimension}` +
    `&from=${dayAgo(RANGES[range].from)}&to=${dayAgo(RANGES[range].to)}` +
    (filter ? `&filter=${encodeURIComponent(`${filter.dimension}:is:${filter.value}`)}` : '');

/** The same as somebody would ask who has the raw rows alone: of pages their pageviews, of sources
 *  all but engagement. Its visitors are distinct by day, as their ids are. */
function plainSql(store, { pages, dimension, range, filter }) {
    const byVisit = dimension !== 'page' || (filter && filter.dimension !== 'page');
    const value = dimension === 'page' ? 'e.path' : `v.${dimension}`;
    const where = [
        `e.site_id = '${siteOf(pages)}'`,
        `e.timestamp >= ${store.instant(TODAY - RANGES[range].from)}`,
        `e.timestamp < ${store.instant(TODAY - RANGES[range].to + 1)}`,
        dimension === 'page' ? "e.type = 'pageview'" : "e.type <> 'engagement'",
    ];
    if (filter?.dimension === 'page') where.push(`e.path = '${filter.value}'`);
    else if (filter) where.push(`v.${filter.dimension} = '${filter.value}'`);
    const visits = `JOIN visits v ON v.site_id = e.site_id AND v.visitor = e.visitor
        AND ${store.visitOf}`;
    return `SELECT ${value}, count(DISTINCT e.visitor), sum(e.count * (e.type = 'pageview')${
        store.name === 'SQLite' ? '' : '::integer'
    })
        FROM analytics_events e ${byVisit ? visits : ''} WHERE ${where.join(' AND ')}
        GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 100`;
}

/** The value that is nearest to this share of all events. */
async function valueWithShare(store, dimension, share) {
    const site = `WHERE site_id = '${siteOf(MOST_PAGES)}'`;
    const nearest = (value, events, table) =>
        `SELECT ${value} FROM ${table} ${site} GROUP BY 1
         ORDER BY abs(${events} - ${share * EVENTS}), 1 LIMIT 1;`;
    const text = await store.sql(
        dimension === 'page'
            ? nearest('path', 'count(*)', 'analytics_events')
            : nearest(dimension, `sum(pageviews + others) * ${EVENTS} / (SELECT
                sum(pageviews + others) FROM visits ${site})`, 'visits'),
    );
    return { dimension, value: text.trim(), share };
}

/** Of pages: nobody needs a visit to answer that, so nothing may differ. Who joins raw rows with
 *  visits by their id misses those of the half hour after midnight, two in a hundred. */
function checkAnswer(question, rows, plain) {
    const exact = question.dimension === 'page' && question.filter?.dimension !== 'country';
    const named = plain.filter(([value]) => value !== '');
    const same = (a, b) => (exact ? a === b : Math.abs(a - b) <= 5 + 0.06 * b);
    for (const [value, visitors, pageviews] of named.slice(0, 5)) {
        const row = rows.find((one) => one.value === value);
        if (!same(row?.visitors, Number(visitors)) || !same(row?.pageviews, Number(pageviews)))
            throw new Error(
                `${pathOf(question)}: ${JSON.stringify(row)}, and not ${visitors} visitors and ` +
                    `${pageviews} pageviews of ${value}`,
            );
    }
}

function quantiles(list) {
    const sorted = [...list].sort((a, b) => a - b);
    const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return { p50: at(0.5), p99: at(0.99) };
}

/** No two of these are the same: the cache has none of them. */
async function measureUncached(one, path) {
    const took = [];
    const end = performance.now() + (QUICK ? 500 : 2500);
    const before = one.cpu();
    while (took.length < 5 || (performance.now() < end && took.length < 300))
        took.push((await one.ask(`${path}&offset=${took.length + 1}`)).ms);
    return { ...quantiles(took), cpu: ((one.cpu() - before) * 1000) / took.length };
}

function measureCached(one, path) {
    const file = join(one.store.dir, 'cached.lua');
    writeFileSync(file, `wrk.headers["Authorization"] = "Bearer ${one.token}"\n`, { mode: 0o600 });
    return wrk(['-d1s', '-s', file, one.url + path]);
}

function describe(store, { pages, dimension, range, filter }) {
    const which = filter
        ? `, ${filter.dimension} with ${(100 * filter.share).toFixed(0)} % of the events`
        : '';
    return `${store.name}, ${whole(pages)} pages: ${dimension}, ${range}${which}`;
}

async function printQuestion(one, question) {
    const path = pathOf(question);
    const { body, ms: first } = await one.ask(path);
    let plain = '';
    if (question.plain) {
        const asked = await one.store.ask(plainSql(one.store, question));
        checkAnswer(question, body.rows, asked.rows);
        plain = `; plain SQL ${ms(asked.ms)} ms`;
    }
    const uncached = await measureUncached(one, path);
    const cached = question.cached ? measureCached(one, path) : undefined;
    console.log(
        `${describe(one.store, question)}: p50 ${ms(uncached.p50)} ms, p99 ${ms(uncached.p99)} ms, ` +
            `CPU ${ms(uncached.cpu)} ms` +
            (cached ? `; cached p50 ${ms(cached.p50)} ms, p99 ${ms(cached.p99)} ms` : '') +
            (question.first ? `; the first time ${ms(first)} ms` : '') +
            plain,
    );
}

// -- the figures ----------------------------------------------------------------------------------

async function printCounting(one) {
    const { store } = one;
    await one.addSite(MOST_PAGES);
    const fill = ['--site', siteOf(MOST_PAGES), '--paths', MOST_PAGES, '--visitors', 500_000];
    const days = ['--days', MONTH, '--ids', store.dir, EVENTS];
    await timed(join(BUILD, 'bench/fill'), [...fill, ...days].map(String));
    const job = await one.job();
    if (job.report.events !== EVENTS) throw new Error(`counted ${JSON.stringify(job.report)}`);
    console.log(
        `${store.name}: counting and packing ${((job.cpu / EVENTS) * 1e6).toFixed(2)} us of CPU an event`,
    );
}

async function printDisk(one) {
    await one.store.settle();
    const { all, tables } = await one.store.disk();
    const each = (bytes) => (Number(bytes) / EVENTS).toFixed(1);
    const large = tables.filter(([, bytes]) => bytes / EVENTS > 0.3);
    console.log(
        `${one.store.name}: disk ${each(all)} bytes an event: ` +
            large.map(([name, bytes]) => `${name} ${each(bytes)}`).join(', '),
    );
}

async function printPacking(one) {
    for (const pages of FEWER_PAGES) await one.copySite(pages);
    await one.store.settle();
    const job = await one.job();
    const events = EVENTS * FEWER_PAGES.length;
    console.log(
        `${one.store.name}: packing alone ${((job.cpu / events) * 1e6).toFixed(2)} us of CPU an event`,
    );
    await one.makeYear();
    await one.store.settle();
}

async function printBreakdowns(one) {
    const ask = (question) => printQuestion(one, question);
    for (const pages of [...FEWER_PAGES, MOST_PAGES])
        for (const dimension of ['page', 'source'])
            for (const range of ['30 days', 'a year'])
                await ask({
                    pages,
                    dimension,
                    range,
                    cached: true,
                    plain: range === '30 days' && pages === MOST_PAGES,
                });
    const few = await valueWithShare(one.store, 'country', 0.01);
    const page = await valueWithShare(one.store, 'page', 0.01);
    const many = await valueWithShare(one.store, 'country', 0.25);
    for (const filter of [few, page, many])
        for (const dimension of ['page', 'source'])
            await ask({ pages: MOST_PAGES, dimension, range: '30 days', filter, plain: true });
    for (const filter of [few, many])
        await ask({ pages: MOST_PAGES, dimension: 'source', range: 'a year', filter });
}

/** As today, whose rows nothing has packed: who asks first has it made from them, and the answers
 *  that follow find it made until something is counted. */
async function printDue(one) {
    const day = `'${siteOf(5_000)}', ${TODAY - 1}`;
    await one.store.sql(`INSERT INTO due_days (site_id, day) VALUES (${day});`);
    console.log(`The day that follows is not packed: ${whole(EVENTS / MONTH)} events.`);
    for (const dimension of ['page', 'source'])
        await printQuestion(one, { pages: 5_000, dimension, range: 'a day', first: dimension === 'page' });
}

async function printStore(store) {
    await store.open();
    const one = new Installation(store);
    try {
        await printCounting(one);
        await printDisk(one);
        await printPacking(one);
        await one.serve();
        await printBreakdowns(one);
        await printDue(one);
        await one.stop();
    } finally {
        await store.close();
    }
}

console.log(
    `breakdowns of ${whole(EVENTS)} events in ${MONTH} days; the other months of the year are copies ` +
        'of their packs and daily rows',
);
const stores = { sqlite: Sqlite, postgres: PostgreSql };
const wanted = option('store');
for (const [name, Store] of Object.entries(stores))
    if (!wanted || wanted === name) await printStore(new Store());
