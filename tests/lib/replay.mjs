// A scenario, sent at its own times to the program in every shape at once: on one machine, and on
// the platform with one node that tracks and counts and another that answers.
//
// The shapes share a clock that stands still, so that all that differs between their answers is
// what the shapes make of the same events. Every answer asked for is kept, for comparing.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { query, until } from './abacus.mjs';
import { SHAPES } from './platform.mjs';
import { domainOf, FIRST_DATE, LAST_DATE, settingsOf } from './scenario.mjs';
import { trackBytes, Wire } from './wire.mjs';

/** So that the year before can be compared with; elsewhere it lies before the first day kept. */
export const LONG_KEPT = 'berlin-shop';
/** After a longer leap of the clock the salts of the new dates have yet to be made: a backend's
 *  event with a time of its own would count without its visitor. */
const SALTS_AHEAD_MS = 86_400_000;
const ROLES = {
    'one machine': [[]],
    platform: [
        ['--roles', 'ingest,aggregate'],
        ['--roles', 'query,web'],
    ],
};

export class ScenarioRun {
    constructor({ shape, make }) {
        Object.assign(this, { shape, make, tokens: {}, servers: [], answers: new Map() });
        Object.assign(this, { first: FIRST_DATE, last: LAST_DATE });
    }

    /** All shapes, each of them without a server as yet. */
    static ofEachShape() {
        return SHAPES.map((shape) => new ScenarioRun(shape));
    }

    async start(scenario, clock) {
        this.abacus = await this.make({ clock });
        Object.assign(this, { first: scenario.first, last: scenario.last });
        for (const site of scenario.sites) {
            const { id, tenant, zone } = site;
            await this.abacus.site(id, tenant, { domain: domainOf(id), timezone: zone });
            const settings = settingsOf(site);
            if (settings.length > 0) await this.abacus.must(['site', 'set', id, ...settings]);
            if (id === LONG_KEPT) await this.abacus.settings(LONG_KEPT, { stats_days: 800 });
        }
        for (const tenant of new Set(scenario.sites.map(({ tenant }) => tenant))) {
            await this.abacus.readFreely(tenant);
            this.tokens[tenant] = await this.abacus.token('stats:read,events:write', { tenant });
        }
        await this.serve();
    }

    /** With `interval` '0' nothing is counted, and no day packed, but by `abacus.aggregate()`. */
    async serve(interval) {
        this.servers = [];
        for (const [i, roles] of ROLES[this.shape].entries()) {
            const node = i === 0 ? this.abacus : this.abacus.node();
            const args = ['--trusted-proxies', '127.0.0.1/32', ...roles];
            const env = { ABACUS_LOG: 'debug' };
            this.servers.push(await node.serve(args, { env, interval }));
        }
        this.reader = this.servers.at(-1);
        this.wire = await Wire.open(this.servers[0].port);
    }

    async stop() {
        this.wire?.close();
        await Promise.all(this.servers.map((server) => server.stop()));
    }

    /** As if no day of these sites that has its raw rows had been packed yet. */
    async unpack(sites) {
        const ids = sites.map(({ id }) => `'${id}'`).join();
        await this.abacus.sql(
            `INSERT INTO due_days (site_id, day)
                 SELECT DISTINCT site_id, day FROM packs WHERE part >= 200 AND site_id IN (${ids})
             ON CONFLICT DO NOTHING;`,
        );
        await this.abacus.sql(
            'DELETE FROM packs WHERE (site_id, day) IN (SELECT site_id, day FROM due_days);',
        );
    }

    /** 503 says that nothing was taken: after a jump of the clock the salts of the new dates come
     *  first. Returns what is wrong with the answer, or null. */
    async send(request) {
        const { tenant, headers, body } = request;
        const authorization = tenant ? { Authorization: `Bearer ${this.tokens[tenant]}` } : {};
        const bytes = trackBytes(body, { ...headers, ...authorization });
        const answer = await until(async () => {
            this.wire.send(bytes);
            const got = await this.wire.response();
            return got.status === 503 ? undefined : got;
        }, 'another answer than 503');
        const said = judge(request, answer);
        return said && `${this.shape}: ${said}: ${body} -> ${answer.status} ${answer.body}`;
    }

    /** Refusals become records within a second; then everything received can be counted. What still
     *  waits stands in each shape's ledger as its own. */
    settle(scenario, refused) {
        return until(async () => {
            await this.abacus.aggregate();
            let seen = 0;
            let queued = 0;
            for (const { id, tenant } of scenario.sites) {
                const ledger = await this.ledgerOf(id, tenant);
                queued += ledger.queued;
                for (const day of ledger.days)
                    for (const n of Object.values(day.rejected)) seen += n;
            }
            return seen >= refused && queued === 0;
        }, `${refused} refused events in the ledger, and nothing that waits`);
    }

    ask = async (tenant, path, params) => {
        const question = query(path, params);
        const answer = await this.reader.get(question, this.tokens[tenant]);
        assert.equal(answer.status, 200, `${path} ${JSON.stringify(params)}: ${answer.text}`);
        // The job's last run is a moment of the real world.
        const { asOf, ...lasting } = answer.body;
        assert.ok(Date.parse(asOf) > 0, `${question}: asOf ${asOf}`);
        this.answers.set(question, lasting);
        return answer.body;
    };

    ledgerOf = (siteId, tenant) =>
        this.ask(tenant, '/api/analytics/ledger', { siteId, from: this.first, to: this.last });

    exportOf = async (siteId, tenant) => {
        const rows = await this.reader.exportRows(
            this.tokens[tenant],
            siteId,
            this.first,
            this.last,
        );
        this.answers.set(`export of ${siteId}`, withoutChance(rows));
        return rows;
    };
}

/** Set all of them up and send everything; among the requests, {atMs, job: true} is a run of the
 *  job. */
export async function replay(runs, scenario, clock, refused) {
    clock.set(scenario.beginMs);
    await Promise.all(runs.map((run) => run.start(scenario, clock)));
    const wrong = [];
    for (const request of scenario.requests) {
        const leaps = request.atMs - clock.ms > SALTS_AHEAD_MS;
        clock.set(request.atMs);
        if (leaps) await Promise.all(runs.map(({ servers }) => servers[0].ready()));
        if (request.job) {
            await Promise.all(runs.map(({ abacus }) => abacus.aggregate()));
            continue;
        }
        const said = await Promise.all(runs.map((run) => run.send(request)));
        wrong.push(...said.filter((one) => one !== null));
    }
    clock.set(scenario.endMs);
    assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} answers are wrong`);
    await Promise.all(runs.map((run) => run.settle(scenario, refused)));
}

function judge({ status, facts = [] }, answer) {
    if (answer.status !== status) return `expected ${status}`;
    if (status !== 202) return null;
    const { accepted, dropped = {} } = JSON.parse(answer.body);
    let left = facts.length - accepted - (dropped.duplicate ?? 0);
    for (const reason of ['gpc', 'blocked', 'bot']) {
        const expected = facts.filter(({ outcome }) => outcome.split(':')[1] === reason).length;
        if ((dropped[reason] ?? 0) !== expected) return `expected ${expected} dropped: ${reason}`;
        left -= expected;
    }
    return left === 0 ? null : 'the numbers do not add up';
}

/** Members of an object have no order. */
const inOrder = (object) => object && Object.fromEntries(Object.entries(object).sort());

/** Exported rows without what chance decides: a row's number, the order of rows of one
 *  millisecond, and what a visitor is called; not who is the same visitor. */
function withoutChance(rows) {
    const visitors = new Map();
    for (const { id, visitor, ...row } of rows) {
        assert.ok(Number.isSafeInteger(id), `id ${id}`);
        const who = visitor || null;
        if (!visitors.has(who)) visitors.set(who, []);
        visitors.get(who).push(JSON.stringify({ ...row, props: inOrder(row.props) }));
    }
    const nobodys = visitors.get(null) ?? [];
    visitors.delete(null);
    return {
        nobodys: nobodys.sort(),
        visitors: [...visitors.values()].map((list) => list.sort().join('\n')).sort(),
    };
}

/** The questions that two runs answer differently, or that only one of them was asked. */
export function differing(one, other) {
    const questions = new Set([...one.answers.keys(), ...other.answers.keys()]);
    return [...questions].filter(
        (question) => !isDeepStrictEqual(one.answers.get(question), other.answers.get(question)),
    );
}
