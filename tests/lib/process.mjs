// Processes and directories that tests make, and that go when the test process ends, however it
// ends. The environment handed down is clean: PATH, and what a test gives by name.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A process that does not end within this many milliseconds hangs; no right answer takes
 *  nearly as long. */
export const HANG_MS = 120_000;

const children = new Set();
const directories = new Set();
const cleanups = new Set();

export function killAll() {
    for (const child of [...children].reverse()) child.finish();
}

process.on('exit', () => {
    killAll();
    for (const undo of cleanups) undo();
    if (process.env.ABACUS_KEEP) return;
    for (const dir of directories) rmSync(dir, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** A fresh directory that goes when the test process ends. */
export function tempDir(parent = tmpdir()) {
    const dir = mkdtempSync(join(parent, 'abacus-test-'));
    directories.add(dir);
    return dir;
}

/** Earlier than that, where a test makes many large ones. */
export function removeDir(dir) {
    if (process.env.ABACUS_KEEP) return;
    directories.delete(dir);
    rmSync(dir, { recursive: true, force: true });
}

/** Call `undo` (synchronous) when the test process ends, unless the function returned is called
 *  before. */
export function atExit(undo) {
    cleanups.add(undo);
    return () => {
        if (cleanups.delete(undo)) undo();
    };
}

/** spawn() with a clean environment. The child is ended with the test: by SIGKILL, or by `finish`
 *  (given the child; synchronous) where that is not enough. */
export function start(file, args, options = {}) {
    const { env = {}, stdio = ['ignore', 'pipe', 'pipe'], cwd, finish } = options;
    const child = spawn(file, args, { stdio, cwd, env: { PATH: process.env.PATH, ...env } });
    child.finish = () => (finish ? finish(child) : child.kill('SIGKILL'));
    children.add(child);
    child.ended = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => {
            children.delete(child);
            forgetSharedMemory(child.pid);
            resolve({ code, signal });
        });
    });
    child.ended.catch(() => {});
    return child;
}

/** libfaketime leaves these behind when its process is killed. */
function forgetSharedMemory(pid) {
    for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
        rmSync(join('/dev/shm', name), { force: true });
}

/** Run a program to its end: {code, signal, stdout, stderr}. */
export async function exec(file, args, { input, limit = HANG_MS, ...options } = {}) {
    const child = start(file, args, {
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        ...options,
    });
    const out = [];
    const err = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    if (input !== undefined) {
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    }
    setTimeout(() => child.kill('SIGKILL'), limit).unref();
    const end = await child.ended;
    return { ...end, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Ask until the answer is something true. The limit is for what never comes; it is no
 *  measurement. */
export async function until(ask, what, limit = 60_000, more = () => '') {
    const end = Date.now() + limit;
    for (;;) {
        const got = await ask();
        if (got) return got;
        if (Date.now() > end) throw new Error(`waited in vain for ${what} ${more()}`);
        await sleep(50);
    }
}

/** What is changed in one place is in force everywhere within this time. */
const IN_FORCE_MS = 1000;
const IN_FORCE_TRIES = 5;

/** `change`, and then `ask` becomes true within the second that is promised; both are given the
 *  number of the try. A machine that stands still delays one change or another, never each of them:
 *  what counts is the quickest. Returns how long that took. */
export async function inForce(what, change, ask) {
    const took = [];
    for (let n = 0; n < IN_FORCE_TRIES; n++) {
        await change(n);
        const began = performance.now();
        await until(() => ask(n), what);
        took.push(performance.now() - began);
        if (took.at(-1) <= IN_FORCE_MS) return took.at(-1);
    }
    throw new Error(`${what} took ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
}

/** Resident memory in bytes. */
export function residentBytes(pid) {
    return (
        Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024
    );
}
