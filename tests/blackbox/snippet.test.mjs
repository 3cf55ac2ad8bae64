// `abacus site snippet`: what it prints for each kind, that it is what integrations/ shows, and
// that nothing given to it breaks out of the quotes that it is put into. That the lines work is
// shown by tests/browser/injection.test.mjs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import ts from 'typescript';
import { Installation, ROOT, tempDir } from '../lib/abacus.mjs';

const URL_GIVEN = 'https://stats.example.com';
const KINDS = {
    html: ['html/script.html'],
    pinned: ['html/pinned.html'],
    nextjs: ['nextjs/layout.jsx', 'nextjs/next.config.mjs'],
    nginx: ['nginx/abacus.conf'],
    payload: ['payload/layout.tsx', 'payload/count-lead.ts'],
    privacy: ['html/privacy.html'],
};

const abacus = new Installation();
let server;
let script;
let reader;

before(async () => {
    await abacus.site('shop', 't', { domain: 'shop.example' });
    await abacus.site('dnt', 't');
    await abacus.must(['site', 'set', 'dnt', 'respectDnt=true']);
    reader = await abacus.token('stats:read', { tenant: 't' });
    server = await abacus.serve([], { interval: '0' });
    script = (await server.fetch('/public/analytics.js')).text;
});
after(() => server?.kill());

const command = (...args) => abacus.command(['site', 'snippet', ...args]);
const print = (...args) => abacus.must(['site', 'snippet', 'shop', '--url', URL_GIVEN, ...args]);
const printKind = (kind, ...args) => print('--kind', kind, ...args);

const digest = (name, encoding) => createHash(name).update(script).digest(encoding);
const hashed = () => `analytics.${digest('sha256', 'hex').slice(0, 16)}.js`;
const integrity = () => `sha384-${digest('sha384', 'base64')}`;

/** What TypeScript says of each file beside the modules that are installed here. */
function complaints(files) {
    const program = ts.createProgram(files, {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: { payload: [join(ROOT, 'node_modules/payload')] },
    });
    return files.map((file) =>
        ts
            .getPreEmitDiagnostics(program, program.getSourceFile(file))
            .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    );
}

// -- each kind -----------------------------------------------------------------------------------

test('html is the one tag on one line', async () => {
    const tag = `<script defer src="${URL_GIVEN}/public/analytics.js" data-site="shop"></script>\n`;
    assert.equal(await printKind('html'), tag);
});

test('the site is also an option, and the address is --public-url, or else --listen', async () => {
    const of = (url) =>
        `<script defer src="${url}/public/analytics.js" data-site="shop"></script>\n`;
    const html = ['--id', 'shop', '--kind', 'html'];
    const env = { ABACUS_PUBLIC_URL: 'https://public.example/' };
    const { stdout } = await abacus.command(['site', 'snippet', ...html], { env });
    assert.equal(stdout, of('https://public.example'));
    assert.equal((await command(...html, '--listen', '[::1]:80')).stdout, of('http://[::1]:80'));
    assert.equal((await command(...html)).stdout, of('http://127.0.0.1:8080'));
});

test('where the site respects Do Not Track, or routes by hashes, each kind says so', async () => {
    const texts = JSON.parse(
        await abacus.must(['site', 'snippet', 'dnt', '--url', URL_GIVEN, '--hash', '--json']),
    );
    const src = `src="${URL_GIVEN}/public/analytics.js"`;
    assert.equal(texts.html, `<script defer ${src} data-site="dnt" data-hash data-dnt></script>`);
    assert.match(texts.pinned, / data-site="dnt" data-hash data-dnt><\/script>$/);
    assert.equal(texts.nextjs.match(/ data-hash="" data-dnt="" \/>$/gm).length, 2);
    assert.match(texts.nginx, /event" data-hash data-dnt><\/script><\/head>';$/m);
    for (const text of Object.values(JSON.parse(await print('--json'))))
        assert.doesNotMatch(text, /data-(hash|dnt)/);
});

test('pinned names the script by the hash of its bytes, and has its integrity', async () => {
    const text = await printKind('pinned');
    const attributes = `integrity="${integrity()}" crossorigin="anonymous" data-site="shop"`;
    const tag = `<script defer src="${URL_GIVEN}/public/${hashed()}" ${attributes}></script>`;
    assert.deepEqual(text.match(/^<script.*$/gm), [tag]);
    const answer = await server.fetch(`/public/${hashed()}`);
    assert.deepEqual([answer.status, answer.text], [200, script]);
});

test('privacy names the file that the server has under that address', async () => {
    const [, path] = /<script defer src="https:\/\/stats\.example\.com(.*)" data-site="shop">/.exec(
        await printKind('privacy'),
    );
    const answer = await server.fetch(path);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/javascript/);
});

test('nextjs is a layout and a configuration that Next.js can read', async () => {
    const text = await printKind('nextjs', '--path', '/a/b');
    const at = text.search(/^\/\/.*next\.config\.mjs/m);
    const { code } = await transform(text.slice(0, at), { loader: 'jsx' });
    assert.match(code, /src: "https:\/\/stats\.example\.com\/public\/analytics\.js"/);
    const file = join(tempDir(), 'next.config.mjs');
    writeFileSync(file, text.slice(at));
    const { default: config } = await import(pathToFileURL(file));
    assert.deepEqual(await config.rewrites(), [
        { source: '/a/b/script.js', destination: `${URL_GIVEN}/public/analytics.js` },
        { source: '/a/b/event', destination: `${URL_GIVEN}/api/analytics/track` },
        { source: '/settings/privacy', destination: `${URL_GIVEN}/settings/privacy/shop` },
        { source: '/settings/privacy/:file', destination: `${URL_GIVEN}/settings/privacy/:file` },
    ]);
});

/** The two files of Payload's text. */
async function payloadFiles(url) {
    const text = await printKind('payload', '--url', url);
    const at = text.search(/^\/\/ .* src\/hooks\/count-lead\.ts/m);
    return { layout: text.slice(0, at), hook: text.slice(at) };
}

test('payload is a layout, and a hook that fits the types of Payload', async () => {
    const { layout, hook } = await payloadFiles(URL_GIVEN);
    const { code } = await transform(layout, { loader: 'tsx' });
    assert.match(code, /src: "https:\/\/stats\.example\.com\/public\/analytics\.js"/);
    assert.match(code, /"data-site": "shop"/);
    const files = ['count-lead.ts', 'wrong.ts'].map((name) => join(tempDir(), name));
    writeFileSync(files[0], hook);
    writeFileSync(files[1], hook.replace('collection.slug', 'collection.slog'));
    const [ofHook, [ofWrong]] = complaints(files);
    assert.deepEqual(ofHook, []);
    assert.match(ofWrong, /'slog' does not exist/);
});

/** Payload's hook as it runs in its server, and what it says in its log. */
async function hookOf(token) {
    const { hook } = await payloadFiles(server.url);
    const file = join(tempDir(), 'count-lead.mjs');
    writeFileSync(file, (await transform(hook, { loader: 'ts' })).code);
    const { countLead } = await import(pathToFileURL(file));
    const errors = [];
    const req = { payload: { logger: { error: (entry) => errors.push(entry) } } };
    process.env.ABACUS_TOKEN = token;
    return {
        errors,
        call: (id, operation = 'create') =>
            countLead({ collection: { slug: 'contacts' }, doc: { id }, operation, req }),
    };
}

/** What is received while this runs, by the metrics. */
async function received(run) {
    const count = async () => {
        const { text } = await server.fetch('/metrics');
        const lines = text.matchAll(/^analytics_events_total\{.*lead\.created.*\} (\d+)$/gm);
        return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
    };
    const before = await count();
    await run();
    return (await count()) - before;
}

test("payload's hook sends a lead for each new document, and lets it be saved without", async () => {
    const printed = (await payloadFiles(server.url)).hook.match(/^\/\/ abacus (token create .*)$/m);
    const { call, errors } = await hookOf((await abacus.must(printed[1].split(' '))).trim());
    await server.until(async () => {
        errors.length = 0;
        await call('first');
        return errors.length === 0;
    }, 'the token to be known');
    assert.equal(await received(async () => assert.deepEqual(await call(7), { id: 7 })), 1);
    assert.equal(await received(() => call(7, 'update')), 0);
    assert.deepEqual(errors, []);
    const stranger = await hookOf('nonsense');
    assert.deepEqual(await stranger.call(8), { id: 8 });
    assert.match(String(stranger.errors[0].err), /401/);
});

test('nginx speaks TLS where the address does', async () => {
    const tls = /^ +proxy_ssl_server_name on;\n +proxy_ssl_verify on;$/m;
    assert.match(await printKind('nginx'), tls);
    const plain = await printKind('nginx', '--url', 'http://stats.example.com:8080/x');
    assert.doesNotMatch(plain, /ssl/);
    assert.match(plain, /^ +proxy_pass http:\/\/stats\.example\.com:8080\/x\/;$/m);
});

// -- all of them ---------------------------------------------------------------------------------

/** The texts of integrations/, filled in by another hand. */
function filledIn(kind, headings) {
    const values = {
        url: URL_GIVEN,
        site: 'shop',
        tenant: 't',
        domain: 'shop.example',
        path: '/abacus',
        hashed: hashed(),
        integrity: integrity(),
        https: 'yes',
        headings,
        hash: '',
        dnt: '',
    };
    const fill = (name) =>
        readFileSync(join(ROOT, 'integrations', name), 'utf8')
            .replace(/^\{\{#(\w+)\}\}\n(.*?)^\{\{\/\1\}\}\n/gms, (_, of, text) =>
                values[of] ? text : '',
            )
            .replace(/\{\{#(\w+)\}\}(.*?)\{\{\/\1\}\}/g, (_, of, text) => (values[of] ? text : ''))
            .replace(/\{\{(\w+)\}\}/g, (_, of) => values[of]);
    return KINDS[kind].map(fill).join('\n');
}

test('each kind is the text that integrations/ shows', async () => {
    for (const kind of Object.keys(KINDS)) assert.equal(await printKind(kind), filledIn(kind, ''));
});

test('unless a kind is named, each follows under a line that says what it is for', async () => {
    const texts = Object.keys(KINDS).map((kind) => filledIn(kind, 'yes'));
    for (const text of texts) assert.match(text, /^(<!-- For .* -->|\/\/ For .*|# For .*)\n/);
    assert.equal(await print(), texts.join('\n'));
    assert.equal(await printKind('all'), texts.join('\n'));
});

test('--json has a member for each kind', async () => {
    const texts = Object.keys(KINDS).map((kind) => [kind, filledIn(kind, '').slice(0, -1)]);
    assert.deepEqual(JSON.parse(await print('--json')), Object.fromEntries(texts));
    assert.deepEqual(Object.keys(JSON.parse(await printKind('nginx', '--json'))), ['nginx']);
});

test('the server answers the same, with the address at which it was asked', async () => {
    const path = '/api/analytics/snippet?siteId=';
    for (const site of ['shop', 'dnt']) {
        const { status, text } = await server.get(path + site, reader);
        assert.equal(status, 200, text);
        const printed = await abacus.must(['site', 'snippet', site, '--url', server.url, '--json']);
        assert.equal(text, printed.trimEnd());
    }
    assert.deepEqual((await server.get(`${path}shop`)).status, 401);
});

// -- what is refused -----------------------------------------------------------------------------

// Each of them would end a string, a directive or an attribute, or begin a variable, somewhere.
const MEANINGFUL = [...`"'\`<>;$\\{}()|&?#%*!,=+^ \t\n\r\u00e9`];

async function isRefused(args, options) {
    const end = await abacus.command(['site', 'snippet', 'shop', ...args], options);
    assert.deepEqual([end.code, end.stdout], [2, ''], `${args}: ${end.stderr}`);
}

test('a URL with a character that means something anywhere is refused', async () => {
    const hosts = MEANINGFUL.map((mark) => `https://stats${mark}x.example`);
    const paths = MEANINGFUL.map((mark) => `https://stats.example/a${mark}x`);
    const whole = [
        'https://user:secret@stats.example',
        'https://stats.example/:param',
        'https://stats.example/a//b',
        'https://stats.example/../a',
        'https:///path',
        'https://',
        'ftp://stats.example',
        "javascript:alert('x')",
        '',
    ];
    await Promise.all(
        [...hosts, ...paths, ...whole].map((url) => isRefused([`--url=${url}`, '--kind=html'])),
    );
});

test('and so is one that comes from the environment', async () => {
    const urls = ["https://stats.example/';return 200;'", 'https://stats.example/$http_cookie'];
    for (const url of urls) await isRefused([], { env: { ABACUS_PUBLIC_URL: url } });
});

test('a path is refused unless it is one of plain names', async () => {
    const marked = [...MEANINGFUL, ':', '@', '['].map((mark) => `/a${mark}b`);
    const others = ['', '/', 'abacus', '/abacus/', '//abacus', '/a//b', '/.', '/..', '/a/../b'];
    await Promise.all([...marked, ...others].map((path) => isRefused([`--path=${path}`])));
});

test('what has no such character is taken', async () => {
    for (const url of ['http://[2001:db8::1]:8080', 'https://a-b_c.example:8443/x.y/_z~-/0'])
        assert.ok((await printKind('html', '--url', url)).includes(`src="${url}/public/`));
    const nginx = await printKind('nginx', '--path', '/a.b/_c~-/0');
    assert.match(nginx, /^location = \/a\.b\/_c~-\/0\/event \{/m);
});

test('a domain that was written into the database does not get out of its comment', async (t) => {
    const rename = (domain) =>
        abacus.sql(`UPDATE analytics_settings SET domain = ${domain} WHERE site_id = 'shop';`);
    t.after(() => rename("'shop.example'"));
    await rename("'shop.example' || char(10) || 'return 200;'");
    const end = await command('shop');
    assert.deepEqual([end.code, end.stdout], [1, '']);
    assert.match(end.stderr, /domain/);
});

test('an unknown site is a failure, an unknown kind is wrong usage', async () => {
    const unknown = await command('nobody');
    assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
    assert.match(unknown.stderr, /nobody: no such site/);
    await isRefused(['--kind', 'iframe']);
});
