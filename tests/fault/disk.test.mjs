// No room, on the disk or under the log's bound: 503, nothing accepted lost, and recovery when
// there is room again.

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
    for (let block = Buffer.alloc(MIB); block.length >= 512;) {
        try {
            if (writeSync(file, block) === 0)
                throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        } catch (error) {
            if (error.code !== 'ENOSPC') throw error;
            block = block.subarray(block.length >> 1);
        }
    }
    closeSync(file);
}

/** Sends large events until it is told to stop; counts those accepted. */
class Sender {
    constructor(server) {
        this.server = server;
        this.accepted = 0;
    }

    async send() {
        const title = 'x'.repeat(1900);
        const events = Array.from({ length: 30 }, (_, i) => ({
            event: 'pageview',
            siteId: 'site',
            path: `/${this.accepted + i}`,
            props: { title },
        }));
        const { status, headers } = await this.server.track(events);
        assert.ok(status === 202 || status === 503, `${status}`);
        if (status === 202) this.accepted += events.length;
        else assert.match(headers.get('retry-after'), /^[1-9]\d*$/);
        return status;
    }

    /** As many as fit; then 503 it stays, and nothing is taken. */
    async sendUntilFull() {
        while ((await this.send()) === 202) assert.ok(this.accepted < 100_000, 'it never ends');
        const before = this.accepted;
        for (let i = 0; i < 20; i++) assert.equal(await this.send(), 503);
        assert.equal(this.accepted, before);
        assert.equal((await this.server.fetch('/healthz')).status, 200);
    }
}

async function checkAllCounted(abacus, server, token, accepted) {
    await abacus.aggregate();
    assert.equal((await server.stats(token, 'site')).pageviews, accepted);
    const rows = await server.exportRows(token, 'site', ...AROUND_NOW);
    assert.equal(rows.length, accepted);
    assert.equal(new Set(rows.map(({ path }) => path)).size, accepted);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await abacus.balance();
}

test('a full disk gives 503, loses nothing accepted, and recovers when there is room', async (t) => {
    const disk = await smallDisk(224); // the log's 32, and twice that for each the database and its write-ahead log
    if (disk === null) {
        t.skip('only root can mount a small tmpfs');
        return;
    }
    const abacus = new Installation({ dir: disk.dir });
    await abacus.site('site', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const server = await abacus.serve(['--log-max', '32MiB']);
    const sender = new Sender(server);
    assert.equal(await sender.send(), 202);
    fill(disk.dir);
    await sender.sendUntilFull();
    rmSync(join(disk.dir, 'filler'));
    await until(async () => (await sender.send()) === 202, '202 when there is room again');
    for (let i = 0; i < 5; i++) await sender.send();
    await checkAllCounted(abacus, server, token, sender.accepted);
    disk.unmount();
});

test('a log at its bound gives 503 until its events are counted', async () => {
    const abacus = new Installation();
    await abacus.site('site', 'tenant');
    const token = await abacus.token('stats:read', { tenant: 'tenant' });
    const server = await abacus.serve(['--log-max', '32MiB'], { interval: '0' });
    const sender = new Sender(server);
    await sender.sendUntilFull();
    assert.ok(sender.accepted > 1000);
    await abacus.aggregate();
    await until(async () => (await sender.send()) === 202, '202 when the events are counted');
    await checkAllCounted(abacus, server, token, sender.accepted);
});
