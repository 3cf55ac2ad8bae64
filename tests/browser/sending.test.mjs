// Events on their way: the queue before the script, the promise of track(), and what becomes of an
// event when the network, the answer, or the server fails. Counted is what stats says; that it was
// the same event twice is said by the ids and by the ledger.
//
// The page's clock is Playwright's, so that the pause before a repeat takes no time here.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { missing, scenarios, Stage, told, until } from '../lib/browsing.mjs';

const RETRY_MS = 3000;
const REPEATED = [
    // What becomes of the first copy, what of the second, what track() says, and how often the
    // first arrives at the server, and is found to be a repeat there.
    { site: 'refused', first: 'refuse', then: 'pass', says: true, stored: 1, duplicate: 0 },
    { site: 'lost', first: 'lose', then: 'pass', says: true, stored: 1, duplicate: 1 },
    { site: 'busy', first: 503, then: 'pass', says: true, stored: 1, duplicate: 0 },
    { site: 'busier', first: 503, then: 503, says: false, stored: 0, duplicate: 0 },
    { site: 'gone', first: 'refuse', then: 'refuse', says: false, stored: 0, duplicate: 0 },
    { site: 'vague', first: 'lose', then: 'lose', says: false, stored: 1, duplicate: 1 },
];
const FINAL = [400, 403, 404, 413];
const others = [
    'early',
    'promise',
    'manual',
    'broken-title',
    'offline',
    'offline-lost',
    'first',
    ...FINAL.map((n) => `no-${n}`),
];
const SITES = [...REPEATED.map(({ site }) => site), ...others];
/** What a console says of a request that failed. */
const FAILED = /Failed to load resource/;

let stage;
before(async () => {
    if (missing) return;
    stage = await Stage.start(Object.fromEntries(SITES.map((site) => [site, []])));
});
after(() => stage?.close());

const scenario = scenarios(() => stage);
const load = async ({ page, site }, path = '/one') => {
    stage.show(site);
    await page.goto(stage.url(site, path));
};
const MINE = "analytics.track('my.own', { plan: 'pro' })";
const named = (front, site, name) => front.events(site).filter(({ event }) => event === name);
/** Time for every repeat, and for another after it. */
async function settle({ page }) {
    for (const _ of [1, 2]) {
        await stage.fence(page);
        await page.clock.fastForward(20 * RETRY_MS);
    }
    await stage.fence(page);
}

scenario(
    'calls made before the script has loaded are not lost',
    { site: 'early' },
    async (visit) => {
        const { site, page, front } = visit;
        const early = `window.analytics = { q: [['lead.created', { plan: 'pro' }]] };
        analytics.q.push(['ai.usage', { tokens: 950, model: 'large' }])`;
        stage.show(site, { head: `<script>${early}</script>` });
        await page.goto(stage.url(site, '/one'));
        await page.evaluate("analytics.q.push(['form.submit', { form: 'contact' }])");
        await stage.fence(page);
        const expected = ['ai.usage', 'form.submit', 'lead.created', 'pageview'];
        assert.deepEqual(
            told(front.events(site)).sort(),
            expected.map((name) => `${name} /one`),
        );
        assert.deepEqual(named(front, site, 'lead.created')[0].props, { plan: 'pro' });
        const [{ tokens, props }] = named(front, site, 'ai.usage');
        assert.deepEqual([tokens, props], [950, { model: 'large' }]);
        const { stats } = await stage.numbers(site);
        const { pageviews, leads, forms, aiTokens } = stats;
        assert.deepEqual([pageviews, leads, forms, aiTokens], [1, 1, 1, 950]);
    },
);

scenario(
    'track() promises whether the server has taken the event',
    { site: 'promise', grumbles: FAILED },
    async (visit) => {
        const { site, page, front } = visit;
        await load(visit);
        assert.equal(await page.evaluate(MINE), true);
        assert.equal(await page.evaluate("analytics.track('Not A Name')"), false);
        await stage.sent(site, 3);
        assert.deepEqual(
            front.posts(site).map(({ status }) => status),
            [202, 202, 400],
        );
        const { stats } = await stage.numbers(site);
        assert.equal(stats.pageviews, 1);
        assert.equal((await stage.ledger(site)).stored, 2);
    },
);

scenario(
    'a page view by hand is of the page that it names, and belongs to no other',
    { site: 'manual' },
    async (visit) => {
        const { site, page, front } = visit;
        await load(visit);
        await stage.sent(site, 1);
        const view = `{ path: '/virtual', title: 'Step 2', referrer: 'https://news.example/',
            props: { plan: 'pro' } }`;
        assert.equal(await page.evaluate(`analytics.track('pageview', ${view})`), true);
        assert.equal(await page.evaluate(MINE), true);
        const [, sent, next] = front.events(site);
        const { path, title, referrer, props } = sent;
        assert.deepEqual(
            { path, title, referrer, props },
            {
                ...{ path: '/virtual', title: 'Step 2', referrer: 'https://news.example/' },
                props: { plan: 'pro' },
            },
        );
        assert.deepEqual(told([next]), ['my.own /one'], 'what follows is of the page itself');
        const { totals, pages } = await stage.numbers(site);
        assert.equal(totals.pageviews, 2);
        assert.deepEqual([pages['/one'].pageviews, pages['/virtual'].pageviews], [1, 1]);
    },
);

scenario(
    'a title with half a character is no reason to lose the page view',
    { site: 'broken-title' },
    async (visit) => {
        const { site, page, front } = visit;
        // As scripts make it that cut a title, or let it run, by code units.
        const cut = String.raw`document.title = '\udc4dRead \\ud83d \ud83d\udc4d\ud83d'`;
        stage.show(site, { head: `<script>${cut}</script>` });
        await page.goto(stage.url(site, '/one'));
        const [{ title }] = await stage.sent(site, 1);
        assert.equal(title, 'Read \\ud83d \u{1f44d}');
        assert.deepEqual(front.posts(site)[0].status, 202);
        assert.equal((await stage.numbers(site)).totals.pageviews, 1);
    },
);

for (const { site, first, then, says, stored, duplicate } of REPEATED)
    scenario(
        `an event that meets first "${first}", then "${then}", is sent twice with one id`,
        { site, grumbles: FAILED, clock: true },
        async (visit) => {
            const { page, front } = visit;
            await load(visit);
            await stage.sent(site, 1);
            // Time passes as it is told to, and not while the machine is busy.
            await page.clock.pauseAt(Date.now() + 3_600_000);
            let copies = 0;
            front.does = ({ events }) =>
                events[0].event !== 'my.own' ? 'pass' : copies++ === 0 ? first : then;
            // The answer to the page view may still be on its way.
            const isMine = (one) => (one.request?.() ?? one).postData()?.includes('my.own');
            const failed = page.waitForEvent(
                typeof first === 'number' ? 'response' : 'requestfailed',
                isMine,
            );
            await page.evaluate(`window.said = ${MINE}; true`);
            await failed;
            await page.clock.runFor(RETRY_MS - 500);
            await stage.fence(page);
            assert.equal(named(front, site, 'my.own').length, 1, 'not yet');
            await until(async () => {
                await page.clock.runFor(100);
                return named(front, site, 'my.own').length === 2;
            }, 'the repeat');
            await settle(visit);
            const sent = named(front, site, 'my.own');
            assert.equal(sent.length, 2);
            assert.equal(await page.evaluate('window.said'), says);
            assert.deepEqual(sent[0], sent[1]);
            assert.ok(sent[0].id);
            const { totals } = await stage.numbers(site);
            assert.deepEqual(totals.pageviews, 1);
            const ledger = await stage.ledger(site);
            assert.deepEqual(ledger.stored, 1 + stored);
            assert.deepEqual(ledger.dropped, duplicate ? { duplicate } : {});
        },
    );

for (const status of FINAL)
    scenario(
        `a ${status} is the last word`,
        { site: `no-${status}`, grumbles: FAILED, clock: true },
        async (visit) => {
            const { site, page, front } = visit;
            await load(visit);
            await stage.sent(site, 1);
            front.does = status;
            assert.equal(await page.evaluate(MINE), false);
            await settle(visit);
            assert.equal(named(front, site, 'my.own').length, 1);
        },
    );

scenario(
    'the page view itself is repeated, too',
    { site: 'first', grumbles: FAILED, clock: true },
    async (visit) => {
        const { site, page, front } = visit;
        front.does = (record) => (front.posts(site)[0] === record ? 503 : 'pass');
        await load(visit);
        await until(async () => {
            await page.clock.runFor(500);
            return front.events(site).length === 2;
        }, 'the repeat');
        await settle(visit);
        const [one, two] = front.events(site);
        assert.deepEqual(one, two);
        await stage.leave(page, site);
        const { totals } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 1, visits: 1, visitors: 1, bounceRate: 1 });
    },
);

scenario(
    'what is done offline arrives once, when the browser is online again',
    { site: 'offline', grumbles: FAILED, clock: true },
    async (visit) => {
        const { site, page, front, context } = visit;
        await load(visit);
        await stage.sent(site, 1);
        await stage.fence(page);
        await context.setOffline(true);
        assert.equal(await page.evaluate('navigator.onLine'), false);
        const failed = Promise.all(
            ['engagement', 'pageview', 'my.own'].map((name) =>
                page.waitForEvent('requestfailed', (one) => one.postData()?.includes(`"${name}"`)),
            ),
        );
        await page.evaluate(`history.pushState(null, '', '/two'); window.said = ${MINE}; true`);
        await failed;
        await page.clock.fastForward(20 * RETRY_MS);
        assert.equal(front.events(site).length, 1, 'time alone does not help');
        await context.setOffline(false);
        await stage.sent(site, 4);
        await settle(visit);
        assert.equal(await page.evaluate('window.said'), true);
        await stage.leave(page, site);
        const events = front.events(site);
        assert.deepEqual(told(events.slice(1, 4)).sort(), [
            ...['engagement /one', 'my.own /two', 'pageview /two'],
        ]);
        assert.deepEqual(told(events.slice(4)), ['engagement /two']);
        assert.equal(new Set(events.map(({ id }) => id)).size, 5);
        const { totals, pages } = await stage.numbers(site);
        assert.deepEqual(totals, { pageviews: 2, visits: 1, visitors: 1, bounceRate: 0 });
        assert.deepEqual([pages['/one'].pageviews, pages['/two'].pageviews], [1, 1]);
        const { received, stored, dropped } = await stage.ledger(site);
        assert.deepEqual({ received, stored, dropped }, { received: 5, stored: 5, dropped: {} });
    },
);

scenario(
    'online again is one repeat, and no second one',
    { site: 'offline-lost', grumbles: FAILED, clock: true },
    async (visit) => {
        const { site, page, front, context } = visit;
        await load(visit);
        await stage.sent(site, 1);
        await stage.fence(page);
        front.does = 503;
        await context.setOffline(true);
        const failed = page.waitForEvent('requestfailed');
        await page.evaluate(`window.said = ${MINE}; true`);
        await failed;
        await context.setOffline(false);
        await stage.sent(site, 2);
        await settle(visit);
        assert.equal(await page.evaluate('window.said'), false);
        assert.equal(named(front, site, 'my.own').length, 1);
    },
);
