// What is shared of a site's numbers, in a real browser: public dashboards, links, and embeds in
// frames of other origins.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { bearer, query, until } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { PATIENCE_MS, settled } from '../lib/browser_time.mjs';
import { becomes, percent } from '../lib/dashboard_read.mjs';
import { PeopleStage, peopleScenarios, PASSWORD, withoutPeople } from '../lib/people_stage.mjs';
import { assertReadable } from '../lib/readable.mjs';

const DAY_MS = 86_400_000;
/** Of shop, by days before today: this many visitors, each with two page views. */
const VISITORS = { 1: 3, 2: 1, 5: 2, 20: 4 };

let stage;
before(async () => {
    if (withoutPeople) return;
    // Browsers that send no cookie from a frame of another site are the ones to come.
    stage = await PeopleStage.start({ launch: ['--test-third-party-cookie-phaseout'] });
    for (const site of ['shop', 'rival']) await count(site);
    const settings = { publicDashboard: true };
    await stage.must('PATCH', '/api/analytics/settings?siteId=shop', settings);
    const origins = [stage.web.origin('app')];
    await stage.must('PATCH', '/api/admin/tenants/t1', { embedOrigins: origins });
    await stage.must('PATCH', '/api/admin/tenants/t2', {
        embedOrigins: [stage.web.origin('elsewhere')],
    });
    await stage.seen(async () => (await get('/share/shop')).status === 200, 'the settings');
});
after(() => stage?.close());

const scenario = peopleScenarios(() => stage);
const get = (path) => stage.server.fetch(path);

function visit(site, day, number) {
    const at = Date.now() - day * DAY_MS - 60_000;
    const visitor = { ip: `198.51.${number}.1`, userAgent: BROWSER };
    const event = { event: 'pageview', siteId: site, visitor };
    return ['/', '/pricing'].map((path, i) => ({
        ...event,
        path,
        timestamp: new Date(at + i * 1000).toISOString(),
    }));
}

/** The salts of days gone by are gone too, so that only yesterday's and today's events have
 *  visitors: the rest counts as page views. Yesterday's is there where these sites are. */
async function count(site) {
    const token = await stage.abacus.token('events:write,stats:read', {
        tenant: site === 'rival' ? 't2' : 't1',
    });
    const events = Object.entries(VISITORS).flatMap(([day, visitors]) =>
        Array.from({ length: visitors }, (_, i) => visit(site, Number(day), i)).flat(),
    );
    const tracked = () => stage.server.track(events, bearer(token));
    await stage.seen(async () => (await tracked()).status === 202, 'a new token');
    // The ledger of all days.
    const days = [20 + 2, -1].map((ago) => new Date(Date.now() - ago * DAY_MS).toISOString());
    const dates = days.map((time) => time.slice(0, 10));
    const counted = async () =>
        (await stage.server.ledger(token, site, dates)).stored === events.length;
    await stage.seen(counted, 'the events');
    stage[site] = token;
}

/** A link to shop; `more` may have a password. */
async function link(id, more = {}) {
    const { url } = await stage.must('PUT', `/api/admin/links/${id}`, { siteId: 'shop', ...more });
    const { pathname } = new URL(url);
    await stage.seen(async () => (await get(pathname)).status === 200, `the link ${id}`);
    return stage.url + pathname;
}

/** {url, token} of an embed, which the platform has made, or the token `by`. */
async function embed({ by = stage.platform, ...more } = {}) {
    const body = { tenantId: 't1', ...more };
    const { url } = await stage.must('POST', '/api/admin/embed', body, bearer(by));
    const { pathname } = new URL(url);
    return { pathname, url: stage.url + pathname, token: pathname.split('/')[2] };
}

/** A new token of the platform {text, id}, in force, and its end. */
async function platformToken() {
    const made = await stage.abacus.namedToken('admin,stats:read', { platform: true });
    const asks = () => stage.api('GET', '/api/admin/tenants', undefined, bearer(made.text));
    await stage.seen(async () => (await asks()).status === 200, 'the token');
    return made;
}

async function revoke({ id }, { pathname }) {
    await stage.abacus.must(['token', 'revoke', id]);
    await stage.seen(async () => (await get(pathname)).status === 404, 'the end of the embed');
}

const figure = (page, name) => page.locator(`.figure[data-metric=${name}] .figure-value`);
/** What there is to see, and nothing once it has ended. */
const view = (page) => page.locator('.analytics');
const shown = (page) => figure(page, 'pageviews').filter({ hasText: /\d/ }).waitFor();

/** A range that is listed. */
async function choose(page, name) {
    await page.locator('.when .more').click();
    await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** The next question ends the view, and the dialog with it; the stream may have ended it before. */
async function endsWhenAsked(page) {
    const ended = page.getByText('These statistics have ended here').waitFor();
    await Promise.race([choose(page, 'Last 7 days').catch(() => {}), ended]);
    await ended;
}

/** Wait until a figure says so. */
async function says(page, name, text) {
    const seen = () => figure(page, name).innerText();
    await until(async () => (await seen()) === text, `${name} ${text}`, PATIENCE_MS, seen);
}

/** The figures are those that the API gives its tenant. */
async function assertNumbers(page, period = '28d', siteId = 'shop') {
    const asked = query('/api/analytics/stats', { siteId, period });
    const { body } = await stage.server.get(asked, stage.platform);
    assert.ok(body.pageviews > 0);
    for (const name of ['uniqueVisitors', 'visits', 'pageviews'])
        await says(page, name, String(body[name]));
    await says(page, 'bounceRate', percent(body.bounceRate));
}

/** How many intervals the graph shows. */
const assertPoints = (page, count) =>
    until(async () => (await page.locator('.graph-card tbody tr').count()) === count, `${count}`);

// -- a public site -------------------------------------------------------------------------------

scenario('a public site shows its numbers to everybody', {}, async ({ page }) => {
    await page.goto(`${stage.url}/share/shop`);
    await shown(page);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'shop.example');
    await assertNumbers(page);
    // No figure that a public dashboard does not show.
    assert.deepEqual(
        await page.locator('.figure').evaluateAll((all) => all.map((one) => one.dataset.metric)),
        ['uniqueVisitors', 'visits', 'pageviews', 'bounceRate', 'visitDuration'],
    );
    await assertPoints(page, 28);
    await choose(page, 'Last 7 days');
    await assertPoints(page, 7);
    await assertNumbers(page, '7d');
    await choose(page, 'Last 12 months');
    await page.getByRole('button', { name: 'Months', exact: true }).click();
    await assertPoints(page, 12);
    for (const name of ['Pages', 'Sources', 'Countries', 'Devices'])
        assert.ok(await page.getByRole('tab', { name, exact: true }).isVisible(), name);
    // Nor what only its people see.
    for (const name of ['Ledger', 'Settings', 'Add a note'])
        assert.equal(await page.getByText(name).count(), 0, name);
});

scenario('nothing is asked that is refused', {}, async ({ page }) => {
    const from = stage.front.requests.length;
    const asked = () =>
        stage.front.requests.slice(from).filter(({ path }) => /^\/api\//.test(path));
    await page.goto(`${stage.url}/share/shop`);
    await shown(page);
    await assertPoints(page, 28);
    await page.locator('.figure[data-metric=visits] button').first().click();
    await page
        .getByRole('link', { name: /^Details/ })
        .first()
        .click();
    await page.getByRole('dialog').getByRole('table').waitFor();
    await until(() => asked().every(({ status }) => status !== undefined), 'the answers');
    assert.ok(asked().length > 6);
    for (const { path, status } of asked()) assert.equal(status, 200, path);
});

scenario('more is shown where the site says so', {}, async ({ page }) => {
    const set = (publicMetrics) =>
        stage.must('PATCH', '/api/analytics/settings?siteId=shop', { publicMetrics });
    await set(['leads', 'channel']);
    try {
        const published = async () => (await get('/share/shop')).text.includes('leads');
        await stage.seen(published, 'the settings');
        await page.goto(`${stage.url}/share/shop`);
        await shown(page);
        await says(page, 'leads', '0');
        await page.getByRole('tab', { name: 'Channels' }).waitFor();
        assert.equal(await figure(page, 'conversionRate').count(), 0);
    } finally {
        await set(null);
    }
    await stage.seen(async () => !(await get('/share/shop')).text.includes('leads'), 'the end');
});

scenario('what a product does is shown by what the site says', {}, async ({ page }) => {
    const [when] = visit('shop', 5, 0);
    const form = { ...when, event: 'form.submit', props: { form: 'contact' } };
    assert.equal((await stage.server.track([form], bearer(stage.shop))).status, 202);
    const path = query('/api/analytics/stats', { siteId: 'shop', period: '7d' });
    await stage.seen(async () => (await stage.server.get(path, stage.shop)).body.forms > 0, 'it');
    const shows = async (publicMetrics) => {
        await stage.must('PATCH', '/api/analytics/settings?siteId=shop', { publicMetrics });
        const published = async () => {
            const { text } = await get('/share/shop');
            return publicMetrics.every((name) => text.includes(name));
        };
        await stage.seen(published, 'the settings');
        await page.goto(`${stage.url}/share/shop`);
        await shown(page);
        await says(page, 'forms', '1');
    };
    try {
        await shows(['forms']);
        await settled(page);
        assert.equal(await page.locator('[data-card=forms]').count(), 0);
        await shows(['forms', 'event', 'prop:form']);
        await page.locator('[data-card=forms]').getByText('contact').waitFor();
    } finally {
        await stage.must('PATCH', '/api/analytics/settings?siteId=shop', { publicMetrics: null });
    }
    await stage.seen(async () => !(await get('/share/shop')).text.includes('forms'), 'the end');
});

scenario('who is signed in is nobody there', {}, async ({ page, context }) => {
    await stage.person('known@example.com');
    const { cookie } = await stage.signIn('known@example.com');
    const [name, value] = cookie.split('=');
    await context.addCookies([{ name, value, url: stage.url, sameSite: 'Lax', httpOnly: true }]);
    const from = stage.front.requests.length;
    await page.goto(`${stage.url}/share/shop`);
    await shown(page);
    await settled(page);
    const requests = stage.front.requests.slice(from);
    const document = requests.find(({ path }) => path === '/share/shop');
    assert.equal(document.headers.cookie, cookie);
    const asked = requests.filter(({ path }) => path.startsWith('/api/'));
    assert.ok(asked.length >= 6);
    for (const { headers } of asked)
        assert.equal(headers.cookie ?? headers.authorization, undefined);
});

scenario('the page is readable, in English and German', { locale: 'de-DE' }, async ({ page }) => {
    for (const [lang, words] of Object.entries({ de: 'Seitenaufrufe', en: 'Page views' })) {
        await page.goto(`${stage.url}/share/shop${lang === 'de' ? '' : '?lang=en'}`);
        await shown(page);
        assert.ok(await page.locator('.figure-label', { hasText: words }).isVisible());
        await assertReadable(page, ['light 1280', 'dark 360', 'light 320', 'dark 1280']);
    }
});

scenario('the keyboard chooses the period', {}, async ({ page }) => {
    await page.goto(`${stage.url}/share/shop`);
    await shown(page);
    await page.locator('.when .more').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    // The range that holds has the focus; the next presses go one back and take it.
    await page.keyboard.press('Shift+Tab');
    const focused = page.locator(':focus');
    assert.equal(await focused.innerText(), 'Last 7 days');
    const outline = await focused.evaluate((one) => getComputedStyle(one).outlineStyle);
    assert.equal(outline, 'solid');
    await page.keyboard.press('Enter');
    await assertPoints(page, 7);
});

scenario('whatever is wrong with a key, the answer is the same', {}, async ({ page }) => {
    const good = new URL(await link('whole')).pathname.split('/')[2];
    const [, id, mac] = good.split('.');
    const { token: signed } = await embed({ siteIds: ['shop'] });
    const ended = new URL(await link('ended')).pathname;
    await stage.must('DELETE', '/api/admin/links/ended');
    await stage.seen(async () => (await get(ended)).status === 404, 'the end of the link');
    const paths = [
        '/share/rival',
        '/share/nothing-of-this-name',
        `/share/link.${id}.${mac.replace(/./, (c) => (c === 'A' ? 'B' : 'A'))}`,
        `/share/link.another.${mac}`,
        `/share/${signed}`,
        `/share/${stage.platform}`,
        ended,
        '/embed/shop',
        `/embed/${good}`,
        `/embed/${signed.replace(/.$/, (c) => (c === 'A' ? 'E' : 'A'))}`,
        '/embed/x',
    ];
    const seen = new Set();
    for (const path of paths) {
        const { status, headers, text } = await get(path);
        assert.equal(status, 404, path);
        assert.match(headers.get('content-security-policy'), /frame-ancestors 'none'$/, path);
        assert.equal(headers.get('set-cookie'), null);
        const rest = [...headers].filter(([name]) => name !== 'date');
        seen.add(JSON.stringify([rest, text]));
    }
    assert.equal(seen.size, 1);
    await page.goto(`${stage.url}/share/rival`);
    await page.getByRole('heading', { name: 'Nothing to see here' }).waitFor();
    await assertReadable(page, ['light 1280', 'dark 360']);
});

// -- links ---------------------------------------------------------------------------------------

scenario('a link shows its site until it is taken away', {}, async ({ page }) => {
    await page.goto(await link('guests'));
    await shown(page);
    await assertNumbers(page);
    await stage.must('DELETE', '/api/admin/links/guests');
    await stage.seen(
        async () => (await get(new URL(page.url()).pathname)).status === 404,
        'the end of the link',
    );
    await endsWhenAsked(page);
    assert.equal(await view(page).count(), 0);
});

scenario('a link with a password asks for it', {}, async ({ page }) => {
    await page.goto(await link('locked', { password: PASSWORD }));
    const field = page.getByLabel('These statistics open with a password');
    await field.waitFor();
    assert.equal(await page.evaluate('document.activeElement.id'), 'password');
    await assertReadable(page, ['light 360', 'dark 1280']);
    await field.fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByText('This password is wrong.').waitFor();
    assert.equal(await view(page).count(), 0);
    await field.fill(PASSWORD);
    await page.keyboard.press('Enter');
    await shown(page);
    await assertNumbers(page);
    // It is not kept: who comes again is asked again.
    await page.reload();
    await field.waitFor();
});

// -- embeds --------------------------------------------------------------------------------------

/** A page of `site` with a frame, which gives it what it is told to. */
function parent(site, src) {
    const html = `<!doctype html><title>Parent</title><h1>Mine</h1>
        <iframe src="${src}" width="1000" height="900"></iframe>`;
    stage.web.sites.set(site, html);
    return stage.web.origin(site);
}

const frameOf = (page) => page.frameLocator('iframe');

const NOT_FRAMED = /frame-ancestors/;

/** The frame stays empty, and the browser says why. */
async function assertNotFramed(page, context, origin) {
    await page.goto(origin);
    await until(() => context.problems.some((one) => NOT_FRAMED.test(one)), 'a complaint', 10_000);
    const [, frame] = page.frames();
    assert.ok(!frame.url().startsWith(stage.url), frame.url());
    assert.equal(await frame.evaluate('document.querySelector("main")'), null);
}

scenario('an embed is shown in its frame without any cookie', {}, async ({ page, context }) => {
    // Somebody who is signed in here, too.
    await stage.person('embedded@example.com');
    await page.goto(`${stage.url}/admin/sign-in`);
    await page.locator('#email').fill('embedded@example.com');
    await page.locator('#password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sites' }).waitFor();
    // What that page loads in advance has come, or never will.
    await page.goto('about:blank');
    await settled(page);
    const [cookie] = await context.cookies();
    assert.equal(cookie.name, 'abacus_session');

    const { url, token } = await embed({ siteIds: ['shop'] });
    const from = stage.front.requests.length;
    await page.goto(parent('app', url));
    await shown(frameOf(page));
    await assertNumbers(frameOf(page));
    const frame = page.frames()[1];
    assert.equal(await frame.evaluate('document.cookie'), '');
    await settled(page);
    const requests = stage.front.requests.slice(from);
    assert.ok(requests.length >= 9);
    for (const { path, headers, cookie: set } of requests) {
        assert.equal(headers.cookie, undefined, path);
        assert.equal(set, undefined, path);
        if (path.startsWith('/api/')) assert.equal(headers.authorization, `Bearer ${token}`);
    }
    assert.deepEqual(await context.cookies(), [cookie]);
});

scenario('no cookie comes into being where there was none', {}, async ({ page, context }) => {
    const { url } = await embed();
    await page.goto(parent('app', url));
    await shown(frameOf(page));
    assert.deepEqual(await context.cookies(), []);
    const { cookies, origins } = await context.storageState();
    assert.deepEqual([cookies, origins], [[], []]);
});

scenario('an embed of several sites has a choice', {}, async ({ page }) => {
    const { url, pathname } = await embed();
    await page.goto(parent('app', url));
    const frame = frameOf(page);
    await shown(frame);
    const heading = frame.getByRole('heading', { level: 1 });
    assert.equal(await heading.innerText(), 'blog.example');
    await says(frame, 'pageviews', '0');
    await heading.getByRole('button').click();
    const options = frame.getByRole('option');
    await becomes(() => options.allInnerTexts(), ['blog.example', 'shop.example']);
    await options.filter({ hasText: 'shop.example' }).click();
    await heading.filter({ hasText: 'shop.example' }).waitFor();
    await assertNumbers(frame);
    assert.match((await get(pathname)).text, /<title>Tenant One<\/title>/);
    // Of nobody else's.
    const { text } = await get(pathname);
    assert.ok(!text.includes('rival'));
});

scenario('an embed is framed by its own tenant alone', { grumbles: NOT_FRAMED }, async (t) => {
    const { page, context } = t;
    const { url } = await embed({ siteIds: ['shop'] });
    for (const site of ['evil', 'elsewhere', 'app.evil', 'notapp']) {
        context.problems.length = 0;
        const origin = parent(site.split('.')[0], url).replace(/\/\/[^.]+/, `//${site}`);
        await assertNotFramed(page, context, origin);
    }
    const rival = await embed({ tenantId: 't2', siteIds: ['rival'] });
    context.problems.length = 0;
    await assertNotFramed(page, context, parent('app', rival.url));
    await page.goto(parent('elsewhere', rival.url));
    await shown(frameOf(page));
});

scenario('a shared page is framed by the same origins', { grumbles: NOT_FRAMED }, async (t) => {
    const { page, context } = t;
    await page.goto(parent('app', `${stage.url}/share/shop`));
    await shown(frameOf(page));
    await assertNotFramed(page, context, parent('evil', `${stage.url}/share/shop`));
    // What is not there may be framed by nobody, so that a frame tells nothing either.
    context.problems.length = 0;
    await assertNotFramed(page, context, parent('app', `${stage.url}/share/rival`));
});

scenario('the page around an embed renews it, and nobody else', {}, async ({ page, context }) => {
    const made = await platformToken();
    const first = await embed({ by: made.text, siteIds: ['shop'] });
    const { token } = await embed({ siteIds: ['shop'] });
    // A frame of another origin beside it, in the same page.
    stage.web.sites.set('beside', '<!doctype html><title>Beside</title>');
    const html = `<!doctype html><title>Parent</title>
        <iframe src="${first.url}" width="1000" height="900"></iframe>
        <iframe src="${stage.web.origin('beside')}"></iframe>`;
    stage.web.sites.set('app', html);
    await page.goto(stage.web.origin('app'));
    await shown(page.frameLocator('iframe').first());
    const inside = page.frames().find((one) => one.url().startsWith(stage.url));
    const beside = page.frames().find((one) => one.url().includes('beside'));
    await revoke(made, first);
    await endsWhenAsked(inside);
    // What else it has asked has come to its end, too.
    await settled(page);

    const renew = { type: 'abacus-renew', token };
    const asked = () => stage.front.requests.filter(({ path }) => path.startsWith('/api/')).length;
    const before = asked();
    await inside.evaluate(() => {
        self.heard = 0;
        addEventListener('message', () => self.heard++);
    });
    // The frame beside it, whose origin is not the tenant's, and whose messages are no parent's.
    await beside.evaluate((data) => parent.frames[0].postMessage(data, '*'), renew);
    // What is no renewal.
    await inside.evaluate((data) => postMessage(data, '*'), renew);
    for (const data of [null, 'abacus-renew', { type: 'abacus-renew' }, { type: 'x', token }])
        await page.evaluate((one) => frames[0].postMessage(one, '*'), data);
    await page.evaluate(
        (one) => frames[0].postMessage({ type: 'abacus-renew', token: one }, '*'),
        stage.platform,
    );
    await until(() => inside.evaluate('heard === 7'), 'all of them');
    assert.equal(asked(), before);
    assert.equal(await view(inside).count(), 0);

    const args = [renew, stage.url];
    await page.evaluate(([data, origin]) => frames[0].postMessage(data, origin), args);
    await shown(inside);
    await assertNumbers(inside, '7d');
    const last = stage.front.requests.filter(({ path }) => path.startsWith('/api/')).at(-1);
    assert.equal(last.headers.authorization, `Bearer ${token}`);
    assert.deepEqual(await context.cookies(), []);
});

scenario('a suspended tenant shows nothing', {}, async ({ page }) => {
    const path = '/share/shop';
    await stage.must('PATCH', '/api/admin/tenants/t1', { status: 'suspended' });
    try {
        await stage.seen(async () => (await get(path)).status === 404, 'the suspension');
        await page.goto(stage.url + path);
        await page.getByRole('heading', { name: 'Nothing to see here' }).waitFor();
    } finally {
        await stage.must('PATCH', '/api/admin/tenants/t1', { status: 'active' });
    }
    await stage.seen(async () => (await get(path)).status === 200, 'the end of it');
});
