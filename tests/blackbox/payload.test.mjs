// A person who is signed in to Payload is signed in here: a real Payload, in the same database,
// makes the tokens and keeps the sessions.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exec, query, ROOT } from '../lib/abacus.mjs';
import { Platform } from '../lib/platform.mjs';

const SECRET = 'a secret of Payload, which is long';
const TOOL = join(ROOT, 'tests/tools/payload.mjs');
const [major, minor] = process.versions.node.split('.').map(Number);
const skip = (major < 18 || (major === 18 && minor < 20)) && 'Payload wants Node 18.20';

let abacus;
let server;
const people = {};

/** Make somebody in Payload and sign them in there: {id, email, token} each. */
async function joined(people) {
    const asked = people.map(([collection, email]) => `${collection}=${email}`);
    const args = [TOOL, abacus.databaseUrl, SECRET, ...asked];
    const { code, stdout, stderr } = await exec(process.execPath, args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1));
}

const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const keyOf = (secret) => createHash('sha256').update(secret).digest('hex').slice(0, 32);

function sign(claims, { secret = SECRET, alg = 'HS256', hash = 'sha256', key } = {}) {
    const text = `${part({ alg, typ: 'JWT' })}.${part(claims)}`;
    const mac = createHmac(hash, key ?? keyOf(secret))
        .update(text)
        .digest('base64url');
    return `${text}.${mac}`;
}

const STATS = query('/api/analytics/stats', { siteId: 'granite', period: 'today' });
const SETTINGS = query('/api/analytics/settings', { siteId: 'granite' });
const ask = (token, path = STATS) =>
    server.fetch(path, { headers: { cookie: `payload-token=${token}` } });
const askByHeader = (token, path = STATS) =>
    server.fetch(path, { headers: { authorization: `JWT ${token}` } });

before(async () => {
    if (skip) return;
    abacus = await Platform.create({ env: { ABACUS_PAYLOAD_SECRET: SECRET } });
    await abacus.site('granite', 'alpha');
    await abacus.site('quartzite', 'beta');
    [people.viewer, people.manager, people.unknown, people.customer] = await joined([
        ['users', 'vera@alpha.example'],
        ['users', 'mona@alpha.example'],
        ['users', 'nobody@alpha.example'],
        ['customers', 'cora@alpha.example'],
    ]);
    // Of two collections the same number may be somebody else.
    assert.equal(people.customer.id, people.viewer.id);
    for (const [who, role] of [
        ['viewer', 'viewer'],
        ['manager', 'manager'],
    ]) {
        const { email, id } = people[who];
        const of = ['--tenant', 'alpha', '--payload-id', String(id), '--invite'];
        await abacus.must(['user', 'add', email, '--role', role, ...of]);
    }
    server = await abacus.serve();
    await server.ready();
});
after(() => server?.stop());

test('what Payload signed in reads what the person may read here', { skip }, async () => {
    for (const way of [ask, askByHeader]) {
        const answer = await way(people.viewer.token);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.body.tenantId, 'alpha');
        const foreign = await way(people.viewer.token, STATS.replace('granite', 'quartzite'));
        assert.equal(foreign.status, 404);
        assert.equal((await way(people.viewer.token, SETTINGS)).status, 403);
        assert.equal((await way(people.manager.token, SETTINGS)).status, 200);
    }
});

test('who is not known here gets nothing', { skip }, async () => {
    const open = await server.fetch(STATS);
    for (const way of [ask, askByHeader]) {
        const answer = await way(people.unknown.token);
        assert.equal(answer.status, 401);
        assert.equal(answer.text, open.text);
    }
});

test('another collection, key or algorithm, or none, is nobody', { skip }, async () => {
    const claims = claimsOf(people.manager.token);
    assert.deepEqual(Object.keys(claims).sort(), [
        'collection',
        'email',
        'exp',
        'iat',
        'id',
        'sid',
    ]);
    assert.equal((await ask(sign(claims))).status, 200, 'this is how Payload signs');
    const [head, body, mac] = people.manager.token.split('.');
    const wrong = {
        'the other collection': people.customer.token,
        'the other collection, renamed': sign(
            { ...claimsOf(people.customer.token), collection: 'users' },
            { secret: 'another' },
        ),
        'another key': sign(claims, { secret: 'another' }),
        'the secret itself as the key': sign(claims, { key: SECRET }),
        'no algorithm': `${part({ alg: 'none', typ: 'JWT' })}.${body}.`,
        'no algorithm, but a mac': `${part({ alg: 'none', typ: 'JWT' })}.${body}.${mac}`,
        HS384: sign(claims, { alg: 'HS384', hash: 'sha384' }),
        'HS256 in small letters': sign(claims, { alg: 'hs256' }),
        ended: sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 1 }),
        'without an end': sign({ ...claims, exp: undefined }),
        'without a session': sign({ ...claims, sid: undefined }),
        'a session that is not': sign({ ...claims, sid: '00000000-0000-0000-0000-000000000000' }),
        "somebody else's session": sign({ ...claims, sid: claimsOf(people.viewer.token).sid }),
        'without a collection': sign({ ...claims, collection: undefined }),
        'no mac': `${head}.${body}.`,
        'a part more': `${people.manager.token}.${mac}`,
        'a changed body': `${head}.${part({ ...claims, id: people.viewer.id })}.${mac}`,
    };
    for (const [what, token] of Object.entries(wrong))
        for (const way of [ask, askByHeader]) assert.equal((await way(token)).status, 401, what);
});

test('what the token says of roles and names counts for nothing', { skip }, async () => {
    const claims = claimsOf(people.viewer.token);
    const bold = sign({ ...claims, email: 'mona@alpha.example', role: 'admin', roles: ['admin'] });
    assert.equal((await ask(bold)).status, 200);
    assert.equal((await ask(bold, SETTINGS)).status, 403);
    assert.equal((await ask(bold, STATS.replace('granite', 'quartzite'))).status, 404);
});

test('a cookie changes something only from a page of this server', { skip }, async () => {
    const change = (headers) =>
        server.fetch(SETTINGS, {
            method: 'PATCH',
            headers: { cookie: `payload-token=${people.manager.token}`, ...headers },
            body: JSON.stringify({ respectDnt: true }),
        });
    assert.equal((await change({})).status, 403);
    assert.equal((await change({ origin: 'https://evil.example' })).status, 403);
    assert.equal((await change({ 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await change({ origin: server.url })).status, 200);
});

test('signing out of Payload ends it at once', { skip }, async () => {
    const { sid } = claimsOf(people.viewer.token);
    const end = (set) => abacus.sql(`UPDATE public.users_sessions SET ${set} WHERE id = '${sid}'`);
    await end("expires_at = now() - interval '1 second'");
    assert.equal((await ask(people.viewer.token)).status, 401);
    await end("expires_at = now() + interval '1 hour'");
    assert.equal((await ask(people.viewer.token)).status, 200);
    await abacus.sql(`DELETE FROM public.users_sessions WHERE id = '${sid}'`);
    assert.equal((await ask(people.viewer.token)).status, 401);
    assert.equal((await ask(people.manager.token)).status, 200);
});

test('without a secret none is taken, and the log names no token', { skip }, async () => {
    const plain = await abacus.node({ env: {} }).serve();
    await plain.ready();
    const headers = { cookie: `payload-token=${people.manager.token}` };
    assert.equal((await plain.fetch(STATS, { headers })).status, 401);
    await plain.stop();
    for (const { token } of Object.values(people))
        assert.ok(!server.stderr.includes(token.split('.')[2]));
    assert.ok(!server.stderr.includes(SECRET));
});
