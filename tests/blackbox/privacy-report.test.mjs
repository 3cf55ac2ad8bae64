// `abacus privacy report` says what is there, and nothing that a visitor could be known by: on an
// installation from its first day on, over weeks in which nothing ran, and when a salt outlives its
// day.

import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';
import { inEachShape } from '../lib/platform.mjs';
import { addDays } from '../lib/zones.mjs';

const DAY_MS = 86_400_000;
const FIRST = '2026-05-01';
const NOON = Date.parse(`${FIRST}T12:00:00Z`);
const ADDRESS = '198.51.100.77';
const KEY = '00112233445566778899aabbccddeeff'.repeat(2);

inEachShape('the report follows an installation', async (make, shape) => {
    const clock = new FakeClock(NOON);
    const abacus = await make({ clock, env: { ABACUS_LOG_KEEP: '0' } });
    await new Story(clock, abacus, shape === 'one machine').run();
});

class Story {
    constructor(clock, abacus, local) {
        Object.assign(this, { clock, abacus, local, secrets: new Set([ADDRESS]) });
    }

    async run() {
        await this.fresh();
        await this.afterTraffic();
        await this.fortyDaysAsleep();
        await this.awakeAgain();
        await this.manySites();
        await this.aSaltThatStayed();
    }

    async fresh() {
        await this.abacus.site('plain', 'tenant');
        await this.abacus.site('lax', 'tenant');
        const report = await this.report();
        assert.deepEqual(report.findings, []);
        assert.deepEqual(report.salts.dates, []);
        assert.equal(report.retention.lastCompleteAt, null);
        assert.equal(this.kind(report, 'rawEvents').rows, 0);
        assert.equal(this.kind(report, 'sites').rows, 2);
        assert.deepEqual(report.sites.lessStrict, []);
        assert.match(await this.page(), /^Findings\n {2}no findings$/m);
    }

    async afterTraffic() {
        this.secrets.add(await this.abacus.token('stats:read', { tenant: 'tenant' }));
        await this.set('visitorIdentity=full-address', 'storeIpPrefix=true', 'queryParams=q');
        this.server = await this.serve();
        await this.send('plain', 7);
        await this.send('lax', 3);
        await this.abacus.aggregate();
        await this.saltsAreLearnt();
        const report = await this.report();
        assert.deepEqual(report.findings, []);
        this.saltsOf(report, -1);
        assert.equal(report.retention.lastCompleteAt, this.instant(0));
        assert.equal(report.retention.rowsRemoved, 0);
        const raw = this.kind(report, 'rawEvents');
        const { rows, exact, oldest, newest, keepDays, visitorIds, saltsExist } = raw;
        assert.deepEqual(
            { rows, exact, oldest, newest, keepDays, visitorIds, saltsExist },
            {
                rows: 10,
                exact: true,
                oldest: FIRST,
                newest: FIRST,
                keepDays: 30,
                visitorIds: true,
                saltsExist: true,
            },
        );
        // One browser at one address, on two sites.
        assert.equal(this.kind(report, 'visits').rows, 2);
        assert.equal(report.addressPrefixes.rows, 3);
        assert.equal(report.addressPrefixes.sites, 1);
        assert.equal(report.log.keepSeconds, 0);
        assert.deepEqual(report.sites.lessStrict, [
            {
                siteId: 'lax',
                tenantId: 'tenant',
                settings: {
                    visitorIdentity: 'full-address',
                    storeIpPrefix: true,
                    queryParams: ['q'],
                },
            },
        ]);
        if (this.local) assert.equal(report.redis, null);
        else assert.deepEqual(report.redis, { reached: true, waiting: 0, oldestAt: null });
        await this.withoutRedis();
        await this.pageAgrees(report);
        await this.server.stop();
        await this.writesNothing();
    }

    /** That Redis does not answer is said, and is no finding. */
    async withoutRedis() {
        const options = { env: { REDIS_URL: 'redis://127.0.0.1:1' } };
        const end = await this.abacus.command(['privacy', 'report', '--json'], options);
        assert.equal(end.code, 0, end.stdout + end.stderr);
        const { redis } = JSON.parse(end.stdout);
        assert.equal(redis.reached, false);
        assert.ok(redis.error.length > 0);
    }

    /** Nothing ran: everything that should have gone is still there, and said to be. */
    async fortyDaysAsleep() {
        this.clock.set(NOON + 40 * DAY_MS);
        const { findings } = await this.report(1);
        const about = [
            `salts that have ended, the first at ${FIRST}T12:30:00Z, still exist in `,
            `retention has not ended completely since ${FIRST}T12:00:00Z`,
            'raw events: some are older than allowed, of 2 sites: lax, plain',
            'visits: some are older',
            'sets of visitors: some are older',
        ];
        for (const begin of about)
            assert.ok(
                findings.some(({ finding, mend }) => finding.startsWith(begin) && mend.length > 0),
                `${begin}: ${JSON.stringify(findings)}`,
            );
        const dates = [-1, 0, 1, 2, 3].map((n) => addDays(FIRST, n)).join(', ');
        assert.ok(findings[0].finding.endsWith(`: of ${dates}`), findings[0].finding);
        const page = await this.page(1);
        for (const [i, { finding, mend }] of findings.entries())
            assert.ok(page.includes(`  ${i + 1}. ${finding}\n     -> ${mend}\n`), finding);
        assert.doesNotMatch(page, /no findings/);
    }

    async awakeAgain() {
        this.server = await this.serve();
        await this.send('plain', 2);
        await this.abacus.aggregate();
        await this.saltsAreLearnt();
        // The log goes a moment after it was counted.
        let report;
        await until(
            async () => {
                report = JSON.parse((await this.command(['--json'])).stdout);
                return report.findings.length === 0;
            },
            'no findings',
            20_000,
            () => JSON.stringify(report.findings),
        );
        assert.equal((await this.command([])).code, 0);
        this.saltsOf(report, 39);
        assert.equal(report.retention.lastCompleteAt, this.instant(40));
        assert.equal(report.retention.recordedSince, this.instant(0));
        // 10 raw rows, singly or with their day; visits, sets, keys and what else was of that day.
        const { rowsRemoved, daysRemoved } = report.retention;
        assert.ok(this.local ? rowsRemoved > 12 : rowsRemoved > 2 && daysRemoved === 1);
        const raw = this.kind(report, 'rawEvents');
        assert.equal(raw.rows, 2);
        assert.equal(raw.oldest, addDays(FIRST, 40));
        assert.equal(report.addressPrefixes.rows, 0);
        assert.equal(this.kind(report, 'dailyStats').oldest, FIRST);
        await this.pageAgrees(report);
        await this.server.stop();
    }

    /** The program would remove it at once: nothing runs now. */
    async aSaltThatStayed() {
        const stayed = addDays(FIRST, 38);
        const end = `${addDays(FIRST, 39)}T12:30:00Z`;
        this.secrets.add(KEY);
        if (this.local) {
            const path = join(this.abacus.dir, 'salts');
            writeFileSync(path, `${stayed} ${KEY} 17\n${readFileSync(path, 'utf8')}`);
            chmodSync(path, 0o640);
        } else {
            await this.abacus.sql(
                `INSERT INTO salts VALUES (date '${stayed}' - date '1970-01-01', 17, '\\x${KEY}');
                 ALTER TABLE salts SET LOGGED;`,
            );
        }
        const { findings, salts } = await this.report(1);
        assert.equal(findings.length, 2);
        const [first] = findings;
        assert.ok(first.finding.startsWith(`salts that have ended, the first at ${end}, still`));
        assert.ok(first.finding.endsWith(`: of ${stayed}`), first.finding);
        assert.match(findings[1].finding, this.local ? /open to others/ : /write-ahead log keeps/);
        assert.equal(salts.olderExist, true);
        assert.deepEqual(
            salts.dates.filter(({ ended }) => ended).map(({ date }) => date),
            [stayed],
        );
        assert.match(await this.page(1), /an older one exists$/m);
    }

    /** The list of sites is bounded; how many there are is said. */
    async manySites() {
        await this.abacus.sql(
            `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
             INSERT INTO analytics_settings (site_id, tenant_id, domain, respect_gpc, created_ms)
             SELECT 'no-gpc-' || i, 'tenant', 'gpc.example', false, 0 FROM n;`,
        );
        const { sites } = await this.report();
        assert.equal(sites.lessStrict.length, 20);
        assert.equal(sites.lessStrictCount, 21);
        assert.equal(sites.count, 22);
        const all = JSON.parse(await this.said(['--json', '--all'], 0)).sites.lessStrict;
        assert.equal(all.length, 21);
        for (const { siteId, settings } of all.filter((site) => site.siteId !== 'lax'))
            assert.deepEqual(settings, { respectGpc: false }, siteId);
        assert.match(await this.page(), /^ {2}and 1 more \(--all lists them\)$/m);
        assert.doesNotMatch(await this.said(['--all'], 0), /--all lists them/);
    }

    // -- what it is made of ----------------------------------------------------------------------

    serve() {
        // Runs of the job are those that the test makes.
        return this.abacus.serve(['--trusted-proxies', '127.0.0.1/32'], { interval: '0' });
    }

    set(...changes) {
        const all = changes.flatMap((change) => ['--set', change]);
        return this.abacus.must(['site', 'set', '--id', 'lax', ...all]);
    }

    async send(siteId, count) {
        const events = Array.from({ length: count }, (_, i) => ({
            event: 'pageview',
            siteId,
            path: `/${i}`,
            id: `${siteId}${i}`,
        }));
        await this.server.ready();
        const answer = await this.server.track(events, { 'X-Forwarded-For': ADDRESS });
        assert.equal(answer.status, 202, answer.text);
    }

    instant(days) {
        return new Date(NOON + days * DAY_MS).toISOString();
    }

    kind(report, name) {
        return report.stored.find(({ kind }) => kind === name);
    }

    command(args) {
        return this.abacus.command(['privacy', 'report', ...args]);
    }

    /** What it says, which holds no secret. */
    async said(args, code) {
        const end = await this.command(args);
        assert.equal(end.code, code, end.stdout + end.stderr);
        assert.equal(end.stderr, '');
        for (const secret of this.secrets) assert.ok(!end.stdout.includes(secret), secret);
        return end.stdout;
    }

    async report(code = 0) {
        return JSON.parse(await this.said(['--json'], code));
    }

    page(code = 0) {
        return this.said([], code);
    }

    /** What is in the file or the table, to be looked for. */
    async saltsAreLearnt() {
        const text = this.local
            ? readFileSync(join(this.abacus.dir, 'salts'), 'utf8')
            : await this.abacus.sql("SELECT encode(key, 'hex') FROM salts;");
        const keys = text.match(/\b[0-9a-f]{64}\b/g);
        assert.equal(keys.length, 5);
        for (const key of keys) this.secrets.add(key);
    }

    /** At noon there is a salt of each date that runs between UTC-12 and UTC+14, of the one that
     *  ended half an hour ago at most, and of two days ahead. */
    saltsOf({ salts }, from) {
        assert.deepEqual(
            salts.dates.map(({ date, endsAt, ended }) => ({ date, endsAt, ended })),
            [0, 1, 2, 3, 4].map((n) => ({
                date: addDays(FIRST, from + n),
                endsAt: `${addDays(FIRST, from + n + 1)}T12:30:00.000Z`,
                ended: false,
            })),
        );
        for (const { madeAt, ageSeconds } of salts.dates) {
            assert.equal(madeAt, this.instant(from + 1));
            assert.equal(ageSeconds, 0);
        }
        assert.equal(salts.oldestAllowed, addDays(FIRST, from));
        assert.equal(salts.olderExist, false);
        if (this.local) assert.equal(salts.mode, '600');
        else assert.equal(salts.unlogged, true);
    }

    /** The page has the facts of the JSON. */
    async pageAgrees(report) {
        const page = await this.page();
        const second = (instant) => instant.replace(/\.\d+Z$/, 'Z');
        for (const { date, madeAt, endsAt } of report.salts.dates)
            assert.match(
                page,
                new RegExp(`^  ${date} +${second(madeAt)} +\\S+ \\w+ +${second(endsAt)}$`, 'm'),
            );
        assert.match(
            page,
            new RegExp(`^  last complete run +${second(report.retention.lastCompleteAt)}, `, 'm'),
        );
        const { rows, oldest, newest } = this.kind(report, 'rawEvents');
        assert.match(page, new RegExp(`^  raw events +${rows} +${oldest} +${newest} +30 days`, 'm'));
        assert.match(page, /^ {2}lax +tenant +visitorIdentity "full-address", storeIpPrefix true, /m);
        assert.doesNotMatch(page, /^ {2}plain/m);
    }

    /** Every file is what it was; SQLite's own two, which readers need, hold no row. */
    async writesNothing() {
        const files = () =>
            Object.fromEntries(
                readdirSync(this.abacus.dir, { recursive: true })
                    .filter((name) => !/-(shm|wal)$/.test(name))
                    .map((name) => join(this.abacus.dir, name))
                    .filter((path) => statSync(path).isFile())
                    .map((path) => [path, readFileSync(path, 'latin1')]),
            );
        const before = files();
        await this.report();
        const after = files();
        assert.deepEqual(Object.keys(after), Object.keys(before));
        for (const [path, text] of Object.entries(before))
            assert.ok(after[path] === text, `${path} was written`);
        if (this.local) {
            const wal = join(this.abacus.dir, 'abacus.db-wal');
            assert.equal(statSync(wal, { throwIfNoEntry: false })?.size ?? 0, 0);
        }
    }
}
