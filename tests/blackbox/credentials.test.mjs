// Every route with every sort of credentials, in both shapes.
//
// The questions are made from the server's own route table (openapi.json): a route that is not in
// WORLD's tables fails the first test. For each route and each caller the answer's status is worked
// out here from the contract's rules alone: no, wrong or ended credentials 401; nobody's business
// 404, in the very words for what does not exist; reached, but without the right 403; else it is
// done. And what is another tenant's stands in no answer and in no line of the log.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { query } from '../lib/abacus.mjs';
import { SHAPES } from '../lib/platform.mjs';

const PASSWORD = 'correct horse battery';
/** Whose it is: what is beta's, alpha's callers must never be shown. */
const SITES = { granite: 'alpha', basalt: 'alpha', quartzite: 'beta' };
const MARKS = [
    'beta',
    'quartzite',
    'quartz.example',
    'quinn@beta.example',
    'quartz-link',
    'quartz-token',
];

/** What a caller may do: at the platform, at tenants (whole), at sites. */
const CALLERS = {
    nobody: { unknown: true },
    'a wrong token': { unknown: true, bearer: `abacus_${randomBytes(32).toString('base64url')}` },
    'no token at all': { unknown: true, bearer: 'nonsense' },
    'a token that has ended': {
        unknown: true,
        token: { tenant: 'alpha', scope: 'stats:read,admin', ended: true },
    },
    'a token that was revoked': {
        unknown: true,
        token: { tenant: 'alpha', scope: 'stats:read,admin', revoked: true },
    },
    'a session that has ended': {
        unknown: true,
        person: { memberships: [{ tenantId: 'alpha', role: 'manager' }], ended: true },
    },
    'a cookie that is none': { unknown: true, cookie: 'abacus_session=nonsense' },
    'the platform': {
        token: { platform: true, scope: 'stats:read,admin' },
        platform: ['stats:read', 'admin'],
    },
    'the platform, to read': {
        token: { platform: true, scope: 'stats:read' },
        platform: ['stats:read'],
    },
    'the platform, for metrics': {
        token: { platform: true, scope: 'metrics' },
        platform: ['metrics'],
    },
    'an admin': { person: { admin: true }, platform: ['stats:read', 'admin'] },
    'the tenant': {
        token: { tenant: 'alpha', scope: 'stats:read,admin' },
        tenant: ['stats:read', 'admin'],
    },
    'the tenant, to read': {
        token: { tenant: 'alpha', scope: 'stats:read' },
        tenant: ['stats:read'],
    },
    'the tenant, to write events': {
        token: { tenant: 'alpha', scope: 'events:write' },
        tenant: ['events:write'],
    },
    'one site': {
        token: { tenant: 'alpha', site: 'granite', scope: 'stats:read,admin' },
        site: ['stats:read', 'admin'],
    },
    'a sibling site': {
        token: { tenant: 'alpha', site: 'basalt', scope: 'stats:read,admin' },
        sibling: ['stats:read', 'admin'],
    },
    'a manager': {
        person: { memberships: [{ tenantId: 'alpha', role: 'manager' }] },
        tenant: ['stats:read', 'admin'],
    },
    'a manager of one site': {
        person: { memberships: [{ tenantId: 'alpha', role: 'manager', sites: ['granite'] }] },
        site: ['stats:read', 'admin'],
    },
    'a viewer': {
        person: { memberships: [{ tenantId: 'alpha', role: 'viewer' }] },
        tenant: ['stats:read'],
    },
    'a viewer of one site': {
        person: { memberships: [{ tenantId: 'alpha', role: 'viewer', sites: ['granite'] }] },
        site: ['stats:read'],
    },
    'another tenant': {
        token: { tenant: 'beta', scope: 'stats:read,events:write,admin' },
        foreign: ['stats:read', 'admin'],
    },
    "another tenant's manager": {
        person: { memberships: [{ tenantId: 'beta', role: 'manager' }] },
        foreign: ['stats:read', 'admin'],
    },
    'a tenant that is suspended': {
        token: { tenant: 'gamma', scope: 'stats:read,admin' },
        suspended: true,
    },
    'a person of none': {
        person: { memberships: [{ tenantId: 'gamma', role: 'manager' }] },
        suspended: true,
    },
};

const rights = (caller) =>
    ['platform', 'tenant', 'site', 'sibling', 'foreign'].flatMap((where) => caller[where] ?? []);

/** What the caller has at alpha as a whole, and at its site granite. */
const atTenant = (caller) => [...(caller.platform ?? []), ...(caller.tenant ?? [])];
const atSite = (caller) => [...atTenant(caller), ...(caller.site ?? [])];
/** Reaches something of the tenant, though perhaps not all of it. */
const touches = (caller) => atSite(caller).length > 0 || caller.sibling !== undefined;

/** 401, then the scope anywhere, then whether it reaches, then whether it may. */
function expected(caller, scope, has, reached = has.length > 0) {
    if (caller.unknown) return 401;
    if (caller.suspended) return 403;
    if (!rights(caller).includes(scope)) return 403;
    if (!reached) return 404;
    return has.includes(scope) ? 200 : 403;
}

const RANGE = { period: 'today' };
const ofSite = (scope) => (caller) => expected(caller, scope, atSite(caller));
const ofTenant = (scope) => (caller) => expected(caller, scope, atTenant(caller));
/** Only the platform's, whatever else is reached. */
const ofPlatform = (reached) => (caller) => {
    const status = expected(caller, 'admin', atTenant(caller), reached(caller));
    return status === 200 && !caller.platform?.includes('admin') ? 403 : status;
};

const read = (params = {}) => ({
    params: { siteId: 'granite', ...params },
    status: ofSite('stats:read'),
});
const open = { status: () => 200 };
const elsewhere = {};
const person = (caller) =>
    caller.unknown ? 401 : caller.person !== undefined && !caller.person.ended ? 200 : 403;

/** METHOD PATH -> how to ask about what is alpha's, and what must come of it. `body` gives what to
 *  send; `fresh` makes a thing that may go. */
const ROUTES = {
    'GET /api/analytics/stats': read(RANGE),
    'GET /api/analytics/compare': read(RANGE),
    'GET /api/analytics/timeseries': read(RANGE),
    'GET /api/analytics/breakdown': read({ ...RANGE, dimension: 'page' }),
    'GET /api/analytics/properties': read(RANGE),
    'GET /api/analytics/realtime': read(),
    'GET /api/analytics/ledger': read(RANGE),
    'GET /api/analytics/check': read(),
    'GET /api/analytics/annotations': read(RANGE),
    /** Every site that the caller reaches; of a tenant for whoever reaches anything of it. */
    'GET /api/analytics/sites': {
        params: { ...RANGE, tenantId: 'alpha' },
        status: (caller) =>
            expected(caller, 'stats:read', touches(caller) ? rights(caller) : [], touches(caller)),
    },
    'GET /api/analytics/export': read({ ...RANGE, format: 'ndjson' }),
    'GET /api/analytics/snippet': read(),
    'GET /api/analytics/tenants/{tenantId}/stats': {
        id: 'alpha',
        params: RANGE,
        status: ofTenant('stats:read'),
    },
};

/** Lists hold what is reached, so whoever may manage anything of the kind is answered. */
const list = { status: (caller) => expected(caller, 'admin', rights(caller), true) };
/** Of what is a tenant's as a whole: not for who manages some of its sites alone. */
const wholeList = {
    status: (caller) =>
        caller.site || caller.sibling ? 403 : expected(caller, 'admin', rights(caller), true),
};
/** Who manages only some sites knows the tenant, and is told that this is not theirs to do. */
const onlyWhole = (caller) =>
    touches(caller) && atTenant(caller).length === 0
        ? expected(caller, 'admin', [], true)
        : ofTenant('admin')(caller);
/** An id is taken, whoever has it. */
const orTaken = (rule) => (caller) => (rule(caller) === 404 ? 409 : rule(caller));
let limit = 1000;
const one = (id, status, more = {}) => ({ id, status, ...more });
/** What is there already is put again, and nothing changes. */
const again = (id, status) => ({ id, status, again: true });

Object.assign(ROUTES, {
    'GET /api/analytics/settings': { params: { siteId: 'granite' }, status: ofSite('admin') },
    'PUT /api/analytics/settings': {
        params: { siteId: 'granite' },
        status: ofSite('admin'),
        body: { timezone: 'UTC' },
    },
    'PATCH /api/analytics/settings': {
        params: { siteId: 'granite' },
        status: ofSite('admin'),
        body: { timezone: 'UTC' },
    },

    'PUT /api/analytics/annotations': {
        params: { siteId: 'granite', date: '2026-03-01' },
        status: ofSite('admin'),
        body: { text: 'A new quarry' },
    },
    'DELETE /api/analytics/annotations': {
        fresh: 'annotations',
        params: { siteId: 'granite', date: '2026-03-02' },
        status: ofSite('admin'),
        done: 204,
    },

    'GET /api/admin/tenants': wholeList,
    'GET /api/admin/tenants/{id}': one('alpha', ofTenant('admin')),
    'PUT /api/admin/tenants/{id}': again('alpha', ofTenant('admin')),
    'PATCH /api/admin/tenants/{id}': one(
        'alpha',
        ofPlatform((caller) => atTenant(caller).length > 0),
        { body: () => ({ limits: { sites: ++limit } }) },
    ),
    'DELETE /api/admin/tenants/{id}': {
        fresh: 'tenants',
        status: (caller) => expected(caller, 'admin', caller.platform ?? []),
    },
    'GET /api/admin/tenants/{id}/export': one('alpha', ofTenant('admin')),

    'GET /api/admin/sites': list,
    'GET /api/admin/sites/{id}': one('granite', ofSite('admin')),
    'PUT /api/admin/sites/{id}': again('granite', orTaken(ofSite('admin'))),
    'PATCH /api/admin/sites/{id}': one('granite', ofSite('admin'), { body: { respectDnt: false } }),
    'DELETE /api/admin/sites/{id}': { fresh: 'sites', status: ofTenant('admin') },
    'GET /api/admin/sites/{id}/export': one('granite', ofSite('admin')),

    'GET /api/admin/users': wholeList,
    'GET /api/admin/users/{id}': one('ada@alpha.example', ofTenant('admin')),
    'PUT /api/admin/users/{id}': again('ada@alpha.example', onlyWhole),
    'PATCH /api/admin/users/{id}': one('ada@alpha.example', onlyWhole, { body: {} }),
    'DELETE /api/admin/users/{id}': { fresh: 'users', status: ofTenant('admin'), done: 204 },
    'POST /api/admin/users/{id}/reset': { id: 'ada@alpha.example', status: ofTenant('admin') },

    'GET /api/admin/tokens': list,
    'GET /api/admin/tokens/{id}': one('granite-token', ofSite('admin')),
    'PUT /api/admin/tokens/{id}': again('granite-token', orTaken(ofSite('admin'))),
    'PATCH /api/admin/tokens/{id}': one('granite-token', ofSite('admin'), {
        body: { name: 'for the shop' },
    }),
    'DELETE /api/admin/tokens/{id}': { fresh: 'tokens', status: ofSite('admin'), done: 204 },

    'GET /api/admin/links': list,
    'GET /api/admin/links/{id}': one('granite-link', ofSite('admin')),
    'PUT /api/admin/links/{id}': again('granite-link', orTaken(ofSite('admin'))),
    'PATCH /api/admin/links/{id}': one('granite-link', ofSite('admin'), {
        body: { name: 'for the board' },
    }),
    'DELETE /api/admin/links/{id}': { fresh: 'links', status: ofSite('admin'), done: 204 },

    'GET /api/admin/receipts': wholeList,
    'GET /api/admin/receipts/{id}': { receipt: true, status: ofTenant('admin') },
    'GET /api/admin/settings': { params: { tenantId: 'alpha' }, status: ofTenant('admin') },
    'PUT /api/admin/settings': {
        params: { tenantId: 'alpha' },
        status: ofTenant('admin'),
        body: {},
    },
    'PATCH /api/admin/settings': {
        params: { tenantId: 'alpha' },
        status: ofTenant('admin'),
        body: {},
    },
    'GET /api/admin/usage': { params: { tenantId: 'alpha' }, status: ofTenant('admin') },
    'GET /api/admin/audit': { params: { tenantId: 'alpha' }, status: ofTenant('admin') },
    'GET /api/admin/system': {
        status: (caller) => expected(caller, 'admin', caller.platform ?? [], true),
    },
    'POST /api/admin/erase': {
        status: (caller) => (caller.sibling ? 404 : onlyWhole(caller)),
        body: { siteId: 'granite', path: '/gone' },
        done: 202,
    },
    'POST /api/admin/embed': {
        body: { tenantId: 'alpha', siteIds: ['granite'] },
        status: (caller) => {
            const status = expected(caller, 'stats:read', atTenant(caller), true);
            return status === 200 && !(caller.token && caller.platform) ? 403 : status;
        },
    },

    'GET /api/session': { status: person },
    // With their own bodies and limits: session.test.mjs, public.test.mjs.
    'POST /api/session': elsewhere,
    'DELETE /api/session': elsewhere,
    'PUT /api/session/password': elsewhere,
    'POST /api/session/totp': elsewhere,
    'PUT /api/session/totp': elsewhere,
    'DELETE /api/session/totp': elsewhere,
    'POST /api/session/reset': elsewhere,
    'POST /api/session/link': elsewhere,
    'POST /api/session/accept': elsewhere,
    'POST /api/share': elsewhere,

    // Of no tenant, or of everybody.
    'POST /api/analytics/track': elsewhere,
    'GET /healthz': open,
    'GET /readyz': open,
    'GET /metrics': {
        status: (caller) =>
            caller.token === undefined || caller.unknown
                ? 401
                : caller.platform?.includes('metrics')
                  ? 200
                  : 403,
    },
    'GET /api/openapi.json': open,
    'GET /public/analytics.js': open,
    'GET /settings/privacy': open,
    'GET /settings/privacy/{siteId}': { id: 'granite', status: () => 200 },
    'GET /admin/sign-in': open,
    'GET /admin/accept': open,
    // One page for everybody, whatever it is asked about.
    'GET /admin': open,
    'GET /admin/sites': open,
    'GET /admin/sites/new': open,
    'GET /admin/sites/{siteId}/analytics': { id: 'granite', ...open },
    'GET /admin/sites/{siteId}/settings': { id: 'granite', ...open },
    'GET /admin/sites/{siteId}/ledger': { id: 'granite', ...open },
    'GET /admin/compare': open,
    'GET /admin/tenants/{tenantId}/analytics': { id: 'alpha', ...open },
    'GET /admin/people': open,
    'GET /admin/tokens': open,
    'GET /admin/audit': open,
    'GET /admin/system': open,
    'GET /share/{key}': { id: 'granite', status: () => 404 },
    'GET /embed/{key}': { id: 'granite', status: () => 404 },
});

// -- the world --------------------------------------------------------------------------------

const ADDRESS = { 'x-forwarded-for': '192.0.2.1' };
const json = (text) => (text === '' ? {} : JSON.parse(text));

class World {
    constructor(abacus, server) {
        Object.assign(this, { abacus, server, made: 0, headers: {} });
    }

    static async create(make) {
        const abacus = await make();
        const root = await abacus.token('stats:read,admin', { platform: true });
        const server = await abacus.serve();
        await server.ready();
        const world = new World(abacus, server);
        world.root = { authorization: `Bearer ${root}` };
        await world.fill();
        for (const [name, caller] of Object.entries(CALLERS))
            world.headers[name] = await world.credentials(name, caller);
        await world.must('PATCH', 'tenants/gamma', { status: 'suspended' });
        await world.settle();
        return world;
    }

    ask(method, path, headers, body) {
        return this.server.fetch(path, {
            method,
            headers: { ...ADDRESS, 'content-type': 'application/json', ...headers },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
    }

    async must(method, path, body) {
        const answer = await this.ask(method, `/api/admin/${path}`, this.root, body);
        assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
        return json(answer.text);
    }

    async fill() {
        const limits = { readsPerMinute: 0 };
        for (const id of ['alpha', 'beta', 'gamma'])
            await this.must('PUT', `tenants/${id}`, { name: id, limits });
        await this.site('granite', 'alpha');
        await this.site('basalt', 'alpha');
        await this.site('quartzite', 'beta', 'quartz.example');
        await this.site('fleeting', 'alpha');
        this.receipt = (await this.must('DELETE', 'sites/fleeting')).id;
        const scopes = ['stats:read'];
        const tokens = {
            'granite-token': ['alpha', 'granite'],
            'quartz-token': ['beta', 'quartzite'],
        };
        for (const [id, [tenantId, siteId]] of Object.entries(tokens))
            await this.must('PUT', `tokens/${id}`, { tenantId, siteId, scopes });
        await this.annotate('2026-03-01');
        await this.must('PUT', 'links/granite-link', { siteId: 'granite' });
        await this.must('PUT', 'links/quartz-link', { siteId: 'quartzite' });
        const viewer = (tenantId) => ({ tenantId, role: 'viewer' });
        const of = {
            'ada@alpha.example': ['alpha'],
            'both@people.example': ['alpha', 'beta'],
            'quinn@beta.example': ['beta'],
        };
        for (const [id, tenants] of Object.entries(of))
            await this.must('PUT', `users/${id}`, { memberships: tenants.map(viewer) });
    }

    site(id, tenantId, domain = `${id}.example`) {
        return this.must('PUT', `sites/${id}`, { tenantId, domain });
    }

    /** The headers of a caller, and whatever makes them worth what it says. */
    async credentials(name, { token, person: who, bearer, cookie }) {
        if (bearer !== undefined) return { authorization: `Bearer ${bearer}` };
        if (cookie !== undefined) return { cookie };
        if (token !== undefined) return this.token(token);
        return who === undefined ? {} : this.person(who);
    }

    async token({ scope, tenant, site, platform = false, ended, revoked }) {
        const id = `caller-${this.made++}`;
        const put = (ms) =>
            this.ask('PUT', `/api/admin/tokens/${id}`, this.root, {
                ...(platform ? { platform } : { tenantId: tenant }),
                ...(site && { siteId: site }),
                scopes: scope.split(','),
                ...(ended && { expiresAt: new Date(Date.now() + ms).toISOString() }),
            });
        let answer = await put(1000);
        // An end that has passed before the server reads of it is refused.
        for (let ms = 4000; ended && answer.status === 400 && ms < 100_000; ms *= 4)
            answer = await put(ms);
        assert.ok(answer.status < 300, answer.text);
        const made = json(answer.text);
        if (revoked) await this.must('DELETE', `tokens/${id}`);
        return { authorization: `Bearer ${made.token}` };
    }

    /** Invited, accepted, signed in. */
    async person({ admin: isAdmin = false, memberships = [], ended }) {
        const id = `p${this.made++}@people.example`;
        const made = await this.must('PUT', `users/${id}`, { admin: isAdmin, memberships });
        const secret = new URL(made.invitation.url, this.server.url).hash.slice(1);
        const own = { origin: this.server.url };
        const accepted = await this.ask('POST', '/api/session/accept', own, {
            secret,
            password: PASSWORD,
        });
        assert.equal(accepted.status, 200, accepted.text);
        const [cookie] = accepted.headers.get('set-cookie').split(';');
        const headers = { cookie, ...own };
        if (ended) assert.equal((await this.ask('DELETE', '/api/session', headers)).status, 204);
        return headers;
    }

    /** Until what was made and ended is so to everybody. */
    async settle() {
        const reads = (name) => this.ask('GET', query(...READ), this.headers[name]);
        await this.server.until(async () => (await reads('one site')).status === 200, 'a token');
        for (const name of ['a token that has ended', 'a token that was revoked'])
            await this.server.until(async () => (await reads(name)).status === 401, name);
        const suspended = async () => (await reads('a tenant that is suspended')).status === 403;
        await this.server.until(suspended, 'the tenant to be suspended');
    }

    async annotate(date) {
        const path = query('/api/analytics/annotations', { siteId: 'granite', date });
        const answer = await this.ask('PUT', path, this.root, { text: 'A new quarry' });
        assert.ok(answer.status < 300, answer.text);
    }

    /** A thing of alpha that may go; what its parameters name has no id. */
    async fresh(kind) {
        if (kind === 'annotations') return this.annotate('2026-03-02');
        const name = `fresh${this.made++}`;
        const id = kind === 'users' ? `${name}@alpha.example` : name;
        const body = {
            tenants: { name },
            sites: { tenantId: 'alpha', domain: `${name}.example` },
            users: { memberships: [{ tenantId: 'alpha', role: 'viewer' }] },
            tokens: { tenantId: 'alpha', siteId: 'granite', scopes: ['stats:read'] },
            links: { siteId: 'granite' },
        }[kind];
        await this.must('PUT', `${kind}/${id}`, body);
        return id;
    }
}

const READ = ['/api/analytics/stats', { siteId: 'granite', ...RANGE }];
/** What is beta's, in the place of what is alpha's; and names of nobody that are as long. */
const FOREIGN = {
    alpha: 'beta',
    granite: 'quartzite',
    'ada@alpha.example': 'quinn@beta.example',
    'granite-token': 'quartz-token',
    'granite-link': 'quartz-link',
};
const NOBODYS = {
    beta: 'zeta',
    quartzite: 'quartzito',
    'quinn@beta.example': 'quino@zeta.example',
    'quartz-token': 'quarto-token',
    'quartz-link': 'quarto-link',
};
const swap = (value, names) =>
    Object.fromEntries(
        Object.entries(value ?? {}).map(([key, one]) => [
            key,
            Array.isArray(one) ? one.map((each) => names[each] ?? each) : (names[one] ?? one),
        ]),
    );

const place = (path, id, params) =>
    query(path.replace(/\{\w+\}/, encodeURIComponent(id ?? '')), params ?? {});
const reachesBeta = (caller) => caller.platform !== undefined || caller.foreign !== undefined;

function credentials(shape, make) {
    describe(`${shape}: every route, every caller`, () => {
        const shown = [];
        let world;

        before(async () => {
            world = await World.create(make);
        });
        after(() => world?.server.stop());

        const send = async (name, method, path, body) => {
            const answer = await world.ask(method, path, world.headers[name], body);
            if (!reachesBeta(CALLERS[name]))
                shown.push([name, method, path, JSON.stringify([...answer.headers]) + answer.text]);
            return answer;
        };

        async function subject(route, id) {
            if (route.fresh) return [await world.fresh(route.fresh)];
            if (route.receipt) return [world.receipt];
            return [id, typeof route.body === 'function' ? route.body() : route.body];
        }

        test('every route is one that is asked here', async () => {
            const { body } = await world.server.fetch('/api/openapi.json');
            const offered = Object.entries(body.paths).flatMap(([path, methods]) =>
                Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
            );
            assert.deepEqual(offered.sort(), Object.keys(ROUTES).sort());
        });

        for (const [name, caller] of Object.entries(CALLERS))
            test(`${name} is answered what the rules say`, async () => {
                const wrong = [];
                for (const [route, how] of Object.entries(ROUTES)) {
                    if (how === elsewhere) continue;
                    const [method, path] = route.split(' ');
                    const [id, sent] = await subject(how, how.id);
                    const url = place(path, id, how.params);
                    const body = how.again
                        ? json((await world.ask('GET', url, world.root)).text)
                        : sent;
                    const { status, text, headers } = await send(name, method, url, body);
                    const rule = how.status(caller);
                    const right = rule === 200 ? (how.done ?? 200) : rule;
                    if (status !== right) wrong.push(`${route}: ${status}, not ${right}: ${text}`);
                    if (status === 401) assert.ok(headers.get('www-authenticate'), route);
                }
                assert.deepEqual(wrong, []);
            });

        for (const [name, caller] of Object.entries(CALLERS)) {
            if (reachesBeta(caller)) continue;
            test(`${name} is answered of what is another's as of what is not there`, async () => {
                for (const [route, how] of Object.entries(ROUTES)) {
                    const names = [
                        how.id,
                        ...Object.values(how.params ?? {}),
                        ...(typeof how.body === 'object' ? Object.values(how.body) : []),
                    ];
                    if (
                        how === elsewhere ||
                        how.again ||
                        !names.flat().some((one) => one in FOREIGN)
                    )
                        continue;
                    const [method, path] = route.split(' ');
                    if (path.startsWith('/settings/')) continue; // open to all who know the id
                    const ask = (change) => {
                        const id = how.id && change(how.id);
                        const params = swap(
                            how.params,
                            Object.fromEntries(Object.keys(FOREIGN).map((k) => [k, change(k)])),
                        );
                        const asked = typeof how.body === 'function' ? how.body() : how.body;
                        const body = swap(
                            asked,
                            Object.fromEntries(Object.keys(FOREIGN).map((k) => [k, change(k)])),
                        );
                        const sent = asked === undefined ? undefined : body;
                        return send(name, method, place(path, id, params), sent);
                    };
                    const theirs = await ask((one) => FOREIGN[one] ?? one);
                    const nobodys = await ask((one) => NOBODYS[FOREIGN[one]] ?? one);
                    const plain = (text) =>
                        Object.entries(NOBODYS).reduce(
                            (all, [one, other]) => all.replaceAll(one, '*').replaceAll(other, '*'),
                            text,
                        );
                    assert.equal(
                        theirs.status,
                        nobodys.status,
                        `${route}: ${theirs.text} ${nobodys.text}`,
                    );
                    assert.equal(plain(theirs.text), plain(nobodys.text), route);
                    const shell = path.startsWith('/admin/');
                    assert.ok(
                        shell ? theirs.status === 200 : [401, 403, 404].includes(theirs.status),
                        `${route}: ${theirs.status} ${theirs.text}`,
                    );
                }
            });
        }

        test('the system page is told what there is', async () => {
            // What a slow Redis does not tell in time is told at the next look.
            const { body } = await world.server.until(async () => {
                const answer = await world.ask('GET', '/api/admin/system', world.root);
                assert.equal(answer.status, 200, answer.text);
                return answer.body.queue.length !== null && answer;
            }, 'the length of the queue');
            const { version, startedAt, node, store, redis, queue, log, job, ledger } = body;
            const { body: described } = await world.server.fetch('/api/openapi.json');
            assert.equal(version, described.info.version);
            assert.ok(Date.parse(startedAt) <= Date.now());
            assert.match(node, /^\S+:[0-9a-f]{8}$/);
            const remote = shape === 'platform';
            assert.equal(store.kind, remote ? 'postgresql' : 'sqlite');
            assert.ok(store.schema >= 5 && store.bytes > 100_000, JSON.stringify(store));
            assert.equal(redis?.connected ?? null, remote ? true : null);
            if (remote) assert.match(redis.version, /^\d+\.\d+/);
            assert.deepEqual(queue, { length: 0, oldestAt: null });
            assert.deepEqual(log, { pending: 0 });
            assert.deepEqual(Object.keys(job).sort(), [
                'intervalSeconds',
                'lastSuccessAt',
                'late',
                'seconds',
            ]);
            assert.ok(Date.now() - Date.parse(job.lastSuccessAt) < 60_000);
            assert.ok(job.seconds >= 0 && job.intervalSeconds > 0 && job.late === false);
            assert.deepEqual(ledger, { imbalance: 0 });
            const all = async (kind) => (await world.must('GET', `${kind}?limit=1000`))[kind];
            const count = async (kind) => (await all(kind)).filter((one) => !one.eraseAt).length;
            assert.equal(body.sites, await count('sites'));
            assert.equal(body.tenants, await count('tenants'));
        });

        test("what is another tenant's is in no answer and in no line of the log", () => {
            assert.ok(shown.length > 1000, `${shown.length} answers`);
            for (const [name, method, path, text] of shown)
                for (const mark of MARKS) {
                    if (path.includes(mark) || path.includes(encodeURIComponent(mark))) continue;
                    assert.ok(
                        !new RegExp(`(?<![a-z])${mark}(?![a-z])`).test(text),
                        `${mark} to ${name}: ${method} ${path}: ${text}`,
                    );
                }
            for (const headers of Object.values(world.headers))
                for (const secret of [
                    headers.authorization?.slice(7),
                    headers.cookie?.split('=')[1],
                ])
                    assert.ok(
                        secret === undefined ||
                            secret === 'nonsense' ||
                            !world.server.stderr.includes(secret),
                    );
            for (const mark of MARKS) assert.ok(!world.server.stderr.includes(mark), mark);
        });
    });
}

for (const { shape, make } of SHAPES) credentials(shape, make);
