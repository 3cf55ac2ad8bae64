// Exports of a day that is counted by hand (lib/shop.mjs), in both shapes and both formats.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { query } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { SHAPES } from '../lib/platform.mjs';
import { DAY, EVENTS, openShop, SITE } from '../lib/shop.mjs';

const RANGE = { siteId: SITE, from: DAY, to: DAY };
const METRICS = [
    ...['pageviews', 'uniqueVisitors', 'visits', 'viewsPerVisit', 'bounceRate', 'visitDuration'],
    ...['conversions', 'converters', 'conversionRate', 'unattributedConversions', 'leads', 'forms'],
    ...['exports', 'automationRuns', 'aiTokens'],
];
/** 6 pageviews with a visitor in 4 visits of 560 s together, 2 of them bounces; 1 of 3 converts. */
const DAY_NUMBERS = [9, 3, 4, 1.5, 0.5, 140, 1, 1, 0.3333, 0, 1, 0, 0, 0, 0];

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);
    let shop;

    before(async () => {
        shop = await openShop(make);
    });
    after(() => shop?.server.stop());

    const ask = (params) => shop.server.get(query('/api/analytics/export', params), shop.token);

    async function lines(params) {
        const { status, headers, text } = await ask(params);
        assert.equal(status, 200, text);
        const csv = params.format === 'csv';
        assert.match(headers.get('content-type'), csv ? /^text\/csv/ : /^application\/x-ndjson/);
        const all = text.split(csv ? '\r\n' : '\n');
        assert.equal(all.pop(), '', 'the last line has an end');
        return csv ? all : all.map((line) => JSON.parse(line));
    }

    check('events are the raw rows, by time, as before there were other rows', async () => {
        const rows = await lines(RANGE);
        assert.deepEqual(await lines({ ...RANGE, rows: 'events' }), rows);
        const sent = [...EVENTS].sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
        assert.deepEqual(
            rows.map(({ event, timestamp, count }) => [event, timestamp, count]),
            sent.map(({ event, timestamp, count = 1 }) => [
                event,
                timestamp.replace('Z', '.000Z'),
                count,
            ]),
        );
    });

    check('days: every metric of each day of the range, zeros included', async () => {
        const rows = await lines({ ...RANGE, from: '2026-03-01', rows: 'days' });
        assert.equal(rows.length, 10);
        assert.deepEqual(Object.keys(rows[0]), ['siteId', 'tenantId', 'date', ...METRICS]);
        for (const [i, row] of rows.entries()) {
            assert.equal(row.date, `2026-03-${String(i + 1).padStart(2, '0')}`);
            const wanted = i === 9 ? DAY_NUMBERS : METRICS.map(() => 0);
            assert.deepEqual(
                METRICS.map((name) => row[name]),
                wanted,
            );
        }
        assert.deepEqual(await lines({ ...RANGE, rows: 'days', format: 'csv' }), [
            ['siteId', 'tenantId', 'date', ...METRICS].join(','),
            [SITE, 'alpha', DAY, ...DAY_NUMBERS].join(','),
        ]);
    });

    check('hours: as days, by the instant at which they begin', async () => {
        const rows = await lines({ ...RANGE, rows: 'hours' });
        assert.equal(rows.length, 24);
        assert.deepEqual(
            rows.filter(({ pageviews }) => pageviews > 0).map((row) => [row.time, row.pageviews]),
            [
                [`${DAY}T09:00:00.000Z`, 2],
                [`${DAY}T10:00:00.000Z`, 1],
                [`${DAY}T11:00:00.000Z`, 2],
                [`${DAY}T12:00:00.000Z`, 3],
                [`${DAY}T13:00:00.000Z`, 1],
            ],
        );
    });

    check('a dimension: its values as breakdown has them, with and without filters', async () => {
        for (const dimension of ['page', 'entryPage', 'utmSource', 'event', 'prop:plan', 'os'])
            for (const filter of [undefined, 'device:is:desktop', ['page:is:/', 'os:isNot:x']]) {
                const asked = { ...RANGE, filter };
                const path = query('/api/analytics/breakdown', { ...asked, dimension });
                const { body } = await shop.server.get(path, shop.token);
                assert.deepEqual(await lines({ ...asked, rows: dimension }), body.rows, path);
            }
        assert.deepEqual(await lines({ ...RANGE, rows: 'page', format: 'csv' }), [
            'value,visitors,pageviews,visits,bounceRate,visitDuration,conversions,conversionRate,percent,timeOnPage,scrollDepth',
            '/,2,2,2,0,270,0,0,66.6667,,',
            '/pricing,2,2,2,0.5,100,1,0.5,66.6667,30,65',
            '/docs,1,5,2,0.5,180,0,0,33.3333,,',
        ]);
    });

    check('days and hours with filters', async () => {
        const filter = 'device:is:mobile';
        const [day] = await lines({ ...RANGE, rows: 'days', filter });
        assert.deepEqual([day.pageviews, day.uniqueVisitors, day.visits], [3, 1, 2]);
        const hours = await lines({ ...RANGE, rows: 'hours', filter });
        assert.deepEqual(
            hours.filter(({ pageviews }) => pageviews > 0).map((row) => [row.time, row.pageviews]),
            [
                [`${DAY}T11:00:00.000Z`, 2],
                [`${DAY}T13:00:00.000Z`, 1],
            ],
        );
    });

    check('more values than a page of the stream holds come all and once', async () => {
        const events = Array.from({ length: 2500 }, (_, i) => ({
            siteId: 'empty',
            event: 'pageview',
            path: `/${String(i).padStart(4, '0')}`,
            timestamp: `${DAY}T08:00:00Z`,
        }));
        for (let i = 0; i < events.length; i += 100) await shop.send(events.slice(i, i + 100));
        await shop.abacus.aggregate();
        const rows = await lines({ ...RANGE, siteId: 'empty', rows: 'page' });
        assert.deepEqual(
            rows.map(({ value, pageviews }) => [value, pageviews]),
            events.map(({ path }) => [path, 1]),
        );
    });

    check('no cell begins a formula', async () => {
        await shop.send(
            ['=cmd', '+1', '-1', '@x', 'a"b,c'].map((plan) => ({
                siteId: 'empty',
                event: 'signup',
                props: { plan },
                timestamp: `${DAY}T07:00:00Z`,
                visitor: { ip: '192.0.2.9', userAgent: BROWSER },
            })),
        );
        await shop.abacus.aggregate();
        const asked = { ...RANGE, siteId: 'empty', rows: 'prop:plan', format: 'csv' };
        const [, ...rows] = await lines(asked);
        assert.deepEqual(
            rows,
            ["'+1", "'-1", "'=cmd", "'@x", '"a""b,c"'].map((cell) => `${cell},1,0,1,0,0,0,0,100,1`),
        );
    });

    check('a file is named by what it holds', async () => {
        const name = async (more) =>
            (await ask({ ...RANGE, ...more })).headers.get('content-disposition');
        assert.equal(await name({}), `attachment; filename="shop_${DAY}_${DAY}.ndjson"`);
        assert.equal(
            await name({ rows: 'days', format: 'csv' }),
            `attachment; filename="shop_days_${DAY}_${DAY}.csv"`,
        );
        assert.equal(
            await name({ rows: 'prop:a"b' }),
            `attachment; filename="shop_prop_${DAY}_${DAY}.ndjson"`,
        );
    });

    check('what cannot be exported is named', async () => {
        for (const [params, status, members] of [
            [{ ...RANGE, rows: 'visits' }, 400, { parameter: 'rows' }],
            [{ ...RANGE, format: 'xml' }, 400, { parameter: 'format' }],
            [{ ...RANGE, filter: 'page:is:/' }, 400, { parameter: 'filter' }],
            [{ ...RANGE, rows: 'days', filter: 'page' }, 400, { parameter: 'filter', index: 0 }],
            [
                { ...RANGE, rows: 'hours', from: '2026-02-07', filter: 'os:is:Linux' },
                422,
                { filterableFrom: '2026-02-08' },
            ],
            [
                { ...RANGE, rows: 'days', from: '2025-03-09', filter: 'os:is:Linux' },
                422,
                { filterableFrom: '2025-03-10' },
            ],
            [{ rows: 'days', from: DAY, to: DAY }, 400, { parameter: 'siteId' }],
        ]) {
            const answer = await ask(params);
            assert.equal(answer.status, status, answer.text);
            for (const [member, value] of Object.entries(members))
                assert.equal(answer.body[member], value, answer.text);
        }
        await lines({ ...RANGE, rows: 'hours', from: '2026-02-08', filter: 'os:is:Linux' });
    });
}
