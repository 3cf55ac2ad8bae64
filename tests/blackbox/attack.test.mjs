// What somebody does who means it: floods, a Host of his own, credentials that have ended while
// something they opened is still open.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Installation } from '../lib/abacus.mjs';
import { noMail, Postbox } from '../lib/mail.mjs';

const PASSWORD = 'correct horse battery';
const ADA = 'ada@five.example';
const STREAM = '/api/analytics/realtime?siteId=a';
const STATS = '/api/analytics/stats?siteId=a';

const bearer = (token) => ({ authorization: `Bearer ${token}` });

const addUser = (installation, email, ...args) =>
    installation.must(['user', 'add', email, ...args], { input: `${PASSWORD}\n` });

/** With any headers, Host and several of a name included. */
const send = (server, method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
        const json = body === undefined ? {} : { 'content-type': 'application/json' };
        const asked = request(
            server.url + path,
            { method, headers: { ...json, ...headers } },
            async (answer) => {
                let text = '';
                for await (const chunk of answer) text += chunk;
                resolve({ status: answer.statusCode, headers: answer.headers, text });
            },
        );
        asked.on('error', reject).end(body && JSON.stringify(body));
    });

const signIn = async (server, email = ADA) => {
    const { status, headers, text } = await send(
        server,
        'POST',
        '/api/session',
        {},
        {
            email,
            password: PASSWORD,
        },
    );
    assert.equal(status, 200, text);
    return headers['set-cookie'][0].split(';')[0];
};

/** An event stream: what ended it, once it has. */
async function stream(server, headers) {
    const response = await fetch(server.url + STREAM, {
        headers: { accept: 'text/event-stream', ...headers },
    });
    assert.equal(response.status, 200);
    const reader = response.body.getReader();
    assert.match(Buffer.from((await reader.read()).value).toString(), /^data: /);
    const run = async () => {
        for (let step = await reader.read(); !step.done;) step = await reader.read();
        return 'end';
    };
    return { ended: run() };
}

const within = ({ ended }, ms) => Promise.race([ended, sleep(ms, 'goes on', { ref: false })]);
/** For what ends by itself; no measurement. */
const IN_THE_END_MS = 60_000;
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

describe('against a node', () => {
    let installation;
    let server;
    let root;
    let own;
    before(async () => {
        installation = new Installation();
        await installation.site('a', 'five');
        await installation.site('b', 'five');
        await installation.readFreely('five');
        await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
        root = await installation.token('stats:read,admin', { platform: true });
        own = await installation.token('stats:read,admin', { tenant: 'five' });
        server = await installation.serve();
    });
    after(() => server?.stop());

    /** `fn` by 16 at once while `STATS` is read, at least so often; how long either took. */
    async function readUnder(fn, ms, atLeast) {
        const end = Date.now() + ms;
        const statuses = new Set();
        const times = [];
        const floods = [];
        let done = false;
        const timed = async (ask, list) => {
            const begin = performance.now();
            const answer = await ask();
            list.push(performance.now() - begin);
            return answer;
        };
        const flood = Array.from({ length: 16 }, async () => {
            while (!done) statuses.add((await timed(fn, floods)).status);
        });
        const read = () => send(server, 'GET', STATS, bearer(own));
        try {
            while (Date.now() < end || times.length < atLeast) {
                assert.equal((await timed(read, times)).status, 200);
                await sleep(5);
            }
        } finally {
            done = true;
        }
        await Promise.all(flood);
        return { statuses, times, floods };
    }

    // Each hash takes a tenth of a second on purpose: two threads that only hash answer nothing else.
    test('reading goes on under a flood of passwords', async (t) => {
        let count = 0;
        for (const [what, fn] of [
            [
                'sign-ins',
                () =>
                    send(
                        server,
                        'POST',
                        '/api/session',
                        {},
                        {
                            email: `nobody${count++}@five.example`,
                            password: PASSWORD,
                        },
                    ),
            ],
            [
                'links',
                () =>
                    send(server, 'PUT', `/api/admin/links/l${count++ % 20}`, bearer(own), {
                        siteId: 'b',
                        password: `open sesame ${count}`,
                    }),
            ],
        ]) {
            const { statuses, times, floods } = await readUnder(fn, 2500, 20);
            const [reading, hashing] = [median(times), median(floods)];
            const said =
                `${what}: ${times.length} reads, median ${reading.toFixed(1)} ms, longest ` +
                `${times.at(-1).toFixed(1)} ms; those of the flood ${hashing.toFixed(1)} ms; ` +
                `answers ${[...statuses].join(' ')}`;
            t.diagnostic(said);
            assert.ok(reading < 200, said);
        }
    });

    test('of two cookies of one name the first counts, in whatever headers they come', async () => {
        const cookie = await signIn(server);
        const status = async (cookies) =>
            (await send(server, 'GET', '/api/session', { cookie: cookies })).status;
        const other = `abacus_session=${'A'.repeat(43)}`;
        assert.equal(await status(`theme=dark; ${cookie}`), 200);
        assert.equal(await status(`${cookie}; ${other}`), 200);
        assert.equal(await status([cookie, other]), 200);
        assert.equal(await status(`${other}; ${cookie}`), 401);
        assert.equal(await status([other, cookie]), 401);
        // A cookie mends no header that is wrong, and needs an Origin even beside a right one.
        for (const headers of [bearer('nonsense'), { authorization: 'Basic YTpi' }])
            assert.equal((await send(server, 'GET', STATS, { cookie, ...headers })).status, 401);
    });

    test('what is open ends with the session and with the tenant', async () => {
        const cookie = await signIn(server);
        const ofSession = await stream(server, { cookie });
        const ofTenant = await stream(server, bearer(own));
        const out = await send(server, 'DELETE', '/api/session', { cookie, origin: server.url });
        assert.equal(out.status, 204);
        assert.equal(await within(ofSession, IN_THE_END_MS), 'end');
        assert.equal(await within(ofTenant, 300), 'goes on');
        await installation.must(['tenant', 'set', 'five', 'status=suspended']);
        assert.equal(await within(ofTenant, IN_THE_END_MS), 'end');
        await installation.must(['tenant', 'set', 'five', 'status=active']);
        await server.until(
            async () => (await send(server, 'GET', STATS, bearer(own))).status === 200,
            'active again',
        );
    });

    test('nothing opens a site that is to be erased', async () => {
        const add = async (args, input) =>
            /link\.[\w.-]+/.exec(
                await installation.must(['link', 'add', ...args, '--site', 'a'], { input }),
            )[0];
        const plain = await add(['plain']);
        const locked = await add(['locked', '--password'], 'open sesame\n');
        const open = () =>
            send(server, 'POST', '/api/share', {}, { link: locked, password: 'open sesame' });
        let opened;
        await server.until(async () => (opened = await open()).status === 200, 'it opens');
        const made = await send(server, 'POST', '/api/admin/embed', bearer(root), {
            tenantId: 'five',
            siteIds: ['a'],
        });
        const embed = JSON.parse(made.text).token;
        const keys = [plain, JSON.parse(opened.text).token, embed];
        const read = async (key) => (await send(server, 'GET', STATS, bearer(key))).status;
        const page = async (path) => (await send(server, 'GET', path)).status;
        for (const key of keys) assert.equal(await read(key), 200);
        assert.equal(await page(`/share/${locked}`), 200);
        const ofEmbed = await stream(server, bearer(embed));
        assert.equal((await send(server, 'DELETE', '/api/admin/sites/a', bearer(own))).status, 200);
        await server.until(async () => (await read(plain)) === 401, 'it is known');
        assert.deepEqual([await read(keys[1]), await read(embed)], [401, 404]);
        for (const path of [`/share/${plain}`, `/share/${locked}`, `/embed/${embed}`])
            assert.equal(await page(path), 404, path);
        assert.equal(await within(ofEmbed, IN_THE_END_MS), 'end');
    });
});

describe('with mail', { skip: noMail }, () => {
    test('links lead to the public URL, whatever Host the request names', async () => {
        const postbox = await Postbox.start();
        const installation = new Installation();
        await installation.site('a', 'five');
        await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
        const own = await installation.token('admin', { tenant: 'five' });
        const server = await installation.serve([
            ...['--public-url', 'https://stats.example.com'],
            ...['--smtp-url', postbox.url],
        ]);
        const evil = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
        const asks = [
            ['PUT', '/api/admin/users/new@five.example', 'new@five.example'],
            ['POST', `/api/admin/users/${ADA}/reset`, ADA],
            ['POST', '/api/session/reset', ADA, { email: ADA }],
        ];
        const membership = { memberships: [{ tenantId: 'five', role: 'viewer' }] };
        let mails = 0;
        for (const [method, path, to, body = method === 'PUT' ? membership : undefined] of asks) {
            const answer = await send(server, method, path, { ...evil, ...bearer(own) }, body);
            assert.ok([200, 201, 202].includes(answer.status), `${path}: ${answer.text}`);
            assert.doesNotMatch(answer.text, /#|evil/, 'who asks is not shown the link');
            await server.until(() => postbox.mails.length === mails + 1, `mail ${mails + 1}`);
            const { text, raw } = await postbox.mail(to);
            assert.match(text, /https:\/\/stats\.example\.com\/admin\/accept#[\w-]{43}/);
            assert.doesNotMatch(raw, /evil/);
            mails++;
        }
        const link = await send(
            server,
            'PUT',
            '/api/admin/links/l',
            { ...evil, ...bearer(own) },
            {
                siteId: 'a',
            },
        );
        assert.match(JSON.parse(link.text).url, /^https:\/\/stats\.example\.com\/share\//);
        await server.stop();
        await postbox.close();
    });
});
