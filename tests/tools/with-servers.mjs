// Run a command beside a private PostgreSQL and a private Redis, which it finds in
// ABACUS_TEST_POSTGRES and ABACUS_TEST_REDIS; stop both when it ends. A server that the environment
// already names is taken as it is.
//
//     node tests/tools/with-servers.mjs COMMAND [ARGUMENT...]
//
// The exit status is the command's.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { constants, freemem } from 'node:os';
import { Postgres, Redis } from '../lib/servers.mjs';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
    process.stderr.write('usage: node tests/tools/with-servers.mjs COMMAND [ARGUMENT...]\n');
    process.exit(2);
}

const MEMORY = '/dev/shm';
const ENOUGH = 4 * 2 ** 30; /* bytes; the tests' databases together have a fraction of it */

/** Databases are made and dropped by the hundred, for which a disk's file system takes longer than
 *  PostgreSQL: they lie in memory where there is plenty of it. */
function roomyDir() {
    const { bavail = 0, bsize = 0 } = fs.existsSync(MEMORY) ? (fs.statfsSync?.(MEMORY) ?? {}) : {};
    return bavail * bsize > ENOUGH && freemem() > ENOUGH ? MEMORY : undefined;
}

const servers = {
    // Several test programs may be killed while connected, and each holds a few connections.
    ABACUS_TEST_POSTGRES: () => Postgres.start({ parent: roomyDir() }),
    ABACUS_TEST_REDIS: () => Redis.start({ appendonly: 'no' }),
};
const env = { ...process.env };
await Promise.all(
    Object.entries(servers).map(async ([name, start]) => {
        // The tests put a database of their own behind it.
        env[name] ??= (await start()).url().replace(/\/0$/, '');
    }),
);

const child = spawn(command, args, { stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.removeAllListeners(signal);
    // The command ends first, and its end is ours.
    process.on(signal, () => child.kill(signal));
}
child.on('error', (error) => {
    process.stderr.write(`with-servers: ${command}: ${error.message}\n`);
    process.exit(1);
});
child.on('close', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
