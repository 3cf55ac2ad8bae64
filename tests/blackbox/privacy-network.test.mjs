// The program speaks to its database and its Redis, and to nobody else: whatever events name,
// whatever is asked, no other connection is opened and no name is looked up (tests/tools/dials.c).

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AROUND_NOW, BUILD, query, tempDir } from '../lib/abacus.mjs';
import { browser } from '../lib/browsers.mjs';
import { inEachShape } from '../lib/platform.mjs';

const SHIM = process.env.ABACUS_DIALS ?? join(BUILD, 'tests/tools/dials.so');

inEachShape('nobody is spoken to but the database and Redis', async (make, shape) => {
    const file = join(tempDir(), 'dials');
    writeFileSync(file, '');
    const abacus = await make();
    await abacus.site('quiet', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const env = { LD_PRELOAD: SHIM, DIALS_FILE: file };
    const server = await abacus.serve(['--trusted-proxies', '127.0.0.1'], { env });
    await server.ready();
    await traffic(server, token);
    await abacus.aggregate([], { env });
    assert.deepEqual(await server.stop(), { code: 0, signal: null });

    const spoken = new Set(readFileSync(file, 'utf8').trim().split('\n').filter(Boolean));
    const urls = [abacus.databaseUrl, abacus.redisUrl].filter((url) => url !== undefined);
    assert.equal(urls.length, shape === 'platform' ? 2 : 0);
    assert.ok(spoken.delete('begin'), 'the program was listened to');
    const expected = urls.map((url) => new URL(url));
    for (const { hostname, port } of expected)
        assert.ok(spoken.delete(`to ${hostname} ${port}`), `${hostname}:${port} in the file`);
    // Where it was told to look for them, and where to listen.
    for (const { hostname } of expected) spoken.delete(`name ${hostname}`);
    spoken.delete('name 127.0.0.1');
    assert.deepEqual([...spoken], []);
});

/** Events full of hosts that could be asked about, and each kind of answer. */
async function traffic(server, token) {
    for (let i = 0; i < 20; i++) {
        const event = {
            event: 'pageview',
            siteId: 'quiet',
            path: `/?utm_source=https://source${i}.example/`,
            referrer: `https://host${i}.example/page`,
        };
        const answer = await server.track(event, {
            'User-Agent': browser(`Agent${i}`),
            'X-Forwarded-For': `198.51.100.${i}`,
        });
        assert.deepEqual(answer.body, { accepted: 1 });
    }
    const [from, to] = AROUND_NOW;
    const asked = { siteId: 'quiet', from, to };
    const count = async () => (await server.stats(token, 'quiet')).pageviews;
    await server.until(async () => (await count()) === 20, 'all counted');
    for (const path of [
        query('/api/analytics/breakdown', { ...asked, dimension: 'referrer' }),
        query('/api/analytics/export', asked),
        query('/api/analytics/realtime', { siteId: 'quiet' }),
        '/settings/privacy/quiet',
        '/public/analytics.js',
        '/readyz',
    ])
        assert.equal((await server.get(path, token)).status, 200, path);
}
