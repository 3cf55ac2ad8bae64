// People over HTTP: cookies, other origins, tries, time, links and mail, against the real program.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Installation } from '../lib/abacus.mjs';
import { noMail, Postbox } from '../lib/mail.mjs';

const PASSWORD = 'correct horse battery';
const ADA = 'ada@five.example';

const addUser = (installation, email, ...args) =>
    installation.must(['user', 'add', email, ...args], { input: `${PASSWORD}\n` });

/** As a page of this server does, unless `headers` say otherwise. */
const send = (server, method, path, body, headers = {}) =>
    server.fetch(path, {
        method,
        headers: { 'content-type': 'application/json', origin: server.url, ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
    });

const signIn = (server, email = ADA, password = PASSWORD, headers = {}) =>
    send(server, 'POST', '/api/session', { email, password }, headers);

/** "name=value" of the cookie that was set. */
const cookieOf = ({ headers, text }) => {
    assert.ok(headers.get('set-cookie'), text);
    return headers.get('set-cookie').split(';')[0];
};

describe('over http', () => {
    let installation;
    let server;
    before(async () => {
        installation = new Installation();
        await installation.site('a', 'five');
        await installation.site('b', 'five');
        await installation.site('c', 'six');
        await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
        await addUser(installation, 'max@five.example', '--role', 'manager', '--tenant', 'five');
        await addUser(installation, 'tim@five.example', '--role', 'manager', '--tenant', 'five');
        server = await installation.serve();
    });
    after(() => server?.stop());

    test('a session reads what its person may, and ends with signing out', async () => {
        const signed = await signIn(server, 'Ada@Five.example');
        assert.equal(signed.status, 200, signed.text);
        assert.equal(signed.body.user.id, ADA);
        assert.deepEqual(signed.body.user.memberships, [{ tenantId: 'five', role: 'viewer' }]);
        assert.match(
            signed.headers.get('set-cookie'),
            /^abacus_session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
        );
        const cookie = cookieOf(signed);
        const get = async (path) => (await server.fetch(path, { headers: { cookie } })).status;
        assert.equal(await get('/api/session'), 200);
        const whose = await server.fetch('/api/session', { headers: { cookie } });
        assert.equal(whose.body.address, '127.0.0.1');
        assert.equal(await get('/api/analytics/stats?siteId=a'), 200);
        assert.equal(await get('/api/analytics/tenants/five/stats'), 200);
        assert.equal(await get('/api/analytics/stats?siteId=c'), 404);
        assert.equal(await get('/api/admin/sites'), 403);
        const out = await send(server, 'DELETE', '/api/session', undefined, { cookie });
        assert.equal(out.status, 204);
        assert.match(out.headers.get('set-cookie'), /^abacus_session=; .*Max-Age=0/);
        assert.equal(await get('/api/session'), 401);
        assert.equal(await get('/api/analytics/stats?siteId=a'), 401);
    });

    test('another origin can neither use the cookie nor sign anybody in', async () => {
        const cookie = cookieOf(await signIn(server));
        const evil = { cookie, origin: 'https://evil.example' };
        const asked = [
            send(server, 'DELETE', '/api/session', undefined, evil),
            send(
                server,
                'PUT',
                '/api/session/password',
                { current: PASSWORD, password: 'x'.repeat(12) },
                evil,
            ),
            send(server, 'POST', '/api/session/totp', {}, evil),
            send(server, 'POST', '/api/session', { email: ADA, password: PASSWORD }, evil),
            send(
                server,
                'PUT',
                '/api/admin/sites/b',
                { tenantId: 'five', domain: 'b.example' },
                evil,
            ),
        ];
        for (const { status, headers } of await Promise.all(asked)) {
            assert.equal(status, 403);
            assert.equal(headers.get('set-cookie'), null);
        }
        // What a form of another site can send is not read.
        for (const type of [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data',
        ]) {
            const { status } = await signIn(server, ADA, PASSWORD, { 'content-type': type });
            assert.equal(status, 415);
        }
        // A script would have to ask first, and is not allowed to.
        const preflight = await server.fetch('/api/session', {
            method: 'OPTIONS',
            headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
        });
        assert.equal(preflight.status, 405);
        assert.equal(preflight.headers.get('access-control-allow-origin'), null);
        assert.equal((await server.fetch('/api/session', { headers: { cookie } })).status, 200);
    });

    test('without an Origin the browser has to say that it is our own page', async () => {
        const cookie = cookieOf(await signIn(server));
        const remove = (headers) =>
            new Promise((resolve, reject) => {
                const asked = request(
                    `${server.url}/api/session`,
                    { method: 'DELETE', headers: { cookie, ...headers } },
                    (answer) => resolve(answer.resume().statusCode),
                );
                asked.on('error', reject).end();
            });
        assert.equal(await remove({}), 403);
        assert.equal(await remove({ 'sec-fetch-site': 'same-site' }), 403);
        assert.equal(await remove({ 'sec-fetch-site': 'same-origin' }), 204);
    });

    test('signing in ends the session that the browser had before', async () => {
        const first = cookieOf(await signIn(server));
        const second = cookieOf(await signIn(server, ADA, PASSWORD, { cookie: first }));
        const status = async (cookie) =>
            (await server.fetch('/api/session', { headers: { cookie } })).status;
        assert.deepEqual([await status(first), await status(second)], [401, 200]);
        // A value that somebody else chose is never taken up.
        const chosen = `abacus_session=${'A'.repeat(43)}`;
        assert.notEqual(cookieOf(await signIn(server, ADA, PASSWORD, { cookie: chosen })), chosen);
        assert.equal(await status(chosen), 401);
    });

    /** The shortest time that a wrong password takes where there is such a person, in relation to
     *  where there is none: what is beyond the shortest is the machine's. */
    async function wrongPasswords(t, known, unknown) {
        const times = { [known]: [], [unknown]: [] };
        let words;
        for (let round = 0; round < 7; round++)
            for (const email of Object.keys(times)) {
                const begin = performance.now();
                const answer = await signIn(server, email, 'not this password');
                times[email].push(performance.now() - begin);
                if (answer.status === 429) {
                    // Everybody's tries together: there is one more in a moment.
                    times[email].pop();
                    await new Promise((resolve) => setTimeout(resolve, 300));
                    continue;
                }
                assert.equal(answer.status, 401);
                words ??= answer.text;
                assert.equal(answer.text, words);
            }
        const [ms, unknownMs] = Object.values(times).map((all) => Math.min(...all));
        t.diagnostic(`known ${ms.toFixed(1)} ms, unknown ${unknownMs.toFixed(1)} ms`);
        return ms / unknownMs;
    }

    test('nobody learns by words or time whether there is such a person', async (t) => {
        const ratios = [];
        const isLike = (ratio) => ratio > 0.6 && ratio < 1.67;
        // What is noise in one measurement is not there in the next.
        for (const [known, unknown] of [
            [ADA, 'nobody@five.example'],
            ['tim@five.example', 'nobody2@five.example'],
        ])
            if (!ratios.some(isLike)) ratios.push(await wrongPasswords(t, known, unknown));
        assert.ok(ratios.some(isLike), `${ratios}`);
    });

    /** Two accounts in 16,384 share a bound by chance: of two others one is apart. */
    const oneSignsIn = async () => {
        for (const email of ['tim@five.example', ADA])
            if ((await signIn(server, email)).status === 200) return true;
        return false;
    };

    test('after ten failures an account waits, and the others do not', async () => {
        const email = 'max@five.example';
        let answer;
        let failures = 0;
        for (let i = 0; i < 200 && failures < 10; i++) {
            answer = await signIn(server, email, 'not this password');
            if (answer.status === 401) failures++;
            // Everybody's tries together are few a second.
            else await new Promise((resolve) => setTimeout(resolve, 250));
        }
        const refused = await signIn(server, email);
        assert.equal(refused.status, 429);
        const wait = Number(refused.headers.get('retry-after'));
        assert.ok(wait > 600 && wait <= 900, `Retry-After ${wait}`);
        assert.equal(refused.headers.get('set-cookie'), null);
        await server.until(oneSignsIn, 'one of the others');
    });

    test('who did what stands in the audit log, and the password nowhere', async () => {
        await server.until(oneSignsIn, 'one of them');
        const log = await installation.must(['audit', '--json']);
        for (const action of ['sign-in', 'sign-out', 'sign-in.failed'])
            assert.match(log, new RegExp(`"${action}"`));
        assert.doesNotMatch(log, /nobody@five|correct horse|not this password/);
        assert.doesNotMatch(server.stderr, /five\.example|correct horse|not this password/);
    });
});

describe('over https', () => {
    test('the cookie is bound to host and https where the public URL says so', async () => {
        const installation = new Installation();
        await installation.site('a', 'five');
        await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
        const server = await installation.serve(['--public-url', 'https://stats.example.com']);
        const own = { origin: 'https://stats.example.com' };
        const signed = await signIn(server, ADA, PASSWORD, own);
        assert.match(
            signed.headers.get('set-cookie'),
            /^__Host-abacus_session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure$/,
        );
        const cookie = cookieOf(signed);
        const plain = cookie.replace('__Host-', '');
        const status = async (one) =>
            (await server.fetch('/api/session', { headers: { cookie: one } })).status;
        assert.deepEqual([await status(cookie), await status(plain)], [200, 401]);
        assert.equal(
            (await send(server, 'DELETE', '/api/session', undefined, { cookie })).status,
            403,
        );
        assert.equal(
            (await send(server, 'DELETE', '/api/session', undefined, { cookie, ...own })).status,
            204,
        );
        await server.stop();
    });

    test('or where a trusted proxy does, and nobody else', async () => {
        for (const [args, secure] of [
            [['--trusted-proxies', '127.0.0.1/32'], true],
            [[], false],
        ]) {
            const installation = new Installation();
            await installation.site('a', 'five');
            await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
            const server = await installation.serve(args);
            const signed = await signIn(server, ADA, PASSWORD, { 'x-forwarded-proto': 'https' });
            assert.equal(signed.headers.get('set-cookie').startsWith('__Host-'), secure);
            await server.stop();
        }
    });
});

describe('with mail', { skip: noMail }, () => {
    test('a forgotten password is set anew by a mail, whose link works once', async () => {
        const postbox = await Postbox.start();
        const installation = new Installation();
        await installation.site('a', 'five');
        await addUser(installation, ADA, '--role', 'viewer', '--tenant', 'five');
        const server = await installation.serve([
            ...['--public-url', 'http://stats.example.com'],
            ...['--smtp-url', postbox.url],
            ...['--mail-from', 'abacus@stats.example.com'],
        ]);
        const own = { origin: 'http://stats.example.com' };
        const ask = (path, body) => send(server, 'POST', path, body, own);
        const before = cookieOf(await signIn(server, ADA, PASSWORD, own));
        const answers = await Promise.all(
            [ADA, 'nobody@five.example'].map((email) => ask('/api/session/reset', { email })),
        );
        for (const { status, text } of answers)
            assert.deepEqual([status, text], [202, answers[0].text]);
        const { text } = await postbox.mail(ADA);
        const link = /http:\/\/stats\.example\.com\/admin\/accept#([\w-]+)/.exec(text);
        assert.ok(link, text);
        const secret = link[1];
        const what = await ask('/api/session/link', { secret });
        assert.deepEqual([what.body.kind, what.body.user], ['reset', ADA]);
        const password = 'a whole new password';
        const accepted = await ask('/api/session/accept', { secret, password });
        assert.equal(accepted.status, 200, accepted.text);
        const status = async (cookie) =>
            (await server.fetch('/api/session', { headers: { cookie } })).status;
        assert.deepEqual([await status(before), await status(cookieOf(accepted))], [401, 200]);
        assert.equal((await ask('/api/session/accept', { secret, password })).status, 404);
        assert.equal((await signIn(server, ADA, PASSWORD, own)).status, 401);
        assert.equal((await signIn(server, ADA, password, own)).status, 200);
        assert.equal(postbox.mails.length, 1);
        await server.stop();
        await postbox.close();
    });
});
