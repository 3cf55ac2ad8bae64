// The second calculation against examples counted by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakdown, filteredDay, filteredHour } from '../lib/breakdown.mjs';
import { countryOf, network4In, network6In } from '../lib/countries.mjs';
import { buckets, cutAddress, earlierRange, Reference, value } from '../lib/reference.mjs';
import { hourStart, hoursOf, localDate } from '../lib/zones.mjs';

const sites = [{ id: 'b', tenant: 't', zone: 'Europe/Berlin' }];
const me = { ip: '192.0.2.7', userAgent: 'A' };
const neighbour = { ip: '192.0.2.8', userAgent: 'A' };
const other = { ip: '192.0.2.7', userAgent: 'B' };

function at(time, name = 'pageview', visitor = me, more = {}) {
    const ms = Date.parse(time);
    return { site: 'b', name, timeMs: ms, receivedMs: ms, visitor, outcome: 'stored', ...more };
}

function referenceOf(facts) {
    return new Reference({ sites, facts, nowMs: Date.parse('2026-03-30T12:00:00Z') });
}

test('a pause of exactly 30 minutes goes on with the visit, one of a millisecond more does not', () => {
    const facts = [
        at('2026-03-20T10:00:00Z'),
        at('2026-03-20T10:30:00Z'),
        at('2026-03-20T11:00:00.001Z'),
    ];
    const day = referenceOf(facts).day('b', '2026-03-20');
    assert.equal(day.visits, 2);
    assert.equal(day.bounces, 1);
    assert.equal(value(day, 'visitDuration'), 900);
    assert.equal(value(day, 'viewsPerVisit'), 1.5);
});

test('engagement links and prolongs a visit, but neither begins one nor makes a visitor nor ends a bounce', () => {
    const linked = [
        at('2026-03-20T10:00:00Z'),
        at('2026-03-20T10:25:00Z', 'engagement'),
        at('2026-03-20T10:50:00Z'),
    ];
    assert.equal(referenceOf(linked).day('b', '2026-03-20').visits, 1);
    const early = [
        at('2026-03-20T09:50:00Z', 'engagement'),
        at('2026-03-20T10:00:00Z'),
        at('2026-03-20T10:10:00Z', 'engagement'),
    ];
    const day = referenceOf(early).day('b', '2026-03-20');
    assert.deepEqual([day.visits, day.bounces, day.visitMs], [1, 1, 600_000]);
    const alone = referenceOf([at('2026-03-20T09:50:00Z', 'engagement')]).day('b', '2026-03-20');
    assert.deepEqual([alone.visits, alone.uniqueVisitors], [0, 0]);
});

test('a visit over local midnight stays one, counts where it began, and its visitor on both days', () => {
    const facts = [at('2026-03-20T22:50:00Z'), at('2026-03-20T23:10:00Z')];
    const reference = referenceOf(facts);
    const before = reference.day('b', '2026-03-20');
    const after = reference.day('b', '2026-03-21');
    assert.deepEqual(
        [before.visits, before.bounces, before.uniqueVisitors, before.visitMs],
        [1, 0, 1, 1_200_000],
    );
    assert.deepEqual([after.visits, after.uniqueVisitors, after.pageviews], [0, 1, 1]);
});

test('a visitor is a cut address and a User-Agent', () => {
    const facts = [
        at('2026-03-20T10:00:00Z'),
        at('2026-03-20T10:00:00Z', 'pageview', neighbour),
        at('2026-03-20T10:00:00Z', 'pageview', other),
    ];
    assert.equal(referenceOf(facts).day('b', '2026-03-20').uniqueVisitors, 2);
    assert.equal(cutAddress('2001:db8:7::1'), cutAddress('2001:0db8:0007:ffff::2'));
    assert.equal(cutAddress('2001:db8::1'), '2001:db8:0');
});

test('count weighs pageviews, leads and tokens, and neither visits nor the end of a bounce', () => {
    const facts = [
        at('2026-03-20T10:00:00Z', 'pageview', me, { count: 5 }),
        at('2026-03-20T10:00:00Z', 'ai.usage', null, { count: 3, tokens: 7 }),
        at('2026-03-20T10:00:00Z', 'lead.created', null, { count: 2 }),
    ];
    const day = referenceOf(facts).day('b', '2026-03-20');
    assert.deepEqual(
        [
            day.pageviews,
            day.visits,
            day.bounces,
            day.aiTokens,
            day.leads,
            day.conversions,
            day.unattributedConversions,
        ],
        [5, 1, 1, 21, 2, 2, 2],
    );
    assert.equal(value(day, 'conversionRate'), 0);
});

test('of one id within 24 hours of the counted copy the later ones are dropped', () => {
    const id = { id: 'x' };
    const facts = [
        at('2026-03-20T10:00:00Z', 'pageview', me, id),
        at('2026-03-21T09:00:00Z', 'pageview', me, id),
        at('2026-03-21T11:00:00Z', 'pageview', me, id),
    ];
    const ledger = referenceOf(facts).ledger('b', '2026-03-20', '2026-03-21');
    assert.deepEqual(ledger['2026-03-21'], {
        received: 2,
        stored: 1,
        dropped: { duplicate: 1 },
        rejected: {},
        bots: {},
    });
    assert.equal(ledger['2026-03-20'].stored, 1);
});

// -- by value ------------------------------------------------------------------------------------

const view = (path, more = {}) => ({ path, ...more });

/** Two visits of mine, one of another's, and an event of nobody's. */
const SHOP = [
    at('2026-03-20T10:00:00Z', 'pageview', me, view('/?utm=x', { traits: { source: 'News' } })),
    at('2026-03-20T10:05:00Z', 'pageview', me, view('/buy', { traits: { source: 'Other' } })),
    at('2026-03-20T10:05:20Z', 'engagement', me, view('/buy', { seconds: 20, scroll: 60 })),
    at('2026-03-20T10:06:00Z', 'engagement', me, view('/buy', { seconds: 30 })),
    at('2026-03-20T10:07:00Z', 'lead.created', me, { props: { plan: 'pro', seats: 3 } }),
    at('2026-03-20T12:00:00Z', 'pageview', me, view('/buy')),
    at('2026-03-20T11:00:00Z', 'pageview', other, view('/buy#top', { count: 2 })),
    at('2026-03-20T13:00:00Z', 'lead.created', null, { count: 4, path: '/' }),
];
const DAY = { site: 'b', from: '2026-03-20', to: '2026-03-20' };

const rowsOf = (dimension, more) =>
    breakdown(referenceOf(SHOP), { ...DAY, dimension, ...more }).rows.map((row) =>
        Object.values(row).map((n) => (typeof n === 'number' ? Math.round(n * 1000) / 1000 : n)),
    );

test('a page has the visits that saw it, and the conversion that came after it', () => {
    assert.deepEqual(rowsOf('page'), [
        ['/buy', 2, 4, 3, 0.667, 140, 1, 0.5, 100, 50, 60],
        ['/', 1, 1, 1, 0, 420, 4, 0, 50, null, null],
    ]);
});

test("a visit's values are those it was entered and left with, and nobody's events have none", () => {
    assert.deepEqual(rowsOf('source'), [
        ['(direct)', 2, 3, 2, 1, 0, 0, 0, 100],
        ['News', 1, 2, 1, 0, 420, 1, 1, 50],
    ]);
    assert.deepEqual(rowsOf('entryPage').map(([value]) => value), ['/buy', '/']);
    assert.deepEqual(rowsOf('exitPage').map(([value]) => value), ['/buy']);
    assert.deepEqual(rowsOf('goal'), [['lead.created', 1, 0, 1, 0, 420, 5, 0.5, 50]]);
    assert.deepEqual(rowsOf('prop:seats'), [['3', 1, 0, 1, 0, 420, 1, 1, 50, 1]]);
    assert.deepEqual(rowsOf('utmTerm'), []);
});

test('filters hold together; those on visits and goals keep none of what has no visit', () => {
    const kept = (...filters) => {
        const day = filteredDay(referenceOf(SHOP), 'b', '2026-03-20', filters);
        return [day.uniqueVisitors, day.pageviews, day.visits, day.conversions];
    };
    const filter = (dimension, op, text) => ({ dimension, op, value: text });
    assert.deepEqual(kept(), [2, 5, 3, 5]);
    assert.deepEqual(kept(filter('goal', 'is', 'lead.created')), [1, 2, 1, 1]);
    assert.deepEqual(kept(filter('goal', 'isNot', 'lead.created')), [2, 3, 2, 0]);
    assert.deepEqual(kept(filter('source', 'startsWith', 'N')), [1, 2, 1, 1]);
    assert.deepEqual(kept(filter('page', 'contains', 'u')), [2, 4, 3, 1]);
    assert.deepEqual(kept(filter('prop:plan', 'isNot', 'pro')), [2, 5, 3, 4]);
    assert.deepEqual(
        kept(filter('page', 'is', '/buy'), filter('source', 'is', '(direct)')),
        [2, 3, 2, 0],
    );
    const hourMs = Date.parse('2026-03-20T10:00:00Z');
    const hour = filteredHour(referenceOf(SHOP), 'b', '2026-03-20', hourMs, [
        filter('page', 'is', '/buy'),
    ]);
    assert.deepEqual([hour.pageviews, hour.visits, hour.conversions], [1, 1, 1]);
});

test('beyond the cap visitors and visits count once', () => {
    const { rows, other, total } = breakdown(referenceOf(SHOP), {
        ...DAY,
        dimension: 'event',
        cap: 0,
    });
    assert.deepEqual([rows, total], [[], 0]);
    assert.deepEqual(
        [other.visitors, other.pageviews, other.visits, other.conversions, other.percent],
        [2, 5, 3, 5, 100],
    );
});

test('an address lies in the country whose network it is taken from', () => {
    for (const country of ['DE', 'US', 'JP']) {
        const [four, six] = [network4In(country), network6In(country)];
        if (four) assert.equal(countryOf(`${four}.200.9`), country);
        if (six) assert.equal(countryOf(`${six}:ffff:1::9`), country);
    }
    assert.equal(countryOf('127.0.0.1'), '');
    assert.equal(countryOf('::1'), '');
});

test('local hours follow the wall clock through changes of a whole and of half an hour', () => {
    assert.equal(hoursOf('Europe/Berlin', '2026-03-29', '2026-03-29').length, 23);
    assert.equal(hoursOf('Europe/Berlin', '2026-10-25', '2026-10-25').length, 25);
    const change = Date.parse('2026-04-04T15:00:00Z'); // Lord Howe: 02:00 becomes 01:30
    assert.equal(hourStart('Australia/Lord_Howe', change + 1_000_000), change);
    assert.equal(hourStart('Australia/Lord_Howe', change - 1), change - 3_600_000);
    assert.equal(localDate('Asia/Kolkata', Date.parse('2026-03-20T18:30:00Z')), '2026-03-21');
});

test('the range before, the year before and buckets are what a calendar says', () => {
    assert.deepEqual(earlierRange('2026-03-28', '2026-03-30', 'previous'), {
        from: '2026-03-25',
        to: '2026-03-27',
    });
    assert.deepEqual(earlierRange('2024-02-29', '2024-03-01', 'year'), {
        from: '2023-02-28',
        to: '2023-03-01',
    });
    assert.deepEqual(buckets('2026-03-31', '2026-04-06', 'week'), [
        { time: '2026-03-30', first: '2026-03-31', last: '2026-04-05', whole: false },
        { time: '2026-04-06', first: '2026-04-06', last: '2026-04-06', whole: false },
    ]);
    assert.deepEqual(
        buckets('2026-03-01', '2026-03-31', 'month').map(({ whole }) => whole),
        [true],
    );
});
