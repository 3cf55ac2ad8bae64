// Bodies that are no events: no JSON, no UTF-8, wrong members, beyond the limits.

import { BadRequests, view } from '../lib/bad.mjs';
import { browser } from '../lib/browsers.mjs';
import { requestBytes, TRACK, trackBytes } from '../lib/wire.mjs';

const requests = new BadRequests();
const without = (event, name) =>
    Object.fromEntries(Object.entries(event).filter(([key]) => key !== name));
const repeat = (text, count) => text.repeat(count);

// -- texts that are no JSON, or not what JSON is for ------------------------------------

const NO_JSON = [
    '',
    ' ',
    '\n\t',
    '{',
    '}',
    '[',
    ']',
    '{]',
    '[}',
    '{"event"',
    '{"event":',
    '{"event":"pageview"',
    '{"event":}',
    '{,}',
    '[,]',
    '{"a":1,}',
    '[1,]',
    '{"a" 1}',
    '{a:1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":0x10}',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":-}',
    '{"a":tru}',
    '{"a":nul}',
    'nulll',
    '{"a":"\t"}',
    '{"a":"\n"}',
    '{"a":"\\x41"}',
    '{"a":"\\u12"}',
    '{"a":"\\uZZZZ"}',
    '{"a":"',
    '{"a":"\\',
    '// no\n{}',
    '/* no */{}',
    '{} {}',
    '{}x',
    '[] []',
    '<xml/>',
    'event=pageview&siteId=s',
    '{"a":1}}',
    '"',
    '-',
    '\uFEFF{}',
];
for (const text of NO_JSON) requests.body(`the text ${JSON.stringify(text)}`, text);

const NO_EVENTS = [
    'null',
    'true',
    'false',
    '1',
    '-1.5e3',
    '"pageview"',
    '[1]',
    '[null]',
    '[[]]',
    '["pageview"]',
    '[true]',
    '{}',
    '{"events":1}',
    '{"events":null}',
    '{"events":{}}',
    '{"events":"x"}',
    '{"events":[1]}',
    '{"events":[[]]}',
    '{"events":[null]}',
    '{"event":null}',
];
for (const text of NO_EVENTS) requests.body(`the JSON ${text}`, text);

// -- bytes that are no UTF-8 ------------------------------------------------------------

const BYTES = {
    'a lone continuation byte': [0x80],
    'a byte that never occurs': [0xff],
    'another byte that never occurs': [0xfe],
    'an overlong slash of two bytes': [0xc0, 0xaf],
    'an overlong slash of three': [0xe0, 0x80, 0xaf],
    'an overlong slash of four': [0xf0, 0x80, 0x80, 0xaf],
    'an overlong NUL': [0xc0, 0x80],
    'a high surrogate': [0xed, 0xa0, 0x80],
    'a low surrogate': [0xed, 0xb0, 0x80],
    'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
    'a number above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
    'a five byte form': [0xf8, 0x88, 0x80, 0x80, 0x80],
    'a six byte form': [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
    'a sequence cut after one of two': [0xc3],
    'one cut after two of three': [0xe2, 0x82],
    'one cut after three of four': [0xf0, 0x9f, 0x8d],
    'a start byte in the middle of a sequence': [0xe2, 0xc3, 0xa4],
    'a raw NUL': [0x00],
    'latin 1': [0xe4],
};
function bodyWith(member, bytes) {
    const [before, after] = JSON.stringify(view({ [member]: 'a@b' })).split('@');
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
}
for (const [what, bytes] of Object.entries(BYTES)) {
    requests.body(`${what} in a path`, bodyWith('path', bytes));
    requests.body(`${what} in a member that is ignored`, bodyWith('whatever', bytes));
}
const ESCAPES = {
    'an escaped NUL': '\\u0000',
    'a lone high surrogate': '\\ud83d',
    'a lone low surrogate': '\\udc00',
    'surrogates the wrong way round': '\\udc00\\ud83d',
    'a high surrogate before a letter': '\\ud83dx',
    'two high surrogates': '\\ud83d\\ud83d',
};
for (const [what, text] of Object.entries(ESCAPES)) {
    requests.body(
        `${what} in a title`,
        `{"event":"pageview","siteId":"s","path":"/","title":"${text}"}`,
    );
    requests.body(`${what} in a name`, `{"event":"pageview","siteId":"s","path":"/","${text}":1}`);
}

// -- members: missing, of the wrong type, out of bounds ---------------------------------

for (const name of ['event', 'siteId', 'path'])
    requests.body(`a pageview without ${name}`, without(view(), name), 400, {
        index: 0,
        field: name,
    });
requests.body('engagement without a path', { event: 'engagement', siteId: 's', seconds: 1 }, 400, {
    index: 0,
    field: 'path',
});
requests.body('ai.usage without tokens', { event: 'ai.usage', siteId: 's' }, 400, {
    index: 0,
    field: 'tokens',
});
const WRONG = {
    event: [1, true, [], {}],
    siteId: [1, true, [], {}],
    tenantId: [1, {}],
    path: [1, false, [], {}],
    referrer: [1, {}],
    title: [1, []],
    screen: [1440, {}],
    props: ['x', 1, [], true],
    count: ['1', 1.5, true, {}, -1, 0, 1e300],
    tokens: ['1', 1.5, -1, {}],
    seconds: ['1', -1, 86401, {}],
    scroll: ['1', -1, 101, []],
    id: [1, {}],
    timestamp: [
        1,
        'yesterday',
        '2026-02-30T00:00:00Z',
        '2026-01-01',
        '2026-01-01T25:00:00Z',
        '2026-01-01T00:00:00',
    ],
    visitor: [1, 'x', [], {}, { ip: '1.2.3' }],
};
for (const [name, values] of Object.entries(WRONG)) {
    const event =
        name === 'seconds' || name === 'scroll'
            ? view({ event: 'engagement' })
            : name === 'tokens'
              ? { event: 'ai.usage', siteId: 's' }
              : view();
    for (const value of values)
        requests.withToken(`${name} ${JSON.stringify(value)}`, { ...event, [name]: value }, 400, {
            index: 0,
        });
}
for (const value of [{ a: {} }, { a: [] }, { a: { b: 1 } }])
    requests.body(`props ${JSON.stringify(value)}`, view({ props: value }), 400, {
        field: 'props.a',
    });
for (const name of ['', 'Pageview', '1st', '_x', 'with space', 'ümlaut', 'a/b', 'a\u0001', '.'])
    requests.body(`the event name ${JSON.stringify(name)}`, view({ event: name }), 400, {
        field: 'event',
    });
for (const id of ['', 'a b', 'ä', 'a/b', "s'--", 's.t', '../s'])
    requests.body(`the siteId ${JSON.stringify(id)}`, view({ siteId: id }), 400, {
        field: 'siteId',
    });
requests.body('a path that is empty', view({ path: '' }), 400, { field: 'path' });
requests.body('an event that is wrong behind one that is right', [view(), view({ path: 1 })], 400, {
    index: 1,
    field: 'path',
});

const DOUBLE = [
    '{"event":"pageview","siteId":"s","path":"/","path":"/"}',
    '{"event":"pageview","event":"pageview","siteId":"s","path":"/"}',
    '{"event":"pageview","siteId":"s","path":"/","\\u0070ath":"/"}',
    '{"event":"pageview","siteId":"s","path":"/","props":{"a":1,"a":2}}',
    '{"event":"pageview","siteId":"s","path":"/","other":1,"other":2}',
    '{"events":[],"events":[]}',
];
for (const text of DOUBLE) requests.body(`a member twice: ${text}`, text);

// -- each limit: exactly at it, and one over --------------------------------------------

const text = (length) => repeat('x', length);
const props = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
const visitor = { ip: '192.0.2.1', userAgent: browser('x') };
const LIMITS = [
    ['100 events', Array(100).fill(view()), Array(101).fill(view())],
    ['a path of 2000 bytes', view({ path: `/${text(1999)}` }), view({ path: `/${text(2000)}` })],
    [
        'a path of 2000 bytes in characters of two',
        view({ path: `/${repeat('ä', 999)}x` }),
        view({ path: `/${repeat('ä', 1000)}` }),
    ],
    ['a name of 64 letters', view({ event: text(64) }), view({ event: text(65) })],
    ['a screen of 5 digits each', view({ screen: '99999x99999' }), view({ screen: text(33) })],
    ['an id of 200 bytes', view({ id: text(200) }), view({ id: text(201) })],
    ['30 props', view({ props: props(30) }), view({ props: props(31) })],
    [
        'a prop of 2000 bytes',
        view({ props: { a: text(2000) } }),
        view({ props: { a: text(2001) } }),
    ],
    [
        'a prop name of 100 bytes',
        view({ props: { [text(100)]: 1 } }),
        view({ props: { [text(101)]: 1 } }),
    ],
    ['a count of 1e6', view({ count: 1e6 }), view({ count: 1e6 + 1 })],
    [
        'tokens of 1e12',
        { event: 'ai.usage', siteId: 's', tokens: 1e12 },
        { event: 'ai.usage', siteId: 's', tokens: 1e12 + 1 },
    ],
    [
        'tokens x count of 1e12',
        { event: 'ai.usage', siteId: 's', tokens: 1e6, count: 1e6 },
        { event: 'ai.usage', siteId: 's', tokens: 1e6 + 1, count: 1e6 },
    ],
    [
        '86400 seconds',
        view({ event: 'engagement', seconds: 86400 }),
        view({ event: 'engagement', seconds: 86400.5 }),
    ],
    [
        'scroll 100',
        view({ event: 'engagement', scroll: 100 }),
        view({ event: 'engagement', scroll: 100.6 }),
    ],
    [
        'nesting of 4 in an event',
        '{"event":"pageview","siteId":"s","path":"/","x":[[[1]]]}',
        '{"event":"pageview","siteId":"s","path":"/","x":[[[[1]]]]}',
    ],
    [
        'nesting of 4 in events',
        '{"events":[{"event":"pageview","siteId":"s","path":"/","props":{"a":1}}]}',
        '{"events":[{"event":"pageview","siteId":"s","path":"/","x":{"a":{}}}]}',
    ],
    ['a visitor', view({ visitor }), view({ visitor: { ...visitor, ip: '192.0.2.256' } })],
];
for (const [what, at, over] of LIMITS) {
    requests.withToken(what, at, 202);
    requests.withToken(`one more than ${what}`, over, 400);
}
requests.bad(
    'a site id of 64 letters that is unknown',
    trackBytes(view({ siteId: text(64) })),
    404,
    {
        index: 0,
        field: 'siteId',
    },
);
requests.bad('a site id of 65 letters', trackBytes(view({ siteId: text(65) })), 400, {
    field: 'siteId',
});
const padded = (bytes) => JSON.stringify(view()).padEnd(bytes);
requests.bad('a body of 64 KiB', trackBytes(padded(65536)), 202);
requests.bad('a body of 64 KiB and a byte', trackBytes(padded(65537)), 413);
requests.bad('a body of a megabyte', trackBytes(padded(1 << 20)), 413);
requests.bad(
    'a body that says it is a gigabyte',
    requestBytes('POST', TRACK, { 'Content-Length': 1e9 }, '{'),
    413,
);
for (const depth of [5, 100, 30_000])
    requests.body(`arrays ${depth} deep`, repeat('[', depth) + repeat(']', depth));
requests.body('objects 8000 deep', repeat('{"a":', 8000) + '1' + repeat('}', 8000));
requests.body('arrays that never close', repeat('[', 60_000));

requests.end(200);
