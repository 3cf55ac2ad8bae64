// Breakdowns, filters and comparison series of a day that is counted by hand (lib/shop.mjs), in both
// shapes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { query } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { SHAPES } from '../lib/platform.mjs';
import { DAY, openShop, SITE } from '../lib/shop.mjs';

const RANGE = { siteId: SITE, from: DAY, to: DAY };
const COLUMNS = [
    ...['value', 'visitors', 'pageviews', 'visits', 'bounceRate', 'visitDuration'],
    ...['conversions', 'conversionRate', 'percent'],
];
const PAGE_COLUMNS = [...COLUMNS, 'timeOnPage', 'scrollDepth'];
const EVENT_COLUMNS = [...COLUMNS, 'events'];
const columnsOf = (dimension) => {
    if (dimension === 'page') return PAGE_COLUMNS;
    return /^(event$|prop:)/.test(dimension) ? EVENT_COLUMNS : COLUMNS;
};

/** Dimension -> its rows, in the order of COLUMNS. */
const ROWS = {
    page: [
        ['/', 2, 2, 2, 0, 270, 0, 0, 66.6667, null, null],
        ['/pricing', 2, 2, 2, 0.5, 100, 1, 0.5, 66.6667, 30, 65],
        ['/docs', 1, 5, 2, 0.5, 180, 0, 0, 33.3333, null, null],
    ],
    entryPage: [
        ['/', 2, 4, 2, 0, 270, 1, 0.5, 66.6667],
        ['/docs', 1, 1, 1, 1, 0, 0, 0, 33.3333],
        ['/pricing', 1, 1, 1, 1, 20, 0, 0, 33.3333],
    ],
    exitPage: [
        ['/pricing', 2, 3, 2, 0.5, 100, 1, 0.5, 66.6667],
        ['/docs', 1, 3, 2, 0.5, 180, 0, 0, 33.3333],
    ],
    utmSource: [['news', 1, 2, 1, 0, 180, 1, 1, 33.3333]],
    utmMedium: [['email', 1, 2, 1, 0, 180, 1, 1, 33.3333]],
    utmCampaign: [['spring', 1, 2, 1, 0, 180, 1, 1, 33.3333]],
    utmContent: [],
    utmTerm: [],
    referrer: [],
    event: [
        ['pageview', 3, 9, 4, 0.5, 140, 0, 0, 100, 9],
        ['signup', 2, 0, 2, 0, 270, 0, 0, 66.6667, 2],
        ['lead.created', 1, 0, 1, 0, 180, 1, 1, 33.3333, 1],
    ],
    'prop:plan': [
        ['free', 1, 0, 1, 0, 360, 0, 0, 33.3333, 1],
        ['pro', 1, 0, 1, 0, 180, 0, 0, 33.3333, 1],
    ],
    'prop:colour': [],
    device: [
        ['desktop', 2, 3, 2, 0.5, 100, 1, 0.5, 66.6667],
        ['mobile', 1, 3, 2, 0.5, 180, 0, 0, 33.3333],
    ],
    browser: [
        ['Safari', 1, 3, 2, 0.5, 180, 0, 0, 33.3333],
        ['Chrome', 1, 2, 1, 0, 180, 1, 1, 33.3333],
        ['Firefox', 1, 1, 1, 1, 20, 0, 0, 33.3333],
    ],
    os: [
        ['iOS', 1, 3, 2, 0.5, 180, 0, 0, 33.3333],
        ['Linux', 1, 2, 1, 0, 180, 1, 1, 33.3333],
        ['Windows', 1, 1, 1, 1, 20, 0, 0, 33.3333],
    ],
};

const rowsOf = (dimension, rows) =>
    rows.map((row) => {
        const columns = columnsOf(dimension);
        assert.equal(row.length, columns.length);
        return Object.fromEntries(columns.map((name, i) => [name, row[i]]));
    });

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);
    let shop;

    before(async () => {
        shop = await openShop(make);
    });
    after(() => shop?.server.stop());

    const ask = (name, params, token = shop.token) =>
        shop.server.get(query(`/api/analytics/${name}`, params), token);

    async function answer(name, params) {
        const { status, body, text } = await ask(name, params);
        assert.equal(status, 200, `${JSON.stringify(params)}: ${text}`);
        return body;
    }

    async function refused(name, params, status, members) {
        const answered = await ask(name, params);
        const what = `${name} ${JSON.stringify(params)}: ${answered.text}`;
        assert.equal(answered.status, status, what);
        assert.match(answered.headers.get('content-type'), /^application\/problem\+json/, what);
        for (const [member, value] of Object.entries(members))
            assert.deepEqual(answered.body[member], value, what);
        return answered.body;
    }

    for (const [dimension, rows] of Object.entries(ROWS))
        check(`${dimension}: every value with what is counted by hand`, async () => {
            const body = await answer('breakdown', { ...RANGE, dimension });
            assert.deepEqual(body.rows, rowsOf(dimension, rows));
            assert.deepEqual([body.total, body.other], [rows.length, null]);
            assert.deepEqual(
                [body.siteId, body.tenantId, body.timezone, body.from, body.to, body.dimension],
                [SITE, 'alpha', 'UTC', DAY, DAY, dimension],
            );
            assert.deepEqual([body.exact, body.uniqueBasis], [true, 'day']);
            assert.ok('asOf' in body && 'availableFrom' in body && !('filterableFrom' in body));
        });

    check('a goal is measured by all visitors', async () => {
        const body = await answer('breakdown', { ...RANGE, dimension: 'goal' });
        assert.equal(body.total, 1);
        const [{ value, visitors, conversions, conversionRate, percent }] = body.rows;
        assert.deepEqual(
            [value, visitors, conversions, conversionRate, percent],
            ['lead.created', 1, 1, 0.3333, 33.3333],
        );
    });

    check('limit, offset and search choose among the rows; total counts what is searched', async () => {
        const page = { ...RANGE, dimension: 'page' };
        const values = async (more) => {
            const body = await answer('breakdown', { ...page, ...more });
            return [body.rows.map(({ value }) => value), body.total];
        };
        assert.deepEqual(await values({ limit: 2 }), [['/', '/pricing'], 3]);
        assert.deepEqual(await values({ limit: 1, offset: 1 }), [['/pricing'], 3]);
        assert.deepEqual(await values({ offset: 3 }), [[], 3]);
        assert.deepEqual(await values({ search: 'RIC' }), [['/pricing'], 1]);
        assert.deepEqual(await values({ search: 'nothing' }), [[], 0]);
    });

    check('filters hold together, and each kind of operator', async () => {
        const entered = { ...RANGE, filter: ['device:is:desktop', 'entryPage:is:/'] };
        const body = await answer('breakdown', { ...entered, dimension: 'page' });
        assert.deepEqual(
            body.rows,
            rowsOf('page', [
                ['/', 1, 1, 1, 0, 180, 0, 0, 100, null, null],
                ['/pricing', 1, 1, 1, 0, 180, 1, 1, 100, 40, 80],
            ]),
        );
        assert.equal(body.filterableFrom, '2026-02-08');
        const visitors = async (...filter) =>
            (await answer('stats', { ...RANGE, filter })).uniqueVisitors;
        assert.equal(await visitors('device:is:desktop'), 2);
        assert.equal(await visitors('device:isNot:desktop'), 1);
        assert.equal(await visitors('browser:contains:Safari'), 1);
        assert.equal(await visitors('page:startsWith:/p'), 2);
        assert.equal(await visitors('prop:plan:is:pro'), 1);
        assert.equal(await visitors('prop:plan:is:pro', 'device:is:mobile'), 0);
        assert.equal(await visitors('goal:is:lead.created'), 1);
        assert.equal(await visitors('utmSource:is:a:b:c'), 0);
    });

    check('totals, days and points with filters', async () => {
        const filter = 'device:is:mobile';
        const stats = await answer('stats', { ...RANGE, filter });
        assert.deepEqual(
            [stats.pageviews, stats.uniqueVisitors, stats.visits, stats.viewsPerVisit],
            [3, 1, 2, 1.5],
        );
        assert.deepEqual(
            [stats.bounceRate, stats.visitDuration, stats.conversions, stats.filterableFrom],
            [0.5, 180, 0, '2025-03-10'],
        );
        assert.deepEqual(
            stats.days.map(({ date, pageviews, uniqueVisitors }) => [
                date,
                pageviews,
                uniqueVisitors,
            ]),
            [[DAY, 3, 1]],
        );
        const { points } = await answer('timeseries', { ...RANGE, filter });
        const seen = points.filter(({ value }) => value > 0);
        assert.deepEqual(
            seen.map(({ time, value }) => [time.slice(11, 13), value]),
            [
                ['11', 2],
                ['13', 1],
            ],
        );
        assert.equal(points.length, 24);
        const { current } = await answer('compare', { ...RANGE, filter });
        assert.equal(current.pageviews, 3);
    });

    check('an earlier series stands beside the points', async () => {
        await shop.send(
            ['09:10:00', '09:50:00', '21:00:00'].map((time) => ({
                siteId: 'empty',
                event: 'pageview',
                path: '/',
                timestamp: `2026-03-09T${time}Z`,
            })),
        );
        await shop.abacus.aggregate();
        const today = { siteId: 'empty', against: 'previous' };
        const body = await answer('timeseries', today);
        assert.deepEqual([body.previousFrom, body.previousTo], ['2026-03-09', '2026-03-09']);
        assert.deepEqual([body.points.length, body.previousPoints.length], [24, 24]);
        assert.deepEqual(
            body.previousPoints.filter(({ value }) => value > 0),
            [
                { time: '2026-03-09T09:00:00.000Z', value: 2, partial: false },
                { time: '2026-03-09T21:00:00.000Z', value: 1, partial: false },
            ],
        );
        assert.equal(body.previousPoints[9].value, 2);
        // The Tuesday before the 10th, and then its Monday and two days that are not asked for.
        const days = await answer('timeseries', {
            siteId: 'empty',
            from: '2026-03-08',
            to: DAY,
            against: 'custom',
            againstFrom: '2026-03-09',
            againstTo: '2026-03-09',
        });
        assert.deepEqual(days.previousPoints, [
            { time: '2026-03-09', value: 3, partial: false },
            null,
            null,
        ]);
        const weekday = await answer('timeseries', {
            ...today,
            interval: 'day',
            against: 'year',
            matchWeekday: 'true',
        });
        // 10 March 2026 is a Tuesday, so was 4 March 2025.
        assert.equal(weekday.previousFrom, '2025-03-04');
    });

    check('beside itself each value is what it is', async () => {
        const against = { against: 'custom', againstFrom: DAY, againstTo: DAY };
        for (const dimension of Object.keys(ROWS))
            for (const sort of ['visitors', 'change']) {
                const body = await answer('breakdown', { ...RANGE, dimension, sort, ...against });
                assert.deepEqual(
                    body.rows.map(({ value, previous }) => ({ value, ...previous })),
                    rowsOf(dimension, ROWS[dimension]),
                    dimension,
                );
                // It is 20:00: all of the day's last running hour is compared with.
                assert.deepEqual(
                    [body.previousFrom, body.previousTo, body.previousUntil],
                    [DAY, DAY, `${DAY}T21:00:00.000Z`],
                );
            }
    });

    check('by change there are rows of what only was', async () => {
        const empty = { ...RANGE, from: '2026-03-08', to: '2026-03-08', dimension: 'page' };
        const against = { against: 'custom', againstFrom: '2026-03-09', againstTo: DAY };
        const body = await answer('breakdown', { ...empty, ...against, sort: 'change' });
        // By their visitors, then by their names: none of them has a pageview now.
        assert.deepEqual(
            body.rows.map(({ value, visitors, previous }) => [value, visitors, previous.visitors]),
            [
                ['/', 0, 2],
                ['/pricing', 0, 2],
                ['/docs', 0, 1],
            ],
        );
        assert.deepEqual([body.total, body.previousUntil], [3, null]);
        const now = await answer('breakdown', { ...empty, ...against });
        assert.deepEqual([now.rows, now.total], [[], 0]);
        const last = await answer('breakdown', {
            ...{ ...empty, ...against, sort: 'change' },
            ...{ limit: 1, offset: 1, search: 'C' },
        });
        assert.deepEqual([last.rows.map(({ value }) => value), last.total], [['/docs'], 2]);
    });

    check('events are counted by value, properties are listed by site', async () => {
        const visitor = { ip: '192.0.2.7', userAgent: BROWSER };
        await shop.send(
            [
                { props: { form: 'contact', page: 'help' }, count: 5 },
                { props: { form: 'newsletter' }, count: 2 },
                { props: { form: 'newsletter' }, visitor },
            ].map((more) => ({
                ...{ siteId: 'empty', event: 'form.submit', timestamp: `${DAY}T08:00:00Z` },
                ...more,
            })),
        );
        await shop.abacus.aggregate();
        const range = { ...RANGE, siteId: 'empty' };
        const contact = ['contact', 0, 0, 0, 0, 0, 0, 0, 0, 5];
        const newsletter = ['newsletter', 1, 0, 1, 0, 0, 0, 0, 100, 3];
        const against = { against: 'custom', againstFrom: DAY, againstTo: DAY };
        for (const [sort, rows] of [
            ['visitors', [newsletter, contact]],
            ['events', [contact, newsletter]],
        ]) {
            const asked = { ...range, dimension: 'prop:form', sort };
            const answered = await answer('breakdown', asked);
            assert.deepEqual(answered.rows, rowsOf('prop:form', rows), sort);
            assert.deepEqual([answered.total, answered.other], [2, null]);
            const compared = await answer('breakdown', { ...asked, ...against });
            assert.deepEqual(
                compared.rows.map(({ value, previous }) => [value, previous.events]),
                rows.map((row) => [row[0], row.at(-1)]),
            );
        }
        const { rows } = await answer('breakdown', { ...range, dimension: 'event' });
        const submitted = ['form.submit', 1, 0, 1, 0, 0, 0, 0, 100, 8];
        assert.deepEqual(rows, rowsOf('event', [submitted]));
        const { text } = await ask('export', { ...range, rows: 'prop:form', format: 'csv' });
        assert.deepEqual(text.split('\r\n'), [
            EVENT_COLUMNS.join(),
            'newsletter,1,0,1,0,0,0,0,100,3',
            'contact,0,0,0,0,0,0,0,0,5',
            '',
        ]);
        const names = async (params) => {
            const { properties, total, siteId, from, to } = await answer('properties', params);
            assert.deepEqual({ siteId, from, to }, params);
            return [properties, total];
        };
        assert.deepEqual(await names(range), [['form', 'page'], 2]);
        assert.deepEqual(await names(RANGE), [['plan'], 1]);
        const before = { ...RANGE, from: '2026-03-08', to: '2026-03-08' };
        assert.deepEqual(await names(before), [[], 0]);
        const narrower = { ...RANGE, dimension: 'event' };
        await refused('properties', narrower, 400, { parameter: 'dimension' });
        await refused('properties', { from: DAY, to: DAY }, 400, { parameter: 'siteId' });
    });

    check('what is wrong is named', async () => {
        const page = { ...RANGE, dimension: 'page' };
        const long = 'x'.repeat(201);
        for (const [params, parameter] of [
            [RANGE, 'dimension'],
            [{ ...RANGE, dimension: 'colour' }, 'dimension'],
            [{ ...page, siteId: undefined }, 'siteId'],
            [{ ...page, limit: 0 }, 'limit'],
            [{ ...page, limit: 1001 }, 'limit'],
            [{ ...page, limit: '1e2' }, 'limit'],
            [{ ...page, offset: -1 }, 'offset'],
            [{ ...page, offset: 1_000_001 }, 'offset'],
            [{ ...page, search: long }, 'search'],
            [{ ...page, limit: [1, 2] }, 'limit'],
            [{ ...page, interval: 'day' }, 'interval'],
            [{ ...page, sort: 'change' }, 'sort'],
            [{ ...page, sort: 'value', against: 'year' }, 'sort'],
            [{ ...page, sort: 'events' }, 'sort'],
            [{ ...RANGE, dimension: 'source', sort: 'events', against: 'year' }, 'sort'],
            [{ ...page, againstTo: DAY }, 'againstTo'],
        ])
            await refused('breakdown', params, 400, { parameter });
        await answer('breakdown', { ...page, limit: 1000, offset: 1_000_000 });
        await answer('breakdown', { ...page, search: long.slice(1) });
    });

    check('a filter that is wrong is named by its place', async () => {
        for (const name of ['breakdown', 'stats', 'compare', 'timeseries']) {
            const dimension = name === 'breakdown' ? 'page' : undefined;
            for (const wrong of [
                'page',
                'page:is',
                'page:is:',
                'page:like:/',
                'hue:is:x',
                'prop:is:x',
            ])
                await refused(name, { ...RANGE, dimension, filter: ['page:is:/', wrong] }, 400, {
                    parameter: 'filter',
                    index: 1,
                });
        }
        const twenty = Array.from({ length: 20 }, (_, i) => `country:isNot:${i}`);
        await answer('stats', { ...RANGE, filter: twenty });
        await refused('stats', { ...RANGE, filter: [...twenty, 'country:is:x'] }, 400, {
            parameter: 'filter',
        });
    });

    check('filters go with one site', async () => {
        const filter = 'page:is:/';
        for (const [name, params] of [
            ['stats', { from: DAY, to: DAY, filter }],
            ['compare', { from: DAY, to: DAY, filter }],
            ['compare', { siteIds: `${SITE},empty`, from: DAY, to: DAY, filter }],
            ['ledger', { ...RANGE, filter }],
        ])
            await refused(name, params, 400, { parameter: 'filter' });
    });

    check('days that filters cannot be answered for any more are 422', async () => {
        const page = 'page:is:/';
        const device = 'device:is:mobile';
        for (const [name, more, first, before] of [
            ['stats', { filter: page }, '2026-02-08', '2026-02-07'],
            ['stats', { filter: device }, '2025-03-10', '2025-03-09'],
            ['stats', { filter: [device, page] }, '2026-02-08', '2026-02-07'],
            ['timeseries', { filter: device }, '2025-03-10', '2025-03-09'],
            ['breakdown', { dimension: 'os', filter: device }, '2025-03-10', '2025-03-09'],
            ['breakdown', { dimension: 'event', filter: device }, '2026-02-08', '2026-02-07'],
            ['compare', { filter: page }, '2026-02-08', '2026-02-07'],
        ]) {
            const body = await answer(name, { ...RANGE, ...more, from: first });
            assert.equal(body.filterableFrom, first, name);
            const { detail } = await refused(name, { ...RANGE, ...more, from: before }, 422, {
                filterableFrom: first,
            });
            assert.match(detail, new RegExp(first));
        }
        const reaching = { ...RANGE, from: '2026-02-09', to: '2026-02-10', filter: page };
        const compared = await answer('compare', reaching);
        assert.equal(compared.current.from, '2026-02-09');
        assert.deepEqual([compared.previous, compared.change], [null, null]);
        const series = await answer('timeseries', { ...reaching, against: 'previous' });
        assert.deepEqual(
            [series.previousFrom, series.previousTo, series.previousPoints],
            ['2026-02-07', '2026-02-08', null],
        );
        const { previousFrom, previousTo, rows } = await answer('breakdown', {
            ...{ ...RANGE, filter: page, dimension: 'page' },
            ...{ against: 'custom', againstFrom: '2026-02-07', againstTo: '2026-02-08' },
        });
        assert.deepEqual([previousFrom, previousTo], [null, null]);
        assert.deepEqual(
            rows.map(({ previous }) => previous),
            [null],
        );
    });
}
