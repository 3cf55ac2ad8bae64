// Senders that keep a server busy while it dies and comes back, and remember what they were told.

import { setTimeout as sleep } from 'node:timers/promises';
import { Cut, trackBytes, Wire } from './wire.mjs';

/** A number of its own for every event, in its path. */
export const pathOf = (number) => `/e/${number}`;

/** The share of requests whose sender goes away before the answer. */
const IMPATIENT = 0.04;

export class Load {
    /**
     * `again`: every event carries an id and its request is sent again until it is answered. Otherwise a request
     * that is cut off is given up.
     */
    constructor({ site, again, connections = 6, perRequest = 5 }) {
        Object.assign(this, { site, again, perRequest });
        this.port = null; // null: there is no server now
        this.stopping = false;
        this.next = 1;
        this.answered = new Set(); // numbers whose request got its 202
        this.cut = new Set(); // numbers whose request got no answer
        this.refused = 0; // events answered 503: nothing was taken
        this.problems = [];
        this.senders = Array.from({ length: connections }, (_, i) => this.#sender(i));
    }

    get sent() {
        return this.next - 1;
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
            siteId: this.site,
            path: pathOf(number),
            ...(this.again ? { id: `n${number}` } : {}),
        }));
        return trackBytes(events, { 'User-Agent': `Loadmoth/${sender}` });
    }

    async #sender(i) {
        let wire = null;
        while (!this.stopping) {
            const numbers = this.#batch(i);
            const bytes = this.#bytes(numbers, i);
            for (let done = false; !done;) {
                wire = await this.#connected(wire);
                if (wire === null) return; // told to stop with no server there: these were never sent
                done = await this.#exchange(wire, numbers, bytes);
            }
            await sleep(1); // busy, but no more than can be looked through afterwards
        }
        wire?.close();
    }

    async #connected(wire) {
        while (wire === null || wire.closed) {
            if (this.port === null) {
                if (this.stopping) return null;
                await sleep(5);
                continue;
            }
            try {
                wire = await Wire.open(this.port);
            } catch (error) {
                if (!(error instanceof Cut)) throw error;
                await sleep(5);
            }
        }
        return wire;
    }

    /** True when this request is over with. */
    async #exchange(wire, numbers, bytes) {
        try {
            wire.send(bytes);
            if (Math.random() < IMPATIENT) await this.#goAway();
            return this.#judge(numbers, await wire.response());
        } catch (error) {
            if (!(error instanceof Cut)) throw error;
            wire.close();
            wire.closed = true;
            if (!this.again) for (const number of numbers) this.cut.add(number);
            return !this.again;
        }
    }

    /** A sender that does not wait for its answer knows as little as one whose server has died. */
    async #goAway() {
        await sleep(Math.random() * 4);
        throw new Cut('gone away');
    }

    #judge(numbers, { status, body }) {
        if (status === 503) {
            this.refused += numbers.length;
            return !this.again;
        }
        const { accepted = 0, dropped = {} } = status === 202 ? JSON.parse(body) : {};
        if (status !== 202 || accepted + (dropped.duplicate ?? 0) !== numbers.length)
            this.problems.push(`${status} ${body}`);
        for (const number of numbers) this.answered.add(number);
        return true;
    }
}
