// How the script comes into pages: the lines that `abacus site snippet` prints, used as they are,
// in a real browser and through a real nginx. What each kind prints is told by
// tests/blackbox/snippet.test.mjs.
//
// nginx stands before sites as they are found: files, with rules for all that ends in .js; a server
// that compresses its pages, sets a cookie, and has a strict Content-Security-Policy. It sends what
// is ours to Front, which records it:
//
//     browser --> nginx --> Front --> abacus
//                   '-----> the site's own server

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { exec, tempDir, until } from '../lib/abacus.mjs';
import { BROWSER } from '../lib/browsers.mjs';
import { missing, openContext, REFUSAL, scenarios, Stage } from '../lib/browsing.mjs';
import { Nginx } from '../lib/nginx.mjs';

const options = { skip: missing };
const STRICT = "default-src 'none'; img-src data:; script-src 'self'; connect-src 'self'";
const CA_OF_DEBIAN = '/etc/ssl/certs/ca-certificates.crt';
const BODY_MAX = 65_536;
const SITES = [
    ...['inserted', 'pinned', 'altered', 'printed', 'told'],
    ...['files', 'proxied', 'headers', 'address', 'choice', 'tls'],
];

let stage;
let nginx;
let port;
let upstream;

before(async () => {
    if (missing) return;
    stage = await Stage.start(Object.fromEntries(SITES.map((site) => [site, []])));
    // nginx and Front are proxies before the server.
    await stage.server.stop();
    const trust = ['--trusted-proxies', '127.0.0.1/32'];
    stage.server = await stage.abacus.serve(trust, { interval: '0' });
    stage.front.target = stage.server.port;
    await stage.abacus.must(['site', 'set', 'address', 'blockedAddresses=127.0.3.0/24']);
    upstream = await startUpstream();
    // For each of the two that ask by TLS one: nginx resumes a session whoever has verified it.
    nginx = await Nginx.start(3, sites);
});

after(async () => {
    await nginx?.stop();
    upstream?.server.close();
    await stage?.close();
});

/** What the command prints of one kind. */
const snippet = (site, kind, url = stage.front.url) =>
    stage.abacus.must(['site', 'snippet', site, '--kind', kind, '--url', url]);

const viewsOf = (site) => stage.front.events(site).filter(({ event }) => event === 'pageview');

/** Wait until so many views of a site have been sent and answered. */
async function viewed(site, count) {
    const answered = ({ events, status }) =>
        status !== undefined && events.some(({ event }) => event === 'pageview');
    const views = () => stage.front.posts(site).filter(answered);
    await until(() => views().length >= count, `${count} views of ${site}`);
    assert.deepEqual(
        views().map(({ status }) => status),
        Array(count).fill(202),
    );
}

// -- by tags -------------------------------------------------------------------------------------

const scenario = scenarios(() => stage);
const page = (head, body = '') => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>A page</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;

/** Open a site whose one page has this head and body. */
const open = (given, site, head, body) => {
    stage.web.sites.set(site, () => page(head, body));
    return given.page.goto(stage.url(site));
};

scenario('the printed tag counts', { site: 'printed' }, async (given) => {
    await open(given, 'printed', await snippet('printed', 'html'));
    await viewed('printed', 1);
    assert.equal((await stage.numbers('printed')).totals.pageviews, 1);
});

scenario('a script that another script inserts counts', { site: 'inserted' }, async (given) => {
    const insert = `<script>
        const script = document.createElement('script');
        script.src = '${stage.front.url}/public/analytics.js';
        script.dataset.site = 'inserted';
        document.head.append(script);
    </script>`;
    await open(given, 'inserted', insert);
    await viewed('inserted', 1);
    assert.equal((await stage.numbers('inserted')).totals.pageviews, 1);
});

scenario('a script that is pinned by its integrity counts', { site: 'pinned' }, async (given) => {
    await open(given, 'pinned', await snippet('pinned', 'pinned'));
    await viewed('pinned', 1);
    assert.equal((await stage.numbers('pinned')).totals.pageviews, 1);
});

scenario(
    'a script that is another than the pinned one does not run',
    { site: 'altered', grumbles: /integrity/ },
    async (given) => {
        const pinned = await snippet('altered', 'pinned');
        const other = pinned.replace(/sha384-../, 'sha384-AA');
        assert.notEqual(pinned, other);
        await open(given, 'altered', other);
        await stage.fence(given.page);
        assert.equal(await given.page.evaluate('typeof window.analytics'), 'undefined');
        assert.deepEqual(stage.front.events('altered'), []);
    },
);

scenario('the printed line brings the switch into a page', { site: 'told' }, async (given) => {
    await open(given, 'told', '', `<div>${await snippet('told', 'privacy')}</div>`);
    await given.page.getByRole('switch').check();
    assert.notEqual(await given.page.evaluate(`localStorage.getItem('${REFUSAL}')`), null);
});

// -- by nginx ------------------------------------------------------------------------------------

const LINKS = '<a href="/">Home</a> <a href="/about.html">About</a>';

/** A site's own server. `seen` has the headers of each request. */
async function startUpstream() {
    const seen = [];
    const server = createServer((request, response) => {
        seen.push(request.headers);
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.setHeader('Content-Security-Policy', STRICT);
        response.setHeader('Set-Cookie', 'session=secret; HttpOnly; Path=/');
        const packs = /\bgzip\b/.test(request.headers['accept-encoding']);
        if (packs) response.setHeader('Content-Encoding', 'gzip');
        response.end(packs ? gzipSync(page('', LINKS)) : page('', LINKS));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    return { server, seen, url: `http://127.0.0.1:${server.address().port}` };
}

function writeFiles() {
    const dir = tempDir();
    for (const name of ['index.html', 'about.html'])
        writeFileSync(join(dir, name), page('', LINKS));
    return dir;
}

/** A key and its certificate for "localhost", which stands for its own authority. */
async function makeCertificate() {
    const dir = tempDir();
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(dir, name));
    const end = await exec('openssl', [
        ...['req', '-x509', '-nodes', '-days', '2', '-keyout', key, '-out', cert],
        ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ]);
    if (end.code !== 0) throw new Error(`openssl: ${end.stderr}`);
    return { key, cert };
}

/** The http block. */
async function sites(ports) {
    const [, tlsPort, otherPort] = ports;
    [port] = ports;
    const { key, cert } = await makeCertificate();
    const root = writeFiles();
    const site = async (name, lines) => `server {
        listen 127.0.0.1:${port};
        server_name ${name}.localhost;
        ${lines}
        ${await snippet(name, 'nginx')}
    }`;
    const tls = (at) => snippet('tls', 'nginx', `https://localhost:${at}`);
    const files = `root ${root}; expires 1y; location ~ \\.(js|css)$ { return 418; }`;
    const compressed = `location / { proxy_pass ${upstream.url}; }`;
    const headers = `location / {
        proxy_pass ${upstream.url};
        proxy_set_header Host $host;
        proxy_set_header Accept-Encoding "";
    }`;
    return [
        await site('files', files),
        await site('proxied', `gzip on; ${compressed}`),
        await site('headers', headers),
        await site('address', `root ${root};`),
        await site('choice', files),
        `server {
            listen 127.0.0.1:${tlsPort} ssl;
            listen 127.0.0.1:${otherPort} ssl;
            ssl_certificate ${cert};
            ssl_certificate_key ${key};
            if ($ssl_server_name != localhost) { return 421; }
            location / { proxy_pass ${stage.front.url}; }
        }`,
        `server {
            listen 127.0.0.1:${port};
            server_name unknown.localhost;
            ${await tls(otherPort)}
        }`,
        `server {
            listen 127.0.0.1:${port};
            server_name tls.localhost;
            ${(await tls(tlsPort)).replace(CA_OF_DEBIAN, cert)}
        }`,
    ].join('\n');
}

const origin = (site) => `http://${site}.localhost:${port}`;

/** A request as it is given, from an address of the loopback: {status, headers, bytes, body}. */
function raw(site, path, { method = 'GET', from = '127.0.0.1', headers = {}, body } = {}) {
    const own = { Host: `${site}.localhost:${port}`, 'User-Agent': BROWSER, ...headers };
    const to = { host: '127.0.0.1', port, path, method, localAddress: from, headers: own };
    return new Promise((resolve, reject) => {
        const request = ask({ ...to, agent: false }, async (answer) => {
            const parts = [];
            for await (const part of answer) parts.push(part);
            const { statusCode: status, headers } = answer;
            const bytes = Buffer.concat(parts);
            resolve({ status, headers, bytes, body: bytes.toString() });
        });
        request.on('error', reject).end(body);
    });
}

const view = (site, from, headers = {}) =>
    raw(site, '/abacus/event', {
        method: 'POST',
        from,
        headers: { Origin: origin(site), ...headers },
        body: JSON.stringify({ event: 'pageview', siteId: site, path: '/' }),
    });

/** Open two pages of a site and come back; nothing but that is counted, and nothing else asked. */
async function visit(site) {
    const context = await openContext(stage);
    try {
        const tab = await context.newPage();
        await tab.goto(`${origin(site)}/`);
        await viewed(site, 1);
        await tab.click('text=About');
        await viewed(site, 2);
        await tab.click('text=Home');
        await viewed(site, 3);
        const tags = await tab.locator('script[data-site]').count();
        assert.deepEqual([tags, context.problems], [1, []]);
        const asked = new Set(context.urls.map((url) => new URL(url).origin));
        assert.deepEqual([...asked], [origin(site)]);
    } finally {
        await context.close();
    }
    const paths = viewsOf(site).map(({ path }) => path);
    assert.deepEqual(paths, ['/', '/about.html', '/']);
    const { pageviews, visits, visitors } = (await stage.numbers(site)).totals;
    assert.deepEqual({ pageviews, visits, visitors }, { pageviews: 3, visits: 1, visitors: 1 });
}

test('nginx takes the printed lines without a warning', options, async () => {
    const { code, stderr, stdout } = await nginx.check();
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('files are counted, and rules for .js do not meet the script', options, async () => {
    await visit('files');
    const script = await raw('files', '/abacus/script.js');
    const direct = await stage.server.fetch('/public/analytics.js');
    assert.deepEqual([script.status, script.body], [200, direct.text]);
    assert.equal(script.headers['cache-control'], direct.headers.get('cache-control'));
    assert.equal(script.headers.expires, undefined);
});

test('pages of a server that packs them are counted under a strict policy', options, async () => {
    await visit('proxied');
    assert.ok(upstream.seen.some(({ cookie }) => cookie === 'session=secret'));
    const packed = await raw('proxied', '/', { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.match(gunzipSync(packed.bytes).toString(), /data-site="proxied"/);
});

test('where a location sets headers of its own, too', options, () => visit('headers'));

test('what the site knows of a visitor is not passed on', options, async () => {
    const all = {
        Cookie: 'session=secret',
        Authorization: 'Basic c2VjcmV0',
        Referer: 'http://proxied.localhost/?secret',
    };
    const seen = stage.front.requests.length;
    for (const path of ['/abacus/script.js', '/settings/privacy', '/settings/privacy/privacy.css'])
        assert.equal((await raw('proxied', path, { headers: all })).status, 200);
    assert.equal((await view('proxied', '127.0.0.1', all)).status, 202);
    const passed = stage.front.requests.slice(seen);
    assert.deepEqual(
        passed.map(({ path }) => path),
        [
            '/public/analytics.js',
            '/settings/privacy/proxied',
            '/settings/privacy/privacy.css',
            '/api/analytics/track',
        ],
    );
    const through = stage.front.requests.filter(({ headers }) => headers['x-forwarded-for']);
    assert.ok(through.length > passed.length);
    for (const { headers, host, cookie: answered } of through) {
        const { authorization, referer } = headers;
        assert.equal(headers.cookie ?? authorization ?? referer ?? answered, undefined);
        assert.equal(host, `127.0.0.1:${stage.front.port}`);
    }
});

test('a visitor has the address that nginx saw, and none that they made up', options, async () => {
    const addresses = ['127.0.1.1', '127.0.2.1', '127.0.2.1'];
    const made = [{}, {}, { 'X-Forwarded-For': '198.51.100.9' }];
    for (const [i, from] of addresses.entries())
        assert.equal((await view('address', from, made[i])).status, 202);
    const blocked = await view('address', '127.0.3.1');
    assert.deepEqual(JSON.parse(blocked.body).dropped, { blocked: 1 });
    const { pageviews, visitors } = (await stage.numbers('address')).totals;
    assert.deepEqual({ pageviews, visitors }, { pageviews: 3, visitors: 2 });
});

test('a refusal on the own origin holds until it is taken back', options, async () => {
    const context = await openContext(stage);
    const tab = await context.newPage();
    const kept = () => tab.evaluate('Object.keys(localStorage)');
    const policy = async () => {
        await tab.goto(`${origin('choice')}/settings/privacy?lang=de`);
        assert.equal(await tab.evaluate('document.documentElement.lang'), 'de');
        return tab.getByRole('switch');
    };
    await (await policy()).check();
    assert.deepEqual(await kept(), [REFUSAL]);
    await tab.goto(`${origin('choice')}/`);
    assert.equal(await tab.evaluate('analytics.isOptedOut()'), true);
    await stage.fence(tab);
    assert.deepEqual(stage.front.events('choice'), []);
    await (await policy()).uncheck();
    assert.deepEqual(await kept(), []);
    await tab.goto(`${origin('choice')}/about.html`);
    await viewed('choice', 1);
    assert.deepEqual(context.problems, []);
    await context.close();
    assert.deepEqual(
        viewsOf('choice').map(({ path }) => path),
        ['/about.html'],
    );
    assert.equal((await stage.numbers('choice')).totals.pageviews, 1);
});

test('nothing else of the analytics server is reached through the site', options, async () => {
    const seen = stage.front.requests.length;
    for (const path of [
        '/abacus/-/metrics',
        '/abacus/%2d/metrics',
        '/abacus/',
        '/abacus/event/',
        '/settings/privacy/../../abacus/-/metrics',
        '/settings/privacy/%2e%2e/%2e%2e/metrics',
        '/settings/privacy/..%2f..%2fmetrics',
        '/api/analytics/stats?siteId=files',
    ])
        assert.equal((await raw('files', path)).status, 404, path);
    assert.deepEqual(stage.front.requests.slice(seen), []);
});

test('events pass up to the size that the server takes', options, async () => {
    const send = (size) =>
        raw('files', '/abacus/event', { method: 'POST', body: 'x'.repeat(size) });
    const seen = stage.front.requests.length;
    assert.equal((await send(BODY_MAX + 1)).status, 413);
    assert.equal(stage.front.requests.length, seen);
    assert.equal((await send(BODY_MAX)).status, 400);
    assert.equal(stage.front.requests.length, seen + 1);
});

test('over TLS the server is named and has to prove who it is', options, async () => {
    assert.equal((await raw('unknown', '/abacus/script.js')).status, 502);
    await until(() => /certificate verify error/.test(nginx.said), 'the reason');
    assert.equal((await raw('tls', '/abacus/script.js')).status, 200, nginx.said);
    assert.equal((await view('tls', '127.0.4.1')).status, 202);
    assert.equal((await stage.numbers('tls')).totals.pageviews, 1);
});

test('the log of the site has its pages, and no events', options, () => {
    const lines = readFileSync(join(nginx.dir, 'access.log'), 'utf8');
    assert.match(lines, /"GET \/about\.html HTTP/);
    assert.doesNotMatch(lines, /\/abacus\/(event|script\.js) HTTP|\/settings\/privacy[? ]/);
});
