// A record that the store refuses: the rest is counted, that one ends in the dead-letter file
// and in the ledger.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AROUND_NOW, Installation } from '../lib/abacus.mjs';

const TRIGGER = `CREATE TRIGGER refuse BEFORE INSERT ON analytics_events WHEN NEW.path = '/poison'
BEGIN SELECT RAISE(ABORT, 'refused'); END;`;

test('of 1000 records the two that the store refuses stand alone in the dead-letter file, and the rest is counted', async () => {
    const abacus = new Installation();
    await abacus.site('site', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    await abacus.sql(TRIGGER);
    const server = await abacus.serve([], { interval: '0' });
    const paths = Array.from({ length: 1000 }, (_, i) =>
        i === 357 || i === 804 ? '/poison' : `/${i}`,
    );
    for (let i = 0; i < paths.length; i += 100)
        await server.track(
            paths.slice(i, i + 100).map((path) => ({ event: 'pageview', siteId: 'site', path })),
        );
    await abacus.aggregate();
    await server.track({ event: 'pageview', siteId: 'site', path: '/later' });
    await abacus.aggregate();

    assert.equal((await server.stats(token, 'site')).pageviews, 999);
    assert.equal((await server.exportRows(token, 'site', ...AROUND_NOW)).length, 999);
    const letters = readFileSync(join(abacus.dir, 'dead-letter.ndjson'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    assert.equal(letters.length, 2);
    for (const { payload, why } of letters) {
        assert.ok(Buffer.from(payload, 'base64').includes('/poison'));
        assert.match(why, /refused/);
    }
    const { received, stored, rejected } = await server.ledger(token, 'site');
    assert.deepEqual(
        { received, stored, rejected },
        { received: 1001, stored: 999, rejected: { unstorable: 2 } },
    );
    await abacus.balance();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});
