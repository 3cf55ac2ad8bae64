// What browsers load, over real HTTP: every file by its name and by its hash, in every form.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { BUILD, Installation } from '../lib/abacus.mjs';

const HOUR = 'public, max-age=3600';
const FOR_EVER = 'public, max-age=31536000, immutable';
const FORMS = [
    { wish: undefined, coding: undefined, unpack: (bytes) => bytes },
    { wish: 'gzip', coding: 'gzip', unpack: gunzipSync },
    { wish: 'gzip, deflate, br, zstd', coding: 'br', unpack: brotliDecompressSync },
];
const digest = (name, bytes, coding) => createHash(name).update(bytes).digest(coding);

/** The rows of the table that the program was built with: {name, hashed, type, integrity}. */
function builtFiles() {
    const rows = readFileSync(join(BUILD, 'web/web.c'), 'utf8').split('{.name = ').slice(1);
    const field = (row, name) => new RegExp(`\\.${name} = \\{"([^"]*)"`).exec(row)[1];
    return rows.map((rest) => {
        const row = `.name = ${rest}`;
        const names = ['name', 'hashed', 'type', 'integrity'];
        return Object.fromEntries(names.map((name) => [name, field(row, name)]));
    });
}
const files = builtFiles();
const script = files.find(({ name }) => name === 'analytics.js');

let installation, server;

before(async () => {
    installation = new Installation();
    server = await installation.serve();
});
after(() => server.stop());

/** The bytes as they come: fetch() would unpack them. */
function get(path, { method = 'GET', ...headers } = {}) {
    return new Promise((resolve, reject) => {
        const options = { port: server.port, host: '127.0.0.1', path, method, headers };
        const asked = request(options, (answer) => {
            const chunks = [];
            answer.on('data', (chunk) => chunks.push(chunk));
            answer.on('error', reject);
            answer.on('end', () =>
                resolve({
                    status: answer.statusCode,
                    headers: answer.headers,
                    body: Buffer.concat(chunks),
                }),
            );
        });
        asked.on('error', reject);
        asked.end();
    });
}

const wishing = (wish) => (wish === undefined ? {} : { 'Accept-Encoding': wish });

/** A file in a form, as every answer with one must be. */
async function take(path, { wish, coding, unpack }) {
    const answer = await get(path, wishing(wish));
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers['content-encoding'], coding, path);
    assert.equal(answer.headers.vary, 'Accept-Encoding');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(Number(answer.headers['content-length']), answer.body.length);
    assert.match(answer.headers.etag, /^"[^"]+"$/);
    return { ...answer, bytes: unpack(answer.body) };
}

/** What the dashboard is loaded in, by names that only their bytes have. */
const PART = /^part\.[A-Z0-9]{8}\.js$/;

test('the table of files has what the contract names', () => {
    const named = files.filter(({ name }) => !PART.test(name));
    assert.deepEqual(named.map(({ name }) => name).sort(), [
        'account.css',
        'account.js',
        'analytics.forms.js',
        'analytics.js',
        'analytics.links.js',
        'dashboard.css',
        'dashboard.de.js',
        'dashboard.en.js',
        'demo.css',
        'demo.js',
        'more.css',
        'privacy.css',
        'privacy.js',
    ]);
});

for (const file of files)
    test(`${file.name} is the same bytes in each form and under both addresses`, async () => {
        const plain = (await take(`/public/${file.name}`, FORMS[0])).bytes;
        assert.equal(file.integrity, `sha384-${digest('sha384', plain, 'base64')}`);
        const isPart = PART.test(file.name);
        if (isPart) assert.equal(file.hashed, file.name);
        else assert.ok(file.hashed.includes(`.${digest('sha256', plain, 'hex').slice(0, 16)}.`));
        for (const [address, cache] of [
            [file.name, isPart ? FOR_EVER : HOUR],
            [file.hashed, FOR_EVER],
        ]) {
            const tags = new Set();
            for (const form of FORMS) {
                const answer = await take(`/public/${address}`, form);
                assert.ok(answer.bytes.equals(plain), `${address} in ${form.coding}`);
                assert.equal(answer.headers['cache-control'], cache);
                assert.equal(answer.headers['content-type'], file.type);
                tags.add(answer.headers.etag);
            }
            assert.equal(tags.size, FORMS.length);
        }
    });

test('a type is one that browsers run, or apply', () => {
    for (const { name, type } of files)
        assert.equal(type, `text/${name.endsWith('.js') ? 'javascript' : 'css'}; charset=utf-8`);
});

test('the packed script is smaller than the plain one', async () => {
    const sizes = [];
    for (const form of FORMS) sizes.push((await take('/public/analytics.js', form)).body.length);
    assert.ok(sizes[1] < sizes[0] && sizes[2] < sizes[0], sizes.join(' '));
});

test('who has a form already is told so, and only of that form', async () => {
    for (const address of [script.name, script.hashed]) {
        const path = `/public/${address}`;
        for (const form of FORMS) {
            const { headers } = await take(path, form);
            for (const tag of [headers.etag, `W/${headers.etag}`, `"x", ${headers.etag}`, '*']) {
                const again = await get(path, { ...wishing(form.wish), 'If-None-Match': tag });
                assert.equal(again.status, 304, tag);
                assert.equal(again.body.length, 0);
                for (const name of ['etag', 'vary', 'cache-control', 'content-length'])
                    assert.equal(again.headers[name], headers[name]);
                assert.equal(again.headers['access-control-allow-origin'], '*');
            }
            for (const other of FORMS.filter((one) => one !== form)) {
                const answer = await get(path, {
                    ...wishing(other.wish),
                    'If-None-Match': headers.etag,
                });
                assert.equal(answer.status, 200);
            }
        }
    }
});

test('HEAD says the same without the bytes', async () => {
    for (const form of FORMS) {
        const { headers, body } = await take(`/public/${script.hashed}`, form);
        const options = { method: 'HEAD', ...wishing(form.wish) };
        const head = await get(`/public/${script.hashed}`, options);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        assert.equal(Number(head.headers['content-length']), body.length);
        const { date: _, ...same } = headers;
        const { date: __, ...said } = head.headers;
        assert.deepEqual(said, same);
    }
});

test('no form is sent that the client refuses', async () => {
    for (const [wish, coding] of [
        ['br;q=0, gzip', 'gzip'],
        ['gzip;q=0, *', 'br'],
        ['BR;Q=0.2, gzip;q=0.3', 'gzip'],
        ['br;q=0, gzip;q=0', undefined],
        ['identity', undefined],
        ['', undefined],
        ['gzip;q=7', undefined],
    ]) {
        const answer = await get('/public/analytics.js', wishing(wish));
        assert.equal(answer.status, 200, wish);
        assert.equal(answer.headers['content-encoding'], coding, wish);
    }
    const refused = await get('/public/analytics.js', wishing('*;q=0'));
    assert.equal(refused.status, 406);
    assert.equal(refused.headers.vary, 'Accept-Encoding');
    assert.equal(refused.headers['cache-control'], 'no-store');
});

test('a header that comes twice is one list', async () => {
    const wish = ['gzip;q=0.5', 'br'];
    const answer = await get('/public/analytics.js', { 'Accept-Encoding': wish });
    assert.equal(answer.headers['content-encoding'], 'br');
});

test('there is nothing else under /public', async () => {
    const changed = script.hashed.replace(/[0-9a-f](?=\.js$)/, (d) => (d === '0' ? '1' : '0'));
    for (const name of [
        changed,
        script.hashed.toUpperCase(),
        script.hashed.replace('.js', '.css'),
        'analytics.0000000000000000.js',
        '',
        'analytics',
        'Analytics.js',
        '..%2fdemo.js',
        '%2e%2e%2fabacus.db',
        '..%2f..%2f..%2fetc%2fpasswd',
        '%2fetc%2fpasswd',
        '..',
        '.',
        '../abacus.db',
        'a/b.js',
        'analytics.js/',
        'analytics.js%2f',
        'analytics.js%20',
        'salts',
        'web.h',
        'index.html',
    ]) {
        const answer = await get(`/public/${name}`);
        assert.equal(answer.status, 404, name);
        assert.equal(answer.headers['cache-control'], 'no-store', name);
    }
    for (const name of ['%00', 'analytics.js%00', '%00analytics.js', '%', '%zz', '%ff', '%c0%ae'])
        assert.equal((await get(`/public/${name}`)).status, 400, name);
});

test('only GET and HEAD are answered, and preflights', async () => {
    for (const method of ['POST', 'PUT', 'DELETE'])
        assert.equal((await get('/public/analytics.js', { method })).status, 405);
    const preflight = await get('/public/analytics.js', { method: 'OPTIONS' });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD, OPTIONS');
});

test('the scripts of an earlier version are served after an upgrade', async () => {
    const kept = join(installation.dir, 'scripts');
    const scripts = files.filter(({ name }) => name.startsWith('analytics.'));
    assert.deepEqual(readdirSync(kept).sort(), scripts.map(({ hashed }) => hashed).sort());
    const bytes = Buffer.from('console.log("an earlier version")');
    const name = `analytics.${digest('sha256', bytes, 'hex').slice(0, 16)}.js`;
    const forged = 'analytics.links.0123456789abcdef.js';
    assert.equal((await get(`/public/${name}`)).status, 404);
    writeFileSync(join(kept, name), bytes);
    writeFileSync(join(kept, forged), bytes);
    await server.stop();
    server = await installation.serve();

    const old = await take(`/public/${name}`, { wish: 'br, gzip', unpack: (packed) => packed });
    assert.ok(old.bytes.equals(bytes));
    assert.equal(old.headers['cache-control'], FOR_EVER);
    assert.equal(old.headers['content-type'], script.type);
    const again = await get(`/public/${name}`, { 'If-None-Match': old.headers.etag });
    assert.equal(again.status, 304);
    assert.equal((await get(`/public/${forged}`)).status, 404);
    assert.match(server.stderr, new RegExp(`level=warn .*file=${forged} `));
    const own = await take(`/public/${script.hashed}`, FORMS[2]);
    assert.equal(script.integrity, `sha384-${digest('sha384', own.bytes, 'base64')}`);
});

test('the demo page is there only where it is asked for', async () => {
    for (const path of ['/demo', '/demo/pricing'])
        assert.equal((await get(path)).status, 404, path);
    await server.stop();
    server = await installation.serve(['--demo-site', 'shown']);
    const page = (await get('/demo/pricing')).body.toString();
    assert.match(page, /data-site="shown"/);
    const named = page.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g);
    const loaded = [...new Set([...named].map(([, at]) => at))];
    assert.equal(loaded.length, 5);
    for (const path of loaded) assert.equal((await get(path)).status, 200, path);
    assert.equal((await get('/demo/nowhere')).status, 404);
});
