// Importing access logs and another product's daily totals, in both shapes.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { exec, query, start, tempDir, until } from '../lib/abacus.mjs';
import {
    addDays,
    countBy,
    countViews,
    csv,
    dateOf,
    dayAt,
    FIREFOX,
    GOOGLEBOT,
    line,
    manyLines,
    page,
    SAFARI,
    text,
} from '../lib/access_logs.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { inEachShape, SHAPES } from '../lib/platform.mjs';

const TODAY = dateOf(Date.now());
/** Two days whose midnight a visit goes over. */
const FIRST = addDays(TODAY, -3);
const SECOND = addDays(TODAY, -2);
const RANGE = [FIRST, TODAY];

const dir = tempDir();
let files = 0;

function file(content) {
    const path = join(dir, `file-${++files}`);
    writeFileSync(path, content);
    return path;
}

// -- a log of two days --------------------------------------------------------------------------

// Of 8.8.8.0/24 and of 193.99.144.0/24 everybody knows the country: Google's, heise's.
const ada = { address: '8.8.8.8' };
const ben = { address: '193.99.144.80', agent: FIREFOX };
/** Of Ben's network and with his browser: the same visitor, since the address is cut. */
const bea = { address: '193.99.144.7', agent: FIREFOX };
const cleo = { address: '8.8.8.8', agent: SAFARI };
const at = (clock, day = FIRST) => ({ ms: dayAt(day, clock) });

/** What becomes of a line: a page that is looked at, or the reason why not. */
const LINES = [
    ['page', { ...at('09:00:00'), ...ada, ...page('/', { referrer: 'https://www.google.com/' }) }],
    ['not-a-page', { ...at('09:00:00'), ...ada, ...page('/site.css') }],
    ['not-a-page', { ...at('09:00:01'), ...ada, ...page('/logo.PNG?v=2') }],
    ['page', { ...at('09:01:00'), ...ada, ...page('/pricing?plan=pro') }],
    ['page', { ...at('09:31:00'), ...ada, ...page('/docs/start.html', { status: 304 }) }],
    // More than 30 minutes later: another visit.
    ['page', { ...at('10:01:01'), ...ada, ...page('/pricing') }],
    ['page', { ...at('10:02:00'), ...ben, ...page('/?utm_source=letter&utm_medium=email') }],
    ['page', { ...at('10:20:00'), ...bea, ...page('/pricing') }],
    ['bot', { ...at('10:21:00'), ...page('/', { agent: GOOGLEBOT }) }],
    ['bot', { ...at('10:21:01'), ...page('/pricing', { agent: '-' }) }],
    ['not-a-page', { ...at('10:22:00'), request: 'POST /signup HTTP/1.1' }],
    ['not-a-page', { ...at('10:22:01'), ...page('/nothing', { status: 404 }) }],
    ['not-a-page', { ...at('10:22:02'), ...page('/', { status: 301 }) }],
    ['not-a-page', { ...at('10:22:03'), request: 'HEAD / HTTP/1.1' }],
    ['not-a-page', { ...at('10:22:04'), request: '\\x16\\x03\\x01', status: 400, agent: '-' }],
    ['not-a-page', { ...at('10:22:05'), request: '-', status: 408, agent: '-' }],
    ['invalid', { raw: '8.8.8.8 - - [when] "GET / HTTP/1.1" 200 1 "-" "A"' }],
    ['invalid', { raw: '' }],
    ['blocked', { ...at('10:23:00'), ...page('/private/a') }],
    // Over midnight: one visit of two pages, and a visitor of each day.
    ['page', { ...at('23:50:00'), ...cleo, ...page('/docs') }],
    ['page', { ...at('00:10:00', SECOND), ...cleo, ...page('/pricing') }],
    ['page', { ...at('12:00:00', SECOND), ...ben, ...page('/'), referrer: 'https://bing.com/' }],
];
const LOG = text(LINES.map(([, entry]) => entry));
const NUMBERS = Object.fromEntries(
    Object.entries({ page: 9, 'not-a-page': 8, bot: 2, invalid: 2, blocked: 1 }),
);
const FIRST_INVALID = LINES.findIndex(([verdict]) => verdict === 'invalid') + 1;

const VIEWS = LINES.filter(([verdict]) => verdict === 'page').map(([, entry]) => ({
    ...entry,
    path: entry.request.split(' ')[1].split('?')[0],
}));
const BROWSERS = { [BROWSER]: 'Chrome', [FIREFOX]: 'Firefox', [SAFARI]: 'Safari' };
const COUNTRIES = { 8: 'US', 193: 'DE' };
/** Of visits: the first view of each has what its source is told by. */
const SOURCES = { Google: 3, '(direct)': 3, letter: 2, Bing: 1 };

/** A site with an import's log in it. */
class World {
    static async open(make) {
        const self = new World();
        self.abacus = await make();
        self.read = await self.abacus.token('stats:read', { platform: true });
        return self;
    }

    async site(id, settings = []) {
        await this.abacus.site(id, 'alpha');
        if (settings.length > 0) await this.abacus.must(['site', 'set', id, ...settings]);
    }

    /** `abacus import`, its report as JSON. */
    async import(site, path, args = []) {
        return JSON.parse(
            await this.abacus.must(['import', '--site', site, '--json', ...args, path]),
        );
    }

    /** A failed import's message. */
    async refused(site, path, args = []) {
        const end = await this.abacus.command(['import', '--site', site, ...args, path]);
        assert.deepEqual([end.code, end.stdout], [1, ''], end.stderr);
        return end.stderr;
    }

    /** Ask a server that runs for that long, and counts nothing. */
    async asking(body) {
        const server = await this.abacus.serve([], { interval: '0' });
        await server.ready();
        try {
            return await body(server);
        } finally {
            await server.stop();
        }
    }

    async breakdown(server, siteId, dimension, [from, to] = RANGE) {
        const path = query('/api/analytics/breakdown', { siteId, dimension, from, to });
        const { status, body, text: said } = await server.get(path, this.read);
        assert.equal(status, 200, said);
        return Object.fromEntries(body.rows.map(({ value, pageviews }) => [value, pageviews]));
    }

    async number(sql) {
        return Number((await this.abacus.sql(sql)).trim());
    }
}

const picked = ({ pageviews, uniqueVisitors, visits, bounceRate }) => ({
    pageviews,
    uniqueVisitors,
    visits,
    bounces: Math.round(bounceRate * visits),
});

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);
    let world;

    before(async () => {
        world = await World.open(make);
    });

    async function assertCounted(site) {
        await world.asking(async (server) => {
            const stats = await server.stats(world.read, site, RANGE);
            assert.deepEqual(picked(stats), countViews(VIEWS));
            for (const [dimension, expected] of [
                ['page', countBy(VIEWS, ({ path }) => path)],
                ['browser', countBy(VIEWS, ({ agent = BROWSER }) => BROWSERS[agent])],
                ['country', countBy(VIEWS, ({ address }) => COUNTRIES[address.split('.')[0]])],
                ['source', SOURCES],
            ]) {
                const counted = await world.breakdown(server, site, dimension);
                assert.deepEqual(counted, expected, dimension);
            }
            const { page: stored, invalid, ...dropped } = NUMBERS;
            assert.deepEqual(await server.ledger(world.read, site, RANGE), {
                received: LINES.length,
                stored,
                dropped,
                rejected: { invalid },
            });
        });
        await world.abacus.balance();
    }

    check('counts an access log, and the same one again not at all', async () => {
        for (const [verdict, n] of Object.entries(NUMBERS))
            assert.equal(LINES.filter(([of]) => of === verdict).length, n, verdict);
        const path = file(LOG);
        const report = {
            lines: LINES.length,
            known: 0,
            pageviews: NUMBERS.page,
            bots: NUMBERS.bot,
            notPages: NUMBERS['not-a-page'],
            blocked: NUMBERS.blocked,
            tooOld: 0,
            invalid: NUMBERS.invalid,
            firstInvalid: FIRST_INVALID,
        };
        await world.site('shop', ['blockedPaths=/private/*']);
        const { seconds, ...first } = await world.import('shop', path);
        assert.deepEqual(first, report);
        assert.ok(seconds > 0);
        await assertCounted('shop');
        const { known, pageviews } = await world.import('shop', path);
        assert.deepEqual([known, pageviews], [LINES.length, 0]);
        await assertCounted('shop');
    });

    check('reads stdin, names the first bad line, and counts for another site', async () => {
        await world.site('other', ['blockedPaths=/private/*']);
        const args = ['import', '--site', 'other'];
        const said = await world.abacus.must(args, { input: LOG });
        assert.match(said, new RegExp(`^${NUMBERS.page} pageviews of ${LINES.length} lines in `));
        const unread = `2 that could not be read \\(the first is line ${FIRST_INVALID}\\)\n$`;
        assert.match(said, new RegExp(unread));
        await assertCounted('other');
        const again = await world.abacus.must([...args, '-'], { input: LOG });
        assert.match(again, new RegExp(`^0 pageviews .*, ${LINES.length} imported before\n$`));
        await assertCounted('other');
    });

    check('takes several files, and nothing of what is no log', async () => {
        await world.site('several');
        const days = [FIRST, SECOND].map((day) => file(text([{ ...at('09:00:00', day), ...ada }])));
        assert.equal((await world.import('several', days[0], [days[1]])).pageviews, 2);
        const binary = file(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)));
        assert.match(
            await world.refused('several', binary),
            /^abacus: import: \S+: none of the first \d+ lines is in combined format\n$/,
        );
        assert.match(await world.refused('nowhere', days[0]), /no such site: nowhere\n$/);
        assert.match(await world.refused('several', join(dir, 'none')), /No such file/);
        const { lines, pageviews } = await world.import('several', file(''));
        assert.deepEqual([lines, pageviews], [0, 0]);
        await world.asking(async (server) => {
            const { received, stored } = await server.ledger(world.read, 'several', RANGE);
            assert.deepEqual([received, stored], [2, 2]);
        });
    });

    check('counts every line once, however often it is killed', async () => {
        const count = 120_000;
        const path = file([...manyLines(count, dayAt(SECOND, '20:00:00'))].join(''));
        const done = (site) =>
            world.number(`SELECT coalesce(sum(events), 0) FROM ledger WHERE site_id = '${site}';`);
        /** Begin, and kill it once it has come further: how far it has come then. */
        const kill = async (site, from) => {
            const args = ['import', '--site', site, path, '--data-dir', world.abacus.dir];
            const child = start(world.abacus.bin, args, { env: world.abacus.env });
            await until(async () => (await done(site)) > from, 'lines that are counted');
            child.kill('SIGKILL');
            await child.ended;
            return done(site);
        };
        // One that is through before we come to kill it shows nothing: once more, at another site.
        let site;
        let reached = count;
        for (let n = 0; n < 5 && reached === count; n++) {
            site = `killed${n}`;
            await world.site(site);
            reached = await kill(site, 0);
        }
        assert.ok(reached < count, 'none was killed in time');
        // On the platform a lease outlives its holder by 10 s: once must do. The second may come
        // too late.
        if (shape !== 'platform') reached = await kill(site, reached);
        const { known, pageviews } = await world.import(site, path);
        assert.deepEqual([known, pageviews], [reached, count - reached]);
        const rows = `FROM analytics_events WHERE site_id = '${site}';`;
        assert.equal(await world.number(`SELECT count(*) ${rows}`), count);
        assert.equal(await world.number(`SELECT count(DISTINCT path) ${rows}`), count);
        await world.asking(async (server) => {
            const { pageviews: counted } = await server.stats(world.read, site, RANGE);
            assert.equal(counted, count);
        });
        await world.abacus.balance();
    });

    check('old days keep what is counted when their rows go, and are closed then', async () => {
        const old = addDays(TODAY, -200);
        const range = [addDays(TODAY, -500), TODAY];
        const views = [
            { ...at('09:00:00', old), ...ada, path: '/a' },
            { ...at('09:01:00', old), ...ada, path: '/b' },
            { ...at('11:00:00', old), ...ben, path: '/a' },
            { ...at('23:59:00', addDays(TODAY, -40)), ...cleo, path: '/c' },
        ];
        const lines = views.map((view) => ({ ...view, ...page(view.path) }));
        const gone = { ...at('09:00:00', addDays(TODAY, -400)), ...ada };
        await world.site('old');
        const { pageviews, tooOld } = await world.import('old', file(text([gone, ...lines])));
        assert.deepEqual([pageviews, tooOld], [4, 1]);
        const rows = "SELECT count(*) FROM analytics_events WHERE site_id = 'old';";
        assert.equal(await world.number(rows), 4);
        await world.abacus.aggregate();
        assert.equal(await world.number(rows), 0);
        const late = { ...at('10:00:00', old), ...ada };
        assert.equal((await world.import('old', file(text([late])))).tooOld, 1);
        // A day between them that nothing is known of is still open.
        const between = { ...at('10:00:00', addDays(old, 1)), ...ada, path: '/' };
        assert.equal((await world.import('old', file(text([between])))).pageviews, 1);
        await world.abacus.aggregate();
        const all = [...views, between];
        await world.asking(async (server) => {
            assert.deepEqual(
                picked(await server.stats(world.read, 'old', range)),
                countViews(all),
            );
            assert.deepEqual(
                await world.breakdown(server, 'old', 'page', range),
                countBy(all, ({ path }) => path),
            );
        });
        await world.abacus.balance();
    });

    check('takes daily totals once, in days that have no others', async () => {
        const day = (n) => addDays(TODAY, n);
        const file1 = file(
            csv([
                ['date', 'pageviews', 'uniqueVisitors', 'visits', 'bounces', 'visitSeconds', 'x'],
                [day(-100), 50, 20, 25, 10, 1000, '"a, ""b"""'],
                [day(-99), 30, 15, 15, 5, 300, ''],
            ]),
        );
        const file2 = file(csv([['pageviews', 'date'], ['7', day(-97)]]));
        await world.site('daily');
        const { lines, days, known } = await world.import('daily', file1, ['--daily']);
        assert.deepEqual([lines, days, known], [3, 2, 0]);
        assert.equal((await world.import('daily', file1, ['--daily'])).known, 3);
        assert.equal((await world.import('daily', file2, ['--daily'])).days, 1);
        const overlap = csv([['date', 'visits'], [day(-98), 1], [day(-97), 1]]);
        assert.match(
            await world.refused('daily', file(overlap), ['--daily']),
            /line 3: column date: has imported totals already\n$/,
        );
        // The site's own numbers begin; a line of a day that has totals comes too late.
        const own = [day(-97), day(-96)].map((date) => ({ ...at('08:00:00', date), ...ada }));
        const { pageviews, tooOld } = await world.import('daily', file(text(own)));
        assert.deepEqual([pageviews, tooOld], [1, 1]);
        assert.match(
            await world.refused('daily', file(csv([['date'], [day(-95)]])), ['--daily']),
            /line 2: column date: is not before the first day that the site has numbers of\n$/,
        );
        await world.asking(async (server) => {
            const stats = await server.stats(world.read, 'daily', [day(-101), day(-96)]);
            assert.deepEqual(
                picked(stats),
                { pageviews: 88, uniqueVisitors: 36, visits: 41, bounces: 16 },
            );
            assert.equal(stats.visitDuration, 31.7073); // 1300 s of 41 visits
            assert.equal(stats.exact, false);
            assert.deepEqual(
                stats.days.map(({ date, imported }) => [date, imported]),
                [-101, -100, -99, -98, -97, -96].map((n) => [
                    day(n),
                    [-100, -99, -97].includes(n) ? true : undefined,
                ]),
            );
            const { exact } = await server.stats(world.read, 'daily', [day(-96), day(-96)]);
            assert.equal(exact, true);
            assert.deepEqual(await server.ledger(world.read, 'daily', [day(-101), TODAY]), {
                received: 2,
                stored: 1,
                dropped: { 'too-old': 1 },
                rejected: {},
            });
        });
        await world.abacus.balance();
    });

    check('goes on beside a server that counts live events', async () => {
        const lines = 60_000;
        const log = (end) => file([...manyLines(lines, dayAt(SECOND, end))].join(''));
        await world.site('live');
        const server = await world.abacus.serve([], { interval: '100ms' });
        await server.ready();
        let tracked = 0;
        const track = async () => {
            const { status } = await server.track({ siteId: 'live', event: 'pageview', path: '/' });
            assert.equal(status, 202);
            tracked++;
        };
        await track();
        // While we do not run ourselves, nothing comes beside it: then another one.
        let [imported, beside] = [0, 0];
        for (const end of ['18:00:00', '15:00:00', '12:00:00', '09:00:00']) {
            let importing = true;
            const done = world.import('live', log(end)).finally(() => (importing = false));
            for (; importing; beside++) await track();
            assert.equal((await done).pageviews, lines);
            imported += lines;
            if (beside > 5) break;
        }
        await track();
        assert.ok(beside > 5, `${beside} events`);
        const counted = async () => (await server.stats(world.read, 'live', RANGE)).pageviews;
        await server.until(async () => (await counted()) === imported + tracked, 'all of it');
        assert.deepEqual(await server.stop(), { code: 0, signal: null });
        await world.abacus.balance();
    });
}

// -- what stands in a file of daily totals ------------------------------------------------------

const PAST = addDays(TODAY, -10);
const columns = (count) => Array.from({ length: count }, (_, i) => `,c${i}`).join('');
/** File -> what is said of it. */
const BAD = [
    ['', /the file is empty/],
    ['day,pageviews\n', /line 1: no column is called date/],
    ['date,visits,visits\n', /line 1: two columns are called visits/],
    [`date${columns(64)}\n`, /line 1: more than 64 columns/],
    ['date\n', /the file has no day/],
    ['date\n\n', /the file has no day/],
    [`date,visits\n${PAST}\n`, /line 2: has 1 columns instead of 2/],
    [`date,visits\n${PAST},1,2\n`, /line 2: has 3 columns instead of 2/],
    [`date,visits\n${PAST},"1\n`, /line 2: column 2: a quote is out of place/],
    [`date,visits\n${PAST},"1"2\n`, /line 2: column 2: a quote is out of place/],
    [`date,visits\n${PAST},1"2"\n`, /line 2: column 2: a quote is out of place/],
    ['date\n01.02.2026\n', /line 2: column date: is no date like 2026-01-31/],
    ['date\n2026-02-30\n', /line 2: column date: is no date like 2026-01-31/],
    [`date\n${PAST}\n${PAST}\n`, /line 3: column date: comes twice/],
    [`date\n${TODAY}\n`, /line 2: column date: is not over yet/],
    [`date\n${addDays(TODAY, -366)}\n`, /older than the 365 days .*retention.statsDays/],
    [`date,siteId\n${PAST},b\n`, /line 2: column siteId: is another site's/],
    [`date,visits\n${PAST},1.5\n`, /line 2: column visits: is no whole number/],
    [`date,visits\n${PAST},-1\n`, /line 2: column visits: is not from 0 to 9007199254740991/],
    [`date,visits\n${PAST},9007199254740992\n`, /is not from 0 to 9007199254740991/],
    [`date,visitSeconds\n${PAST},9007199254741\n`, /is not from 0 to 9007199254740\n/],
    [`date,visits,bounces\n${PAST},1,2\n`, /line 2: column bounces: there are more than visits/],
    [`date,converters\n${PAST},1\n`, /column converters: there are more than uniqueVisitors/],
    [`date,note\n${PAST},${'x'.repeat(70_000)}\n`, /line 2: is longer than 65535 bytes/],
];
/** On the other side of each bound. */
const GOOD = [
    `date\n${addDays(TODAY, -1)}\n`,
    `date\n${addDays(TODAY, -365)}`,
    `\uFEFFdate,siteId,visits\r\n${PAST},good,9007199254740991\r\n`,
    `visitSeconds,date\n9007199254740,"${addDays(TODAY, -11)}"\n`,
    `"date", visits ,bounces\n\n${addDays(TODAY, -12)}, 2 ,"2"\n\n`,
    `date${columns(63)}\n${addDays(TODAY, -13)}${','.repeat(63)}\n`,
];

inEachShape('a file of daily totals with anything wrong is not taken at all', async (make) => {
    const world = await World.open(make);
    await world.site('good');
    for (const [content, message] of BAD) {
        const said = await world.refused('good', file(content), ['--daily']);
        assert.match(said, /^abacus: import: /);
        assert.match(said, message);
    }
    const rows = 'SELECT count(*) FROM analytics_daily_stats;';
    assert.equal(await world.number(rows), 0);
    for (const content of GOOD)
        assert.equal((await world.import('good', file(content), ['--daily'])).days, 1, content);
    assert.equal(await world.number(rows), GOOD.length);
    await world.abacus.balance();
});

// -- the command --------------------------------------------------------------------------------

test('shows progress on a terminal, and nowhere else', async () => {
    const world = await World.open(SHAPES[0].make);
    await world.site('seen');
    const path = file(`${line({ ms: dayAt(FIRST, '09:00:00') })}\n`);
    const args = ['import', '--site', 'seen', '--data-dir', world.abacus.dir];
    const { code, stderr } = await world.abacus.command([...args.slice(0, 3), path]);
    assert.deepEqual([code, stderr], [0, '']);
    const other = file(`${line({ ms: dayAt(FIRST, '10:00:00') })}\n`);
    const typed = [world.abacus.bin, ...args, other].map((word) => `'${word}'`).join(' ');
    const shown = await exec('script', ['-qec', typed, '/dev/null']);
    assert.match(shown.stdout, /^\rabacus: 1 of 1 lines\r\n1 pageviews of 1 lines in /);
});

test('--daily needs a site, and several files are no copy', async () => {
    const { abacus } = await World.open(SHAPES[0].make);
    for (const args of [['--daily', 'x.csv'], ['a', 'b']]) {
        const { code, stderr } = await abacus.command(['import', ...args]);
        assert.equal(code, 2);
        assert.match(stderr, /--daily needs --site|a copy is one file/);
    }
});
