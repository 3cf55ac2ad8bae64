// What the dashboard works out before it draws anything: scales, dates, lines, streams. The modules
// are bundled as for a browser, but run here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { catalogues } from '../../tools/bundle.mjs';

const DASHBOARD = fileURLToPath(new URL('../../web/dashboard', import.meta.url));
const MODULES = {
    format: './format',
    live: './analytics/live',
    period: './analytics/period',
    points: './analytics/graph_points',
    scale: './analytics/graph_scale',
    view: './view',
};

async function load() {
    const contents = Object.entries(MODULES)
        .map(([name, path]) => `export * as ${name} from '${path}';`)
        .join('\n');
    const { outputFiles } = await build({
        stdin: { contents, resolveDir: DASHBOARD },
        bundle: true,
        format: 'esm',
        write: false,
        plugins: [catalogues('en')],
    });
    globalThis.addEventListener = () => {};
    globalThis.document = { documentElement: { lang: 'en' }, body: { dataset: {} } };
    const text = Buffer.from(outputFiles[0].contents).toString('base64');
    return import(`data:text/javascript;base64,${text}`);
}

const { format, live, period, points, scale, view } = await load();

/* Intl has spaces of its own between some parts. */
const plain = (text) => text.replace(/[\u2009\u202f\u00a0]/g, ' ');

describe('the graph', () => {
    const METRICS = {
        count: 'pageviews',
        rate: 'bounceRate',
        duration: 'visitDuration',
        mean: 'viewsPerVisit',
        depth: 'scrollDepth',
    };

    test('has gridlines at values that one would choose by hand', () => {
        assert.deepEqual(scale.gridlines('count', 158), [0, 50, 100, 150, 200]);
        assert.deepEqual(scale.gridlines('count', 1), [0, 1]);
        assert.deepEqual(scale.gridlines('count', 3), [0, 1, 2, 3]);
        assert.deepEqual(scale.gridlines('count', 9), [0, 5, 10]);
        assert.deepEqual(scale.gridlines('rate', 0.56), [0, 0.2, 0.4, 0.6]);
        assert.deepEqual(scale.gridlines('rate', 1), [0, 0.25, 0.5, 0.75, 1]);
        assert.deepEqual(scale.gridlines('rate', 0.003), [0, 0.001, 0.002, 0.003]);
        assert.deepEqual(scale.gridlines('duration', 99), [0, 30, 60, 90, 120]);
        assert.deepEqual(scale.gridlines('mean', 1.8), [0, 0.5, 1, 1.5, 2]);
    });

    test('has an axis where there is nothing', () => {
        assert.deepEqual(scale.gridlines('count', 0), [0, 1, 2, 3, 4]);
        assert.deepEqual(scale.gridlines('rate', 0), [0, 0.25, 0.5, 0.75, 1]);
    });

    test('has at most five gridlines, each labelled differently, and the line below the last', () => {
        for (const [kind, metric] of Object.entries(METRICS))
            for (let highest = 0.001; highest < 5e6; highest *= 1.37) {
                if ((kind === 'rate' && highest > 1) || (kind === 'depth' && highest > 100)) break;
                const lines = scale.gridlines(kind, highest);
                const about = `${kind} ${highest}: ${lines}`;
                assert.ok(lines.length >= 2 && lines.length <= 5, about);
                assert.ok(lines[0] === 0 && lines.at(-1) >= highest * (1 - 1e-9), about);
                const labels = lines.map((line) => format.figure(metric, line));
                assert.equal(new Set(labels).size, lines.length, `${about}: ${labels}`);
            }
    });

    test('offers the intervals that make more than one point, and hours as far as the server', () => {
        assert.deepEqual(scale.intervalsOf(1), ['hour']);
        assert.deepEqual(scale.intervalsOf(2), ['hour', 'day']);
        assert.deepEqual(scale.intervalsOf(13), ['hour', 'day']);
        assert.deepEqual(scale.intervalsOf(14), ['hour', 'day', 'week']);
        assert.deepEqual(scale.intervalsOf(62), ['hour', 'day', 'week']);
        assert.deepEqual(scale.intervalsOf(63), ['hour', 'day', 'week', 'month']);
        assert.deepEqual(scale.intervalsOf(92), ['hour', 'day', 'week', 'month']);
        assert.deepEqual(scale.intervalsOf(93), ['day', 'week', 'month']);
    });

    test('counts the days of a range with both its ends', () => {
        assert.equal(scale.daysFrom('2026-03-28', '2026-03-30'), 3);
        assert.equal(scale.daysFrom('2026-11-16', '2026-11-16'), 1);
    });

    const days = (from, count) =>
        Array.from({ length: count }, (_, i) => ({ day: format.addDays(from, i), hour: 0 }));

    test('labels as many points as there is room for', () => {
        const hours = Array.from({ length: 24 }, (_, hour) => ({ day: '2026-11-16', hour }));
        assert.deepEqual(scale.labelled(hours, 'hour', 8), [0, 3, 6, 9, 12, 15, 18, 21]);
        assert.deepEqual(scale.labelled(hours, 'hour', 7), [0, 4, 8, 12, 16, 20]);
        assert.deepEqual(scale.labelled(days('2026-11-16', 7), 'day', 7), [0, 1, 2, 3, 4, 5, 6]);
        assert.deepEqual(scale.labelled(days('2026-11-16', 28), 'day', 4), [0, 7, 14, 21]);
    });

    test('labels the midnights of several days of hours', () => {
        const hours = days('2026-11-16', 7).flatMap(({ day }) =>
            Array.from({ length: 24 }, (_, hour) => ({ day, hour })),
        );
        assert.deepEqual(scale.labelled(hours, 'hour', 7), [0, 24, 48, 72, 96, 120, 144]);
        assert.deepEqual(scale.labelled(hours, 'hour', 4), [0, 48, 96, 144]);
    });

    test('labels the months of a long range, January among them', () => {
        const year = days('2025-11-20', 365);
        const labelled = scale.labelled(year, 'day', 4).map((at) => year[at].day);
        assert.deepEqual(labelled, ['2026-01-01', '2026-04-01', '2026-07-01', '2026-10-01']);
        const months = [2, 3, 4, 5, 6].map((month) => ({ day: `2026-0${month}-01`, hour: 0 }));
        assert.deepEqual(scale.labelled(months, 'month', 1), [0], 'rather than none');
    });

    /* -- points -- */

    const series = (more) => ({
        siteId: 'shop',
        tenantId: 'acme',
        timezone: 'Europe/Berlin',
        from: '2026-11-16',
        to: '2026-11-22',
        asOf: '2026-11-23T03:00:00.000Z',
        exact: true,
        metric: 'pageviews',
        interval: 'day',
        points: [],
        ...more,
    });
    const at = (time, value, partial = false) => ({ time, value, partial });
    const hoursOf = (from, count) =>
        Array.from({ length: count }, (_, i) =>
            at(new Date(Date.parse(from) + i * 3_600_000).toISOString(), 1),
        );

    test('gives hours the names that the clock of the site gives them', () => {
        const spring = series({ interval: 'hour', points: hoursOf('2026-03-28T23:00:00Z', 23) });
        const autumn = series({ interval: 'hour', points: hoursOf('2026-10-24T22:00:00Z', 25) });
        const hours = (of) => points.startsOf(of, of.points).map(({ hour }) => hour);
        assert.deepEqual(hours(spring).slice(0, 4), [0, 1, 3, 4]);
        assert.deepEqual(hours(autumn).slice(0, 5), [0, 1, 2, 2, 3]);
        const starts = points.startsOf(spring, spring.points);
        assert.ok(starts.every(({ day }) => day === '2026-03-29'));
    });

    test('cuts the days of a week and of a month to the range', () => {
        const weeks = series({
            interval: 'week',
            from: '2026-11-12',
            to: '2026-11-18',
            points: [at('2026-11-09', 1, true), at('2026-11-16', 1, true)],
        });
        const starts = points.startsOf(weeks, weeks.points);
        assert.deepEqual(points.spanOf(weeks, starts, 0), { from: '2026-11-12', to: '2026-11-15' });
        assert.deepEqual(points.spanOf(weeks, starts, 1), { from: '2026-11-16', to: '2026-11-18' });
    });

    test('draws what still runs apart, and joins it to what is whole', () => {
        const lines = points.linesOf(
            series({
                points: [at('2026-11-20', 5), at('2026-11-21', 7), at('2026-11-22', 2, true)],
            }),
        );
        assert.deepEqual(lines.whole, [5, 7, null]);
        assert.deepEqual(lines.running, [null, 7, 2]);
        assert.equal(points.valueAt(lines, 2), 2);
    });

    test('draws no line where nothing is kept, and none ahead of the clock', () => {
        const kept = points.linesOf(
            series({ points: [at('2026-11-16', null), at('2026-11-17', 3)] }),
        );
        assert.deepEqual(kept.whole, [null, 3]);
        const hours = [
            at('2026-11-23T02:00:00.000Z', 4),
            at('2026-11-23T03:00:00.000Z', 1, true),
            at('2026-11-23T04:00:00.000Z', 0, true),
        ];
        const today = points.linesOf(
            series({ interval: 'hour', asOf: '2026-11-23T03:30:00.000Z', points: hours }),
        );
        assert.deepEqual(today.whole, [4, null, null]);
        assert.deepEqual(today.running, [4, 1, null]);
        const tomorrow = points.linesOf(
            series({ points: [at('2026-11-23', 1, true), at('2026-11-24', 0, true)] }),
        );
        assert.deepEqual(tomorrow.running, [1, null]);
    });

    test('puts the earlier value beside each point, and nothing beside what has none', () => {
        const lines = points.linesOf(
            series({
                points: [at('2026-11-16', 5), at('2026-11-17', 6)],
                previousPoints: [at('2026-11-09', 8), null],
            }),
        );
        assert.deepEqual(lines.before, [8, null]);
        assert.equal(points.highest(lines), 8);
    });

    test('compares whole intervals only', () => {
        const compared = series({
            points: [at('2026-11-16', 5), at('2026-11-17', 6, true), at('2026-11-18', 6)],
            previousPoints: [at('2026-11-09', 8), at('2026-11-10', 8), null],
        });
        const comparable = compared.points.map((_, i) => points.isComparable(compared, i));
        assert.deepEqual(comparable, [true, false, false]);
        assert.equal(points.isComparable(series({ points: [at('2026-11-16', 5)] }), 0), false);
    });

    test('shows a value between two gaps as a dot', () => {
        assert.deepEqual(points.lonely([1, null, 2, null, 3, 4]), [0, 2]);
        assert.deepEqual(points.lonely([1, 2]), []);
        assert.deepEqual(points.lonely([0]), [0]);
    });

    test('calls a point by its weekday, its week or its month', () => {
        const name = (interval, time) => {
            const one = series({ interval, points: [at(time, 1)] });
            return plain(points.nameOf(one, points.startsOf(one, one.points), 0));
        };
        assert.equal(name('day', '2026-11-16'), 'Monday, Nov 16, 2026');
        assert.equal(name('week', '2026-11-16'), 'Nov 16 – 22, 2026');
        assert.equal(name('month', '2026-11-01'), 'November 2026');
        assert.equal(name('hour', '2026-11-16T13:00:00Z'), 'Monday, Nov 16, 2026, 2:00 PM');
    });

    test('calls the counterpart by its own date', () => {
        const compared = series({
            interval: 'week',
            points: [at('2026-11-16', 1)],
            previousFrom: '2026-11-05',
            previousTo: '2026-11-13',
            previousPoints: [at('2026-11-09', 1)],
        });
        assert.equal(plain(points.nameBefore(compared, 0)), 'Nov 9 – 13, 2026');
        const hour = { interval: 'hour', previousPoints: [at('2026-11-15T13:00:00Z', 1)] };
        const name = points.nameBefore({ ...compared, ...hour }, 0);
        assert.equal(plain(name), 'Sun, Nov 15, 2026, 2:00 PM');
    });

    test('tells the year below the axis at its beginning only', () => {
        const months = series({
            interval: 'month',
            points: [at('2025-12-01', 1), at('2026-01-01', 1)],
        });
        const starts = points.startsOf(months, months.points);
        assert.equal(points.labelOf(months, starts, 0), 'Dec');
        assert.equal(points.labelOf(months, starts, 1), 'Jan 2026');
    });

    test('puts a note at the point that has its day', () => {
        const weeks = series({
            interval: 'week',
            from: '2026-11-11',
            points: [at('2026-11-09', 1, true), at('2026-11-16', 1)],
        });
        const starts = points.startsOf(weeks, weeks.points);
        const notes = points.notesOf(
            [
                { date: '2026-11-10', text: 'before the range' },
                { date: '2026-11-11', text: 'launch' },
                { date: '2026-11-22', text: 'last day' },
                { date: '2026-11-22', text: 'and another' },
                { date: '2026-11-23', text: 'after the range' },
            ],
            weeks,
            starts,
        );
        assert.deepEqual(
            [...notes],
            [
                ['2026-11-09', ['launch']],
                ['2026-11-16', ['last day', 'and another']],
            ],
        );
        assert.deepEqual(points.marksOf(notes, starts), [0, 1]);
    });

    test("marks a note at the first of its day's hours", () => {
        const day = { from: '2026-11-16', to: '2026-11-17' };
        const hours = series({
            interval: 'hour',
            ...day,
            points: hoursOf('2026-11-15T23:00:00Z', 48),
        });
        const starts = points.startsOf(hours, hours.points);
        const notes = points.notesOf([{ date: '2026-11-17', text: 'launch' }], hours, starts);
        assert.deepEqual(points.marksOf(notes, starts), [24]);
    });
});

describe('who is here now', () => {
    const STREAM =
        'data: {"n":1}\n\n: keep-alive\n\ndata:two\ndata: lines\r\n\r\nevent: x\n\ndata: rest';

    test('reads the events of a stream, however it is cut', () => {
        for (let cut = 0; cut <= STREAM.length; cut++) {
            const heard = [];
            const feed = live.eventReader((data) => heard.push(data));
            feed(STREAM.slice(0, cut));
            feed(STREAM.slice(cut));
            assert.deepEqual(heard, ['{"n":1}', 'two\nlines'], `cut at ${cut}`);
        }
    });

    const now = (asOf, minutes) => ({
        asOf,
        last30Minutes: minutes.map(([time, visitors, pageviews]) => ({
            time,
            visitors,
            pageviews,
        })),
    });

    test('knows that more is counted, and that time alone has gone on', () => {
        const before = now('12:00', [
            ['11:59', 2, 3],
            ['12:00', 1, 1],
        ]);
        const later = (asOf, ...minutes) => live.hasCounted(before, now(asOf, minutes));
        assert.equal(later('12:01', ['12:00', 1, 1], ['12:01', 0, 0]), false);
        assert.equal(later('12:01', ['12:00', 1, 2], ['12:01', 0, 0]), true);
        assert.equal(later('12:01', ['12:00', 1, 1], ['12:01', 1, 1]), true);
        assert.equal(later('12:00', ['12:00', 1, 2]), false);
        assert.equal(live.hasCounted(undefined, before), false);
    });

    test('waits longer after each failure, up to two minutes, and not at once with all others', () => {
        assert.equal(live.pauseAfter(0, 1), 2_000);
        assert.equal(live.pauseAfter(3, 1), 16_000);
        assert.equal(live.pauseAfter(5, 1), 64_000);
        assert.equal(live.pauseAfter(6, 1), 120_000);
        assert.equal(live.pauseAfter(1_000, 1), 120_000);
        assert.equal(live.pauseAfter(3, 0), 8_000);
    });
});

describe('a period', () => {
    const TODAY = '2026-11-23'; /* a Monday */
    const of = (name, today = TODAY) =>
        Object.values(period.rangeOfView({ period: name, from: '', to: '' }, today)).join(' ');

    /* Worked out by a calendar on paper. */
    test('means the dates that the server means', () => {
        assert.equal(of('today'), '2026-11-23 2026-11-23');
        assert.equal(of('yesterday'), '2026-11-22 2026-11-22');
        assert.equal(of('24h'), '2026-11-22 2026-11-23');
        assert.equal(of('7d'), '2026-11-16 2026-11-22');
        assert.equal(of('28d'), '2026-10-26 2026-11-22');
        assert.equal(of('91d'), '2026-08-24 2026-11-22');
        assert.equal(of('week'), '2026-11-23 2026-11-23');
        assert.equal(of('week', '2026-11-29'), '2026-11-23 2026-11-29');
        assert.equal(of('month'), '2026-11-01 2026-11-23');
        assert.equal(of('lastMonth'), '2026-10-01 2026-10-31');
        assert.equal(of('lastMonth', '2024-03-31'), '2024-02-01 2024-02-29');
        assert.equal(of('lastMonth', '2026-01-15'), '2025-12-01 2025-12-31');
        assert.equal(of('quarter'), '2026-10-01 2026-11-23');
        assert.equal(of('quarter', '2026-09-30'), '2026-07-01 2026-09-30');
        assert.equal(of('year'), '2026-01-01 2026-11-23');
        assert.equal(of('12mo'), '2025-11-01 2026-10-31');
        assert.equal(period.rangeOfView({ period: 'all', from: '', to: '' }, TODAY), undefined);
    });

    const step = (asked, by, first) => {
        const view = typeof asked === 'string' ? { period: asked } : { period: 'custom', ...asked };
        const to = period.beside({ from: '', to: '', ...view }, TODAY, by, first);
        return to && (to.period === 'custom' ? `${to.from} ${to.to}` : to.period);
    };

    test('has one before it of its own length, by months where it has whole ones', () => {
        assert.equal(step('today', -1), 'yesterday');
        assert.equal(step('yesterday', -1), '2026-11-21 2026-11-21');
        assert.equal(step('28d', -1), '2026-09-28 2026-10-25');
        assert.equal(step('month', -1), 'lastMonth');
        assert.equal(step('lastMonth', -1), '2026-09-01 2026-09-30');
        assert.equal(step({ from: '2026-03-01', to: '2026-03-31' }, -1), '2026-02-01 2026-02-28');
        assert.equal(step({ from: '2026-03-02', to: '2026-03-31' }, -1), '2026-01-31 2026-03-01');
        assert.equal(step({ from: '2026-01-01', to: '2026-03-31' }, -1), '2025-10-01 2025-12-31');
        assert.equal(step('quarter', -1), '2026-07-01 2026-09-30');
        assert.equal(step('year', -1), '2025-01-01 2025-12-31');
        assert.equal(step('week', -1), '7d');
        assert.equal(step({ from: '2026-11-10', to: '2026-11-12' }, -1), '2026-11-07 2026-11-09');
    });

    test('has one after it up to today, and goes back by its name', () => {
        assert.equal(step('yesterday', 1), 'today');
        assert.equal(step('today', 1), undefined);
        assert.equal(step({ from: '2026-09-28', to: '2026-10-25' }, 1), '28d');
        assert.equal(step('28d', 1), undefined);
        assert.equal(step('lastMonth', 1), 'month');
        assert.equal(step('month', 1), undefined);
        assert.equal(step({ from: '2025-01-01', to: '2025-12-31' }, 1), 'year');
        assert.equal(step({ from: '2024-01-01', to: '2024-01-31' }, 1), '2024-02-01 2024-02-29');
        assert.equal(step('all', 1), undefined);
    });

    test('has none before the first day that is kept', () => {
        assert.equal(step('28d', -1, '2026-10-25'), '2026-09-28 2026-10-25');
        assert.equal(step('28d', -1, '2026-10-26'), undefined);
    });

    test('is named in words, with the year where it is another', () => {
        const label = (from, to) => plain(period.label({ from, to }, TODAY));
        assert.equal(label('2026-10-26', '2026-11-22'), 'Oct 26 – Nov 22');
        assert.equal(label('2026-11-01', '2026-11-22'), 'Nov 1 – 22');
        assert.equal(label('2025-12-30', '2026-01-02'), 'Dec 30, 2025 – Jan 2, 2026');
        assert.equal(label('2026-11-20', '2026-11-20'), 'Fri, Nov 20');
    });

    test('is compared with the dates that the server compares', () => {
        const before = (from, to, against, weekday) =>
            Object.values(period.rangeBefore({ from, to }, against, weekday)).join(' ');
        const may = ['2026-05-01', '2026-05-31'];
        assert.equal(before(...may, 'previous', false), '2026-03-31 2026-04-30');
        assert.equal(before(...may, 'year', false), '2025-05-01 2025-05-31');
        /* 1 May is a Friday in 2026, and was a Thursday in 2025. */
        assert.equal(before(...may, 'year', true), '2025-04-25 2025-05-25');
        assert.equal(before('2024-02-29', '2024-02-29', 'year', false), '2023-02-28 2023-02-28');
    });

    test('that is another keeps a comparison from a date as long as itself', () => {
        const shown = { ...view.parseView('?against=custom&againstFrom=2026-05-01') };
        const patch = period.rangePatch(shown, { period: '7d', from: '', to: '' }, TODAY);
        assert.equal(patch.againstTo, '2026-05-07');
        const none = period.rangePatch(
            view.parseView(''),
            { period: '7d', from: '', to: '' },
            TODAY,
        );
        assert.equal('againstTo' in none, false);
    });
});

describe('the address', () => {
    test('is empty where all is as it is from the start', () => {
        assert.equal(view.formatView(view.parseView('')), '');
        assert.equal(view.formatView(view.parseView('?period=28d&metric=uniqueVisitors')), '');
    });

    test('says the same after it was read and written', () => {
        for (const search of [
            '?period=7d&against=previous&matchWeekday=true',
            '?from=2026-10-01&to=2026-10-31&against=custom&againstFrom=2025-10-01&againstTo=2025-10-31',
            '?metric=visits&interval=week&sources=utmCampaign&pages=entryPage',
            '?period=today&filter=country:is:DE&filter=page:startsWith:/docs/',
            '?sheet=note:2026-11-10',
        ])
            assert.equal(view.formatView(view.parseView(search)), search);
    });

    test('keeps every character of a filter', () => {
        for (const value of ['a:b:c', 'Ü & 100 % = #1', '+1', ' ', 'line\nend', '/a?b=c', '"<b>'])
            for (const dimension of ['page', 'prop:plan']) {
                const filters = [{ dimension, operator: 'isNot', value }];
                const search = view.formatView({ ...view.parseView(''), filters });
                assert.deepEqual(view.parseView(search).filters, filters);
            }
    });

    test('leaves out a filter that it does not understand', () => {
        for (const wrong of ['country', 'country:is', 'country:equals:DE', ':is:DE'])
            assert.equal(view.parseFilter(wrong), undefined);
    });

    test('with two dates names no period', () => {
        const shown = view.parseView('?period=7d&from=2026-10-01&to=2026-10-02');
        assert.deepEqual(view.rangeOf(shown), { from: '2026-10-01', to: '2026-10-02' });
    });
});

describe('what the numbers mean', () => {
    const ROOT = fileURLToPath(new URL('../..', import.meta.url));
    const source = (path) => readFileSync(join(ROOT, path), 'utf8');
    const { metrics, dimensions } = JSON.parse(source('web/dashboard/metrics.json'));

    test('doc/METRICS.md is what the dashboard says', () => {
        const made = execFileSync(process.execPath, [join(ROOT, 'tools/metrics.mjs')]);
        assert.equal(source('doc/METRICS.md'), made.toString());
    });

    test('every metric and dimension of the server has its words, and no other', () => {
        const named = source('src/query/metric.c').matchAll(/\{NAME\("(\w+)"\)/g);
        const ofRows = ['timeOnPage', 'scrollDepth', 'events'];
        const expected = [...[...named].map(([, name]) => name), ...ofRows];
        assert.deepEqual(Object.keys(metrics).sort(), expected.sort());
        const listed = source('src/facts/dimension.c').matchAll(
            /\[DIM_\w+\] = \{STR_INIT\("(\w+)"\)/g,
        );
        assert.deepEqual(
            Object.keys(dimensions).sort(),
            [...listed].map(([, name]) => name).sort(),
        );
    });
});
