// The build with address and undefined behaviour sanitizers, for tests that send what nobody
// should.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { ASAN_BIN, Installation } from './abacus.mjs';

export function sanitizedInstallation() {
    assert.ok(
        existsSync(ASAN_BIN),
        `${ASAN_BIN} is missing: build with -Db_sanitize=address,undefined`,
    );
    assert.ok(readFileSync(ASAN_BIN).includes('__asan_init'), `${ASAN_BIN} has no sanitizer`);
    const ASAN_OPTIONS = 'detect_leaks=1:abort_on_error=0:exitcode=99';
    return new Installation({
        bin: ASAN_BIN,
        env: { ASAN_OPTIONS, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' },
    });
}

/** Stop it: no crash, no leak, nothing that a sanitizer has to say. */
export async function endsClean(server) {
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr.slice(-4000));
    assert.doesNotMatch(
        server.stderr,
        /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:/,
    );
    assert.equal(server.stdout, '');
}
