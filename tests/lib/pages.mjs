// Pageviews of one site that can be told apart by their paths, and a look at which of them are
// stored, how often.

import assert from 'node:assert/strict';
import { pathOf } from './load.mjs';

const PER_REQUEST = 100; // the most that a request may hold

export class Pages {
    /** `more` are members of every event. */
    constructor(site, { perRequest = PER_REQUEST, more = {} } = {}) {
        Object.assign(this, { site, perRequest, more, sent: 0 });
    }

    /** So many more; each request is answered 202. */
    async send(server, count, headers = {}) {
        for (const last = this.sent + count; this.sent < last;) {
            const length = Math.min(this.perRequest, last - this.sent);
            const events = Array.from({ length }, (_, i) => this.event(this.sent + 1 + i));
            const answer = await server.track(events, headers);
            assert.equal(answer.status, 202, answer.text);
            assert.deepEqual(answer.body, { accepted: length });
            this.sent += length;
        }
    }

    event(number) {
        return { event: 'pageview', siteId: this.site, path: pathOf(number), ...this.more };
    }

    /** The numbers that are stored, in order, one for each row. */
    async stored(installation) {
        const rows = await installation.sql(
            `SELECT path FROM analytics_events WHERE site_id = '${this.site}';`,
        );
        const prefix = pathOf('');
        return rows
            .split('\n')
            .filter((path) => path !== '')
            .map((path) => {
                assert.ok(path.startsWith(prefix), path);
                return Number(path.slice(prefix.length));
            })
            .sort((a, b) => a - b);
    }

    /** Everything sent is stored, each once. */
    async areStoredOnce(installation) {
        assert.deepEqual(await this.stored(installation), numbersTo(this.sent));
    }
}

export const numbersTo = (n) => Array.from({ length: n }, (_, i) => i + 1);
