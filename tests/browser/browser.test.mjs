// The demo page in a real browser: it counts itself, and leaves nothing on the device. It comes
// from the server itself, through Front: page and analytics are one origin.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { missing, scenarios, Stage, told } from '../lib/browsing.mjs';

let stage;
let home;
before(async () => {
    if (missing) return;
    const serve = ['--demo-site', 'demo'];
    stage = await Stage.start({ demo: ['domain=localhost'] }, { serve });
    home = `http://localhost:${stage.front.port}/demo`;
});
after(() => stage?.close());

const scenario = scenarios(() => stage);

/** What /demo has counted since, as `keys` of stats. */
async function change(keys, what) {
    const numbers = async () => (await stage.numbers('demo')).stats;
    const before = await numbers();
    await what();
    const now = await numbers();
    return keys.map((key) => now[key] - before[key]);
}

const views = (front, since) =>
    told(front.events('demo').slice(since)).filter((one) => one.startsWith('pageview'));

scenario(
    'open it, click twice: 3 pageviews, 1 visitor, 1 visit',
    { site: 'demo' },
    async ({ page, front }) => {
        await page.goto(home);
        await page.click('nav >> text=Pricing');
        await page.waitForURL('**/demo/pricing');
        await page.click('nav >> text=About');
        await page.waitForURL('**/demo/about');
        await stage.fence(page);
        assert.deepEqual(views(front, 0), [
            ...['pageview /demo', 'pageview /demo/pricing', 'pageview /demo/about'],
        ]);
        const { totals } = await stage.numbers('demo');
        assert.deepEqual(totals, { pageviews: 3, visits: 1, visitors: 1, bounceRate: 0 });
    },
);

scenario(
    'its pages without loading count, and a hash does not',
    { site: 'demo' },
    async ({ page, front }) => {
        const since = front.events('demo').length;
        const counted = await change(['pageviews', 'uniqueVisitors'], async () => {
            await page.goto(home);
            await page.click('text=Inbox');
            await page.click('text=Settings');
            await page.click('text=Only a hash');
            await stage.fence(page);
        });
        assert.deepEqual(views(front, since), [
            ...['pageview /demo', 'pageview /demo/inbox', 'pageview /demo/settings'],
        ]);
        assert.deepEqual(counted, [3, 0], 'it is the visitor of before');
    },
);

scenario('its buttons send events', { site: 'demo' }, async ({ page }) => {
    const keys = ['pageviews', 'leads', 'forms', 'aiTokens'];
    const counted = await change(keys, async () => {
        await page.goto(home);
        for (const button of await page.locator('button').all()) await button.click();
        await stage.fence(page);
    });
    assert.deepEqual(counted, [1, 1, 1, 1200]);
});
