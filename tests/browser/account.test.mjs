// Signing in, in a real browser: by a person, by who has a link, and by who has no business there.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { until } from '../lib/abacus.mjs';
import { PATIENCE_MS } from '../lib/browser_time.mjs';
import {
    codeOf,
    PASSWORD,
    peopleScenarios,
    PeopleStage,
    withoutPeople,
} from '../lib/people_stage.mjs';
import { assertReadable } from '../lib/readable.mjs';

const OTHER = 'another good passphrase';

let stage;
before(async () => {
    if (!withoutPeople) stage = await PeopleStage.start();
});
after(() => stage?.close());

const scenario = peopleScenarios(() => stage);

// -- what a person does --------------------------------------------------------------------------

const signInPage = () => `${stage.url}/admin/sign-in`;
/** The page itself once somebody has signed in; else they are led to the sites. */
const accountPage = () => `${signInPage()}?next=/admin/sign-in`;
const heading = (page, name) => page.getByRole('heading', { name, level: 1 });
const alert = (page) => page.locator('[role=alert]:visible');

/** Of what can be seen. */
const field = (page, label) => page.getByLabel(label).filter({ visible: true });

async function fill(page, fields) {
    for (const [label, text] of Object.entries(fields)) await field(page, label).fill(text);
}

async function signIn(page, email, password = PASSWORD, url = accountPage()) {
    await page.goto(url);
    await fill(page, { 'E-mail address': email, Password: password });
    await page.getByRole('button', { name: 'Sign in' }).click();
}

async function isSignedIn(page, email) {
    await heading(page, 'You are signed in').waitFor();
    assert.ok((await page.locator('[data-who]').innerText()).includes(email));
}

/** After a link was used. */
async function isLedToTheSites(page, email) {
    await page.waitForURL(`${stage.url}/admin/sites`);
    await page.goto(signInPage());
    await isSignedIn(page, email);
}

async function says(page, text) {
    const read = async () => (await alert(page).allInnerTexts()).join(' ');
    await until(async () => (await read()).startsWith(text), text, PATIENCE_MS, read);
}

// -- set-up --------------------------------------------------------------------------------------

scenario('the first admin signs up by the link that the command prints', {}, async (t) => {
    const { page, context } = t;
    const link = (await stage.abacus.must(['user', 'setup', '--public-url', stage.url])).trim();
    const secret = link.split('#')[1];
    assert.equal(link.split('#')[0], `${stage.url}/admin/accept`);
    await page.goto(link);
    await heading(page, 'Set up this installation').waitFor();
    assert.equal(page.url(), `${stage.url}/admin/accept`);
    assert.equal(await field(page, 'E-mail address').inputValue(), '');
    await assertReadable(page, ['light 1280', 'dark 360']);
    await fill(page, {
        'E-mail address': 'root@example.com',
        'Your name': 'Root',
        'New password': PASSWORD,
    });
    await page.keyboard.press('Enter');
    await isLedToTheSites(page, 'Root (root@example.com)');
    assert.ok((await page.locator('[data-reach]').innerText()).includes('administrator'));
    await page.goBack();
    assert.ok(!page.url().includes(secret));
    // The secret was in no address that a server has seen.
    for (const { path, headers } of stage.front.requests)
        assert.ok(!`${path} ${headers?.referer}`.includes(secret), path);
    const other = await context.newPage();
    await other.goto(link);
    await heading(other, 'This link opens nothing').waitFor();
    assert.equal(other.url(), `${stage.url}/admin/accept`);
    await assertReadable(other, ['dark 1280', 'light 320']);
});

scenario('a link without its secret says so', {}, async ({ page }) => {
    await page.goto(`${stage.url}/admin/accept`);
    await heading(page, 'This link opens nothing').waitFor();
    await page.goto(`${stage.url}/admin/accept#guessed`);
    await heading(page, 'This link opens nothing').waitFor();
    assert.equal(page.url(), `${stage.url}/admin/accept`);
});

// -- in and out ----------------------------------------------------------------------------------

scenario('a person signs in and out', {}, async ({ page, context }) => {
    const manages = ['--role', 'manager', '--tenant', 't1', '--site', 'shop'];
    await stage.person('ada@example.com', manages);
    await signIn(page, 'Ada@Example.com');
    await isSignedIn(page, 'ada@example.com');
    const reach = await page.locator('[data-reach]').innerText();
    assert.equal(reach.trim(), 't1: manager, only shop');
    await page.reload();
    await isSignedIn(page, 'ada@example.com');
    const [cookie, ...more] = await context.cookies();
    assert.deepEqual(more, []);
    const { name, value, expires, ...attributes } = cookie;
    assert.equal(name, 'abacus_session');
    assert.match(value, /^[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(attributes, {
        domain: '127.0.0.1',
        path: '/',
        httpOnly: true,
        sameSite: 'Lax',
        secure: false,
    });
    assert.ok(Math.abs(expires - Date.now() / 1000 - 30 * 24 * 3600) < 600);
    assert.equal(await page.evaluate('document.cookie'), '');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Sign in').waitFor();
    assert.deepEqual(await context.cookies(), []);
    // What was its cookie opens nothing any more.
    const again = await stage.api('GET', '/api/session', undefined, { cookie: `${name}=${value}` });
    assert.equal(again.status, 401);
});

scenario('a wrong password and an unknown address get the same words', {}, async ({ page }) => {
    await stage.person('bob@example.com');
    for (const email of ['bob@example.com', 'nobody@example.com']) {
        await signIn(page, email, 'not the password');
        await says(page, 'That did not work: address, password or code is wrong.');
    }
    assert.equal(await field(page, 'Password').inputValue(), 'not the password');
    await field(page, 'E-mail address').fill('bob@example.com');
    await field(page, 'Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await isSignedIn(page, 'bob@example.com');
});

scenario('who tries too often is asked to wait, even with the right password', {}, async (t) => {
    const { page } = t;
    await stage.person('often@example.com');
    // Ten wrong ones of an account, however they come (access/people.h).
    for (let i = 0; i < 10;) {
        const { status, headers } = await stage.signIn('often@example.com', 'not the password');
        if (status === 401) i++;
        else await new Promise((go) => setTimeout(go, 1000 * headers.get('retry-after')));
    }
    await signIn(page, 'often@example.com');
    await says(page, 'Too many tries. Try again in ');
    const [, seconds] = /in (\d+) seconds/.exec(await alert(page).innerText());
    assert.ok(Number(seconds) > 1 && Number(seconds) <= 900, seconds);
    // Everybody else still comes in.
    await stage.person('patient@example.com');
    await signIn(page, 'patient@example.com');
    await isSignedIn(page, 'patient@example.com');
});

// -- where it leads ------------------------------------------------------------------------------

const VIEW = '/admin/sites/shop/analytics?period=28d&filter=page%3Ais%3A%2Fa%2Fb#pages';

scenario('who was asked to sign in gets to where they wanted', {}, async ({ page }) => {
    await stage.person('jo@example.com');
    await signIn(page, 'jo@example.com', PASSWORD, signInPage());
    await page.waitForURL(`${stage.url}/admin/sites`);
    // That page would go to sign in by itself as soon as it is refused.
    await page.goto('about:blank');
    await stage.must('DELETE', '/api/session', undefined, {
        ...stage.session((await page.context().cookies()).map((c) => `${c.name}=${c.value}`)[0]),
    });
    const asked = `${signInPage()}?next=${encodeURIComponent(VIEW)}`;
    await page.goto(asked);
    // The other language is the same page, with the same way on.
    await page.getByRole('link', { name: 'Deutsch' }).click();
    await heading(page, 'Anmelden').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('next'), VIEW);
    await fill(page, { 'E-Mail-Adresse': 'jo@example.com', Passwort: PASSWORD });
    await page.keyboard.press('Enter');
    await page.waitForURL(stage.url + VIEW);
    await page.goto(asked);
    await isSignedIn(page, 'jo@example.com');
    const link = page.getByRole('link', { name: 'To the dashboard' });
    assert.equal(await link.getAttribute('href'), VIEW);
});

/** What is no page of the dashboard, or is written so that a browser might read another one. */
const ELSEWHERE = [
    '',
    '/',
    '/admin',
    '/share/shop',
    '/administrator/sites',
    'admin/sites',
    '//evil.example/admin/sites',
    '///evil.example/admin/',
    '/admin//evil.example',
    '/admin/..//evil.example/',
    '/admin/../share/shop',
    '/admin/%2e%2e/share/shop',
    '/\\evil.example/admin/',
    '\\\\evil.example/admin/',
    '/admin/\\evil.example',
    'https://evil.example/admin/sites',
    'https:/admin/sites',
    'https:admin/sites',
    'javascript:alert(1)//admin/',
    ' /admin/sites',
    '/admin/si\ttes',
    '/admin/sites\n',
    '\u0000/admin/sites',
    '/admin/sites\u0000',
    '/admin/sites?a\r\nb',
    '/admin/\u202esites',
];

scenario('nobody is led anywhere else', {}, async ({ page }) => {
    await stage.person('kim@example.com');
    await signIn(page, 'kim@example.com');
    await isSignedIn(page, 'kim@example.com');
    const link = page.locator('[data-next]');
    for (const next of [...ELSEWHERE, `${stage.url}/admin/sites`]) {
        await page.evaluate((address) => {
            document.querySelector('[data-next]').href = '/stale';
            history.replaceState(null, '', address);
            dispatchEvent(new Event('hashchange')); // the page begins again
        }, `?next=${encodeURIComponent(next)}`);
        await page.locator('[data-next]:not([href="/stale"])').waitFor();
        assert.equal(await link.getAttribute('href'), '/admin/sites', JSON.stringify(next));
    }
});

// -- password and second factor ------------------------------------------------------------------

scenario('a new password ends the other sessions', {}, async ({ page }) => {
    await stage.person('carl@example.com');
    const { cookie } = await stage.signIn('carl@example.com');
    await signIn(page, 'carl@example.com');
    await page.getByText('Change your password').click();
    await fill(page, { 'Current password': 'not the password', 'New password': OTHER });
    await page.getByRole('button', { name: 'Change it' }).click();
    await says(page, 'Your password is wrong.');
    await fill(page, { 'Current password': PASSWORD, 'New password': 'carl@example.com' });
    await page.getByRole('button', { name: 'Change it' }).click();
    await says(page, 'A password has at least 10 characters, and is not your address.');
    await field(page, 'New password').fill(OTHER);
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByText('Your password is changed.').waitFor();
    await page.reload();
    await isSignedIn(page, 'carl@example.com');
    assert.equal((await stage.api('GET', '/api/session', undefined, { cookie })).status, 401);
    assert.equal((await stage.signIn('carl@example.com')).status, 401);
    assert.equal((await stage.signIn('carl@example.com', OTHER)).status, 200);
});

scenario('a second factor is asked for once it is on', {}, async ({ page }) => {
    await stage.person('dora@example.com');
    await signIn(page, 'dora@example.com');
    await page.getByText('Turn on a second factor').click();
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.locator('[data-uri]').waitFor();
    const secret = (await page.locator('[data-secret]').innerText()).replace(/ /g, '');
    const uri = new URL(await page.locator('[data-uri]').getAttribute('href'));
    assert.match(secret, /^[A-Z2-7]{32}$/);
    assert.equal(uri.protocol, 'otpauth:');
    assert.equal(uri.searchParams.get('secret'), secret);
    await assertReadable(page, ['light 360', 'dark 1280']);
    const form = page.locator('[data-form=totp-on]');
    await form.getByLabel('Your password').fill(PASSWORD);
    await form.getByLabel('The code').fill(codeOf(secret, 1000));
    await form.getByRole('button').click();
    await says(page, 'This code is not right');
    await form.getByLabel('The code').fill(codeOf(secret));
    await form.getByRole('button').click();
    await page.getByText('The second factor is on.').waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Sign in').waitFor();
    await signIn(page, 'dora@example.com');
    await says(page, 'Your password is right. Now enter the code');
    assert.equal(await page.evaluate('document.activeElement.id'), 'code');
    await assertReadable(page, ['dark 360', 'light 1280']);
    await field(page, 'Code').fill(codeOf(secret, 1000));
    await page.keyboard.press('Enter');
    await says(page, 'That did not work');
    // The code that turned it on was used; the next one is good already.
    await field(page, 'Code').fill(codeOf(secret, 1));
    await page.keyboard.press('Enter');
    await isSignedIn(page, 'dora@example.com');

    await page.getByText('Turn off the second factor').click();
    await page.locator('[data-form=totp-off]').getByLabel('Your password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Turn it off' }).click();
    await page.getByText('The second factor is off.').waitFor();
    assert.equal((await stage.signIn('dora@example.com')).status, 200);
});

// -- by mail -------------------------------------------------------------------------------------

/** The link in the newest mail to somebody. */
async function mailedLink(email, count = 1) {
    const { text } = await stage.box.mail(email, count, PATIENCE_MS);
    const [link] = /http\S+#\S+/.exec(text) ?? assert.fail(text);
    assert.ok(link.startsWith(`${stage.url}/admin/accept#`), link);
    return link;
}

scenario('who is invited sets a password, and is in', {}, async ({ page, context }) => {
    await stage.must('PUT', '/api/admin/users/eve%40example.com', {
        memberships: [{ tenantId: 't2', role: 'viewer' }],
    });
    const link = await mailedLink('eve@example.com');
    await page.goto(link);
    await heading(page, 'You are invited').waitFor();
    const email = field(page, 'E-mail address');
    assert.equal(await email.inputValue(), 'eve@example.com');
    assert.equal(await email.isEditable(), false);
    await assertReadable(page, ['light 360']);
    await fill(page, { 'Your name': 'Eve', 'New password': 'eve@example.com' });
    await page.keyboard.press('Enter');
    await says(page, 'A password has at least 10 characters, and is not your address.');
    await field(page, 'New password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await isLedToTheSites(page, 'Eve (eve@example.com)');
    assert.equal((await page.locator('[data-reach]').innerText()).trim(), 't2: viewer');
    const other = await context.newPage();
    await other.goto(link);
    await heading(other, 'This link opens nothing').waitFor();
});

scenario('who forgot a password gets a link by mail, and nobody else does', {}, async (t) => {
    const { page } = t;
    await stage.person('fred@example.com');
    const { cookie } = await stage.signIn('fred@example.com');
    const ask = async (email) => {
        await page.goto(signInPage());
        await page.getByRole('link', { name: 'Forgot your password?' }).click();
        await heading(page, 'Forgot your password?').waitFor();
        await field(page, 'E-mail address').fill(email);
        await page.getByRole('button', { name: 'Send the link' }).click();
        await heading(page, 'Look into your mail').waitFor();
        return page.locator('main').innerText();
    };
    const unknown = await ask('nobody-at-all@example.com');
    assert.equal(await ask('fred@example.com'), unknown);
    await assertReadable(page, ['dark 360']);
    await page.goto(await mailedLink('fred@example.com'));
    await heading(page, 'Set a new password').waitFor();
    await field(page, 'New password').fill(OTHER);
    await page.keyboard.press('Enter');
    await isLedToTheSites(page, 'fred@example.com');
    assert.equal((await stage.api('GET', '/api/session', undefined, { cookie })).status, 401);
    assert.equal((await stage.signIn('fred@example.com')).status, 401);
    assert.ok(!stage.box.mails.some(({ to }) => to.includes('nobody-at-all@example.com')));
});

scenario('a link does not get around a second factor', {}, async ({ page }) => {
    await stage.person('gina@example.com');
    const { cookie } = await stage.signIn('gina@example.com');
    const session = stage.session(cookie);
    const { secret } = await stage.must('POST', '/api/session/totp', {}, session);
    const on = { password: PASSWORD, secret, code: codeOf(secret) };
    await stage.must('PUT', '/api/session/totp', on, session);
    await stage.must('POST', '/api/session/reset', { email: 'gina@example.com' }, {});
    await page.goto(await mailedLink('gina@example.com'));
    await heading(page, 'Set a new password').waitFor();
    await field(page, 'New password').fill(OTHER);
    await field(page, 'Code').fill(codeOf(secret, 1000));
    await page.keyboard.press('Enter');
    await says(page, 'This code is not right');
    await field(page, 'Code').fill(codeOf(secret, 1));
    await page.keyboard.press('Enter');
    await isLedToTheSites(page, 'gina@example.com');
});

// -- everybody -----------------------------------------------------------------------------------

scenario('the pages are readable, in English and German', { locale: 'de-DE' }, async ({ page }) => {
    await stage.person('hanna@example.com');
    for (const [lang, words] of Object.entries({ de: 'Anmelden', en: 'Sign in' })) {
        await page.goto(lang === 'de' ? signInPage() : `${signInPage()}?lang=en`);
        await heading(page, words).waitFor();
        assert.equal(await page.evaluate('document.documentElement.lang'), lang);
        await assertReadable(page, ['light 1280', 'dark 360', 'light 320', 'dark 1280']);
    }
    await page.goto(accountPage());
    await fill(page, { 'E-Mail-Adresse': 'hanna@example.com', Passwort: PASSWORD });
    await page.keyboard.press('Enter');
    await heading(page, 'Sie sind angemeldet').waitFor();
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    await assertReadable(page, ['light 1280', 'dark 360', 'light 320', 'dark 1280']);
});

scenario('the keyboard does all of it', {}, async ({ page }) => {
    await stage.person('ida@example.com');
    await page.goto(accountPage());
    await heading(page, 'Sign in').waitFor();
    assert.equal(await page.evaluate('document.activeElement.id'), 'email');
    await page.keyboard.type('ida@example.com');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await isSignedIn(page, 'ida@example.com');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the dashboard');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await heading(page, 'Sign in').waitFor();
});

scenario('without JavaScript it says what it needs', { javaScriptEnabled: false }, async (t) => {
    const { page } = t;
    await page.goto(signInPage());
    assert.ok((await page.locator('main').innerText()).startsWith('Signing in needs JavaScript'));
    assert.equal(await page.locator('form:visible').count(), 0);
});

// -- who has no business there -------------------------------------------------------------------

const FRAMED = /frame-ancestors/;

scenario('nobody frames the page where people sign in', { grumbles: FRAMED }, async (t) => {
    const { page, context } = t;
    for (const path of ['/admin/sign-in', '/admin/accept']) {
        stage.web.sites.set('evil', `<!doctype html><iframe src="${stage.url}${path}"></iframe>`);
        await page.goto(stage.web.origin('evil'));
        await until(() => context.problems.some((one) => FRAMED.test(one)), 'a complaint');
        const [, frame] = page.frames();
        assert.equal(await frame.evaluate('document.querySelector("form")'), null);
        context.problems.length = 0;
    }
});

/** All that a page can send to another origin without being asked first, and with being asked. */
const HOSTILE = (url) => `(async () => {
    const tries = [
        ['DELETE', '/api/session'],
        ['PUT', '/api/session/password', { current: '${PASSWORD}', password: '${OTHER}' }],
        ['DELETE', '/api/session/totp', { password: '${PASSWORD}' }],
        ['POST', '/api/session/totp', {}],
        ['PUT', '/api/admin/users/mallory%40example.com', { admin: true }],
        ['PATCH', '/api/admin/tenants/t1', { status: 'suspended' }],
        ['DELETE', '/api/admin/sites/shop?now=true'],
        ['PUT', '/api/admin/tokens/stolen', { platform: true, scopes: ['admin'] }],
        ['POST', '/api/admin/erase', { siteId: 'shop', path: '/' }],
        ['PUT', '/api/analytics/settings?siteId=shop', { publicDashboard: true }],
    ];
    const ends = [];
    for (const [method, path, body] of tries)
        for (const mode of ['cors', 'no-cors'])
            for (const type of ['application/json', 'text/plain'])
                try {
                    const answer = await fetch('${url}' + path, { method, mode,
                        credentials: 'include', headers: { 'Content-Type': type },
                        body: body && JSON.stringify(body) });
                    ends.push(answer.status);
                } catch { ends.push(-1); }
    return ends;
})()`;

const MALLORY = 'mallory@example.com';

/** A form whose body, sent as text, is JSON. */
const FORM = (url) => `<form method="post" enctype="text/plain" action="${url}/api/session">
    <input name='{"email":"${MALLORY}","password":"${PASSWORD}","x":"' value='"}'>
    <button>Win</button></form>`;

/** What the hostile pages would change. */
async function state() {
    const kinds = ['tenants', 'sites', 'users', 'tokens', 'links', 'receipts'];
    const answers = kinds.map((kind) => stage.must('GET', `/api/admin/${kind}`));
    return JSON.stringify(await Promise.all(answers));
}

/** What the browser says of that. */
const BLOCKED = /CORS|ERR_|preflight/;

/** Cookies go by site and not by port: of the second one SameSite keeps nothing away. */
const HOSTILE_PAGES = {
    'another site': { name: 'evil', origin: () => stage.web.origin('evil') },
    'another port': { name: '127', origin: () => `http://127.0.0.1:${stage.web.port}` },
};

for (const [what, { name, origin }] of Object.entries(HOSTILE_PAGES))
    scenario(`a page of ${what} changes nothing`, { grumbles: BLOCKED }, async (t) => {
        const { page, context } = t;
        const email = `admin-${name}@example.com`;
        await stage.person(email, ['--role', 'admin']);
        await stage.person(MALLORY);
        await signIn(page, email);
        await isSignedIn(page, email);
        const before = await state();
        const [cookie] = await context.cookies();
        const hostile = await context.newPage();
        stage.web.sites.set(name, `<!doctype html><title>Hostile</title>${FORM(stage.url)}`);
        await hostile.goto(origin());
        const ends = await hostile.evaluate(HOSTILE(stage.url));
        assert.equal(ends.length, 40);
        // Nothing is told to the page either: 0 is an answer that it may not see.
        assert.deepEqual(ends.filter((status) => status > 0), []);
        // A form would sign the victim in as somebody else.
        const posted = ({ path, method, headers }) =>
            path === '/api/session' && method === 'POST' && headers.origin === origin();
        const arrived = hostile.waitForURL(`${stage.url}/api/session`);
        await hostile.getByRole('button').click();
        await arrived;
        assert.ok(stage.front.requests.some(posted));
        assert.equal(await state(), before);
        assert.deepEqual(await context.cookies(), [cookie]);
        await page.reload();
        await isSignedIn(page, email);
        assert.equal((await stage.signIn(email)).status, 200);
    });
