// The commands that manage, as a person types them, and what several change at once: nothing is
// lost, nothing is half done. Expectations: CONTRACT, Managing and Commands; doc/MANAGING.md.

import assert from 'node:assert/strict';
import { bearer } from '../lib/abacus.mjs';
import { inEachShape } from '../lib/platform.mjs';

const SITE = 'abc';
const TENANT = 't5g';
const ROUNDS = 12;

const list = async (installation, kind) =>
    JSON.parse(await installation.must([kind, 'list', '--json']));

async function serve(installation) {
    const token = await installation.token('admin', { platform: true });
    const server = await installation.serve();
    await server.ready();
    const ask = async (method, path, body) => {
        const answer = await server.fetch(path, {
            method,
            headers: bearer(token),
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        return { status: answer.status, body: JSON.parse(answer.text) };
    };
    return { server, ask };
}

// -- at once -------------------------------------------------------------------------------------

inEachShape('settings that several commands change at once all hold', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    const changes = {
        queryParams: ['a', ['a']],
        respectDnt: ['true', true],
        ipv4Prefix: ['16', 16],
        timezone: ['Asia/Tokyo', 'Asia/Tokyo'],
        blockedPaths: ['/x', ['/x']],
        blockedCountries: ['de', ['DE']],
    };
    await Promise.all(
        Object.entries(changes).map(([name, [text]]) =>
            installation.must(['site', 'set', SITE, `${name}=${text}`]),
        ),
    );
    const [site] = await list(installation, 'site');
    for (const [name, [, kept]] of Object.entries(changes))
        assert.deepEqual(site[name], kept, name);
});

inEachShape('what is shut and opened at once has an erasure while it is shut', async (make) => {
    const installation = await make();
    const { server, ask } = await serve(installation);
    const seen = new Set();
    for (let round = 0; round < ROUNDS; round++) {
        const path = `/api/admin/sites/s${round}`;
        await ask('PUT', path, { tenantId: TENANT, domain: 'x.example' });
        const answers = await Promise.all(
            Array.from({ length: 8 }, (_, n) =>
                n % 2 === 0 ? ask('DELETE', path) : ask('PATCH', path, { status: 'active' }),
            ),
        );
        for (const { status, body } of answers)
            assert.ok(status === 200 || status === 409, JSON.stringify(body));
        const { body: site } = await ask('GET', path);
        const { body } = await ask('GET', `/api/admin/receipts?siteId=s${round}`);
        const due = body.receipts.map(({ dueAt }) => dueAt);
        assert.deepEqual(due, site.status === 'deleted' ? [site.eraseAt] : []);
        seen.add(answers.filter(({ status }) => status === 200).length > 0);
    }
    assert.deepEqual([...seen], [true]);
    await server.stop();
});

inEachShape('of two admins who go at once one stays', async (make) => {
    const installation = await make();
    const { server, ask } = await serve(installation);
    await ask('PUT', `/api/admin/tenants/${TENANT}`, {});
    const memberships = [{ tenantId: TENANT, role: 'viewer' }];
    const people = ['a@example.com', 'b@example.com'];
    for (let round = 0; round < ROUNDS; round++) {
        for (const id of people)
            await ask('PUT', `/api/admin/users/${id}`, { admin: true, memberships });
        const answers = await Promise.all(
            people.map((id) => ask('PATCH', `/api/admin/users/${id}`, { admin: false })),
        );
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
        const { body } = await ask('GET', '/api/admin/users');
        assert.equal(body.users.filter(({ admin }) => admin).length, 1);
    }
    await server.stop();
});

// -- people and tokens ---------------------------------------------------------------------------

inEachShape('a person whose password is refused is not made', async (make) => {
    const installation = await make();
    const add = ['user', 'add', 'jo@example.com', '--role', 'admin'];
    for (const input of ['too short\n', '']) {
        const { code, stdout } = await installation.command(add, { input });
        assert.deepEqual([code, stdout], [2, '']);
        assert.deepEqual(await list(installation, 'user'), []);
    }
    assert.equal(await installation.must(add, { input: 'long enough, this\n' }), '');
    const [jo] = await list(installation, 'user');
    assert.deepEqual([jo.id, jo.admin, jo.invited], ['jo@example.com', true, false]);
});

inEachShape('who is there is invited again when asked to', async (make) => {
    const installation = await make();
    const add = ['user', 'add', 'jo@example.com', '--role', 'admin', '--invite'];
    const first = await installation.must(add);
    const second = await installation.must(add);
    assert.match(first, /^\/admin\/accept#[\w-]{43}\n$/);
    assert.match(second, /^\/admin\/accept#[\w-]{43}\n$/);
    assert.notEqual(first, second);
});

inEachShape('a tenant reads who was let in and put out', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    await installation.site('other', 'elsewhere');
    const add = (role, tenant) =>
        installation.must([
            'user',
            'add',
            'jo@example.com',
            '--role',
            role,
            '--tenant',
            tenant,
            '--invite',
        ]);
    await add('viewer', TENANT);
    await add('manager', TENANT);
    await add('viewer', 'elsewhere');
    await installation.must(['user', 'rm', 'jo@example.com']);
    const actions = async (tenant) => {
        const { audit } = JSON.parse(
            await installation.must(['audit', '--tenant', tenant, '--json']),
        );
        return audit.filter(({ target }) => target === 'jo@example.com').map((row) => row.action);
    };
    assert.deepEqual(await actions(TENANT), ['member.remove', 'member.put', 'member.put']);
    assert.deepEqual(await actions('elsewhere'), ['member.remove', 'member.put']);
});

inEachShape('a token is shown once, and never as nothing', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    const create = ['token', 'create', '--id', 'ci', '--tenant', TENANT, '--scope', 'stats:read'];
    assert.match(await installation.must(create), /^abacus_[\w-]{43}\n$/);
    const again = await installation.command(create);
    assert.deepEqual([again.code, again.stdout], [1, '']);
    assert.match(again.stderr, /^abacus: token create: id: ci is there already/);
});

// -- sites ---------------------------------------------------------------------------------------

inEachShape('adding a removed site again takes nothing of it away', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT, { timezone: 'Asia/Tokyo' });
    await installation.must(['site', 'set', SITE, 'respectDnt=true']);
    const [before] = await list(installation, 'site');
    await installation.must(['site', 'rm', SITE]);
    const add = ['site', 'add', SITE, '--tenant', TENANT, '--domain', before.domain];
    const other = await installation.command(add);
    assert.deepEqual([other.code, other.stdout], [1, '']);
    assert.match(await installation.must(['site', 'list']), / deleted /);
    await installation.must(['site', 'set', SITE, 'status=active']);
    assert.match(await installation.must(['site', 'list']), / enabled /);
    assert.deepEqual(await list(installation, 'site'), [before]);
    assert.deepEqual(JSON.parse(await installation.must(['receipts', '--json'])), []);
});

inEachShape('lists and snippets follow what the tenant sets', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    const tenant = ['--tenant', TENANT];
    await installation.must([
        'settings',
        'set',
        ...tenant,
        'timezone=Asia/Tokyo',
        'respectDnt=true',
        'blockedCountries=de,AT',
    ]);
    const settings = JSON.parse(
        await installation.must(['settings', 'list', '--site', SITE, '--json']),
    );
    assert.deepEqual(settings.blockedCountries, { value: ['DE', 'AT'], from: 'tenant' });
    assert.match(await installation.must(['site', 'list']), /^abc .* Asia\/Tokyo /m);
    assert.match(
        await installation.must(['site', 'snippet', SITE, '--kind', 'html']),
        / data-dnt>/,
    );
    const { limits, embedOrigins, name } = JSON.parse(
        await installation.must([
            'tenant',
            'set',
            TENANT,
            'name=2026',
            'limits.sites=2',
            'limits.sites=3',
            'embedOrigins=https://a.example,https://b.example',
            '--json',
        ]),
    );
    assert.deepEqual(
        [name, limits.sites, embedOrigins],
        ['2026', 3, ['https://a.example', 'https://b.example']],
    );
});

// -- members -------------------------------------------------------------------------------------

inEachShape('openapi.json names the members as they are sent', async (make) => {
    const installation = await make();
    const { server, ask } = await serve(installation);
    const { body } = await server.fetch('/api/openapi.json');
    const { tenants, sites } = body.components.schemas;
    assert.deepEqual(Object.keys(tenants.properties.limits.properties), [
        'eventsPerSecond',
        'eventsPerMonth',
        'sites',
        'readsPerMinute',
    ]);
    await ask('PUT', '/api/admin/sites/abc', { tenantId: TENANT, domain: 'x.example' });
    const site = (await ask('GET', '/api/admin/sites/abc')).body;
    assert.deepEqual(Object.keys(site), Object.keys(sites.properties));
    for (const group of ['limits', 'retention'])
        assert.deepEqual(Object.keys(site[group]), Object.keys(sites.properties[group].properties));
    for (const [path, name] of [
        [`/api/admin/tenants/${TENANT}`, 'limits.sites'],
        ['/api/admin/sites/abc', 'limits.pathsPerDay'],
        ['/api/analytics/settings?siteId=abc', 'limits.pathsPerDay'],
        [`/api/admin/settings?tenantId=${TENANT}`, 'limits.pathsPerDay'],
    ]) {
        const { status, body: problem } = await ask('PATCH', path, { [name]: 5 });
        assert.deepEqual([status, problem.field], [400, name], path);
    }
    await server.stop();
});
