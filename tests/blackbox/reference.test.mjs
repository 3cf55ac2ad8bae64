// The second calculation against examples counted by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
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
