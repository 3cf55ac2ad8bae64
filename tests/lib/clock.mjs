// A clock that stands still until it is told otherwise, for programs run under libfaketime.
//
// CLOCK_REALTIME is the time written into a file, to the millisecond; CLOCK_MONOTONIC and with
// it every time-out stays real.

import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './abacus.mjs';

export class FakeClock {
    constructor(ms) {
        this.file = join(tempDir(), 'now');
        this.set(ms);
    }

    /** Whole at any moment: a reader sees the old time or the new one. */
    set(ms) {
        const next = `${this.file}.next`;
        writeFileSync(next, `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}`);
        renameSync(next, this.file);
        this.ms = ms;
    }

    env() {
        return {
            TZ: 'UTC',
            LD_PRELOAD: library(),
            FAKETIME_TIMESTAMP_FILE: this.file,
            FAKETIME_FMT: '%s',
            FAKETIME_NO_CACHE: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            DONT_FAKE_MONOTONIC: '1',
            // A repair for an old C library, with which every wait on a condition ends at once.
            FAKETIME_FORCE_MONOTONIC_FIX: '0',
            NO_FAKE_STAT: '1',
        };
    }
}

/** libfaketimeMT.so.1 of Debian's package libfaketime; programs with threads need this variant. */
function library() {
    for (const arch of readdirSync('/usr/lib')) {
        const path = join('/usr/lib', arch, 'faketime/libfaketimeMT.so.1');
        if (existsSync(path)) return path;
    }
    throw new Error("libfaketime is missing: install Debian's package faketime");
}
