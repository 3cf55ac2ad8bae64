// Requests that are wrong before their body matters: who sends, what they ask for, how it is framed;
// and questions that cannot be answered.

import { test } from 'node:test';
import { query } from '../lib/abacus.mjs';
import { BadRequests, REFUSED, view } from '../lib/bad.mjs';
import { requestBytes, TRACK, trackBytes, Wire } from '../lib/wire.mjs';

const requests = new BadRequests();
const repeat = (text, count) => text.repeat(count);
const text = (length) => repeat('x', length);

// -- who may not, and what there is not -------------------------------------------------

for (const credentials of [
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Basic dXNlcjpwYXNz',
    'abacus_x',
    `Bearer abacus_${text(43)}`,
    `Bearer abacus_${text(5000)}`,
    'Bearer a b',
    'Bearer \xff',
])
    requests.bad(
        `the credentials ${JSON.stringify(credentials.slice(0, 30))}`,
        trackBytes(view(), { Authorization: credentials }),
        401,
    );
for (const siteId of ['nowhere', 'S', '-', 'null', 't'])
    requests.bad(`the unknown site ${siteId}`, trackBytes(view({ siteId })), 404, {
        index: 0,
        field: 'siteId',
    });
for (const Origin of [
    'https://evil.example',
    'null',
    'x',
    '://',
    'https://',
    'https://example.com.evil',
    `https://${text(3000)}`,
])
    requests.bad(`the Origin ${Origin.slice(0, 30)}`, trackBytes(view(), { Origin }), 403);
for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'FOO', 'post'])
    requests.bad(`the method ${method}`, requestBytes(method, TRACK), 405);
for (const method of ['POST', 'DELETE', 'PUT'])
    requests.bad(
        `${method} /healthz`,
        requestBytes(method, '/healthz', { 'Content-Length': 0 }),
        405,
    );
const NOWHERE = [
    '/nope',
    '//',
    '/.',
    '/..',
    '/../etc/passwd',
    '/api',
    '/api/analytics',
    `${TRACK}/`,
    `${TRACK}/x`,
    '/API/ANALYTICS/TRACK',
    '/%2e%2e/',
    '/api/analytics/tenants//stats',
    '/api/analytics/tenants/a/b/stats',
    `/${text(3000)}`,
    '/admin/nowhere',
    '/admin/sites/a',
];
for (const path of NOWHERE)
    requests.bad(
        `GET ${path.slice(0, 40)}`,
        Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1'),
        404,
    );
for (const path of ['/%00', '/%', '/%zz', '/\xff', '/healthz%00'])
    requests.bad(
        `GET ${JSON.stringify(path)}`,
        Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1'),
        REFUSED,
    );
for (const coding of ['gzip', 'br', 'deflate', 'compress', 'gzip, identity', 'nonsense'])
    requests.bad(
        `the content coding ${coding}`,
        trackBytes(view(), { 'Content-Encoding': coding }),
        415,
    );
requests.bad(
    'the content coding identity',
    trackBytes(view(), { 'Content-Encoding': 'identity' }),
    202,
);

// -- framing ----------------------------------------------------------------------------

const json = JSON.stringify(view());
const raw = (head, rest = json) => `POST ${TRACK} HTTP/1.1\r\n${head}\r\n\r\n${rest}`;
const n = json.length;
requests.bad(
    'two different lengths',
    raw(`Host: x\r\nContent-Length: ${n}\r\nContent-Length: ${n - 1}`),
    REFUSED,
);
requests.bad(
    'two equal lengths',
    raw(`Host: x\r\nContent-Length: ${n}\r\nContent-Length: ${n}`),
    REFUSED,
);
requests.bad('a list of lengths', raw(`Host: x\r\nContent-Length: ${n}, ${n}`), REFUSED);
for (const length of ['-1', 'abc', '', '1.5', '0x10', '+5', '99999999999999999999999', `${n} ${n}`])
    requests.bad(
        `the length ${JSON.stringify(length)}`,
        raw(`Host: x\r\nContent-Length: ${length}`),
        REFUSED,
    );
const chunks = `${n.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
requests.bad(
    'a length with chunks',
    raw(`Host: x\r\nContent-Length: ${n}\r\nTransfer-Encoding: chunked`, chunks),
    REFUSED,
);
requests.bad(
    'chunks with a length',
    raw(`Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: ${chunks.length}`, chunks),
    REFUSED,
);
for (const coding of ['gzip, chunked', 'identity', 'chunked, chunked', 'xchunked'])
    requests.bad(
        `the transfer coding ${coding}`,
        raw(`Host: x\r\nTransfer-Encoding: ${coding}`, chunks),
        REFUSED,
    );
for (const size of ['zz', '-5', 'ffffffffffffffffff', ''])
    requests.bad(
        `a chunk of size ${JSON.stringify(size)}`,
        raw('Host: x\r\nTransfer-Encoding: chunked', `${size}\r\n${json}\r\n0\r\n\r\n`),
        REFUSED,
    );
requests.bad(
    'chunks that add up to more than 64 KiB',
    raw(
        'Host: x\r\nTransfer-Encoding: chunked',
        `${repeat(`4000\r\n${text(0x4000)}\r\n`, 5)}0\r\n\r\n`,
    ),
    413,
);
requests.bad('no Host', raw(`Content-Length: ${n}`), REFUSED);
requests.bad('two Hosts', raw(`Host: x\r\nHost: y\r\nContent-Length: ${n}`), REFUSED);
requests.bad('a NUL in a header', raw(`Host: x\r\nX-A: a\0b\r\nContent-Length: ${n}`), REFUSED);
requests.bad('a NUL in the Host', raw(`Host: x\0y\r\nContent-Length: ${n}`), REFUSED);
requests.bad(
    'a NUL in the credentials',
    raw(`Host: x\r\nAuthorization: Bearer a\0b\r\nContent-Length: ${n}`),
    REFUSED,
);
requests.bad(
    "a NUL in a header's name",
    raw(`Host: x\r\nX\0A: a\r\nContent-Length: ${n}`),
    REFUSED,
);
requests.bad('a NUL in the request line', `GET /\0healthz HTTP/1.1\r\nHost: x\r\n\r\n`, REFUSED);
requests.bad('a folded line', raw(`Host: x\r\nX-A: a\r\n b\r\nContent-Length: ${n}`), REFUSED);
requests.bad(
    'a header without a colon',
    raw(`Host: x\r\nnonsense\r\nContent-Length: ${n}`),
    REFUSED,
);
requests.bad(
    'a header of 64 KiB',
    raw(`Host: x\r\nX-A: ${text(65536)}\r\nContent-Length: ${n}`),
    REFUSED,
);
requests.bad(
    '5000 headers',
    raw(`Host: x\r\n${repeat('X-A: b\r\n', 5000)}Content-Length: ${n}`),
    REFUSED,
);
requests.bad(
    'a request line of 64 KiB',
    `GET /${text(65536)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    REFUSED,
);
for (const line of [
    'GARBAGE',
    'GET',
    'GET /',
    'GET / HTTP',
    'GET / HTTP/x.y',
    '\x16\x03\x01\x02\x00\x01\x00\x01',
    'GET  /healthz  HTTP/1.1 x',
])
    requests.bad(
        `the request line ${JSON.stringify(line)}`,
        `${line}\r\nHost: x\r\n\r\n\r\n`,
        REFUSED,
    );

// -- questions that cannot be answered --------------------------------------------------

const read = (what, path, params, status, members) =>
    requests.bad(
        `${path} with ${what}`,
        () =>
            requestBytes(
                'GET',
                `/api/analytics/${path}${typeof params === 'string' ? params : query('', params)}`,
                { Authorization: `Bearer ${requests.tokens.read}` },
            ),
        status,
        members,
    );
const RANGES = [
    [{ from: '2026-01-02', to: '2026-01-01' }],
    [{ from: '2026-01-01' }, 'to'],
    [{ to: '2026-01-01' }, 'from'],
    [{ from: '2026-02-30', to: '2026-03-01' }, 'from'],
    [{ from: '2026-01-01', to: 'tomorrow' }, 'to'],
    [{ from: '2026-1-1', to: '2026-01-02' }, 'from'],
    [{ from: '2010-01-01', to: '2026-01-01' }],
    [{ period: 'fortnight' }, 'period'],
    [{ period: '7d', from: '2026-01-01', to: '2026-01-02' }],
    [{ period: 'custom' }],
    [{ from: '2026-01-01', to: '0000-00-00' }, 'to'],
    [{ from: '-2026-01-01', to: '2026-01-01' }, 'from'],
];
for (const path of ['stats', 'timeseries', 'compare', 'ledger']) {
    for (const [range, parameter] of RANGES)
        read(
            JSON.stringify(range),
            path,
            { siteId: 's', ...range },
            400,
            parameter ? { parameter } : {},
        );
    read('a parameter nobody knows', path, { siteId: 's', whatever: 1 }, 400, {
        parameter: 'whatever',
    });
    read('a parameter twice', path, '?siteId=s&siteId=s', 400, { parameter: 'siteId' });
    for (const bytes of ['%', '%zz', '%00', '%ff', '%c0%af', '%ed%a0%80'])
        read(`siteId ${bytes}`, path, `?siteId=${bytes}`, 400);
}
for (const [params, parameter] of [
    [{ metric: 'beauty' }, 'metric'],
    [{ interval: 'minute' }, 'interval'],
    [{ metric: '' }, 'metric'],
])
    read(JSON.stringify(params), 'timeseries', { siteId: 's', ...params }, 400, { parameter });
for (const [params, parameter] of [
    [{ against: 'god' }, 'against'],
    [{ against: 'custom' }],
    [{ against: 'year', againstFrom: '2026-01-01', againstTo: '2026-01-02' }],
    [{ matchWeekday: 'maybe' }, 'matchWeekday'],
    [{ siteIds: 's' }],
])
    read(
        JSON.stringify(params),
        'compare',
        { siteId: 's', ...params },
        400,
        parameter ? { parameter } : {},
    );
for (const [params, parameter] of [
    [{ format: 'xml' }, 'format'],
    [{ from: '2026-01-01', to: '2025-01-01' }],
])
    read(
        JSON.stringify(params),
        'export',
        { siteId: 's', ...params },
        400,
        parameter ? { parameter } : {},
    );
read('no site', 'timeseries', { from: '2026-01-01', to: '2026-01-02' }, 400, {
    parameter: 'siteId',
});
read('no site', 'ledger', { from: '2026-01-01', to: '2026-01-02' }, 400, { parameter: 'siteId' });
read('a range of 3660 days', 'stats', { siteId: 's', from: '2015-12-25', to: '2025-12-31' }, 200);
read('a range of 3661 days', 'stats', { siteId: 's', from: '2015-12-24', to: '2025-12-31' }, 400);

test('clients that go away in the middle of a request do no harm', async () => {
    const whole = trackBytes(view());
    for (let cut = 0; cut < whole.length; cut += 7) {
        const wire = await Wire.open(requests.server.port);
        wire.send(whole.subarray(0, cut));
        wire.close();
    }
});

requests.end(150);
