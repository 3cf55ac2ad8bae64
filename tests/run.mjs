// Run the tests that work on the real program, and write TAP on stdout, file by file.
//
//     node tests/run.mjs --suite test|soak [PART-OF-A-FILE-NAME...]
//
// Each file is a process of its own; a file that dies or hangs is one more "not ok". Most of them
// wait more than they work, so those of the suite `test` run three at a time, the longest first.
// ABACUS_BIN and ABACUS_ASAN_BIN name the programs under test (build/ and build-asan/ unless
// given).

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const SUITES = { test: ['blackbox', 'fault', 'browser'], soak: ['soak'] };
const AT_ONCE = { test: 3, soak: 1 };
const LIMIT_MS = { test: 10 * 60_000, soak: 3 * 60 * 60_000 };
/** These take 20 s and more: none of them is left to run alone at the end. Those that wait stand
 *  between browsers, which work. */
const LONG = [
    'fault/platform',
    'browser/dashboard_errands',
    'blackbox/erase',
    'blackbox/realtime',
    'browser/dashboard_access',
    'browser/privacy-page',
    'blackbox/provisioning',
    'browser/dashboard_states',
    'browser/account',
    'fault/hold',
    'browser/dashboard_analytics',
    'blackbox/slow',
    'browser/dashboard_load',
    'blackbox/platform-copies',
    'browser/dashboard_graph',
    'blackbox/order',
    'browser/dashboard_settings',
    'browser/refusal',
    'browser/dashboard_sites',
    'blackbox/import',
    'browser/share',
    'blackbox/scenario',
    'browser/dashboard_manage',
    'blackbox/privacy-salts',
    'browser/sending',
].map((name) => `${name}.test.mjs`);

function usage() {
    process.stderr.write('usage: node tests/run.mjs --suite test|soak [PART-OF-A-FILE-NAME...]\n');
    process.exit(2);
}

function readArguments([flag, suite, ...parts]) {
    if (flag !== '--suite' || SUITES[suite] === undefined) usage();
    return { suite, parts };
}

function filesOf(suite, parts) {
    return SUITES[suite]
        .flatMap((dir) =>
            readdirSync(join(HERE, dir))
                .sort()
                .map((name) => join(HERE, dir, name)),
        )
        .filter(
            (file) =>
                file.endsWith('.test.mjs') &&
                (parts.length === 0 || parts.some((part) => file.includes(part))),
        )
        .sort((a, b) => rank(a) - rank(b));
}

function rank(file) {
    const place = LONG.indexOf(relative(HERE, file));
    return place === -1 ? LONG.length : place;
}

/** Before 18.15 Node knows no reporters and writes TAP of its own accord. */
function reporter() {
    const [major, minor] = process.versions.node.split('.').map(Number);
    return major > 18 || minor >= 15 ? ['--test-reporter=tap'] : [];
}

/** What the file has said is written when it has ended, so that files do not mix. */
function runFile(file, limit) {
    return new Promise((resolve) => {
        const began = Date.now();
        const child = spawn(process.execPath, [...reporter(), file], {
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = `# ${relative(HERE, file)}\n`;
        child.stdout.setEncoding('utf8');
        child.stdout.on('data', (chunk) => (said += chunk));
        const timer = setTimeout(() => child.kill('SIGTERM'), limit);
        child.on('close', (code, signal) => {
            clearTimeout(timer);
            if (code !== 0 && !/^\s*not ok /m.test(said))
                said += `not ok - ${relative(HERE, file)} ended with ${code ?? signal}\n`;
            const seconds = ((Date.now() - began) / 1000).toFixed(1);
            process.stdout.write(`${said}# ${relative(HERE, file)} took ${seconds} s\n`);
            resolve(code === 0);
        });
    });
}

/** Take the next file until there is none. */
async function work(queue, limit) {
    let good = true;
    for (let file = queue.shift(); file !== undefined; file = queue.shift())
        good = (await runFile(file, limit)) && good;
    return good;
}

const { suite, parts } = readArguments(process.argv.slice(2));
const queue = filesOf(suite, parts);
if (queue.length === 0) usage();
const workers = Array.from({ length: AT_ONCE[suite] }, () => work(queue, LIMIT_MS[suite]));
process.exit((await Promise.all(workers)).every(Boolean) ? 0 : 1);
