// Neither the address nor the User-Agent of any request can be found in the data directory or
// the log output.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Installation } from '../lib/abacus.mjs';
import { addressBytes, findAll } from '../lib/search.mjs';

const abacus = new Installation({ env: { ABACUS_LOG: 'debug' } });
const V4 = Array.from(
    { length: 12 },
    (_, i) => `198.${18 + (i % 2)}.${100 + i * 7}.${31 + i * 11}`,
);
const V6 = Array.from(
    { length: 6 },
    (_, i) =>
        `2001:db8:${(0x1a2b + i).toString(16)}:c3d4:e5f6:${(0x7788 + i * 99).toString(16)}:99aa:bbcc`,
);
const AGENTS = [...V4, ...V6].map((_, i) => `Mozilla/5.0 Gryllostomp${i * 37} (Velvetquoin ${i})`);
let server;

/** Everything a request can be: counted, dropped, refused for each reason, with a token, too
 *  long, cut off. */
before(async () => {
    await abacus.site('private', 'alpha', { domain: 'private.example' });
    await abacus.settings('private', { events_per_second: 1000000 });
    const write = await abacus.token('events:write', { tenant: 'alpha' });
    server = await abacus.serve(['--trusted-proxies', '127.0.0.1/32', '--durability', 'always']);
    const event = (path) => ({
        event: 'pageview',
        siteId: 'private',
        path,
        id: `${path}${Math.random()}`,
    });
    for (const [i, ip] of [...V4, ...V6].entries()) {
        const headers = { 'X-Forwarded-For': `203.0.113.200, ${ip}`, 'User-Agent': AGENTS[i] };
        const token = { Authorization: `Bearer ${write}` };
        for (let n = 0; n < 20; n++) await server.track([event(`/${n}`), event(`/b${n}`)], headers);
        for (const bad of ['{', '{"event":1}', '[]]']) await server.track(bad, headers);
        await server.track(event('/'), { ...headers, Origin: 'https://evil.example' });
        await server.track(event('/'), { ...headers, Authorization: 'Bearer nonsense' });
        await server.track(event('/'), { ...headers, 'Sec-GPC': '1' });
        await server.track({ ...event('/'), siteId: 'nowhere' }, headers);
        await server.track(
            { ...event('/v'), visitor: { ip, userAgent: AGENTS[i] } },
            { ...headers, ...token },
        );
        await server.track(
            { ...event('/v'), visitor: { ip: `${ip}x`, userAgent: AGENTS[i] } },
            { ...headers, ...token },
        );
        for (const path of ['/healthz', '/nope', '/api/analytics/stats', '/metrics', '/%zz'])
            await server.fetch(path, { headers });
    }
    await abacus.aggregate();
});

function needles() {
    const all = {};
    for (const text of [...V4, ...V6, ...AGENTS, '203.0.113.200', 'Gryllostomp', 'Velvetquoin']) {
        all[text] = Buffer.from(text);
        all[`${text} in UTF-16`] = Buffer.from(text, 'utf16le');
    }
    for (const ip of V6) all[`${ip} as bytes`] = addressBytes(ip);
    return all;
}

test('neither while it runs nor after it has stopped', async () => {
    assert.deepEqual(
        findAll(abacus.dir, { stderr: server.stderr, stdout: server.stdout }, needles()),
        {},
    );
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.deepEqual(
        findAll(abacus.dir, { stderr: server.stderr, stdout: server.stdout }, needles()),
        {},
    );
});

/** Four bytes occur somewhere by chance, in megabytes of hashes; an address that were kept
 *  would occur for each of twelve. */
test('nor the bytes of IPv4 addresses, in either order', () => {
    const all = {};
    for (const ip of V4) {
        all[ip] = addressBytes(ip);
        all[`${ip} reversed`] = Buffer.from(addressBytes(ip)).reverse();
    }
    const found = findAll(abacus.dir, { stderr: server.stderr }, all);
    assert.ok(
        Object.keys(found).length <= 1 &&
            Object.values(found)
                .flat()
                .every(({ count }) => count === 1),
        JSON.stringify(found),
    );
});

test('what the search would find is found when it is there', () => {
    const texts = {
        sample: Buffer.concat([addressBytes(V4[0]), Buffer.from(AGENTS[3]), addressBytes(V6[2])]),
    };
    const all = { ...needles(), [V4[0]]: addressBytes(V4[0]) };
    const found = Object.keys(findAll(abacus.dir, texts, all)).sort();
    assert.deepEqual(
        found,
        [V4[0], AGENTS[3], 'Gryllostomp', 'Velvetquoin', `${V6[2]} as bytes`].sort(),
    );
});
