// Days are what is counted here: of a visitor on both sides of a midnight there are two, and what
// was today is yesterday. A file of tests takes a minute or two, and its dates stand when it is
// loaded; one that would go over a midnight begins after it. Tests about midnights set their own
// clock (lib/clock.mjs).

import { setTimeout as sleep } from 'node:timers/promises';
import { wallMs } from './zones.mjs';

const DAY = 86_400_000;
/** Several times what the longest file takes on a busy machine, and half of what run.mjs gives it. */
const AHEAD_MS = 5 * 60_000;
/** Where sites of tests are whose clock is the real one: those of `abacus demo`, and all others. */
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York'];

/** How long until none of the midnights is near: 0, or until the next one is over. */
export function untilQuiet(now) {
    const waits = ZONES.map((zone) => DAY - (wallMs(zone, now) % DAY));
    return Math.max(0, ...waits.filter((ms) => ms <= AHEAD_MS).map((ms) => ms + 1000));
}

/* To be awaited once, by whoever is imported by tests that are about days. */
for (let ms = untilQuiet(Date.now()); ms > 0; ms = untilQuiet(Date.now())) await sleep(ms);
