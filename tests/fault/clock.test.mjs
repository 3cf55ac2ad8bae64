// A clock that steps, forth and back: what is answered 202 is counted once, and time-outs go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Installation, until } from '../lib/abacus.mjs';
import { FakeClock } from '../lib/clock.mjs';

const HOUR = 3_600_000;

test('through a clock that steps forth and back every event answered is counted once', async () => {
    const noon = Date.parse('2026-06-15T12:00:00Z');
    const clock = new FakeClock(noon);
    const abacus = new Installation({ clock });
    await abacus.site('site', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    let server = await abacus.serve();
    let accepted = 0;
    for (const hours of [0, 2, -3, 1, 23, -20, 30, 5, -1]) {
        clock.set(noon + hours * HOUR);
        for (let i = 0; i < 20; i++) {
            const events = Array.from({ length: 10 }, () => ({
                event: 'pageview',
                siteId: 'site',
                path: '/',
                id: `${accepted++}`,
            }));
            await until(async () => (await server.track(events)).status === 202, '202');
        }
        await abacus.aggregate();
        if (hours % 2 === 0) {
            await server.kill();
            server = await abacus.serve();
        }
    }
    await abacus.aggregate();
    assert.equal(
        (await server.stats(token, 'site', ['2026-06-14', '2026-06-17'])).pageviews,
        accepted,
    );
    await abacus.balance();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});
