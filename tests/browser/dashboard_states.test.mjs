// What the analytics page says when it has nothing to show, in real Chromium: no event yet, a
// mistake in the pages, an answer that failed, a session that ended, numbers that are old, a range
// that cannot be answered. And that nothing of what a site is sent is ever run.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { settled } from '../lib/browser_time.mjs';
import { DashboardStage, dashboardScenarios, PASSWORD } from '../lib/dashboard_stage.mjs';
import { asked, becomes, figures, rows } from '../lib/dashboard_read.mjs';

const EVIL = {
    tenant: '<img src=x onerror="window.hacked=1">Tenant',
    domain: '<img src=x onerror=window.hacked=1>',
    text: (what) => `<script>window.hacked='${what}'</script><img src=x onerror=window.hacked=1>`,
};
/** A little before the site's first visit of today. */
const FAR = new Date(Date.now() - 50 * 86_400_000).toISOString().slice(0, 10);
const pageOf = (siteId, more = '') => `/admin/sites/${siteId}/analytics${more}`;

let stage;
before(async () => {
    stage = await DashboardStage.start({
        days: 45,
        prepare: async (abacus) => {
            for (const site of ['fresh', 'first', 'evil'])
                await abacus.site(site, 'demo', { timezone: 'UTC' });
            // Commands and API refuse such a domain; a database may hold anything.
            await abacus.sql(
                `UPDATE analytics_settings SET domain = '${EVIL.domain}' WHERE site_id = 'evil';`,
            );
            await abacus.must(['site', 'set', 'fresh', 'blockedPaths=/private/*']);
            await abacus.must(['site', 'set', 'fresh', 'requireToken=lead.created']);
        },
    });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

const track = (siteId, event, headers) =>
    stage.server.track({ event: 'pageview', siteId, path: '/', ...event }, headers);

/* -- a site without events --------------------------------------------------------------------- */

scenario('a new site shows the snippet of each kind', {}, async ({ page }) => {
    const snippets = await stage.api('analytics/snippet', { siteId: 'fresh' });
    await page.goto(pageOf('fresh'));
    await page.getByRole('heading', { name: 'No event yet' }).waitFor();
    const kinds = { HTML: 'html', 'Next.js': 'nextjs', nginx: 'nginx', Payload: 'payload' };
    for (const [name, kind] of Object.entries(kinds)) {
        await page.getByRole('tab', { name, exact: true }).click();
        await becomes(() => page.locator('.snippet pre').textContent(), snippets[kind]);
        assert.ok(snippets[kind].includes('fresh'), kind);
    }
    assert.equal(await page.locator('.figure').count(), 0);
});

scenario('the live check names each mistake that it saw', {}, async ({ page }) => {
    const origin = 'https://fresh.example';
    await page.goto(pageOf('fresh'));
    const problems = page.locator('.live-check .problems');
    await page.getByText('Waiting for the first event').waitFor();
    const made = [
        [
            404,
            { siteId: 'frehs' },
            { origin },
            'Pages of this site send the unknown site id “frehs”.',
        ],
        [
            403,
            {},
            { origin: 'https://copy.example' },
            'Events from https://copy.example were refused.',
        ],
        [202, {}, { 'user-agent': 'Googlebot/2.1' }, 'Events of bots were dropped.'],
        [
            202,
            {},
            { 'sec-gpc': '1' },
            'A browser that asks not to be counted (GPC or Do Not Track) was not.',
        ],
        [202, { path: '/private/x' }, {}, "Events were dropped by the site's own blocks."],
        [403, { event: 'lead.created' }, {}, 'An event came that only a token may send.'],
        [
            202,
            {},
            { 'x-forwarded-for': '192.0.2.7', 'sec-gpc': '1' },
            'All visitors seem to have one address, that of a proxy (127.0.0.1).',
        ],
        [400, { path: 7 }, { origin }, 'An event was refused: '],
    ];
    for (const [status, event, headers] of made)
        assert.equal((await track('fresh', event, headers)).status, status);
    for (const [, , , text] of made) await problems.getByText(text).waitFor();
    const loaded = await stage.server.fetch('/public/analytics.js', {
        headers: { referer: `${origin}/somewhere` },
    });
    assert.equal(loaded.status, 200);
    await page.getByText('A page of the site has loaded the script.').waitFor();
});

scenario('the live check knows what sends nothing at all', {}, async ({ page }) => {
    const at = new Date().toISOString();
    await page.route('**/api/analytics/check?*', async (route) => {
        const answer = await route.fetch();
        const problems = ['silent', 'disabled'].map((kind) => ({
            kind,
            detail: null,
            at,
            count: 3,
        }));
        await route.fulfill({ response: answer, json: { ...(await answer.json()), problems } });
    });
    await page.goto(pageOf('fresh'));
    await page.getByText('A page has loaded the script, and nothing came.').waitFor();
    await page.getByText('The browser has opted out, sends GPC, or blocks the request').waitFor();
    await page.getByText('Counting is switched off.').waitFor();
    await page.getByText('(seen 3 times, last at').first().waitFor();
});

scenario('the first event turns the check into the dashboard', {}, async ({ page }) => {
    await page.goto(pageOf('first'));
    await page.getByText('Waiting for the first event').waitFor();
    await track('first', { path: '/welcome' });
    await becomes(async () => (await figures(page)).pageviews?.value, '1');
    await becomes(async () => (await rows(page, 'pages')).map(([name]) => name), ['/welcome']);
    assert.equal(asked(page).period, 'today');
    assert.equal(await page.locator('.product').count(), 0);
    // The product's section comes with its first event.
    await track('first', { event: 'form.submit', props: { place: 'footer' } });
    const today = { siteId: 'first', period: 'today' };
    await stage.server.until(
        async () => (await stage.api('analytics/stats', today)).forms > 0,
        'the form',
    );
    await page.reload();
    await becomes(async () => Object.keys(await figures(page, '.product')), ['forms']);
    await page.getByText('The events form.submit carry no property “form”').waitFor();
    // Properties are kept for a shorter time.
    page.expectFailure(/breakdown.*dimension=prop/);
    // A range before says when there was something, and leads there.
    await page.goto(pageOf('first', `?from=${FAR}&to=${FAR}`));
    await page.getByText('Nothing was counted in this range.').waitFor();
    await page.getByRole('link', { name: 'Show today' }).click();
    await becomes(async () => (await figures(page)).pageviews?.value, '1');
});

/* -- answers that fail ------------------------------------------------------------------------- */

const SHOP = pageOf('demo-shop');

scenario(
    'one answer that fails is told in its card alone, and asked again',
    {},
    async ({ page }) => {
        page.expectFailure(/breakdown.*dimension=country/);
        const isCountry = (url) =>
            url.pathname.endsWith('/breakdown') && url.searchParams.get('dimension') === 'country';
        await page.route(isCountry, (route) =>
            route.fulfill({
                status: 503,
                contentType: 'application/problem+json',
                body: JSON.stringify({ title: 'Service Unavailable', status: 503 }),
            }),
        );
        await page.goto(SHOP);
        const alert = page.locator('[data-card=places]').getByRole('alert');
        await alert.getByText('The server cannot answer now.').waitFor();
        await becomes(async () => (await rows(page, 'devices')).length > 0, true);
        assert.equal(await page.getByRole('alert').count(), 1);
        await page.unroute(isCountry);
        await page.getByRole('button', { name: 'Retry' }).click();
        await becomes(async () => (await rows(page, 'places')).length, 9);
        assert.equal(await page.getByRole('alert').count(), 0);
    },
);

scenario('a card with nothing says why, and shows the way out', {}, async ({ page }) => {
    const filters = 'filter=device:is:mobile&filter=page:is:/no-such-page';
    await page.goto(`${SHOP}?period=7d&${filters}`);
    const nothing = page.locator('[data-card=sources] .nothing');
    await nothing.getByText('Nothing matches these filters in this range.').waitFor();
    await becomes(() => page.locator('.analytics > .cards .nothing').count(), 5);
    await nothing.getByRole('link', { name: 'Clear filters' }).click();
    await becomes(() => asked(page), { period: '7d' });
    await becomes(() => page.locator('.nothing').count(), 0);
    await page.goto(pageOf('first', '?period=today&sources=utmCampaign'));
    await nothing.getByText('No visit came with a utm_campaign').waitFor();
});

scenario(
    'a session that ends signs in, and returns to the same view',
    {},
    async ({ page, context }) => {
        page.expectFailure(/./);
        const view = '?period=7d&metric=visits&filter=device:is:mobile';
        await page.goto(SHOP + view);
        await page.locator('.rows').first().waitFor();
        // What is still asked for this view would lead back to it.
        await settled(page);
        await context.clearCookies();
        await page.keyboard.press('y');
        await page.waitForURL('**/admin/sign-in?next=*');
        const wanted = SHOP + view.replace('7d', 'yesterday');
        assert.equal(new URL(page.url()).searchParams.get('next'), wanted);
        await page.locator('#email').fill('ada@example.com');
        await page.locator('#password').fill(PASSWORD);
        await page.keyboard.press('Enter');
        await page.waitForURL((url) => url.pathname === SHOP);
        assert.equal(
            decodeURIComponent(new URL(page.url()).search),
            view.replace('7d', 'yesterday'),
        );
        await becomes(async () => (await figures(page)).visits?.chosen, true);
    },
);

scenario('what an earlier version did not count is no zero', {}, async ({ page }) => {
    const asked = { siteId: 'demo-shop', period: '28d', dimension: 'event', limit: 9 };
    const answer = await stage.api('analytics/breakdown', asked);
    for (const row of answer.rows) row.events = null;
    await page.route(/breakdown.*dimension=event/, (route) => route.fulfill({ json: answer }));
    await page.goto(`${SHOP}?goals=event`);
    await becomes(
        async () => (await rows(page, 'goals')).map(([name, , value]) => [name, value]),
        answer.rows.map(({ value }) => [value, '–']),
    );
});

scenario('numbers that are older than they should be say so', {}, async ({ page }) => {
    const fresh = await stage.api('analytics/compare', {
        siteId: 'demo-shop',
        period: '7d',
        against: 'previous',
    });
    await page.goto(`${SHOP}?period=7d`);
    await becomes(
        async () => (await figures(page)).visits?.full,
        fresh.current.visits.toLocaleString('en'),
    );
    assert.equal(await page.locator('.stale').count(), 0);
    const asOf = new Date(Date.now() - 10 * 60_000).toISOString();
    await page.route('**/api/analytics/compare?*', async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), asOf } });
    });
    await page.reload();
    const clock = new Intl.DateTimeFormat('en', {
        hour: '2-digit',
        minute: '2-digit',
        timeZone: 'Europe/Berlin',
    });
    await becomes(
        () => page.locator('.stale').allTextContents(),
        [`as of ${clock.format(new Date(asOf))}`],
    );
});

scenario(
    'what cannot be answered names the limit, and the nearest range that can',
    {},
    async ({ page }) => {
        page.expectFailure(/analytics\/.*filter=/);
        const asks = {
            siteId: 'demo-shop',
            from: FAR,
            to: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
            filter: 'device:is:mobile',
        };
        const { status, body } = await stage.server.get(
            `/api/analytics/breakdown?${new URLSearchParams({ ...asks, dimension: 'page' })}`,
            stage.platform,
        );
        assert.equal(status, 422);
        await page.goto(`${SHOP}?from=${asks.from}&to=${asks.to}&filter=device:is:mobile`);
        const card = page.locator('[data-card=pages]');
        await card.getByText(body.detail).waitFor();
        await card.getByRole('link', { name: 'Show the range that can be answered' }).click();
        await becomes(() => asked(page), {
            from: body.filterableFrom,
            to: asks.to,
            filter: 'device:is:mobile',
        });
        const answer = await stage.api('analytics/breakdown', {
            ...asks,
            from: body.filterableFrom,
            dimension: 'page',
            limit: 9,
        });
        await becomes(
            async () => (await rows(page, 'pages')).map(([name]) => name),
            answer.rows.map(({ value }) => value),
        );
        // The product's cards are about single events, which are kept for a shorter time.
        assert.equal(await page.locator('.analytics > .cards .nothing').count(), 0);
    },
);

/* -- what a site is sent is never run ---------------------------------------------------------- */

scenario('markup in what was counted is text, wherever it is shown', {}, async ({ page }) => {
    const { text } = EVIL;
    const utm = ['utmSource', 'utmMedium', 'utmCampaign', 'utmContent', 'utmTerm'];
    const tags = new URLSearchParams(
        utm.map((name) => [name.replace(/[A-Z]/g, (one) => `_${one.toLowerCase()}`), text(name)]),
    );
    const accepted = async (event) => {
        const { status, text: words } = await track('evil', event);
        assert.equal(status, 202, words);
    };
    await accepted({ path: `/${text('path')}?${tags}`, title: text('title') });
    await accepted({ event: 'form.submit', path: '/x', props: { form: text('prop') } });
    // A referrer with markup in it is none, and an event must have a name.
    await track('evil', { referrer: `https://${text('referrer')}/` });
    await track('evil', { event: text('event') });
    const put = `/api/analytics/annotations?siteId=evil&date=${new Date().toISOString().slice(0, 10)}`;
    await stage.must('PUT', put, { text: '<img src=x onerror=window.hacked=1>' });
    await stage.must('PATCH', '/api/admin/tenants/demo', { name: EVIL.tenant });
    const range = { siteId: 'evil', period: 'today' };
    await stage.server.until(
        async () => (await stage.api('analytics/stats', range)).forms > 0,
        'the events',
    );
    const shown = [];
    const dimensions = ['page', 'entryPage', 'source', 'referrer', 'event', 'prop:form', ...utm];
    for (const dimension of dimensions) {
        const { rows: all } = await stage.api('analytics/breakdown', { ...range, dimension });
        await page.goto(pageOf('evil', `?period=today&details=${dimension}`));
        const names = page.locator('.details-body .row-name');
        const wanted = all.map(({ value }) => value).filter((value) => value.includes('<'));
        await page.locator('.details-body :is(.row-name, .nothing)').first().waitFor();
        for (const value of wanted) await names.getByText(value, { exact: true }).waitFor();
        shown.push(...wanted);
        assert.equal(await page.evaluate('window.hacked'), undefined);
    }
    // The markup did arrive: by path, property and tags.
    for (const what of ['path', 'prop', ...utm])
        assert.ok(
            shown.some((one) => one.includes(`'${what}'`)),
            what,
        );
    const filter = encodeURIComponent(`page:is:${text('filter')}`);
    const search = encodeURIComponent(text('search'));
    for (const view of [
        `&filter=${filter}`,
        `&details=page&search=${search}`,
        '&sheet=site',
        '&sheet=filter',
    ])
        await page
            .goto(pageOf('evil', `?period=today${view}`))
            .then(() => page.locator('.rows, .nothing').first().waitFor());
    for (const path of ['/admin/sites', '/admin/tenants/demo/analytics']) {
        await page.goto(path);
        await page.locator('a[href*=evil]').first().waitFor();
    }
    await page.getByText(EVIL.tenant).first().waitFor();
    await page.goto(pageOf('evil', '?period=today'));
    await becomes(() => page.locator('h1.site').textContent(), EVIL.domain);
    await page.locator('.graph-card').getByRole('application').focus();
    await page.keyboard.press('Home');
    await page.locator('.graph-tip').getByText('<img src=x onerror=window.hacked=1>').waitFor();
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.equal(await page.locator('img, iframe, main script').count(), 0);
});

scenario('no page may run or style what is written into it', {}, async ({ page }) => {
    for (const path of [SHOP, '/admin/sites', '/admin/people']) {
        const policy = (await page.goto(path)).headers()['content-security-policy'];
        const rules = Object.fromEntries(
            policy.split(/; */).map((rule) => rule.match(/^(\S+) ?(.*)$/).slice(1)),
        );
        assert.doesNotMatch(policy, /unsafe|nonce|sha256|\*|https?:|blob:/);
        assert.equal(rules['default-src'], "'none'");
        assert.equal(rules['script-src'], "'self'");
        assert.equal(rules['style-src'], "'self'");
        assert.equal(rules['require-trusted-types-for'], "'script'");
    }
    // And the browser keeps to it.
    const ran = await page.evaluate(() => {
        const script = document.createElement('script');
        try {
            script.textContent = 'window.hacked = 1';
            document.body.append(script);
        } catch {
            return 'refused';
        }
        return window.hacked;
    });
    assert.equal(ran, 'refused');
    page.problems = page.problems.filter(
        (one) => !/TrustedScript|Content Security Policy/.test(one),
    );
});
