// The settings of a site: each is explained, says where it comes from, is set and reset, is refused
// at its place, and is in force.
//
//     demo     plain, quiet (without events)

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { bearer, until } from '../lib/abacus.mjs';
import { becomes } from '../lib/browser_time.mjs';
import { dashboardScenarios, DashboardStage, withoutDashboard } from '../lib/dashboard_stage.mjs';
import { control, open, save, setting } from '../lib/settings_page.mjs';

let stage;
before(async () => {
    if (withoutDashboard) return;
    stage = await DashboardStage.start({
        days: 0,
        prepare: async (abacus) => {
            await abacus.site('plain', 'demo', { timezone: 'UTC' });
            await abacus.site('quiet', 'demo', { timezone: 'UTC' });
        },
    });
});
after(() => stage?.close());
const scenario = dashboardScenarios(() => stage);

/** What the API says of a setting of the site: {value, from}. */
async function held(name, siteId = 'plain') {
    const all = await stage.api('analytics/settings', { siteId });
    return name.split('.').reduce((value, member) => value[member], all);
}

/** Set by `change`, it is `value` at the API and said to be set here; reset, it is as before. */
async function changesAndResets(page, name, change, value) {
    await open(page);
    const before = await held(name);
    assert.equal(before.from, 'default');
    await change(control(page, name));
    await save(page);
    assert.deepEqual(await held(name), { value, from: 'site' });
    await setting(page, name).getByText('Set here').waitFor();
    await page.reload();
    await setting(page, name)
        .getByRole('button', { name: /^Reset/ })
        .click();
    await setting(page, name).getByText('Goes back to what holds without it').waitFor();
    await save(page);
    assert.deepEqual(await held(name), before);
    await setting(page, name).getByText('Default').waitFor();
}

/** The server's refusal stands at the control; what is right is saved. */
async function refuses(page, name, text, why) {
    page.expectFailure(/^\/api\/analytics\/settings/);
    await control(page, name).fill(text);
    await page.getByRole('button', { name: /^Save/ }).click();
    await setting(page, name).getByRole('alert').filter({ hasText: why }).waitFor();
    assert.equal(await control(page, name).getAttribute('aria-invalid'), 'true');
    await page.getByText('Not saved: see the message at the setting.').waitFor();
}

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

scenario('every setting is there, explained, with where it comes from', {}, async ({ page }) => {
    await open(page);
    const { siteId, tenantId, ...all } = await stage.api('analytics/settings', { siteId: 'plain' });
    const names = Object.entries(all).flatMap(([name, value]) =>
        'from' in value ? [name] : Object.keys(value).map((member) => `${name}.${member}`),
    );
    assert.ok(names.length >= 25);
    const shown = await page.locator('[data-setting]').evaluateAll((all) =>
        all.map((one) => ({
            name: one.dataset.setting,
            label: one.querySelector('label').textContent.length > 2,
            explained: one.querySelector('.setting-words p').textContent.length > 15,
            from: one.querySelector('.from span').textContent,
            control: one.querySelector(`[id="setting-${one.dataset.setting}"]`) !== null,
        })),
    );
    const from = { site: 'Set here', default: 'Default' };
    assert.deepEqual(
        shown.sort((a, b) => (a.name < b.name ? -1 : 1)),
        names.sort().map((name) => ({
            name,
            label: true,
            explained: true,
            from: from[name.split('.').reduce((value, member) => value[member], all).from],
            control: true,
        })),
    );
});

scenario('a switch is set and reset, and is in force', {}, async ({ page }) => {
    const dropped = async () =>
        (await stage.server.ledger(stage.platform, 'plain')).dropped.disabled ?? 0;
    await changesAndResets(
        page,
        'enabled',
        async (box) => {
            await box.uncheck();
        },
        false,
    );
    assert.equal(await dropped(), 0);
    await control(page, 'enabled').uncheck();
    await save(page);
    await until(async () => {
        await track(event('plain'));
        return (await dropped()) > 0;
    }, 'an event that is dropped');
    await setting(page, 'enabled')
        .getByRole('button', { name: /^Reset/ })
        .click();
    await save(page);
});

scenario('a list is set and reset, and is in force', {}, async ({ page }) => {
    await changesAndResets(
        page,
        'blockedPaths',
        (box) => box.pressSequentially('/internal/*\n/health'),
        ['/internal/*', '/health'],
    );
    await control(page, 'blockedPaths').fill('/internal/*');
    await save(page);
    const dropped = async () =>
        (await stage.server.ledger(stage.platform, 'plain')).dropped.blocked ?? 0;
    await until(async () => {
        await track(event('plain', { path: '/internal/x' }));
        return (await dropped()) > 0;
    }, 'a blocked path');
});

scenario('a number has its bounds on both sides', {}, async ({ page }) => {
    await changesAndResets(page, 'limits.pathsPerDay', (box) => box.fill('500'), 500);
    for (const [name, least, most, why] of [
        ['limits.pathsPerDay', 1, 10_000_000, 'must be a whole number from 1 to 10000000'],
        ['retention.rawDays', 0, 36_500, 'must be a whole number from 0 to 36500, 0 for ever'],
        ['ipv4Prefix', 0, 24, 'must be a whole number from 0 to 24'],
    ]) {
        for (const [good, bad] of [
            [least, String(least - 1)],
            [most, String(most + 1)],
        ]) {
            await refuses(page, name, bad, why);
            await control(page, name).fill(String(good));
            await save(page);
            assert.deepEqual(await held(name), { value: good, from: 'site' });
        }
        await setting(page, name)
            .getByRole('button', { name: /^Reset/ })
            .click();
        await save(page);
    }
    await refuses(page, 'limits.eventsPerSecond', 'many', 'must be a whole number');
    await page.getByRole('button', { name: 'Discard' }).click();
    assert.equal(await control(page, 'limits.eventsPerSecond').inputValue(), '0');
});

scenario('choices are set and reset', {}, async ({ page }) => {
    await changesAndResets(
        page,
        'visitorIdentity',
        (box) => box.selectOption('the full address'),
        'full-address',
    );
    await changesAndResets(
        page,
        'fields',
        async (boxes) => {
            await boxes.getByLabel('Languages').check();
            await boxes.getByLabel('Referrers').check();
        },
        ['referrer', 'language'],
    );
});

scenario('what is wrong is told at its line or row', {}, async ({ page }) => {
    await open(page);
    await refuses(page, 'blockedAddresses', '192.0.2.1\nthe office', 'Entry 2: "the office"');
    await page.getByRole('button', { name: 'Discard' }).click();
    await refuses(page, 'trackingIds', 'quiet', 'is taken');
    await page.getByRole('button', { name: 'Discard' }).click();
    await setting(page, 'goals').getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('Name 1').fill('Nothing');
    await page.getByRole('button', { name: /^Save/ }).click();
    await setting(page, 'goals').getByText('Entry 1: event: missing, and so is path').waitFor();
    assert.equal((await held('goals')).from, 'default');
});

scenario('my own address is left out in two clicks', {}, async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: 'Leave out my address (127.0.0.1)' }).click();
    await save(page);
    assert.deepEqual(await held('blockedAddresses'), { value: ['127.0.0.1'], from: 'site' });
    await page.getByText('Your address (127.0.0.1) is left out.').waitFor();
    await setting(page, 'blockedAddresses')
        .getByRole('button', { name: /^Reset/ })
        .click();
    await save(page);
    // And this device, wherever it is.
    await page.getByRole('heading', { name: 'Do not count this device' }).waitFor();
    const link = page.getByRole('link', { name: 'Privacy page of plain.example' });
    assert.equal(await link.getAttribute('href'), 'https://plain.example/settings/privacy');
});

scenario('a goal with a property and a value counts from then on', {}, async ({ page }) => {
    await open(page, 'quiet');
    await setting(page, 'goals').getByRole('button', { name: 'Add' }).click();
    for (const [label, text] of Object.entries({
        'Name 1': 'Paid plan',
        'Event 1': 'signup',
        'Properties 1': 'plan=pro, seats=5',
        'Value 1': '9.5',
    }))
        await page.getByLabel(label).pressSequentially(text);
    await save(page);
    const goal = {
        name: 'Paid plan',
        event: 'signup',
        props: { plan: 'pro', seats: '5' },
        value: 9.5,
    };
    assert.deepEqual(await held('goals', 'quiet'), { value: [goal], from: 'site' });

    const conversions = async () => {
        const { rows } = await stage.api('analytics/breakdown', {
            siteId: 'quiet',
            dimension: 'goal',
            period: 'today',
        });
        return rows.find(({ value }) => value === 'Paid plan')?.conversions ?? 0;
    };
    const signup = (props) => event('quiet', { event: 'signup', props });
    let sent = (await stage.server.ledger(stage.platform, 'quiet')).received;
    const signUpTwice = async () => {
        await track(signup({ plan: 'free', seats: '5' }), signup({ plan: 'pro', seats: '5' }));
        sent += 2;
    };
    const isCounted = async () =>
        (await stage.server.ledger(stage.platform, 'quiet')).received === sent;
    await until(async () => {
        await signUpTwice();
        return (await conversions()) > 0;
    }, 'the goal');
    // From then on half of them: those of the other plan are none.
    await until(isCounted, 'the first ones');
    const before = await conversions();
    for (let i = 0; i < 5; i++) await signUpTwice();
    await until(isCounted, 'all of them');
    await becomes(conversions, before + 5);

    // A row is taken away, and the whole list goes back.
    await page.getByRole('button', { name: 'Remove 1' }).click();
    await page.getByRole('button', { name: 'Discard' }).click();
    assert.equal(await page.getByLabel('Properties 1').inputValue(), 'plan=pro, seats=5');
    await setting(page, 'goals')
        .getByRole('button', { name: /^Reset/ })
        .click();
    await save(page);
    assert.equal((await held('goals', 'quiet')).from, 'default');
});

scenario('a path rule groups what comes from then on', {}, async ({ page }) => {
    await open(page, 'quiet');
    await setting(page, 'pathRules').getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('Path 1', { exact: true }).last().pressSequentially('/users/*/edit');
    await page.getByLabel('becomes 1').pressSequentially('/users/:id/edit');
    await save(page);
    const rule = { match: '/users/*/edit', to: '/users/:id/edit' };
    assert.deepEqual(await held('pathRules', 'quiet'), { value: [rule], from: 'site' });
    await until(async () => {
        await track(event('quiet', { path: '/users/7/edit' }));
        const asked = { siteId: 'quiet', dimension: 'page', period: 'today' };
        const { rows } = await stage.api('analytics/breakdown', asked);
        return rows.some(({ value }) => value === '/users/:id/edit');
    }, 'the grouped path');
    await setting(page, 'pathRules')
        .getByRole('button', { name: /^Reset/ })
        .click();
    await save(page);
    assert.deepEqual(await held('pathRules', 'quiet'), { value: null, from: 'default' });
});

scenario('what a tenant or the installation sets is said to be theirs', {}, async ({ page }) => {
    await stage.must('PATCH', '/api/admin/settings?tenantId=demo', { respectDnt: true });
    await stage.must('PATCH', '/api/admin/settings', { storeIpPrefix: true });
    try {
        await open(page);
        await setting(page, 'respectDnt').getByText('From the tenant').waitFor();
        await setting(page, 'storeIpPrefix').getByText('From the installation').waitFor();
        assert.ok(await control(page, 'respectDnt').isChecked());
        assert.ok(await control(page, 'storeIpPrefix').isChecked());
        // The way back is there only where there is one.
        const reset = setting(page, 'respectDnt').getByRole('button', { name: /^Reset/ });
        assert.equal(await reset.count(), 0);
        await control(page, 'respectDnt').uncheck();
        await save(page);
        assert.deepEqual(await held('respectDnt'), { value: false, from: 'site' });
        await reset.click();
        await save(page);
        assert.deepEqual(await held('respectDnt'), { value: true, from: 'tenant' });
        await setting(page, 'respectDnt').getByText('From the tenant').waitFor();
        assert.ok(await control(page, 'respectDnt').isChecked());
    } finally {
        await stage.must('PATCH', '/api/admin/settings?tenantId=demo', { respectDnt: null });
        await stage.must('PATCH', '/api/admin/settings', { storeIpPrefix: null });
    }
});

scenario('changes are not lost without a question', {}, async ({ page }) => {
    await open(page);
    await control(page, 'queryParams').fill('page');
    await page.getByRole('button', { name: 'Save 1 change', exact: true }).waitFor();
    const asked = new Promise((resolve) =>
        page.once('dialog', async (dialog) => {
            await dialog.dismiss();
            resolve(dialog.type());
        }),
    );
    await page.getByRole('link', { name: 'People' }).click({ noWaitAfter: true });
    assert.equal(await asked, 'beforeunload');
    assert.equal(await control(page, 'queryParams').inputValue(), 'page');
    // One is taken back, then all of them; nothing is asked then.
    await control(page, 'respectDnt').check();
    await setting(page, 'queryParams').getByRole('button', { name: /^Undo/ }).click();
    assert.equal(await control(page, 'queryParams').inputValue(), '');
    await page.getByRole('button', { name: 'Discard' }).click();
    assert.equal(await control(page, 'respectDnt').isChecked(), false);
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    assert.equal((await held('queryParams')).from, 'default');
});
