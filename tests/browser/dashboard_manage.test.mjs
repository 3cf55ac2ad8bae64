// The screens that change something, but for a site's settings: people, tokens, shared links, the
// audit log, new sites and their end; the ledger and the system; and what each role is not offered.
//
//     demo     demo-app, demo-blog, demo-shop, plain (without events), quiet
//     other    other-site

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { bearer, query, until } from '../lib/abacus.mjs';
import { becomes } from '../lib/browser_time.mjs';
import {
    dashboardScenarios,
    DashboardStage,
    PASSWORD,
    withoutDashboard,
} from '../lib/dashboard_stage.mjs';
import { control, open, save, settingsOf } from '../lib/settings_page.mjs';

let stage;
before(async () => {
    if (withoutDashboard) return;
    stage = await DashboardStage.start({
        days: 60,
        prepare: async (abacus) => {
            await abacus.site('plain', 'demo', { timezone: 'UTC' });
            await abacus.site('quiet', 'demo', { timezone: 'UTC' });
            await abacus.must(['tenant', 'add', '--id', 'other', '--name', 'Other']);
            await abacus.site('other-site', 'other');
            const args = ['--role', 'viewer', '--tenant', 'other'];
            await abacus.must(['user', 'add', 'olga@example.com', ...args], {
                input: `${PASSWORD}\n`,
            });
        },
    });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

const track = (...events) => stage.server.track(events, bearer(stage.platform));
/** A page view of a person, or another event, now. */
const event = (siteId, more) => ({
    event: 'pageview',
    siteId,
    path: '/',
    visitor: {
        ip: '203.0.113.9',
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
    },
    ...more,
});

// -- people --------------------------------------------------------------------------------------

const row = (page, name) => page.getByRole('row', { name });

scenario('an invitation is shown once, and works', {}, async ({ page }) => {
    await page.goto('/admin/people');
    await row(page, /ada@example\.com/).waitFor();
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('E-mail address').fill('new@example.com');
    await sheet.getByLabel('Name', { exact: true }).fill('Nora New');
    await sheet.getByRole('combobox', { name: 'Tenant' }).selectOption('Other');
    await sheet.getByRole('button', { name: 'Invite' }).click();
    await row(page, /Nora New.*other: Viewer.*Invited/).waitFor();
    const link = await page.locator('.once pre').innerText();

    const context = await stage.browser.newContext({ locale: 'en-US' });
    try {
        const other = await context.newPage();
        await other.goto(stage.url + new URL(link).pathname + new URL(link).hash);
        await other.getByRole('heading', { name: 'You are invited' }).waitFor();
        await other.getByLabel('New password').fill('a new password of hers');
        await other.keyboard.press('Enter');
        await other.getByRole('link', { name: 'other-site.example' }).waitFor();
        assert.equal(await other.getByRole('link', { name: 'shop.demo.example' }).count(), 0);
    } finally {
        await context.close();
    }
    await page.reload();
    await row(page, /Nora New/).waitFor();
    assert.equal(await page.locator('.once').count(), 0);
    assert.ok(!(await page.content()).includes(new URL(link).hash.slice(1)));

    // She becomes a manager, of another tenant, too; then she goes.
    await row(page, /Nora New/)
        .getByRole('button', { name: 'Change' })
        .click();
    await sheet.getByLabel('Role').selectOption('Manager');
    await sheet.getByRole('button', { name: 'Add a tenant' }).click();
    await sheet.getByLabel('Only these sites').last().fill('plain');
    await sheet.getByRole('button', { name: 'Save' }).click();
    await row(page, /Nora New.*demo: Viewer \(plain\).*other: Manager/).waitFor();
    const { memberships } = await stage.api('/api/admin/users/new%40example.com');
    assert.deepEqual(memberships, [
        { tenantId: 'demo', role: 'viewer', sites: ['plain'] },
        { tenantId: 'other', role: 'manager' },
    ]);
    const remove = row(page, /Nora New/).getByRole('button', { name: /Remove|Really/ });
    await remove.click();
    assert.equal(await remove.innerText(), 'Really?');
    await remove.click();
    await row(page, /Nora New/).waitFor({ state: 'detached' });
});

scenario('what is wrong with an invitation is told in it', {}, async ({ page }) => {
    page.expectFailure(/^\/api\/admin\/users/);
    await page.goto('/admin/people');
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('E-mail address').fill('who@example.com');
    await sheet.getByLabel('Only these sites').fill('nothing-like-it');
    await sheet.getByRole('button', { name: 'Invite' }).click();
    await sheet
        .getByRole('alert')
        .filter({ hasText: 'there is no site nothing-like-it' })
        .waitFor();
    assert.equal(await sheet.getByLabel('E-mail address').inputValue(), 'who@example.com');
});

// -- tokens --------------------------------------------------------------------------------------

scenario('a token is shown once, works, and is revoked', {}, async ({ page }) => {
    await page.goto('/admin/tokens');
    await page.getByRole('button', { name: 'New token' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Name').fill('Report');
    await sheet.getByRole('combobox', { name: 'Tenant' }).selectOption({ value: 'demo' });
    // What only the platform's may is not offered for a tenant's.
    assert.equal(await sheet.getByText('metrics', { exact: true }).count(), 0);
    await sheet.getByLabel('Only this site').fill('demo-shop');
    await sheet.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.locator('.once pre').innerText();
    const ask = async (siteId) => {
        const asked = query('/api/analytics/stats', { siteId, period: '7d' });
        return (await stage.server.get(asked, token)).status;
    };
    await until(async () => (await ask('demo-shop')) === 200, 'the token');
    assert.notEqual(await ask('demo-blog'), 200);
    await page.reload();
    await row(page, /^Report .*demo.*demo-shop.*stats:read.*never/).waitFor();
    assert.ok(!(await page.content()).includes(token));
    const revoke = row(page, /^Report /).getByRole('button');
    await revoke.click();
    await revoke.click();
    await row(page, /^Report /).waitFor({ state: 'detached' });
    await until(async () => (await ask('demo-shop')) === 401, 'its end');
});

// -- shared links --------------------------------------------------------------------------------

scenario('a link with a password opens without an account', {}, async ({ page }) => {
    await open(page, 'demo-shop');
    const links = page.locator('#links');
    await links.getByRole('button', { name: 'Make a link' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Name').fill('For the press');
    await sheet.getByLabel('Password').fill('opensesame');
    await sheet.getByRole('button', { name: 'Make a link' }).click();
    await links.getByRole('row', { name: /For the press.*with a password.*never/ }).waitFor();
    const href = await links.getByRole('link', { name: 'Open' }).getAttribute('href');
    const path = new URL(href, stage.url).pathname;
    await until(async () => (await stage.server.fetch(path)).status === 200, 'the link');

    const guest = await stage.newPage({ as: null });
    try {
        await guest.goto(path);
        await guest.getByLabel('These statistics open with a password').fill('opensesame');
        await guest.keyboard.press('Enter');
        const { pageviews } = await stage.api('analytics/stats', {
            siteId: 'demo-shop',
            period: '28d',
        });
        const figure = guest.locator('[data-metric=pageviews] .figure-value');
        await becomes(() => figure.getAttribute('title'), pageviews.toLocaleString('en-US'));
        assert.deepEqual(await guest.context().cookies(), []);
        assert.deepEqual(guest.problems, []);
    } finally {
        await guest.context().close();
    }
    const revoke = links
        .getByRole('row', { name: /For the press/ })
        .getByRole('button')
        .last();
    await revoke.click();
    await revoke.click();
    await links.getByText('There is no link yet.').waitFor();
    await until(async () => (await stage.server.fetch(path)).status === 404, 'its end');
});

// -- the books -----------------------------------------------------------------------------------

const whole = (value) => value.toLocaleString('en-US');
const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

scenario('the ledger is the API’s, and adds up', {}, async ({ page }) => {
    await page.goto('/admin/sites/demo-shop/ledger?period=7d');
    await page.getByRole('heading', { name: 'Ledger of shop.demo.example' }).waitFor();
    const books = await stage.api('analytics/ledger', { siteId: 'demo-shop', period: '7d' });
    const terms = [books.received, books.stored, sum(books.dropped), sum(books.rejected)];
    assert.equal(terms[0], terms[1] + terms[2] + terms[3]);
    assert.ok(terms[2] > 0);
    await becomes(() => page.locator('.equation b').allInnerTexts(), terms.map(whole));
    await page.getByText('The books add up.').waitFor();
    const reasons = Object.entries({ ...books.dropped, ...books.bots }).map(([reason, count]) =>
        [reason, whole(count)].join(),
    );
    const lines = await page
        .locator('.reasons > div')
        .evaluateAll((all) =>
            all.map((one) =>
                [one.querySelector('code').textContent, one.querySelector('dd').textContent].join(),
            ),
        );
    assert.deepEqual(lines.sort(), reasons.sort());
    const days = await page
        .locator('tbody tr')
        .evaluateAll((rows) =>
            rows.map((one) => [...one.querySelectorAll('td')].map((cell) => cell.textContent)),
        );
    assert.deepEqual(
        days.reverse(),
        books.days.map(({ received, stored, dropped, rejected }) =>
            [received, stored, sum(dropped), sum(rejected)].map(whole),
        ),
    );
});

scenario('the audit log names what was just done', {}, async ({ page }) => {
    await stage.must('PUT', '/api/admin/sites/audited', {
        tenantId: 'other',
        domain: 'audited.example',
    });
    await open(page, 'demo-blog');
    await control(page, 'respectDnt').check();
    await save(page);
    await page.goto('/admin/audit');
    const lines = page.locator('tbody tr');
    await lines.first().waitFor();
    assert.match(
        (await lines.first().innerText()).replace(/\s+/g, ' '),
        /ada@example\.com Site changed site\.set demo-blog demo$/,
    );
    assert.match((await lines.nth(1).innerText()).replace(/\s+/g, ' '), /site\.put audited other$/);
    const { audit } = await stage.api('/api/admin/audit?limit=100');
    await becomes(
        () => lines.evaluateAll((all) => all.map((one) => one.querySelector('code').textContent)),
        audit.map(({ action }) => action),
    );
    // One tenant's alone.
    await page.getByLabel('Tenant').selectOption('Other');
    await becomes(
        () =>
            page
                .locator('tbody tr td:last-child')
                .evaluateAll((all) => [...new Set(all.map((cell) => cell.textContent))]),
        ['other'],
    );
    assert.equal(new URL(page.url()).searchParams.get('tenant'), 'other');
});

scenario('the system page tells how the installation is', {}, async ({ page }) => {
    await page.goto('/admin/system');
    const value = (label) =>
        page
            .locator('.reasons > div')
            .filter({ has: page.getByText(label, { exact: true }) })
            .locator('dd')
            .innerText();
    await page.getByRole('heading', { name: 'Aggregation' }).waitFor();
    const moment = (at) =>
        new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short' }).format(
            new Date(at),
        );
    // It asks again by itself, and a minute passes.
    await becomes(
        async () => [await value('Last success'), await value('Version'), await value('Sites')],
        async () => {
            const { job, version, sites } = await stage.api('/api/admin/system');
            return [moment(job.lastSuccessAt), version, `${sites}`];
        },
    );
    const about = await stage.api('/api/admin/system');
    assert.equal(await value('Imbalance of the ledger'), '0');
    assert.equal(await value('Kind'), about.store.kind);
    assert.equal(await value('Schema'), `${about.store.schema}`);
    assert.equal(await value('Tenants'), `${about.tenants}`);
});

// -- sites come and go ---------------------------------------------------------------------------

scenario('a new site waits for its first event', {}, async ({ page }) => {
    await page.goto('/admin/sites');
    await page.getByRole('link', { name: 'Add a site' }).click();
    await page.getByLabel('Domain').fill('brand-new.example');
    await page.getByLabel('Id', { exact: false }).first().fill('brand-new');
    await page.getByLabel('Tenant').selectOption('Other');
    await page.getByRole('button', { name: 'Add a site' }).click();
    await page.waitForURL('**/admin/sites/brand-new/analytics');
    await page.getByText('No event yet').waitFor();
    assert.match(await page.locator('main pre').first().innerText(), /data-site="brand-new"/);
    await until(async () => (await track(event('brand-new'))).status === 202, 'the new site');
    await page.getByText('No event yet').waitFor({ state: 'detached' });
});

scenario('a site is deleted when its id is typed, and taken back', {}, async ({ page }) => {
    await open(page, 'plain');
    const part = page.locator('#delete');
    const button = part.getByRole('button', { name: 'Delete this site' });
    assert.ok(await button.isDisabled());
    await part.getByRole('textbox').fill('plai');
    assert.ok(await button.isDisabled());
    await part.getByRole('textbox').fill('plain');
    await button.click();
    await part.getByText('It is to be erased on').waitFor();
    const { eraseAt } = await stage.api('/api/admin/sites/plain');
    const days = (Date.parse(eraseAt) - Date.now()) / 86_400_000;
    assert.ok(days > 29.9 && days <= 30, eraseAt);
    await part.getByRole('button', { name: 'Take it back' }).click();
    await button.waitFor();
    assert.equal((await stage.api('/api/admin/sites/plain')).eraseAt, null);
});

// -- roles ---------------------------------------------------------------------------------------

const places = (page) => page.getByRole('navigation', { name: 'Where to go' }).getByRole('link');

scenario('a viewer manages nothing', { as: 'viewer' }, async ({ page }) => {
    const settings = settingsOf('demo-shop');
    const all = ['/admin/people', '/admin/tokens', '/admin/audit', '/admin/sites/new', settings];
    for (const path of all) {
        await page.goto(path);
        await page.getByText('This is for people who manage a tenant.').waitFor();
        assert.equal(await page.locator('main button, main form').count(), 0, path);
    }
    assert.deepEqual(await places(page).allInnerTexts(), ['Sites', 'Compare']);
    await page.goto('/admin/sites/demo-shop/ledger');
    await page.getByText('The books add up.').waitFor();
});

scenario('a manager manages their own tenant alone', { as: 'manager' }, async ({ page }) => {
    await page.goto('/admin/people');
    await row(page, /max@example\.com/).waitFor();
    assert.deepEqual(await places(page).allInnerTexts(), [
        'Sites',
        'Compare',
        'People',
        'Tokens',
        'Audit log',
    ]);
    assert.equal(await row(page, /olga@example\.com/).count(), 0);
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('combobox', { name: 'Tenant' }).waitFor();
    assert.equal(await sheet.getByLabel('Admin of the platform').count(), 0);
    assert.deepEqual(
        await sheet.getByRole('combobox', { name: 'Tenant' }).locator('option').allInnerTexts(),
        ['Demo: made-up numbers'],
    );
    await page.goto('/admin/tokens');
    await page.getByRole('button', { name: 'New token' }).click();
    assert.equal(await sheet.getByText('Platform').count(), 0);
    await page.goto('/admin/audit');
    await page.locator('tbody tr').first().waitFor();
    assert.equal(await page.getByLabel('Tenant').locator('option').count(), 0);
    const tenants = await page.locator('tbody tr td:last-child').allInnerTexts();
    assert.deepEqual([...new Set(tenants)], ['demo']);
    await open(page, 'demo-app');
    await control(page, 'respectDnt').check();
    await save(page);
    page.expectFailure(/^\/api\/analytics\/settings/);
    await page.goto(settingsOf('other-site'));
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator('main form, #links, #delete').count(), 0);
});
