// The scripts beside analytics.js: forms, outbound links and downloads; all of them under a strict
// Content-Security-Policy; and that this harness sees what it must not see.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
    missing,
    NO_TRACES,
    openContext,
    scenarios,
    Stage,
    told,
    traces,
    until,
} from '../lib/browsing.mjs';

const SITES = [
    'forms',
    'clobbered',
    'invalid',
    'links',
    'clicks',
    'csp',
    'delayed',
    'bad',
    'elsewhere',
];

let stage;
before(async () => {
    if (missing) return;
    stage = await Stage.start(Object.fromEntries(SITES.map((site) => [site, []])));
    stage.show('elsewhere', { attributes: { 'data-site': 'nobody', src: undefined } });
});
after(() => stage?.close());

const scenario = scenarios(() => stage);
const extra = (site, file) => stage.tag(site, { 'data-site': undefined }, `analytics.${file}.js`);
const named = (front, site, ...names) =>
    front.events(site).filter(({ event }) => names.includes(event));

// -- forms ---------------------------------------------------------------------------------------

const SECRETS = [
    's3cret-Text',
    's3cret-Word',
    's3cret@mail.example',
    's3cret-Hidden',
    's3cret-Area',
];
const FIELDS = `<input name="text" value="s3cret-Text">
    <input type="password" name="password" value="s3cret-Word">
    <input type="email" name="email" value="s3cret@mail.example">
    <input type="hidden" name="token" value="s3cret-Hidden">
    <textarea name="area">s3cret-Area</textarea>
    <button>Send</button>`;

/** No value of a field is in anything that came to the analytics. */
function tellsNoSecret(front) {
    const all = JSON.stringify(front.requests);
    assert.deepEqual(
        SECRETS.filter((secret) => all.includes(secret)),
        [],
    );
}

/** Load a page with that form, send it, and give the event. */
async function submit({ page, site, front }, attributes, fields = FIELDS) {
    const before = front.events(site).length;
    const form = `<form method="post" ${attributes}>${fields}</form>`;
    stage.show(site, { head: extra(site, 'forms'), pages: { '/form': form } });
    await page.goto(stage.url(site, '/form'));
    await page.click('button');
    await page.waitForURL((url) => url.pathname !== '/form');
    await stage.fence(page);
    const events = front.events(site).slice(before);
    return events.filter(({ event }) => event === 'form.submit');
}

scenario(
    'a form that is sent is counted, without any value of its fields',
    { site: 'forms' },
    async (visit) => {
        const { page, site, front } = visit;
        const names = [];
        for (const attributes of [
            'id="contact" name="other" action="/thanks"',
            'name="signup" action="/thanks"',
            'action="/orders/new?step=2#part"',
        ]) {
            const events = await submit(visit, attributes);
            assert.equal(events.length, 1);
            assert.deepEqual(Object.keys(events[0].props), ['form']);
            names.push(events[0].props.form);
        }
        assert.deepEqual(names, ['contact', 'signup', '/orders/new']);
        const sent = stage.web.requests.filter(({ method }) => method === 'POST');
        assert.ok(SECRETS.every((secret) => decodeURIComponent(sent[0].body).includes(secret)));
        tellsNoSecret(front);
        await stage.leave(page, site);
        const { stats } = await stage.numbers(site);
        assert.deepEqual([stats.forms, stats.visits], [3, 1]);
    },
);

scenario(
    'fields that are called like properties of a form do not stand in for them',
    { site: 'clobbered' },
    async (visit) => {
        const clobbering = `<input name="id" value="s3cret-Text">
            <input name="name" value="s3cret-Word">
            <input name="action" value="s3cret-Hidden"><button>Send</button>`;
        const [event] = await submit(visit, 'id="real" action="/thanks"', clobbering);
        assert.deepEqual(event.props, { form: 'real' });
        const [other] = await submit(visit, 'action="/thanks"', clobbering);
        assert.deepEqual(other.props, { form: '/thanks' });
        tellsNoSecret(visit.front);
    },
);

scenario(
    'a form that the browser does not send is not counted',
    { site: 'invalid' },
    async (visit) => {
        const { page, site, front } = visit;
        const form = `<form id="contact" action="/thanks" method="post">
            <input required><button>Send</button></form>`;
        stage.show(site, { head: extra(site, 'forms'), pages: { '/form': form } });
        await page.goto(stage.url(site, '/form'));
        await page.click('button');
        await stage.fence(page);
        assert.deepEqual(told(front.events(site)), ['pageview /form']);
        // One that the page itself sends is.
        await page.evaluate(`const form = document.forms[0];
        form.addEventListener('submit', (event) => event.preventDefault());
        document.querySelector('input').required = false; form.requestSubmit()`);
        await stage.fence(page);
        assert.deepEqual(told(front.events(site)), ['pageview /form', 'form.submit /form']);
    },
);

// -- links ---------------------------------------------------------------------------------------

/** A page of links by their ids. */
const linkPage = (links) =>
    Object.entries(links)
        .map(([id, attributes]) => `<p><a id="${id}" ${attributes}>Read <b>on</b></a></p>`)
        .join('');

scenario(
    'links that lead away and downloads are counted by host and path',
    { site: 'links' },
    async (visit) => {
        const { page, site, front } = visit;
        const host = `${site}.localhost:${stage.web.port}`;
        const other = `elsewhere.localhost:${stage.web.port}`;
        const links = {
            own: 'href="/two?a=b"',
            part: 'href="#part"',
            mail: 'href="mailto:a@b.example"',
            phone: 'href="tel:123"',
            code: 'href="javascript:void 0"',
            empty: '',
            out: `href="http://user:word@${other}/landing?token=s3cret-Text#s3cret-Word"`,
            file: 'href="/files/report.pdf?token=s3cret-Text#s3cret-Word"',
            far: `href="http://${other}/archive.ZIP"`,
        };
        const body = linkPage(links);
        stage.show(site, { head: extra(site, 'links'), pages: { '/one': body } });
        const expected = {
            out: ['link.outbound', `${other}/landing`],
            file: ['file.download', `${host}/files/report.pdf`],
            far: ['file.download', `${other}/archive.ZIP`],
        };
        await page.goto(stage.url(site, '/one'));
        await stage.sent(site, 1);
        for (const id of Object.keys(links)) {
            const before = front.events(site).length;
            // What is asked is what a click tells; where it leads is for the next test.
            await page.evaluate(
                "addEventListener('click', (event) => event.preventDefault(), { once: true })",
            );
            await page.click(`#${id} b`);
            await stage.fence(page);
            const events = front.events(site).slice(before);
            const got = events.map(({ event, props }) => [event, props.url]);
            assert.deepEqual(got, expected[id] ? [expected[id]] : [], id);
        }
        tellsNoSecret(front);
        const { stats } = await stage.numbers(site);
        assert.deepEqual([stats.pageviews, stats.visits, stats.bounceRate], [1, 1, 0]);
    },
);

scenario(
    'a link is followed at once, and in another tab, and counted each time',
    { site: 'clicks' },
    async (visit) => {
        const { page, site, front, context } = visit;
        const to = `http://elsewhere.localhost:${stage.web.port}/landing`;
        const body = linkPage({ out: `href="${to}"`, blank: `href="${to}" target="_blank"` });
        stage.show(site, { head: extra(site, 'links'), pages: { '/one': body } });
        await page.goto(stage.url(site, '/one'));
        await stage.sent(site, 1);
        const clicks = [
            ['#out', { modifiers: ['Control'] }],
            ['#out', { button: 'middle' }],
            ['#blank', {}],
        ];
        for (const [at, how] of clicks) {
            const opened = context.waitForEvent('page');
            await page.click(at, how);
            const tab = await opened;
            await tab.waitForURL(to);
            await tab.close();
        }
        await page.click('#out', { button: 'right' });
        await stage.fence(page);
        assert.equal(named(front, site, 'link.outbound').length, 3);
        let let_go;
        front.does = new Promise((resolve) => (let_go = resolve));
        await page.click('#out');
        await page.waitForURL(to);
        const outbound = () => named(front, site, 'link.outbound');
        await until(() => outbound().length > 3, 'the click');
        const [, , , event] = outbound();
        assert.deepEqual(event.props, { url: to.slice('http://'.length) });
        let_go();
        await page.goto(stage.url(site, '/away'));
        await stage.fence(page);
        assert.equal(outbound().length, 4);
        assert.equal((await stage.numbers(site)).totals.pageviews, 1);
    },
);

// -- a strict policy -----------------------------------------------------------------------------

scenario(
    'under a strict Content-Security-Policy all of it works, and nothing is reported',
    {
        site: 'csp',
        init: `window.violations = [];
            addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
                violations.push(violatedDirective + ' ' + blockedURI))`,
    },
    async (visit) => {
        const { page, site, front } = visit;
        const policy = [
            "default-src 'none'",
            `script-src ${stage.front.url}`,
            `connect-src ${stage.front.url}`,
            "form-action 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
            "base-uri 'none'",
        ].join('; ');
        const body = `<form id="contact" method="post" action="/thanks"><button>Send</button></form>
            <a href="/report.pdf" download>Report</a>`;
        const scripts = stage.tag(site) + extra(site, 'links') + extra(site, 'forms');
        const html = `<!doctype html><title>Strict</title>${scripts}${body}`;
        const strict = { html, headers: { 'Content-Security-Policy': policy } };
        stage.show(site, {
            pages: { '/one': strict, '/broken': { ...strict, html: `${html}<script>1</script>` } },
        });
        await page.goto(stage.url(site, '/one'));
        await page.evaluate("history.pushState(null, '', '/two')");
        assert.equal(await page.evaluate("analytics.track('my.own')"), true);
        await page.click('a');
        await stage.sent(site, 5);
        await page.click('button');
        await page.waitForURL('**/thanks');
        await stage.fence(page);
        assert.deepEqual(told(front.events(site)).slice(0, 7), [
            ...['pageview /one', 'engagement /one', 'pageview /two', 'my.own /two'],
            ...['file.download /two', 'form.submit /two', 'engagement /two'],
        ]);
        await page.goto(stage.url(site, '/one'));
        await stage.fence(page);
        assert.deepEqual(await page.evaluate('violations'), []);
        const { problems } = page.context();
        assert.deepEqual(problems, []);
        // A policy that were not in force would let this pass.
        await page.goto(stage.url(site, '/broken'));
        await page.waitForFunction('violations.length > 0');
        assert.deepEqual(await page.evaluate('violations'), ['script-src-elem inline']);
        problems.length = 0;
        await stage.leave(page, site);
    },
);

// -- the harness ---------------------------------------------------------------------------------

test('what must not be left behind is seen where it is', { skip: missing }, async () => {
    const site = 'bad';
    stage.show(site);
    const context = await openContext(stage);
    try {
        const page = await context.newPage();
        await page.goto(stage.url(site, '/one'));
        await stage.sent(site, 1);
        assert.deepEqual(await traces(stage, context), NO_TRACES);
        await page.evaluate(`(async () => {
            document.cookie = 'a=1';
            localStorage.setItem('b', '1');
            sessionStorage.setItem('c', '1');
            window.name = 'd';
            await new Promise((resolve) => (indexedDB.open('e').onsuccess = resolve));
            await caches.open('f');
            const root = await navigator.storage.getDirectory();
            await root.getFileHandle('g', { create: true });
            await fetch('${stage.front.url}/api/analytics/track',
                { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
            await fetch('http://third.example/pixel').catch(() => 0);
            console.error('h');
            return true;
        })()`);
        const left = await traces(stage, context);
        assert.deepEqual(left.cookies, ['a']);
        assert.deepEqual(left.stored, [
            ...['cookie a=1', 'localStorage b', 'sessionStorage c', 'name d', 'indexedDB e'],
            ...['caches f', 'files g'],
        ]);
        assert.deepEqual(left.thirdParties, ['third.example', 'third.example']);
        assert.deepEqual(left.leaks, ['OPTIONS /api/analytics/track']);
        assert.ok(left.problems.includes('h'));
    } finally {
        await context.close();
    }
});
