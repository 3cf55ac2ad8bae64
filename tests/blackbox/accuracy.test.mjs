// What the cut address costs: visitors of one network with the same browser are counted as one.
//
// A model of the world: each of a thousand visitors is in one of so many networks (/24) with a
// hundred hosts each, and has a browser of those that are in use, as often as they are
// (user-agents). The counts are compared with the distinct pairs of the model itself, and the
// shares with what doc/PRIVACY.md says of them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { bearer, Installation } from '../lib/abacus.mjs';
import { Random } from '../lib/random.mjs';

const VISITORS = 1000;
const HOSTS = 100;
const PER_REQUEST = 100;
const TOLERANCE = 0.02;

/** With so many visitors for each network, the share that is counted, in doc/PRIVACY.md. */
const DOCUMENTED = [
    { networks: 2000, cut: 0.98, full: 1 },
    { networks: 200, cut: 0.84, full: 1 },
    { networks: 20, cut: 0.5, full: 0.97 },
];

const require = createRequire(import.meta.url);
const agents = JSON.parse(
    readFileSync(join(dirname(require.resolve('user-agents')), 'user-agents.json'), 'utf8'),
);
const random = new Random(20261122);
const abacus = new Installation();
let server;
let write;
let token;

before(async () => {
    for (const { networks } of DOCUMENTED)
        for (const kind of ['cut', 'full']) await abacus.site(`${kind}-${networks}`, 'model');
    for (const { networks } of DOCUMENTED)
        await abacus.must(['site', 'set', `full-${networks}`, 'visitorIdentity=full-address']);
    write = await abacus.token('events:write', { tenant: 'model' });
    token = await abacus.token('stats:read', { tenant: 'model' });
    server = await abacus.serve([], { interval: '0' });
});

after(() => server?.stop());

/** Browsers as often as they are in use. */
function drawAgent() {
    const total = agents.reduce((sum, { weight }) => sum + weight, 0);
    let left = random.next() * total;
    return (agents.find(({ weight }) => (left -= weight) < 0) ?? agents[0]).userAgent;
}

function drawVisitors(networks) {
    return Array.from({ length: VISITORS }, () => {
        const network = random.int(0, networks - 1);
        const ip = `198.${18 + (network >> 8)}.${network & 255}.${random.int(1, HOSTS)}`;
        return { ip, userAgent: drawAgent() };
    });
}

async function count(siteId, visitors) {
    for (let at = 0; at < visitors.length; at += PER_REQUEST) {
        const events = visitors
            .slice(at, at + PER_REQUEST)
            .map((visitor) => ({ event: 'pageview', siteId, path: '/', visitor }));
        const { body } = await server.track(events, bearer(write));
        assert.deepEqual(body, { accepted: events.length });
    }
    await abacus.aggregate();
    return (await server.stats(token, siteId)).uniqueVisitors;
}

const distinct = (visitors, network) =>
    new Set(visitors.map(({ ip, userAgent }) => `${network(ip)} ${userAgent}`)).size;

for (const { networks, cut, full } of DOCUMENTED)
    test(`${VISITORS} visitors of ${networks} networks`, async (t) => {
        const visitors = drawVisitors(networks);
        const counted = {
            cut: await count(`cut-${networks}`, visitors),
            full: await count(`full-${networks}`, visitors),
        };
        t.diagnostic(`${networks} networks: ${JSON.stringify(counted)} of ${VISITORS}`);
        assert.deepEqual(counted, {
            cut: distinct(visitors, (ip) => ip.slice(0, ip.lastIndexOf('.'))),
            full: distinct(visitors, (ip) => ip),
        });
        assert.ok(Math.abs(counted.cut / VISITORS - cut) <= TOLERANCE);
        assert.ok(Math.abs(counted.full / VISITORS - full) <= TOLERANCE);
    });
