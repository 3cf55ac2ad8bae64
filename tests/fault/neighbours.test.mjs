// Other processes that open and close the database beside serve: the program's own commands,
// and the sqlite3 shell.
//
// POSIX locks belong to the process: closing any descriptor of the database file inside serve
// would drop its locks, and the next neighbour to close would take the write-ahead log away
// from under it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AROUND_NOW, Installation } from '../lib/abacus.mjs';
import { Load, pathOf } from '../lib/load.mjs';

test('commands and other programs that come and go under load harm nothing', async () => {
    const abacus = new Installation();
    await abacus.site('busy', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const server = await abacus.serve([], { interval: '100ms' });
    const load = new Load({ site: 'busy', again: true, connections: 3 });
    load.port = server.port;
    for (let round = 0; round < 15; round++) {
        await abacus.site(`new${round}`, 'tenant');
        await abacus.sql('SELECT count(*) FROM analytics_events;');
        await Promise.all([
            abacus.must(['site', 'list']),
            abacus.aggregate(),
            abacus.must(['token', 'list']),
            server.stats(token, 'busy'),
        ]);
        await abacus.sql(
            `UPDATE analytics_settings SET enabled = 1 WHERE site_id = 'new${round}';`,
        );
    }
    await load.stop();
    await abacus.aggregate();
    assert.equal((await abacus.sql('PRAGMA integrity_check;')).trim(), 'ok');
    const paths = (await server.exportRows(token, 'busy', ...AROUND_NOW))
        .map(({ path }) => path)
        .sort();
    assert.deepEqual(paths, Array.from({ length: load.sent }, (_, i) => pathOf(i + 1)).sort());
    assert.deepEqual(load.problems, []);
    await abacus.balance();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
});
