// A request that is not complete 10 s after its connection was made or its previous answer sent
// is cut off.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsClean, sanitizedInstallation } from '../lib/sanitized.mjs';
import { requestBytes, TRACK, trackBytes, Wire } from '../lib/wire.mjs';

/** Far beyond the 10 s of the contract, and far below what a client that trickles on could hold
 *  out. */
const LIMIT_MS = 30_000;
const abacus = sanitizedInstallation();
let server;

before(async () => {
    await abacus.site('slow', 'alpha');
    server = await abacus.serve();
});
after(() => server?.kill());

/** Send one byte of `bytes` again and again until the other side has had enough: true, or false
 *  after LIMIT_MS. */
async function trickle(wire, bytes) {
    const end = Date.now() + LIMIT_MS;
    for (let i = 0; Date.now() < end && !wire.closed; i++) {
        wire.send(bytes.subarray(i % bytes.length, (i % bytes.length) + 1));
        await sleep(250);
    }
    return wire.closed;
}

const letters = Buffer.from('abcdefgh');
const CLIENTS = {
    'that says nothing': (wire) => wire.ended(LIMIT_MS),
    'that sends its request line byte by byte': (wire) => {
        wire.send('GET /');
        return trickle(wire, letters);
    },
    'that sends a header line a second': async (wire) => {
        wire.send('GET /healthz HTTP/1.1\r\nHost: x\r\n');
        return trickle(wire, Buffer.from('A: b\r\n'));
    },
    'that sends its body byte by byte': (wire) => {
        wire.send(requestBytes('POST', TRACK, { 'Content-Length': 60_000 }, '{"event":"'));
        return trickle(wire, letters);
    },
    'that sends chunks of one byte': async (wire) => {
        wire.send(`POST ${TRACK} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
        const end = Date.now() + LIMIT_MS;
        while (Date.now() < end && !wire.closed) {
            wire.send('1\r\na\r\n');
            await sleep(250);
        }
        return wire.closed;
    },
    'that was answered and then sends its next request byte by byte': async (wire) => {
        wire.send(trackBytes({ event: 'pageview', siteId: 'slow', path: '/' }));
        assert.equal((await wire.response()).status, 202);
        wire.send('GET /');
        return trickle(wire, letters);
    },
};

test('slow clients are cut off, however steadily they trickle, and hold up nobody else', async () => {
    const wires = Object.entries(CLIENTS).map(async ([name, client]) => [
        name,
        await client(await Wire.open(server.port)),
    ]);
    let answered = 0;
    let done = false;
    const others = (async () => {
        while (!done) {
            assert.equal(
                (await server.track({ event: 'pageview', siteId: 'slow', path: '/' })).status,
                202,
            );
            answered += 1;
            await sleep(20);
        }
    })();
    const ends = await Promise.all(wires);
    done = true;
    await others;
    assert.deepEqual(
        ends,
        Object.keys(CLIENTS).map((name) => [name, true]),
    );
    assert.ok(answered > 20);
});

test('a connection that asks again within the deadline lives on beyond it', async () => {
    let wire = await Wire.open(server.port);
    let answeredAt = Date.now();
    for (let end = answeredAt + 12_000; Date.now() < end; await sleep(500)) {
        if (Date.now() - answeredAt > 8000) {
            // We were held up, and come too late ourselves: from the beginning.
            wire.close();
            wire = await Wire.open(server.port);
            end = Date.now() + 12_000;
        }
        wire.send(requestBytes('GET', '/healthz'));
        assert.equal((await wire.response()).status, 200);
        answeredAt = Date.now();
    }
    wire.close();
});

test('the sanitizers found nothing, and the exit is clean', () => endsClean(server));
