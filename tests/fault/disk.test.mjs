// A full disk: 503, nothing accepted lost, and recovery when there is room again.

import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { atExit, AROUND_NOW, exec, Installation, tempDir, until } from '../lib/abacus.mjs';
import { spawnSync } from 'node:child_process';

const MIB = 1 << 20;

/** A file system of `mib` megabytes, or null where nobody may mount one. */
async function smallDisk(mib) {
    const dir = tempDir();
    const { code } = await exec('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', dir]);
    if (code !== 0) return null;
    return { dir, unmount: atExit(() => spawnSync('umount', ['-l', dir])) };
}

/** Write until nothing more fits. */
function fill(dir) {
    const file = openSync(join(dir, 'filler'), 'w');
    for (let block = Buffer.alloc(MIB); block.length >= 512; ) {
        try {
            if (writeSync(file, block) === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        } catch (error) {
            if (error.code !== 'ENOSPC') throw error;
            block = block.subarray(block.length >> 1);
        }
    }
    closeSync(file);
}

test('a full disk gives 503, loses nothing accepted, and recovers when there is room', async (t) => {
    const disk = await smallDisk(112);
    if (disk === null) {
        t.skip('only root can mount a small tmpfs');
        return;
    }
    const abacus = new Installation({ dir: disk.dir });
    await abacus.site('site', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const server = await abacus.serve(['--log-max', '32MiB']);
    let accepted = 0;
    const send = async () => {
        const title = 'x'.repeat(400);
        const events = Array.from({ length: 60 }, (_, i) => ({ event: 'pageview', siteId: 'site', path: `/${accepted + i}`, title, props: { title } }));
        const { status, headers } = await server.track(events);
        assert.ok(status === 202 || status === 503, `${status}`);
        if (status === 202) accepted += events.length;
        else assert.notEqual(headers.get('retry-after'), null);
        return status;
    };
    assert.equal(await send(), 202);
    fill(disk.dir);
    await until(async () => (await send()) === 503, '503 on the full disk');
    assert.equal((await server.fetch('/healthz')).status, 200);
    const before = accepted;
    for (let i = 0; i < 20; i++) assert.equal(await send(), 503);
    assert.equal(accepted, before);

    rmSync(join(disk.dir, 'filler'));
    await until(async () => (await send()) === 202, '202 when there is room again');
    for (let i = 0; i < 5; i++) await send();
    await abacus.aggregate();
    await until(async () => (await server.stats(token, 'site')).pageviews === accepted, `${accepted} accepted events to be counted`);
    const rows = await server.exportRows(token, 'site', ...AROUND_NOW);
    assert.equal(rows.length, accepted);
    assert.equal(new Set(rows.map(({ path }) => path)).size, accepted);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await abacus.balance();
    disk.unmount();
});
