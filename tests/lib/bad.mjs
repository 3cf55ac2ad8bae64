// Bad requests, made from tables: the documented answer, never a 5xx, a crash or a leak.
//
// They go to the build with address and undefined behaviour sanitizers; its exit code and its log
// are checked last. Where libmicrohttpd answers before routing the contract leaves the code to it:
// REFUSED stands for any 4xx or a closed connection.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endsClean, sanitizedInstallation } from './sanitized.mjs';
import { Cut, once, trackBytes } from './wire.mjs';

export const REFUSED = 'refused';

/** A good event; with other members where they are given. */
export const view = (more = {}) => ({ event: 'pageview', siteId: 's', path: '/', ...more });

/** A server with the site "s" of example.com and the tokens write and read. */
export class BadRequests {
    constructor() {
        this.sent = 0;
        this.tokens = {};
        before(() => this.#start());
        after(() => this.server?.kill());
    }

    async #start() {
        const abacus = sanitizedInstallation();
        await abacus.site('s', 't', { domain: 'example.com' });
        this.tokens.write = await abacus.token('events:write', { tenant: 't' });
        this.tokens.read = await abacus.token('stats:read', { tenant: 't' });
        this.server = await abacus.serve();
    }

    /**
     * A test that sends `request` (bytes, or a function that makes them once there are tokens) and
     * expects `status` and, in the problem, `members`.
     */
    bad(what, request, status, members = {}) {
        const answers = status === REFUSED ? 'with a refusal' : status;
        test(`answers ${answers} to ${what}`, async () => {
            this.sent += 1;
            const answer = await this.#exchange(request, status);
            if (status === REFUSED) {
                const code = answer?.status ?? 400;
                assert.ok(code >= 400 && code < 500, `${code} ${answer?.body}`);
                return;
            }
            assert.equal(answer.status, status, answer.body);
            if (status >= 400) checkProblem(answer, members);
        });
    }

    /** The answer; nothing where a refusal is allowed to be a closed connection. */
    async #exchange(request, status) {
        try {
            return await once(
                this.server.port,
                typeof request === 'function' ? request() : request,
            );
        } catch (error) {
            if (!(error instanceof Cut && status === REFUSED)) throw error;
            assert.equal(error.message, 'closed without an answer');
            return undefined;
        }
    }

    /** What a tracker would be told of a request with this body. */
    body(what, text, status = 400, members = {}) {
        this.bad(what, trackBytes(text), status, members);
    }

    /** The same with a token that may do everything a token may. */
    withToken(what, events, status, members = {}) {
        const headers = () => ({ Authorization: `Bearer ${this.tokens.write}` });
        this.bad(what, () => trackBytes(events, headers()), status, members);
    }

    /** After all of them: nothing has changed, and the sanitizers have found nothing. */
    end(atLeast) {
        test(`${atLeast} bad requests and more have changed nothing`, async () => {
            assert.ok(this.sent >= atLeast, `${this.sent}`);
            assert.equal((await this.server.fetch('/healthz')).status, 200);
            const events = Array.from({ length: 3 }, (_, i) => view({ path: `/${i}` }));
            assert.deepEqual((await this.server.track(events)).body, { accepted: 3 });
        });
        test('the sanitizers found nothing, and the exit is clean', () => endsClean(this.server));
    }
}

function checkProblem({ status, headers, body }, members) {
    assert.match(headers['content-type'], /^application\/problem\+json/);
    const problem = JSON.parse(body);
    assert.equal(problem.status, status);
    for (const [name, value] of Object.entries(members))
        assert.deepEqual(problem[name], value, body);
}
