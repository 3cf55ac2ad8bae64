// `abacus site set`: every setting by its name, in both shapes; what it refuses; and that what it
// changes holds. Expectations: CONTRACT, AnalyticsSettings.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inForce, Installation, tempDir } from '../lib/abacus.mjs';
import { inEachShape } from '../lib/platform.mjs';

const SITE = 'abc';
const TENANT = 't5g';
const GEOIP = '/usr/share/tor/geoip';

const view = (path = '/') => ({ event: 'pageview', siteId: SITE, path });

async function show(installation, id = SITE) {
    const sites = JSON.parse(await installation.must(['site', 'list', '--json']));
    return sites.find(({ siteId }) => siteId === id);
}

const set = (installation, ...changes) => installation.must(['site', 'set', SITE, ...changes]);

/** The members that stand for NAME ("limits.pathsPerDay"). */
const member = (site, name) => name.split('.').reduce((object, part) => object[part], site);

// Each setting: what is written, and what is kept of it; and its default.
const GOALS = [
    { name: 'Signup', event: 'signup' },
    { name: 'Bought', path: '/thanks/*', props: { plan: 'pro' }, value: 9.5 },
];
const RULES = [{ match: '/users/*/edit', to: '/users/:id/edit' }];
const SETTINGS = [
    ['domain', 'Example.ORG', 'example.org', 'abc.example'],
    ['timezone', 'Europe/Berlin', 'Europe/Berlin', 'UTC'],
    ['enabled', 'false', false, true],
    ['respectGpc', 'false', false, true],
    ['respectDnt', 'true', true, false],
    ['maskPersonal', 'false', false, true],
    ['visitorIdentity', 'full-address', 'full-address', 'cut-address'],
    ['ipv4Prefix', '16', 16, 24],
    ['ipv6Prefix', '32', 32, 48],
    ['storeIpPrefix', 'true', true, false],
    ['trackingIds', 'one,two', ['one', 'two'], []],
    ['allowedOrigins', '*.Example.org, localhost', ['*.example.org', 'localhost'], []],
    ['queryParams', 'a,b', ['a', 'b'], []],
    ['blockedAddresses', '["192.0.2.0/24","2001:db8::1"]', ['192.0.2.0/24', '2001:db8::1'], []],
    ['blockedPaths', '/admin/*,/secret', ['/admin/*', '/secret'], []],
    ['events', 'form.submit', ['form.submit'], []],
    ['fields', 'title, props', ['title', 'props'], []],
    ['requireToken', '["lead.created"]', ['lead.created'], []],
    ['blockedCountries', 'de,AT', ['DE', 'AT'], []],
    ['blockedReferrers', 'Spam.example', ['spam.example'], []],
    ['goals', JSON.stringify(GOALS), GOALS, null],
    ['pathRules', JSON.stringify(RULES), RULES, null],
    ['limits.eventsPerSecond', '500', 500, 0],
    ['limits.pathsPerDay', '10000000', 10_000_000, 10_000],
    ['retention.rawDays', '0', 0, null],
    ['retention.visitDays', '36500', 36_500, null],
    ['retention.statsDays', '400', 400, null],
];

inEachShape('each setting is changed by its name, shown, and brought back', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    await installation.site('other', TENANT);
    const other = await show(installation, 'other');
    const before = await show(installation);
    for (const [name, , , fallback] of SETTINGS)
        assert.deepEqual(member(before, name), fallback, `${name} at first`);
    await set(installation, ...SETTINGS.map(([name, text]) => `${name}=${text}`));
    const after = await show(installation);
    for (const [name, , kept] of SETTINGS) assert.deepEqual(member(after, name), kept, name);
    assert.deepEqual(
        [after.siteId, after.tenantId, after.createdAt],
        [before.siteId, before.tenantId, before.createdAt],
    );
    const back = SETTINGS.map(([name]) => (name === 'domain' ? 'domain=abc.example' : `${name}=`));
    const answer = JSON.parse(await set(installation, ...back, '--json'));
    assert.deepEqual(answer, before);
    assert.deepEqual(await show(installation), before);
    assert.deepEqual(await show(installation, 'other'), other);
});

inEachShape('a change of one setting leaves the others alone', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT, { timezone: 'Asia/Tokyo' });
    const before = await show(installation);
    assert.equal(await set(installation, 'queryParams=a'), '');
    assert.deepEqual(await show(installation), { ...before, queryParams: ['a'] });
    await set(installation, 'ipv4Prefix=8', 'ipv4Prefix=12');
    assert.deepEqual(await show(installation), { ...before, queryParams: ['a'], ipv4Prefix: 12 });
});

inEachShape('a change holds on a running server within a second', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    const server = await installation.serve(['--trusted-proxies', '127.0.0.1']);
    await server.ready();
    const dropped = async (event, headers) => (await server.track(event, headers)).body.dropped;
    assert.equal(await dropped(view()), undefined);
    const becomes = async (change, reason, event, headers) => {
        const back = `${change.split('=')[0]}=`;
        const holds = async () => (await dropped(event, headers))?.[reason] === 1;
        const holdsNot = async () => !(await holds());
        const to = async (wanted, ask) => {
            await set(installation, wanted);
            await server.until(ask, wanted);
        };
        await inForce(
            change,
            async (n) => {
                if (n > 0) await to(back, holdsNot);
                await set(installation, change);
            },
            holds,
        );
        await inForce(
            `${change} taken back`,
            async (n) => {
                if (n > 0) await to(change, holds);
                await set(installation, back);
            },
            holdsNot,
        );
    };
    await becomes('enabled=false', 'disabled', view());
    await becomes('events=signup', 'disabled', { event: 'signup', siteId: SITE });
    await becomes('blockedPaths=/admin/*', 'blocked', view('/admin/x'));
    await becomes('blockedAddresses=198.51.100.0/24', 'blocked', view(), {
        'X-Forwarded-For': '198.51.100.7',
    });
    await becomes('blockedReferrers=spam.example', 'blocked', {
        ...view(),
        referrer: 'https://www.spam.example/x',
    });
    await server.stop();
});

// -- what is refused -----------------------------------------------------------------------------

const REFUSED = [
    [['colour=red'], /^abacus: colour: no such setting \(abacus site set --help lists/],
    [['siteId=x'], /^abacus: siteId: never changes/],
    [['tenantId=x'], /^abacus: tenantId: never changes/],
    [['enabled'], /^abacus: enabled: NAME=VALUE is wanted/],
    [['enabled=yes'], /^abacus: enabled: must be true or false/],
    [['domain='], /^abacus: domain: must have 1 to 253 bytes/],
    [['domain=https://x'], /^abacus: domain: "https:\/\/x" is no host name/],
    [['timezone=Mars/Olympus'], /^abacus: timezone: "Mars\/Olympus" is no time zone/],
    [['visitorIdentity=none'], /^abacus: visitorIdentity: must be cut-address or full-address/],
    [['ipv4Prefix=25'], /^abacus: ipv4Prefix: must be a whole number from 0 to 24/],
    [['ipv6Prefix=49'], /^abacus: ipv6Prefix: must be a whole number from 0 to 48/],
    [['limits.pathsPerDay=0'], /^abacus: limits.pathsPerDay: must be a whole number from 1 to/],
    [['retention.rawDays=36501'], /^abacus: retention.rawDays: .* from 0 to 36500, 0 for ever/],
    [['trackingIds=a b'], /^abacus: trackingIds\[0\]: "a b" is no id/],
    [['allowedOrigins=x,,y'], /^abacus: allowedOrigins\[1\]: must be a text, and not empty/],
    [['queryParams=["a",1]'], /^abacus: queryParams\[1\]: must be a text/],
    [['queryParams=["a"'], /^abacus: queryParams: /],
    [
        ['blockedAddresses=10.0.0.0/33'],
        /^abacus: blockedAddresses\[0\]: "10.0.0.0\/33" is no address/,
    ],
    [['blockedCountries=UK'], /^abacus: blockedCountries\[0\]: "UK" is no country/],
    [['blockedReferrers=https://x'], /^abacus: blockedReferrers\[0\]: "https:\/\/x" is no host/],
    [['events=Form Submit'], /^abacus: events\[0\]: "Form Submit" is no name of an event/],
    [['fields=title,path'], /^abacus: fields\[1\]: must be referrer, campaign, .* or language$/m],
    [['storeIpPrefix=24'], /^abacus: storeIpPrefix: must be true or false/],
    [['requireToken=Pageview'], /^abacus: requireToken\[0\]: "Pageview" is no name of an event/],
    [['blockedPaths=admin/*'], /^abacus: blockedPaths\[0\]: "admin\/\*" does not begin with \//],
    [['goals={}'], /^abacus: goals: must be an array/],
    [['goals=[{"event":"x"}]'], /^abacus: goals\[0\]/],
    [['pathRules=[1]'], /^abacus: pathRules\[0\]/],
    [['respectDnt=true', 'colour=red'], /^abacus: colour: no such setting/],
    [[], /^abacus: --set: is required/],
];

test('what is wrong is named, and nothing changes', async () => {
    const installation = new Installation();
    await installation.site(SITE, TENANT);
    const before = await show(installation);
    for (const [changes, why] of REFUSED) {
        const { code, stdout, stderr } = await installation.command([
            'site',
            'set',
            SITE,
            ...changes,
        ]);
        assert.match(stderr, why);
        assert.deepEqual([code, stdout], [2, ''], changes.join(' '));
    }
    assert.deepEqual(await show(installation), before);
});

inEachShape('a site that is not there, and an alias that is another site, fail', async (make) => {
    const installation = await make();
    await installation.site(SITE, TENANT);
    await installation.site('other', TENANT);
    const absent = await installation.command(['site', 'set', 'nobody', 'enabled=false']);
    assert.deepEqual([absent.code, absent.stderr], [1, 'abacus: there is no such site\n']);
    const taken = await installation.command(['site', 'set', SITE, 'trackingIds=other']);
    assert.equal(taken.code, 1);
    assert.deepEqual((await show(installation)).trackingIds, []);
});

test('the help tells of each setting', async () => {
    const { stdout } = await new Installation().command(['site', 'set', '--help']);
    for (const [name] of SETTINGS) {
        const [, help] = stdout.split(`\n  ${name} (`);
        assert.match(help, /^.+\)\n {6}.+\.\n/, name);
    }
});

// -- countries -----------------------------------------------------------------------------------

/** The country that the text of Debian's table has for an address, or undefined. */
function countryOf(address) {
    const number = address.split('.').reduce((n, part) => n * 256 + Number(part), 0);
    for (const line of readFileSync(GEOIP, 'utf8').split('\n')) {
        const [from, to, country] = line.split(',');
        if (Number(from) <= number && number <= Number(to)) return country;
    }
    return undefined;
}

test(
    'a blocked country is blocked by the address behind a trusted proxy',
    { skip: !existsSync(GEOIP) },
    async () => {
        const [address, other] = ['193.0.6.139', '8.8.8.8'];
        const country = countryOf(address);
        assert.notEqual(country, countryOf(other));
        const installation = new Installation();
        await installation.site(SITE, TENANT);
        await set(installation, `blockedCountries=${country}`);
        const server = await installation.serve(['--trusted-proxies', '127.0.0.1']);
        const from = (ip) => server.track(view(), { 'X-Forwarded-For': ip });
        assert.deepEqual((await from(address)).body, { accepted: 0, dropped: { blocked: 1 } });
        assert.deepEqual((await from(other)).body, { accepted: 1 });
        await server.stop();
    },
);

async function finding(installation, name, args = []) {
    const { stdout } = await installation.command(['doctor', '--json', ...args]);
    return JSON.parse(stdout).find(({ check }) => check === name);
}

test(
    'doctor tells which table of countries is in force',
    { skip: !existsSync(GEOIP) },
    async () => {
        const installation = new Installation();
        const { status, detail } = await finding(installation, 'countries');
        const [remark] = /^# Generated: .*$/m.exec(readFileSync(GEOIP, 'utf8'));
        const day = new Date(remark.slice('# Generated: '.length)).toISOString().slice(0, 10);
        assert.equal(status, 'ok');
        assert.ok(detail.startsWith(`tor-geoipdb (${day}), `), detail);
        assert.ok(Number(/, (\d+) ranges$/.exec(detail)[1]) > 100_000, detail);
        const reader = await finding(installation, 'countries', ['--roles', 'query,web']);
        assert.equal(reader.detail, 'none is needed');
    },
);

test('a file of countries or of rules for User-Agents that was named has to be one', async () => {
    const installation = new Installation();
    const text = join(tempDir(), 'text');
    writeFileSync(text, '1,2,DE\n');
    for (const [option, check] of [
        ['--geo-database', 'countries'],
        ['--agent-rules', 'User-Agents'],
    ]) {
        for (const path of [text, `${text}.gone`]) {
            const { code, stderr } = await installation.command(['serve', option, path]);
            assert.equal(code, 1, stderr);
            assert.ok(stderr.startsWith(`abacus: ${path}: `), stderr);
            const { status, detail } = await finding(installation, check, [option, path]);
            assert.equal(status, 'fail');
            assert.ok(detail.startsWith(`${path}: `), detail);
        }
    }
});
