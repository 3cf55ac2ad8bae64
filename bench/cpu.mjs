// bench/cpu.mjs -- CPU seconds of processes: what others do on the machine does not count.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { exec } from '../tests/lib/process.mjs';

const TICKS = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);

function stat(pid) {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

const ticksOf = (fields, places) => places.reduce((sum, at) => sum + Number(fields[at]), 0);

/** Ticks of the children that run, or wait to be collected. */
function childrenOf(pid) {
    let ticks = 0;
    for (const name of readdirSync('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        try {
            const fields = stat(name);
            if (Number(fields[1]) === pid) ticks += ticksOf(fields, [11, 12]);
        } catch {
            // It has ended since the directory was read.
        }
    }
    return ticks;
}

/** CPU seconds of a process and of its children, those that have ended included. A child that is
 *  collected meanwhile would be counted twice or not at all: then look again. */
export function cpuOf(pid) {
    for (;;) {
        const ended = ticksOf(stat(pid), [13, 14]);
        const children = childrenOf(pid);
        const own = stat(pid);
        if (ticksOf(own, [13, 14]) === ended)
            return (ticksOf(own, [11, 12]) + ended + children) / TICKS;
    }
}

/** Run a program; its CPU seconds. */
export async function timed(file, args, options) {
    const end = await exec('/usr/bin/time', ['-f', '%U %S', file, ...args], {
        limit: 3_600_000,
        ...options,
    });
    if (end.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${end.stderr}`);
    const [user, system] = end.stderr.trim().split('\n').at(-1).split(' ').map(Number);
    return { cpu: user + system, stdout: end.stdout };
}
