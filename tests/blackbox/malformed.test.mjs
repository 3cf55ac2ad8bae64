// Bad requests, made from tables: the documented answer, never a 5xx, a crash or a leak.
//
// They go to the build with address and undefined behaviour sanitizers; its exit code and its log are checked last.
// A row is [what it is, what is sent, the status, members of the problem]. Where libmicrohttpd answers before routing
// the contract leaves the code to it: REFUSED stands for any 4xx or a closed connection.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ASAN_BIN, Installation, query } from '../lib/abacus.mjs';
import { Cut, once, requestBytes, TRACK, trackBytes, Wire } from '../lib/wire.mjs';

const REFUSED = 'refused';
const abacus = new Installation({
    bin: ASAN_BIN,
    env: { ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' },
});
const tokens = {};
let server;

before(async () => {
    assert.ok(existsSync(ASAN_BIN), `${ASAN_BIN} is missing: build with -Db_sanitize=address,undefined`);
    assert.ok(readFileSync(ASAN_BIN).includes('__asan_init'), `${ASAN_BIN} has no sanitizer`);
    await abacus.site('s', 't', { domain: 'example.com' });
    tokens.write = await abacus.token('events:write', { tenant: 't' });
    tokens.read = await abacus.token('stats:read', { tenant: 't' });
    server = await abacus.serve();
});

let sent = 0;
const bad = (what, request, status, members = {}) =>
    test(`answers ${status === REFUSED ? 'with a refusal' : status} to ${what}`, async () => {
        sent += 1;
        const bytes = typeof request === 'function' ? request() : request;
        let answer;
        try {
            answer = await once(server.port, bytes);
        } catch (error) {
            if (!(error instanceof Cut && status === REFUSED)) throw error;
            assert.equal(error.message, 'closed without an answer');
        }
        if (answer && status === REFUSED) assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.body}`);
        if (status === REFUSED) return;
        assert.equal(answer.status, status, answer.body);
        if (status >= 400) checkProblem(answer, members);
    });

function checkProblem({ status, headers, body }, members) {
    assert.match(headers['content-type'], /^application\/problem\+json/);
    const problem = JSON.parse(body);
    assert.equal(problem.status, status);
    for (const [name, value] of Object.entries(members)) assert.deepEqual(problem[name], value, body);
}

const view = (more = {}) => ({ event: 'pageview', siteId: 's', path: '/', ...more });
const without = (event, name) => Object.fromEntries(Object.entries(event).filter(([key]) => key !== name));
/** What a tracker would be told of a request with this body. */
const body = (what, text, status = 400, members = {}) => bad(what, trackBytes(text), status, members);
/** The same with a token that may do everything a token may. */
const withToken = (what, events, status, members = {}) =>
    bad(what, () => trackBytes(events, { Authorization: `Bearer ${tokens.write}` }), status, members);
const repeat = (text, count) => text.repeat(count);

// -- texts that are no JSON, or not what JSON is for ---------------------------------------------------------------

const NO_JSON = ['', ' ', '\n\t', '{', '}', '[', ']', '{]', '[}', '{"event"', '{"event":', '{"event":"pageview"', '{"event":}', '{,}', '[,]',
    '{"a":1,}', '[1,]', '{"a" 1}', '{a:1}', "{'a':1}", '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":1e}', '{"a":0x10}', '{"a":NaN}',
    '{"a":Infinity}', '{"a":-}', '{"a":tru}', '{"a":nul}', 'nulll', '{"a":"\t"}', '{"a":"\n"}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":"\\uZZZZ"}',
    '{"a":"', '{"a":"\\', '// no\n{}', '/* no */{}', '{} {}', '{}x', '[] []', '<xml/>', 'event=pageview&siteId=s', '{"a":1}}', '"', '-', '\uFEFF{}'];
for (const text of NO_JSON) body(`the text ${JSON.stringify(text)}`, text);

const NO_EVENTS = ['null', 'true', 'false', '1', '-1.5e3', '"pageview"', '[1]', '[null]', '[[]]', '["pageview"]', '[true]', '{}', '{"events":1}', '{"events":null}',
    '{"events":{}}', '{"events":"x"}', '{"events":[1]}', '{"events":[[]]}', '{"events":[null]}', '{"event":null}'];
for (const text of NO_EVENTS) body(`the JSON ${text}`, text);

// -- bytes that are no UTF-8 ------------------------------------------------------------------------------------------

const BYTES = {
    'a lone continuation byte': [0x80], 'a byte that never occurs': [0xff], 'another byte that never occurs': [0xfe],
    'an overlong slash of two bytes': [0xc0, 0xaf], 'an overlong slash of three': [0xe0, 0x80, 0xaf], 'an overlong slash of four': [0xf0, 0x80, 0x80, 0xaf],
    'an overlong NUL': [0xc0, 0x80], 'a high surrogate': [0xed, 0xa0, 0x80], 'a low surrogate': [0xed, 0xb0, 0x80],
    'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 'a number above U+10FFFF': [0xf4, 0x90, 0x80, 0x80], 'a five byte form': [0xf8, 0x88, 0x80, 0x80, 0x80],
    'a six byte form': [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80], 'a sequence cut after one of two': [0xc3], 'one cut after two of three': [0xe2, 0x82],
    'one cut after three of four': [0xf0, 0x9f, 0x8d], 'a start byte in the middle of a sequence': [0xe2, 0xc3, 0xa4], 'a raw NUL': [0x00], 'latin 1': [0xe4],
};
function bodyWith(member, bytes) {
    const [before, after] = JSON.stringify(view({ [member]: 'a@b' })).split('@');
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
}
for (const [what, bytes] of Object.entries(BYTES)) {
    body(`${what} in a path`, bodyWith('path', bytes));
    body(`${what} in a member that is ignored`, bodyWith('whatever', bytes));
}
const ESCAPES = { 'an escaped NUL': '\\u0000', 'a lone high surrogate': '\\ud83d', 'a lone low surrogate': '\\udc00', 'surrogates the wrong way round': '\\udc00\\ud83d',
    'a high surrogate before a letter': '\\ud83dx', 'two high surrogates': '\\ud83d\\ud83d' };
for (const [what, text] of Object.entries(ESCAPES)) {
    body(`${what} in a title`, `{"event":"pageview","siteId":"s","path":"/","title":"${text}"}`);
    body(`${what} in a name`, `{"event":"pageview","siteId":"s","path":"/","${text}":1}`);
}

// -- members: missing, of the wrong type, out of bounds ------------------------------------------------------------

for (const name of ['event', 'siteId', 'path']) body(`a pageview without ${name}`, without(view(), name), 400, { index: 0, field: name });
body('engagement without a path', { event: 'engagement', siteId: 's', seconds: 1 }, 400, { index: 0, field: 'path' });
body('ai.usage without tokens', { event: 'ai.usage', siteId: 's' }, 400, { index: 0, field: 'tokens' });
const WRONG = { event: [1, true, [], {}], siteId: [1, true, [], {}], tenantId: [1, {}], path: [1, false, [], {}], referrer: [1, {}], title: [1, []], screen: [1440, {}],
    props: ['x', 1, [], true], count: ['1', 1.5, true, {}, -1, 0, 1e300], tokens: ['1', 1.5, -1, {}], seconds: ['1', -1, 86401, {}], scroll: ['1', -1, 101, []],
    id: [1, {}], timestamp: [1, 'yesterday', '2026-02-30T00:00:00Z', '2026-01-01', '2026-01-01T25:00:00Z', '2026-01-01T00:00:00'], visitor: [1, 'x', [], {}, { ip: '1.2.3' }] };
for (const [name, values] of Object.entries(WRONG)) {
    const event = name === 'seconds' || name === 'scroll' ? view({ event: 'engagement' }) : name === 'tokens' ? { event: 'ai.usage', siteId: 's' } : view();
    for (const value of values) withToken(`${name} ${JSON.stringify(value)}`, { ...event, [name]: value }, 400, { index: 0 });
}
for (const value of [{ a: {} }, { a: [] }, { a: { b: 1 } }]) body(`props ${JSON.stringify(value)}`, view({ props: value }), 400, { field: 'props.a' });
for (const name of ['', 'Pageview', '1st', '_x', 'with space', 'ümlaut', 'a/b', 'a\u0001', '.']) body(`the event name ${JSON.stringify(name)}`, view({ event: name }), 400, { field: 'event' });
for (const id of ['', 'a b', 'ä', 'a/b', "s'--", 's.t', '../s']) body(`the siteId ${JSON.stringify(id)}`, view({ siteId: id }), 400, { field: 'siteId' });
body('a path that is empty', view({ path: '' }), 400, { field: 'path' });
body('an event that is wrong behind one that is right', [view(), view({ path: 1 })], 400, { index: 1, field: 'path' });

const DOUBLE = ['{"event":"pageview","siteId":"s","path":"/","path":"/"}', '{"event":"pageview","event":"pageview","siteId":"s","path":"/"}',
    '{"event":"pageview","siteId":"s","path":"/","\\u0070ath":"/"}', '{"event":"pageview","siteId":"s","path":"/","props":{"a":1,"a":2}}',
    '{"event":"pageview","siteId":"s","path":"/","other":1,"other":2}', '{"events":[],"events":[]}'];
for (const text of DOUBLE) body(`a member twice: ${text}`, text);

// -- each limit: exactly at it, and one over -------------------------------------------------------------------------

const text = (length) => repeat('x', length);
const props = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
const visitor = { ip: '192.0.2.1', userAgent: 'x' };
const LIMITS = [
    ['100 events', Array(100).fill(view()), Array(101).fill(view())],
    ['a path of 2000 bytes', view({ path: `/${text(1999)}` }), view({ path: `/${text(2000)}` })],
    ['a path of 2000 bytes in characters of two', view({ path: `/${repeat('ä', 999)}x` }), view({ path: `/${repeat('ä', 1000)}` })],
    ['a name of 64 letters', view({ event: text(64) }), view({ event: text(65) })],
    ['a screen of 5 digits each', view({ screen: '99999x99999' }), view({ screen: text(33) })],
    ['an id of 200 bytes', view({ id: text(200) }), view({ id: text(201) })],
    ['30 props', view({ props: props(30) }), view({ props: props(31) })],
    ['a prop of 2000 bytes', view({ props: { a: text(2000) } }), view({ props: { a: text(2001) } })],
    ['a prop name of 100 bytes', view({ props: { [text(100)]: 1 } }), view({ props: { [text(101)]: 1 } })],
    ['a count of 1e6', view({ count: 1e6 }), view({ count: 1e6 + 1 })],
    ['tokens of 1e12', { event: 'ai.usage', siteId: 's', tokens: 1e12 }, { event: 'ai.usage', siteId: 's', tokens: 1e12 + 1 }],
    ['tokens x count of 1e12', { event: 'ai.usage', siteId: 's', tokens: 1e6, count: 1e6 }, { event: 'ai.usage', siteId: 's', tokens: 1e6 + 1, count: 1e6 }],
    ['86400 seconds', view({ event: 'engagement', seconds: 86400 }), view({ event: 'engagement', seconds: 86400.5 })],
    ['scroll 100', view({ event: 'engagement', scroll: 100 }), view({ event: 'engagement', scroll: 100.6 })],
    ['nesting of 4 in an event', '{"event":"pageview","siteId":"s","path":"/","x":[[[1]]]}', '{"event":"pageview","siteId":"s","path":"/","x":[[[[1]]]]}'],
    ['nesting of 4 in events', '{"events":[{"event":"pageview","siteId":"s","path":"/","props":{"a":1}}]}', '{"events":[{"event":"pageview","siteId":"s","path":"/","x":{"a":{}}}]}'],
    ['a visitor', view({ visitor }), view({ visitor: { ...visitor, ip: '192.0.2.256' } })],
];
for (const [what, at, over] of LIMITS) {
    withToken(what, at, 202);
    withToken(`one more than ${what}`, over, 400);
}
bad('a site id of 64 letters that is unknown', trackBytes(view({ siteId: text(64) })), 404, { index: 0, field: 'siteId' });
bad('a site id of 65 letters', trackBytes(view({ siteId: text(65) })), 400, { field: 'siteId' });
const padded = (bytes) => JSON.stringify(view()).padEnd(bytes);
bad('a body of 64 KiB', trackBytes(padded(65536)), 202);
bad('a body of 64 KiB and a byte', trackBytes(padded(65537)), 413);
bad('a body of a megabyte', trackBytes(padded(1 << 20)), 413);
bad('a body that says it is a gigabyte', requestBytes('POST', TRACK, { 'Content-Length': 1e9 }, '{'), 413);
for (const depth of [5, 100, 30_000]) body(`arrays ${depth} deep`, repeat('[', depth) + repeat(']', depth));
body('objects 8000 deep', repeat('{"a":', 8000) + '1' + repeat('}', 8000));
body('arrays that never close', repeat('[', 60_000));

// -- who may not, and what there is not --------------------------------------------------------------------------------

for (const credentials of ['Bearer', 'Bearer ', 'Bearer x', 'Basic dXNlcjpwYXNz', 'abacus_x', `Bearer abacus_${text(43)}`, `Bearer abacus_${text(5000)}`, 'Bearer a b', 'Bearer \xff'])
    bad(`the credentials ${JSON.stringify(credentials.slice(0, 30))}`, trackBytes(view(), { Authorization: credentials }), 401);
for (const siteId of ['nowhere', 'S', '-', 'null', 't']) bad(`the unknown site ${siteId}`, trackBytes(view({ siteId })), 404, { index: 0, field: 'siteId' });
for (const Origin of ['https://evil.example', 'null', 'x', '://', 'https://', 'https://example.com.evil', `https://${text(3000)}`])
    bad(`the Origin ${Origin.slice(0, 30)}`, trackBytes(view(), { Origin }), 403);
for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'FOO', 'post']) bad(`the method ${method}`, requestBytes(method, TRACK), 405);
for (const method of ['POST', 'DELETE', 'PUT']) bad(`${method} /healthz`, requestBytes(method, '/healthz', { 'Content-Length': 0 }), 405);
const NOWHERE = ['/nope', '//', '/.', '/..', '/../etc/passwd', '/api', '/api/analytics', `${TRACK}/`, `${TRACK}/x`, '/API/ANALYTICS/TRACK', '/%2e%2e/', '/api/analytics/tenants//stats',
    '/api/analytics/tenants/a/b/stats', `/${text(3000)}`, '/api/analytics/breakdown', '/api/analytics/realtime', '/admin/'];
for (const path of NOWHERE) bad(`GET ${path.slice(0, 40)}`, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1'), 404);
for (const path of ['/%00', '/%', '/%zz', '/\xff', '/healthz%00'])
    bad(`GET ${JSON.stringify(path)}`, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1'), REFUSED);
for (const coding of ['gzip', 'br', 'deflate', 'compress', 'gzip, identity', 'nonsense']) bad(`the content coding ${coding}`, trackBytes(view(), { 'Content-Encoding': coding }), 415);
bad('the content coding identity', trackBytes(view(), { 'Content-Encoding': 'identity' }), 202);

// -- framing -------------------------------------------------------------------------------------------------------------

const json = JSON.stringify(view());
const raw = (head, rest = json) => `POST ${TRACK} HTTP/1.1\r\n${head}\r\n\r\n${rest}`;
const n = json.length;
bad('two different lengths', raw(`Host: x\r\nContent-Length: ${n}\r\nContent-Length: ${n - 1}`), REFUSED);
bad('two equal lengths', raw(`Host: x\r\nContent-Length: ${n}\r\nContent-Length: ${n}`), REFUSED);
bad('a list of lengths', raw(`Host: x\r\nContent-Length: ${n}, ${n}`), REFUSED);
for (const length of ['-1', 'abc', '', '1.5', '0x10', '+5', '99999999999999999999999', `${n} ${n}`]) bad(`the length ${JSON.stringify(length)}`, raw(`Host: x\r\nContent-Length: ${length}`), REFUSED);
const chunks = `${n.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
bad('a length with chunks', raw(`Host: x\r\nContent-Length: ${n}\r\nTransfer-Encoding: chunked`, chunks), REFUSED);
bad('chunks with a length', raw(`Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: ${chunks.length}`, chunks), REFUSED);
for (const coding of ['gzip, chunked', 'identity', 'chunked, chunked', 'xchunked']) bad(`the transfer coding ${coding}`, raw(`Host: x\r\nTransfer-Encoding: ${coding}`, chunks), REFUSED);
for (const size of ['zz', '-5', 'ffffffffffffffffff', '']) bad(`a chunk of size ${JSON.stringify(size)}`, raw('Host: x\r\nTransfer-Encoding: chunked', `${size}\r\n${json}\r\n0\r\n\r\n`), REFUSED);
bad('chunks that add up to more than 64 KiB', raw('Host: x\r\nTransfer-Encoding: chunked', `${repeat(`4000\r\n${text(0x4000)}\r\n`, 5)}0\r\n\r\n`), 413);
bad('no Host', raw(`Content-Length: ${n}`), REFUSED);
bad('two Hosts', raw(`Host: x\r\nHost: y\r\nContent-Length: ${n}`), REFUSED);
bad('a NUL in a header', raw(`Host: x\r\nX-A: a\0b\r\nContent-Length: ${n}`), REFUSED);
bad('a NUL in the Host', raw(`Host: x\0y\r\nContent-Length: ${n}`), REFUSED);
bad('a NUL in the credentials', raw(`Host: x\r\nAuthorization: Bearer a\0b\r\nContent-Length: ${n}`), REFUSED);
bad('a NUL in a header\'s name', raw(`Host: x\r\nX\0A: a\r\nContent-Length: ${n}`), REFUSED);
bad('a NUL in the request line', `GET /\0healthz HTTP/1.1\r\nHost: x\r\n\r\n`, REFUSED);
bad('a folded line', raw(`Host: x\r\nX-A: a\r\n b\r\nContent-Length: ${n}`), REFUSED);
bad('a header without a colon', raw(`Host: x\r\nnonsense\r\nContent-Length: ${n}`), REFUSED);
bad('a header of 64 KiB', raw(`Host: x\r\nX-A: ${text(65536)}\r\nContent-Length: ${n}`), REFUSED);
bad('5000 headers', raw(`Host: x\r\n${repeat('X-A: b\r\n', 5000)}Content-Length: ${n}`), REFUSED);
bad('a request line of 64 KiB', `GET /${text(65536)} HTTP/1.1\r\nHost: x\r\n\r\n`, REFUSED);
for (const line of ['GARBAGE', 'GET', 'GET /', 'GET / HTTP', 'GET / HTTP/x.y', '\x16\x03\x01\x02\x00\x01\x00\x01', 'GET  /healthz  HTTP/1.1 x'])
    bad(`the request line ${JSON.stringify(line)}`, `${line}\r\nHost: x\r\n\r\n\r\n`, REFUSED);

// -- questions that cannot be answered ---------------------------------------------------------------------------------------

const read = (what, path, params, status, members) =>
    bad(`${path} with ${what}`, () => requestBytes('GET', `/api/analytics/${path}${typeof params === 'string' ? params : query('', params)}`,
        { Authorization: `Bearer ${tokens.read}` }), status, members);
const RANGES = [[{ from: '2026-01-02', to: '2026-01-01' }], [{ from: '2026-01-01' }, 'to'], [{ to: '2026-01-01' }, 'from'], [{ from: '2026-02-30', to: '2026-03-01' }, 'from'],
    [{ from: '2026-01-01', to: 'tomorrow' }, 'to'], [{ from: '2026-1-1', to: '2026-01-02' }, 'from'], [{ from: '2010-01-01', to: '2026-01-01' }], [{ period: 'fortnight' }, 'period'],
    [{ period: '7d', from: '2026-01-01', to: '2026-01-02' }], [{ period: 'custom' }], [{ from: '2026-01-01', to: '0000-00-00' }, 'to'], [{ from: '-2026-01-01', to: '2026-01-01' }, 'from']];
for (const path of ['stats', 'timeseries', 'compare', 'ledger']) {
    for (const [range, parameter] of RANGES) read(JSON.stringify(range), path, { siteId: 's', ...range }, 400, parameter ? { parameter } : {});
    read('a parameter nobody knows', path, { siteId: 's', whatever: 1 }, 400, { parameter: 'whatever' });
    read('a parameter twice', path, '?siteId=s&siteId=s', 400, { parameter: 'siteId' });
    for (const bytes of ['%', '%zz', '%00', '%ff', '%c0%af', '%ed%a0%80']) read(`siteId ${bytes}`, path, `?siteId=${bytes}`, 400);
}
for (const [params, parameter] of [[{ metric: 'beauty' }, 'metric'], [{ interval: 'minute' }, 'interval'], [{ metric: '' }, 'metric']])
    read(JSON.stringify(params), 'timeseries', { siteId: 's', ...params }, 400, { parameter });
for (const [params, parameter] of [[{ against: 'god' }, 'against'], [{ against: 'custom' }], [{ against: 'year', againstFrom: '2026-01-01', againstTo: '2026-01-02' }], [{ matchWeekday: 'maybe' }, 'matchWeekday'],
    [{ siteIds: 's' }]])
    read(JSON.stringify(params), 'compare', { siteId: 's', ...params }, 400, parameter ? { parameter } : {});
for (const [params, parameter] of [[{ format: 'xml' }, 'format'], [{ from: '2026-01-01', to: '2025-01-01' }]])
    read(JSON.stringify(params), 'export', { siteId: 's', ...params }, 400, parameter ? { parameter } : {});
read('no site', 'timeseries', { from: '2026-01-01', to: '2026-01-02' }, 400, { parameter: 'siteId' });
read('no site', 'ledger', { from: '2026-01-01', to: '2026-01-02' }, 400, { parameter: 'siteId' });
read('a range of 3660 days', 'stats', { siteId: 's', from: '2015-12-25', to: '2025-12-31' }, 200);
read('a range of 3661 days', 'stats', { siteId: 's', from: '2015-12-24', to: '2025-12-31' }, 400);

test('clients that go away in the middle of a request do no harm', async () => {
    const whole = trackBytes(view());
    for (let cut = 0; cut < whole.length; cut += 7) {
        const wire = await Wire.open(server.port);
        wire.send(whole.subarray(0, cut));
        wire.close();
    }
});

test('at least 200 bad requests were sent, and the server goes on as if nothing had happened', async () => {
    assert.ok(sent >= 200, `${sent}`);
    assert.equal((await server.fetch('/healthz')).status, 200);
    const events = Array.from({ length: 3 }, (_, i) => view({ path: `/${i}` }));
    assert.deepEqual((await server.track(events)).body, { accepted: 3 });
});

test('the sanitizers found nothing, and the exit is clean', async () => {
    const end = await server.stop();
    assert.deepEqual(end, { code: 0, signal: null }, server.stderr.slice(-4000));
    assert.doesNotMatch(server.stderr, /AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehaviorSanitizer/);
    assert.doesNotMatch(server.stdout, /\S/);
});

after(() => server?.kill());
