// As the days go by (on a clock that is set forward), raw events, keys, stats, salts and the audit
// log go when their time has come, in both shapes; what is kept answers as it did.
//
// PostgreSQL stays in the real present; the days are those of the program's clock.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Installation, query, until } from '../lib/abacus.mjs';
import { browser } from '../lib/browsers.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { Platform } from '../lib/platform.mjs';
import { findAll } from '../lib/search.mjs';
import { Postgres, Redis } from '../lib/servers.mjs';
import { addDays } from '../lib/zones.mjs';

const DAY_MS = 86_400_000;
const FIRST = '2026-05-01';
const NOON = Date.parse(`${FIRST}T12:00:00Z`);
const dayOf = (date) => Date.parse(date) / DAY_MS;

/** What differs: where salts and days of raw rows are looked for. */
const SHAPES = {
    'one machine': async (clock) => {
        const abacus = new Installation({ clock });
        return {
            abacus,
            stop: () => {},
            salts: async () =>
                readFileSync(join(abacus.dir, 'salts'), 'utf8')
                    .trim()
                    .split('\n')
                    .map((line) => ({ date: line.slice(0, 10), hex: line.slice(11, 75) })),
            /** Where it stands after a clean stop. */
            places: () => [abacus.dir],
            written: (hex) => Buffer.from(hex),
            oldestDay: async () =>
                (await abacus.sql('SELECT min(day) FROM analytics_events;')).trim(),
        };
    },
    platform: async (clock) => {
        const postgres = await Postgres.start();
        const redis = await Redis.start();
        const databaseUrl = await postgres.createDatabase('abacus');
        const abacus = new Platform({ clock, databaseUrl, redisUrl: redis.url() });
        return {
            abacus,
            stop: () => Promise.all([postgres.stop(), redis.stop()]),
            salts: async () => {
                const rows = await abacus.sql(
                    "SELECT date '1970-01-01' + day, encode(key, 'hex') FROM salts ORDER BY day;",
                );
                return rows
                    .trim()
                    .split('\n')
                    .map((line) => line.split('\t'))
                    .map(([date, hex]) => ({ date, hex }));
            },
            places: () => [abacus.dir, postgres.dir, redis.dir],
            written: (hex) => Buffer.from(hex, 'hex'),
            /** Whole partitions go, not only their rows. */
            oldestDay: async () => {
                const names = await abacus.sql(
                    `SELECT relname FROM pg_class
                     WHERE relnamespace = 'analytics'::regnamespace AND relkind = 'r'
                           AND relname ~ '^analytics_events_[0-9]{8}$' ORDER BY relname LIMIT 1;`,
                );
                const [, y, m, d] = /_(\d{4})(\d\d)(\d\d)\n$/.exec(names);
                return String(dayOf(`${y}-${m}-${d}`));
            },
        };
    },
};

for (const [shape, make] of Object.entries(SHAPES))
    test(`what is too old goes, and what is kept answers as before (${shape})`, async () => {
        const clock = new FakeClock(NOON);
        const world = await make(clock);
        await new Story(clock, world).run();
        await world.stop();
    });

class Story {
    constructor(clock, world) {
        Object.assign(this, { clock, ...world, seen: new Map(), first: new Map() });
        this.letters = join(this.abacus.dir, 'dead-letter.ndjson');
    }

    async run() {
        await this.abacus.site('long', 'tenant');
        await this.abacus.site('short', 'tenant');
        await this.abacus.settings('short', { raw_days: 7 });
        this.token = await this.abacus.token('stats:read', { tenant: 'tenant' });
        // Its own job would take partitions, and be at its retention when `aggregate` has ended.
        this.server = await this.abacus.serve([], { interval: '0' });
        await this.firstDay();
        await this.rawRowsGo();
        await this.auditGoes();
        await this.statsGo();
        this.deadLettersStay();
        await this.saltsHaveGone();
    }

    async firstDay() {
        await this.goTo(0);
        await this.send('long', 300);
        await this.send('short', 50);
        await this.abacus.aggregate();
        writeFileSync(this.letters, 'of the first day');
        await this.keeps(FIRST, { long: 300, short: 50 });
        assert.deepEqual(await this.rawRows(FIRST), { long: 300, short: 50 });
        assert.ok((await this.auditRows()) >= 3); // two sites and a token
    }

    /** After 7 days of one site, after 30 of the other; their numbers stay. */
    async rawRowsGo() {
        await this.goTo(6);
        assert.deepEqual(await this.rawRows(FIRST), { long: 300, short: 50 });
        assert.equal(await this.keys(), 350);
        await this.goTo(8);
        assert.equal(await this.keys(), 0);
        assert.deepEqual(await this.rawRows(FIRST), { long: 300, short: 0 });
        await this.goTo(29);
        await this.send('long', 70);
        await this.abacus.aggregate();
        assert.deepEqual(await this.rawRows(FIRST), { long: 300, short: 0 });
        await this.goTo(32);
        assert.deepEqual(await this.rawRows(FIRST), { long: 0, short: 0 });
        assert.deepEqual(await this.rawRows(addDays(FIRST, 29)), { long: 70, short: 0 });
        const rows = await this.abacus.sql('SELECT count(*) FROM analytics_events;');
        assert.equal(rows.trim(), '70');
        const oldest = Number(await this.oldestDay());
        assert.ok(oldest > dayOf(FIRST), `rows of day ${oldest} have a place`);
        await this.keeps(FIRST, { long: 300, short: 50 });
        await this.keeps(addDays(FIRST, 29), { long: 70, short: 0 });
    }

    async auditGoes() {
        const first = await this.auditRows();
        await this.goTo(60);
        await this.abacus.token('stats:read', { tenant: 'tenant' });
        assert.equal(await this.auditRows(), first + 1);
        await this.goTo(89);
        assert.equal(await this.auditRows(), first + 1);
        await this.goTo(92);
        assert.equal(await this.auditRows(), 1);
    }

    async statsGo() {
        await this.goTo(364);
        await this.keeps(FIRST, { long: 300, short: 50 });
        await this.goTo(367);
        const forty = await this.stats('long', FIRST, addDays(FIRST, 40));
        const { availableFrom, days, pageviews } = forty;
        assert.ok(availableFrom > FIRST && availableFrom <= addDays(FIRST, 3), availableFrom);
        assert.equal(days.find(({ date }) => date === FIRST).pageviews, null);
        assert.equal(pageviews, 70);
        const old = {
            analytics_daily_stats: `date <= '${FIRST}'`,
            hourly_stats: `day <= ${dayOf(FIRST)}`,
            ledger: `day <= ${dayOf(FIRST)}`,
        };
        for (const [table, where] of Object.entries(old)) {
            const rows = await this.abacus.sql(`SELECT count(*) FROM ${table} WHERE ${where};`);
            assert.equal(rows.trim(), '0', table);
        }
        await this.keeps(addDays(FIRST, 29), { long: 70, short: 0 });
        await this.abacus.balance();
    }

    /** They are the operator's to look at, and to remove. */
    deadLettersStay() {
        assert.equal(readFileSync(this.letters, 'utf8'), 'of the first day');
    }

    /** No file keeps one of an ended day; that the living ones are found shows that the search
     *  works. */
    async saltsHaveGone() {
        const living = await this.salts();
        const today = addDays(FIRST, 367);
        assert.ok(
            living.every(({ date }) => date >= addDays(today, -1)),
            JSON.stringify(living.map(({ date }) => date)),
        );
        for (const { date } of living) this.seen.delete(date);
        assert.ok(this.seen.size >= 20, `${this.seen.size} ended days`);
        assert.deepEqual(await this.server.stop(), { code: 0, signal: null });
        await this.stop();
        const needles = (list) =>
            Object.fromEntries(list.map(([date, hex]) => [date, this.written(hex)]));
        const find = (list) =>
            Object.assign({}, ...this.places().map((dir) => findAll(dir, {}, needles(list))));
        assert.deepEqual(find([...this.seen]), {});
        const alive = find(living.map(({ date, hex }) => [date, hex]));
        assert.deepEqual(Object.keys(alive).sort(), living.map(({ date }) => date).sort());
    }

    // -- what it is made of ----------------------------------------------------------------------

    /** Noon, so many days after the first; when the salts are there, a run of the job. */
    async goTo(days) {
        this.clock.set(NOON + days * DAY_MS);
        await this.server.ready();
        // GPC: taken, and kept nowhere but in the ledger.
        await until(async () => {
            const probe = { event: 'pageview', siteId: 'long', path: '/probe' };
            return (await this.server.track(probe, { 'Sec-GPC': '1' })).status === 202;
        }, 'salts');
        for (const { date, hex } of await this.salts()) this.seen.set(date, hex);
        await this.abacus.aggregate();
    }

    async send(siteId, count) {
        for (let n = 0; n < count; n += 100) {
            const events = Array.from({ length: Math.min(100, count - n) }, (_, i) => ({
                event: 'pageview',
                siteId,
                path: `/${n + i}`,
                id: `${this.clock.ms} ${n + i}`,
            }));
            const answer = await this.server.track(events, { 'User-Agent': browser(`Agent${n}`) });
            assert.equal(answer.status, 202, answer.text);
        }
    }

    async stats(siteId, from, to = from) {
        return this.server.stats(this.token, siteId, [from, to]);
    }

    /** {site: rows that the export still gives} */
    async rawRows(date) {
        const rows = {};
        for (const site of ['long', 'short'])
            rows[site] = (await this.server.exportRows(this.token, site, date, date)).length;
        return rows;
    }

    /** Idempotency keys, which are kept for 7 days. */
    async keys() {
        return Number(await this.abacus.sql('SELECT count(*) FROM event_ids;'));
    }

    async auditRows() {
        return Number(await this.abacus.sql('SELECT count(*) FROM audit_log;'));
    }

    /** All numbers of a date are what they were when they were first asked for. */
    async keeps(date, pageviews) {
        for (const [siteId, expected] of Object.entries(pageviews)) {
            const stats = await this.stats(siteId, date);
            assert.equal(stats.pageviews, expected, `${siteId} ${date}`);
            const hours = await this.server.get(
                query('/api/analytics/timeseries', {
                    siteId,
                    metric: 'uniqueVisitors',
                    interval: 'hour',
                    from: date,
                    to: date,
                }),
                this.token,
            );
            const numbers = { ...stats, points: hours.body.points.map(({ value }) => value) };
            for (const moving of ['asOf', 'availableFrom', 'filterableFrom'])
                delete numbers[moving];
            const key = `${siteId} ${date}`;
            if (!this.first.has(key)) this.first.set(key, numbers);
            assert.deepEqual(numbers, this.first.get(key), key);
        }
    }
}
