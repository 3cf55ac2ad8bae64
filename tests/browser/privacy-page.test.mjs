// /settings/privacy in a real browser: what it says in which state, that its switch refuses, that
// its text stands in a page of the site by one line, and that everybody can read and use it.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { PATIENCE_MS } from '../lib/browser_time.mjs';
import { missing, REFUSAL, scenarios, Stage, until } from '../lib/browsing.mjs';
import { assertReadable, noAxe } from '../lib/readable.mjs';

const PAGE = '/settings/privacy';
const LANGUAGES = ['en', 'de'];
const GPC = {
    extraHTTPHeaders: { 'Sec-GPC': '1' },
    init: "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { value: true });",
};
const DNT = { init: "Object.defineProperty(Navigator.prototype, 'doNotTrack', { value: '1' });" };
const NO_STORAGE = {
    init: `Object.defineProperty(window, 'localStorage', {
        get() { throw new DOMException('blocked', 'SecurityError'); } });`,
};
const FULL_STORAGE = {
    init: `Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError'); };`,
};

const SITES = {
    shop: ['ipv6Prefix=40'],
    deaf: ['respectGpc=false', 'visitorIdentity=full-address', 'storeIpPrefix=true'],
    heeds: ['respectDnt=true'],
    closed: ['enabled=false'],
    many: ['allowedOrigins=many.localhost,friend.localhost'],
    numbers: [],
};

let stage;
before(async () => {
    if (missing) return;
    stage = await Stage.start(SITES);
    for (const site of Object.keys(SITES)) show(site);
});
after(() => stage?.close());

// -- where the page stands -----------------------------------------------------------------------

/** Headers that are a connection's own, and those of the packed form that fetch() has undone. */
const HOP = new Set(['connection', 'content-encoding', 'content-length', 'transfer-encoding']);

/** What the statistics' server answers, as the site's own proxy passes it on: /settings/privacy is
 *  the site's page, and what is below it is the server's. */
async function passOn(path, { host, headers }) {
    const site = host.split('.')[0];
    const names = ['accept-language', 'sec-gpc', 'dnt'].filter((name) => headers[name]);
    const answer = await fetch(
        stage.server.url + path.replace(/^\/settings\/privacy(?=\?|$)/, `${PAGE}/${site}`),
        { headers: Object.fromEntries(names.map((name) => [name, headers[name]])) },
    );
    const passed = [...answer.headers].filter(([name]) => !HOP.has(name));
    return {
        html: await answer.text(),
        status: answer.status,
        headers: Object.fromEntries(passed),
    };
}

/** A site whose pages are `pages` and, below /settings/privacy, what is passed on. */
function show(site, pages = {}) {
    stage.web.sites.set(site, (path, record) =>
        path.startsWith(PAGE) ? passOn(path, record) : (pages[path] ?? ''),
    );
}

const own = (site) => stage.url(site, PAGE);
const foreign = (site) => `${stage.front.url}${PAGE}/${site}`;

/** A plain page of a site that has the one line in its body, or where `body` and `head` put it. Its
 *  policy forbids what it does not name, and markup made of strings. */
function policy({ lang = 'en', site = 'shop', head = () => '', body = (line) => line() }) {
    const { url } = stage.front;
    const src = `${url}${PAGE}/privacy.js`;
    const line = (more = '') => `<script defer src="${src}" data-site="${site}"${more}></script>`;
    return {
        html: `<!doctype html><html lang="${lang}"><head><meta charset="utf-8">
<title>Policy</title><link rel="icon" href="data:,">${head(line)}</head>
<body><main><h1>Policy of a shop</h1><p id="first">First.</p>${body(line)}
<p id="last">Last.</p></main></body></html>`,
        headers: {
            'Content-Security-Policy': [
                "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'",
                `script-src ${url}; connect-src ${url}`,
                "require-trusted-types-for 'script'; trusted-types 'none'",
            ].join('; '),
        },
    };
}

// -- what it says --------------------------------------------------------------------------------

/** Also while it is empty, and so not to be seen. */
const status = (page) => page.locator('[role=status]');
const theSwitch = (page) => page.getByRole('switch');

/** Whitespace does not count. */
async function says(page, text) {
    const read = async () => (await status(page).innerText()).replace(/\s+/g, ' ').trim();
    await until(async () => (await read()).startsWith(text), `"${text}"`, PATIENCE_MS, read);
}

const stored = (page) => page.evaluate('Object.entries(localStorage)');

/** Each state by its name: where it is met, and what is said there. */
const STATES = {
    counted: { site: 'shop', en: 'You are counted on shop.', de: 'Sie werden gezählt auf shop.' },
    refused: {
        site: 'shop',
        init: `if (location.protocol === 'http:') localStorage.setItem('${REFUSAL}', '1')`,
        en: 'You are not counted on shop.',
        de: 'Sie werden nicht gezählt auf shop.',
    },
    gpc: {
        site: 'shop',
        ...GPC,
        en: 'You are not counted. Your browser sends Global Privacy Control',
        de: 'Sie werden nicht gezählt. Ihr Browser sendet Global Privacy Control',
    },
    'gpc that is not followed': {
        site: 'deaf',
        ...GPC,
        en: 'Do not rely on Global Privacy Control here.',
        de: 'Verlassen Sie sich hier nicht auf Global Privacy Control.',
    },
    'do not track': {
        site: 'heeds',
        ...DNT,
        en: 'You are not counted. Your browser sends Do Not Track',
        de: 'Sie werden nicht gezählt. Ihr Browser sendet Do Not Track',
    },
    'do not track that is not followed': {
        site: 'shop',
        ...DNT,
        en: 'You are counted on shop.',
        de: 'Sie werden gezählt auf shop.',
    },
    'switched off': { site: 'closed', en: 'Nobody is counted.', de: 'Niemand wird gezählt.' },
    'no storage': {
        site: 'shop',
        ...NO_STORAGE,
        en: 'You are counted on shop.',
        de: 'Sie werden gezählt auf shop.',
    },
    elsewhere: {
        site: 'shop',
        url: foreign,
        en: 'The switch is not here.',
        de: 'Der Schalter ist nicht hier.',
    },
};

// -- everybody can read it -----------------------------------------------------------------------

const scenario = scenarios(() => stage, missing || noAxe);

/** Looks of the state with everything on the page; the others differ by words. */
const ALL_LOOKS = ['light 1280', 'dark 360', 'dark 1280', 'light 320'];
const LOOKS = { en: ['light 360'], de: ['dark 1280'] };

for (const [name, { site, url = own, en, de, ...options }] of Object.entries(STATES))
    scenario(
        `${name}: it is said in English and German, and everybody can read it`,
        { site, ...options },
        async ({ page }) => {
            for (const [lang, text] of Object.entries({ en, de })) {
                await page.goto(`${url(site)}?lang=${lang}`);
                await says(page, text);
                assert.equal(await page.evaluate('document.documentElement.lang'), lang);
                assert.equal(await theSwitch(page).count(), name === 'elsewhere' ? 0 : 1);
                await assertReadable(page, name === 'counted' ? ALL_LOOKS : LOOKS[lang]);
            }
            if (options.init === NO_STORAGE.init) await page.goto('about:blank');
        },
    );

scenario(
    'the page of the installation: no switch, its defaults, readable',
    { site: 'shop' },
    async ({ page }) => {
        for (const lang of LANGUAGES) {
            await page.goto(`${stage.front.url}${PAGE}?lang=${lang}`);
            assert.equal(await theSwitch(page).count(), 0);
            assert.ok(await page.getByText(lang === 'de' ? '365 Tage' : '365 days').count() > 0);
            await assertReadable(page, LOOKS[lang]);
        }
    },
);

// -- the switch ----------------------------------------------------------------------------------

scenario(
    'the switch stores exactly one key, and removes it',
    { site: 'shop' },
    async ({ page }) => {
        await page.goto(own('shop'));
        await says(page, 'You are counted');
        assert.deepEqual(await stored(page), []);
        await theSwitch(page).check();
        await says(page, 'You are not counted');
        assert.deepEqual((await stored(page)).map(([key]) => key), [REFUSAL]);
        await page.reload();
        await says(page, 'You are not counted');
        assert.ok(await theSwitch(page).isChecked());
        await theSwitch(page).uncheck();
        await says(page, 'You are counted');
        assert.deepEqual(await stored(page), []);
        await page.reload();
        assert.equal(await theSwitch(page).isChecked(), false);
    },
);

scenario('the keyboard reaches the switch and sets it', { site: 'shop' }, async ({ page }) => {
    await page.goto(own('shop'));
    await says(page, 'You are counted');
    const focused = () => page.evaluate('document.activeElement.getAttribute("role")');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
    assert.equal(await focused(), 'switch');
    const outline = await theSwitch(page).evaluate((one) => getComputedStyle(one).outlineStyle);
    assert.equal(outline, 'solid');
    await page.keyboard.press('Space');
    await says(page, 'You are not counted');
    assert.equal(await focused(), 'switch');
    await page.keyboard.press('Space');
    await says(page, 'You are counted');
    assert.equal(await page.getByLabel('Leave me out of the statistics').count(), 1);
});

scenario('another page of the site follows', { site: 'shop' }, async ({ page, context }) => {
    const other = await context.newPage();
    for (const one of [page, other]) await one.goto(own('shop'));
    await theSwitch(page).check();
    await says(other, 'You are not counted');
    assert.ok(await theSwitch(other).isChecked());
    await theSwitch(other).uncheck();
    await says(page, 'You are counted');
    assert.equal(await theSwitch(page).isChecked(), false);
});

scenario(
    'what counts on the page is told once the refusal is stored',
    {
        site: 'shop',
        init: `window.told = [];
            window.analytics = {
                optOut: () => told.push(['optOut', Object.keys(localStorage)]),
                optIn: () => told.push(['optIn', Object.keys(localStorage)]),
            };`,
    },
    async ({ page }) => {
        await page.goto(own('shop'));
        await theSwitch(page).check();
        await theSwitch(page).uncheck();
        assert.deepEqual(await page.evaluate('told'), [['optOut', [REFUSAL]], ['optIn', []]]);
    },
);

for (const [name, options] of Object.entries({ blocked: NO_STORAGE, full: FULL_STORAGE }))
    scenario(
        `where storage is ${name} a refusal holds for this page, which says so`,
        { site: 'shop', ...options },
        async ({ page }) => {
            const note = 'Your browser lets this page keep nothing.';
            await page.goto(own('shop'));
            await says(page, 'You are counted');
            await theSwitch(page).check();
            await says(page, 'You are not counted');
            assert.ok((await status(page).innerText()).includes(note));
            await page.reload();
            await says(page, 'You are counted');
            await page.goto('about:blank');
        },
    );

scenario(
    'a refusal with Global Privacy Control is a refusal',
    { site: 'shop', ...GPC },
    async ({ page }) => {
        await page.goto(own('shop'));
        await theSwitch(page).check();
        await says(page, 'You are not counted on shop.');
        await theSwitch(page).uncheck();
        await says(page, 'You are not counted. Your browser sends Global Privacy Control');
    },
);

// -- without JavaScript --------------------------------------------------------------------------

scenario(
    'without JavaScript it explains Global Privacy Control and shows no switch',
    { site: 'shop', javaScriptEnabled: false },
    async ({ page }) => {
        const words = {
            en: 'Your browser runs no JavaScript here.',
            de: 'Ihr Browser führt hier kein JavaScript aus.',
        };
        for (const [lang, text] of Object.entries(words)) {
            await page.goto(`${own('shop')}?lang=${lang}`);
            assert.ok((await page.locator('noscript p').innerText()).startsWith(text));
            const heading = page.getByRole('heading', { name: 'Global Privacy Control' });
            assert.ok(await heading.isVisible());
            assert.equal(await theSwitch(page).count(), 0);
        }
        await page.goto('about:blank');
    },
);

scenario(
    'without JavaScript it says to whom sends Sec-GPC that nothing is counted',
    { site: 'shop', javaScriptEnabled: false, extraHTTPHeaders: GPC.extraHTTPHeaders },
    async ({ page }) => {
        await page.goto(own('shop'));
        await says(page, STATES.gpc.en);
        await page.goto(own('deaf'));
        assert.equal(await status(page).innerText(), '');
        await page.goto(`${stage.front.url}${PAGE}`);
        await says(page, STATES.gpc.en);
        await page.goto('about:blank');
    },
);

// -- where it is ---------------------------------------------------------------------------------

scenario(
    "at another address than the site's it links to the site instead of offering a switch",
    { site: 'shop' },
    async ({ page }) => {
        await page.goto(foreign('shop'));
        await says(page, STATES.elsewhere.en);
        const link = status(page).getByRole('link');
        assert.equal(await link.getAttribute('href'), 'https://shop.localhost/settings/privacy');
        assert.ok((await status(page).innerText()).includes(new URL(stage.front.url).host));
    },
);

scenario(
    "the statistics' own address below the domain is not the site's",
    { site: 'shop' },
    async ({ page }) => {
        const at = (name, path) => `http://${name}.shop.localhost:${stage.web.port}${path}`;
        const server = new URL(at('stats', '')).host;
        // As the server fills it in with --public-url (tests/unit/test_api_privacy_page.c).
        const filled = async (path, record) => {
            const answer = await passOn(path, record);
            const html = answer.html.replace(/data-server="[^"]*"/, `data-server="${server}"`);
            return { ...answer, html };
        };
        for (const name of ['stats', 'www']) stage.web.sites.set(name, filled);
        await page.goto(at('stats', `${PAGE}/shop`));
        await says(page, STATES.elsewhere.en);
        await page.goto(at('www', `${PAGE}/shop`));
        await says(page, 'You are counted on www.shop.');
    },
);

scenario(
    'a site under another name passes the page on: its switch is there',
    { site: 'shop' },
    async ({ page }) => {
        stage.web.sites.set('twin', (path, record) => passOn(path, { ...record, host: 'shop' }));
        await page.goto(own('twin'));
        await says(page, 'You are counted on twin.');
    },
);

// -- in a page of the site -----------------------------------------------------------------------

scenario(
    'one line puts the text into a page of the site, in its language and look',
    { site: 'shop' },
    async ({ page }) => {
        const cases = [
            ['en', 'en', 'Privacy on shop.localhost'],
            ['de-CH', 'de', 'Datenschutz auf shop.localhost'],
            ['fr', 'en', 'Privacy on shop.localhost'],
        ];
        for (const [lang, spoken, title] of cases) {
            show('shop', { '/policy': policy({ lang }) });
            await page.goto(stage.url('shop', '/policy'));
            await says(page, STATES.counted[spoken]);
            assert.ok(await page.getByRole('heading', { level: 2, name: title }).isVisible());
            assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
            const order = await page.evaluate(`Array.from(
                document.querySelectorAll('#first, script, h2, #last'),
                (one) => one.id || one.localName)`);
            assert.deepEqual(order, ['first', 'script', 'h2', 'last']);
            assert.equal(await page.getByRole('main').count(), 1);
            assert.equal(await page.evaluate('document.styleSheets.length'), 0);
            await assertReadable(page, ['light 360']);
        }
    },
);

scenario("there the switch works on the site's own origin", { site: 'shop' }, async ({ page }) => {
    show('shop', { '/policy': policy({}) });
    await page.goto(stage.url('shop', '/policy'));
    await theSwitch(page).check();
    await says(page, 'You are not counted on shop.');
    await page.goto(own('shop'));
    await says(page, 'You are not counted on shop.');
    await theSwitch(page).uncheck();
    await page.goto(stage.url('shop', '/policy'));
    await says(page, 'You are counted on shop.');
});

scenario(
    'the switch stops the script that counts on the same page, and lets it go on',
    { site: 'shop' },
    async ({ page, front }) => {
        const before = front.events('shop').length;
        const pages = () => front.events('shop').slice(before).map(({ path }) => path);
        const go = async (path) => {
            await page.evaluate(`history.pushState(null, '', '${path}')`);
            await stage.fence(page);
        };
        show('shop', { '/policy': policy({ head: () => stage.tag('shop') }) });
        await page.goto(stage.url('shop', '/policy'));
        await until(() => pages().length === 1, 'the first page view');
        await theSwitch(page).check();
        await go('/two');
        assert.deepEqual(pages(), ['/policy']);
        await theSwitch(page).uncheck();
        await go('/three');
        assert.equal(pages().at(-1), '/three');
        assert.ok(!pages().includes('/two'));
    },
);

scenario(
    'a script in the head puts the text where data-target says',
    { site: 'shop' },
    async ({ page }) => {
        const warnings = [];
        page.on('console', (one) => one.type() === 'warning' && warnings.push(one.text()));
        const body = () => '<div id="here"><p>Before.</p></div>';
        show('shop', {
            '/target': policy({ body, head: (line) => line(' data-target="here"') }),
            '/nowhere': policy({ body, head: (line) => line() }),
            '/missing': policy({ body, head: (line) => line(' data-target="there"') }),
        });
        await page.goto(stage.url('shop', '/target'));
        await says(page, 'You are counted');
        assert.equal(await page.locator('#here > p + div > h2').count(), 1);
        assert.deepEqual(warnings, []);
        for (const path of ['/nowhere', '/missing']) {
            warnings.length = 0;
            await page.goto(stage.url('shop', path));
            await until(() => warnings.length > 0, 'a warning');
            assert.match(warnings[0], /data-target/);
            assert.equal(await status(page).count(), 0);
        }
    },
);

scenario(
    'where the text cannot be had a sentence and a link stand in its place',
    { site: 'shop', grumbles: /404/ },
    async ({ page }) => {
        const words = {
            en: ['What is counted here could not be shown.', 'Privacy'],
            de: ['Was hier gezählt wird, ließ sich nicht anzeigen.', 'Datenschutz'],
        };
        for (const [lang, [sentence, name]] of Object.entries(words)) {
            show('shop', { '/policy': policy({ lang, site: 'unknown' }) });
            await page.goto(stage.url('shop', '/policy'));
            const text = page.getByText(sentence);
            await text.waitFor();
            const link = text.getByRole('link', { name });
            assert.equal(await link.getAttribute('href'), `${foreign('unknown')}?lang=${lang}`);
            await assertReadable(page, ['light 360']);
        }
    },
);

scenario(
    'another host of the site has the switch; one that is not has none',
    { site: 'many' },
    async ({ page }) => {
        const text = policy({ site: 'many' });
        for (const name of ['friend', 'stranger']) stage.web.sites.set(name, () => text);
        await page.goto(stage.url('friend', '/policy'));
        await says(page, 'You are counted on friend.');
        await page.goto(stage.url('stranger', '/policy'));
        await says(page, STATES.elsewhere.en);
        assert.equal(await theSwitch(page).count(), 0);
    },
);

// -- what it tells -------------------------------------------------------------------------------

scenario('its numbers follow the settings', { site: 'numbers' }, async ({ page }) => {
    const time = (what) =>
        page.locator('dl > div', { hasText: what }).locator('dd').innerText();
    const follows = (text) =>
        until(async () => {
            await page.goto(own('numbers'));
            return (await time('Single page views')) === text;
        }, text);
    await follows('30 days');
    assert.equal(await time('Single visits'), '365 days');
    assert.equal(await time('Sums'), '365 days');
    const settings = ['rawDays=7', 'visitDays=90', 'statsDays=0'].map((one) => `retention.${one}`);
    await stage.abacus.must(['site', 'set', 'numbers', ...settings]);
    await follows('7 days');
    assert.equal(await time('Single visits'), '90 days');
    assert.equal(await time('Sums'), 'without a limit');
});

scenario(
    'of an address it tells what is hashed and what is kept',
    { site: 'deaf' },
    async ({ page }) => {
        await page.goto(own('shop'));
        assert.ok(await page.getByText('an IPv6 address the first 40 of 128').isVisible());
        assert.ok(await page.getByText('Not your network address').isVisible());
        await page.goto(own('deaf'));
        assert.ok(await page.getByText('whole network address', { exact: true }).isVisible());
        assert.ok(await page.getByText('of 203.0.113.77 it keeps 203.0.113.0.').isVisible());
        assert.ok(await page.getByText('has chosen not to follow it.').isVisible());
    },
);
