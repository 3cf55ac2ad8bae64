// Run the tests that work on the real program, one file after the other, and write TAP on stdout.
//
//     node tests/run.mjs --suite test|soak [PART-OF-A-FILE-NAME...]
//
// Each file is a process of its own; a file that dies or hangs is one more "not ok". ABACUS_BIN
// and ABACUS_ASAN_BIN name the programs under test (build/ and build-asan/ unless given).

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const SUITES = { test: ['blackbox', 'fault', 'browser'], soak: ['soak'] };
const LIMIT_MS = { test: 10 * 60_000, soak: 3 * 60 * 60_000 };

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
        );
}

/** Before 18.15 Node knows no reporters and writes TAP of its own accord. */
function reporter() {
    const [major, minor] = process.versions.node.split('.').map(Number);
    return major > 18 || minor >= 15 ? ['--test-reporter=tap'] : [];
}

function runFile(file, limit) {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, [...reporter(), file], {
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        let failed = false;
        child.stdout.on('data', (chunk) => {
            process.stdout.write(chunk);
            failed ||= /^\s*not ok /m.test(chunk);
        });
        const timer = setTimeout(() => child.kill('SIGTERM'), limit);
        child.on('close', (code, signal) => {
            clearTimeout(timer);
            if (code !== 0 && !failed)
                process.stdout.write(
                    `not ok - ${relative(HERE, file)} ended with ${code ?? signal}\n`,
                );
            resolve(code === 0);
        });
    });
}

const { suite, parts } = readArguments(process.argv.slice(2));
const files = filesOf(suite, parts);
if (files.length === 0) usage();
let good = true;
for (const file of files) {
    const began = Date.now();
    process.stdout.write(`# ${relative(HERE, file)}\n`);
    good = (await runFile(file, LIMIT_MS[suite])) && good;
    process.stdout.write(
        `# ${relative(HERE, file)} took ${((Date.now() - began) / 1000).toFixed(1)} s\n`,
    );
}
process.exit(good ? 0 : 1);
