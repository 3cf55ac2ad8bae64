// Senders that keep a server busy while it dies and comes back, and remember what they were told.

import { setTimeout as sleep } from 'node:timers/promises';
import { browser } from './browsers.mjs';
import { Cut, trackBytes, Wire } from './wire.mjs';

/** A number of its own for every event, in its path. */
export const pathOf = (number) => `/e/${number}`;

/** The share of requests whose sender goes away before the answer. */
const IMPATIENT = 0.04;

/** How often a sender picks another of several servers for its next request. */
const RESTLESS = 0.02;
/** An answer that takes longer than this many milliseconds is a hang to whoever waits for it. */
const SLOW_MS = 10_000;
const TICK_MS = 100;
/** A server closes a connection on which nothing comes for 10 s: a sender that was kept from running
 *  for about as long does not know that yet. */
const STALE_MS = 9_000;

/** For how long this process has been kept from running, in milliseconds: when the machine stands
 *  still, nobody is to be blamed for an answer that does not come. */
let heldUpMs = 0;
function watchMachine() {
    let last = performance.now();
    const timer = setInterval(() => {
        const now = performance.now();
        heldUpMs += Math.max(0, now - last - 2 * TICK_MS);
        last = now;
    }, TICK_MS);
    timer.unref();
}
watchMachine();

export class Load {
    /**
     * `again`: every event carries an id and its request is sent again, to whichever server,
     * until it is answered. Otherwise a request that is cut off is given up. Number n goes to
     * site n modulo their number; a sender rests for `pauseMs` between its requests.
     */
    constructor({ site, sites = [site], again, connections = 6, perRequest = 5, pauseMs = 1 }) {
        Object.assign(this, { sites, again, perRequest, pauseMs });
        this.ports = []; // of the servers there are now
        this.stopping = false;
        this.next = 1;
        this.answered = new Set(); // numbers whose request got its 202
        this.cut = new Set(); // numbers whose request got no answer
        this.refused = 0; // events answered 503: nothing was taken
        this.problems = [];
        this.troubles = []; // {port, sentAt, at, what}: not to be met while a server is well
        this.slowestMs = 0;
        this.senders = Array.from({ length: connections }, (_, i) => this.#sender(i));
    }

    /** The one server there is, or null. */
    set port(port) {
        this.ports = port === null ? [] : [port];
    }

    get sent() {
        return this.next - 1;
    }

    siteOf(number) {
        return this.sites[number % this.sites.length];
    }

    /** No new events; returns when each sender is done with its last request. */
    async stop() {
        this.stopping = true;
        await Promise.all(this.senders);
    }

    #batch(i) {
        const count = 1 + ((this.next + i) % this.perRequest);
        return Array.from({ length: count }, () => this.next++);
    }

    #bytes(numbers, sender) {
        const events = numbers.map((number) => ({
            event: 'pageview',
            siteId: this.siteOf(number),
            path: pathOf(number),
            ...(this.again ? { id: `n${number}` } : {}),
        }));
        return trackBytes(events, { 'User-Agent': browser(`Loadmoth/${sender}`) });
    }

    async #sender(i) {
        let wire = null;
        while (!this.stopping) {
            const numbers = this.#batch(i);
            const bytes = this.#bytes(numbers, i);
            for (let done = false; !done;) {
                wire = await this.#connected(wire);
                if (wire === null) return; // told to stop with no server there: never sent
                done = await this.#exchange(wire, numbers, bytes);
            }
            if (this.ports.length > 1 && Math.random() < RESTLESS) wire.close();
            // Busy, but no more than can be looked through afterwards.
            await sleep(this.pauseMs);
        }
        wire?.close();
    }

    async #connected(wire) {
        while (wire === null || wire.closed || wire.socket.destroyed) {
            if (this.ports.length === 0) {
                if (this.stopping) return null;
                await sleep(5);
                continue;
            }
            const port = this.ports[Math.floor(Math.random() * this.ports.length)];
            try {
                wire = await Wire.open(port);
                Object.assign(wire, { port, usedAt: Date.now() });
            } catch (error) {
                if (!(error instanceof Cut)) throw error;
                this.#trouble(port, Date.now(), error.message);
                await sleep(5);
            }
        }
        return wire;
    }

    #trouble(port, sentAt, what) {
        this.troubles.push({ port, sentAt, at: Date.now(), what });
    }

    /** True when this request is over with. */
    async #exchange(wire, numbers, bytes) {
        const impatient = Math.random() < IMPATIENT;
        const began = Date.now();
        const heldUpBefore = heldUpMs;
        const isStale = began - wire.usedAt > STALE_MS;
        try {
            wire.send(bytes);
            if (impatient) await this.#goAway();
            const answer = await wire.response();
            wire.usedAt = Date.now();
            this.#time(wire.port, began, Date.now() - began - (heldUpMs - heldUpBefore));
            return await this.#judge(wire.port, began, numbers, answer);
        } catch (error) {
            if (!(error instanceof Cut)) throw error;
            if (!impatient && !isStale) this.#trouble(wire.port, began, error.message);
            wire.close();
            wire.closed = true;
            if (!this.again) for (const number of numbers) this.cut.add(number);
            return !this.again;
        }
    }

    #time(port, began, ms) {
        this.slowestMs = Math.max(this.slowestMs, ms);
        if (ms > SLOW_MS) this.#trouble(port, began, `answered after ${ms.toFixed(0)} ms`);
    }

    /** A sender that does not wait for its answer knows as little as one whose server has died. */
    async #goAway() {
        await sleep(Math.random() * 4);
        throw new Cut('gone away');
    }

    async #judge(port, began, numbers, { status, body }) {
        if (status === 503) {
            this.refused += numbers.length;
            this.#trouble(port, began, `503 ${body}`);
            // Again, but not as fast as a server can refuse.
            await sleep(this.pauseMs);
            return !this.again;
        }
        const { accepted = 0, dropped = {} } = status === 202 ? JSON.parse(body) : {};
        if (status !== 202 || accepted + (dropped.duplicate ?? 0) !== numbers.length)
            this.problems.push(`${status} ${body}`);
        for (const number of numbers) this.answered.add(number);
        return true;
    }
}
