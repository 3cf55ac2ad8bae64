// The country of an address: a second reader of the tables of Debian's tor-geoipdb, and networks
// to take addresses from, so that no address's country is written down anywhere.
//
// Lines are "FIRST,LAST,CC", IPv4 addresses as numbers, IPv6 addresses in words; # begins a
// comment. Addresses are cut to 24 or 48 bits before anybody looks them up, so these are enough of
// a range's ends. Where the tables are missing no country is known, to the server neither.

import { existsSync, readFileSync } from 'node:fs';

const TABLES = { 4: '/usr/share/tor/geoip', 6: '/usr/share/tor/geoip6' };
const CUT = 256; // of IPv4

/** The first 48 bits of an address of IPv6, and whether the rest is zero. */
function groupsOf(ip) {
    const [head, tail] = ip.split('::');
    const left = head === '' ? [] : head.split(':');
    const right = tail ? tail.split(':') : [];
    const zeros = tail === undefined ? [] : Array(8 - left.length - right.length).fill('0');
    const all = [...left, ...zeros, ...right].map((group) => parseInt(group, 16));
    return {
        number: (all[0] * 65536 + all[1]) * 65536 + all[2],
        whole: all.slice(3).every((group) => group === 0),
    };
}

const bytesOf = (ip) => ip.split('.').reduce((n, byte) => n * 256 + Number(byte), 0);

const rangeOf4 = (from, to) => ({ first: Math.ceil(from / CUT), last: Math.floor(to / CUT) });

function rangeOf6(from, to) {
    const first = groupsOf(from);
    return { first: first.number + (first.whole ? 0 : 1), last: groupsOf(to).number };
}

const texts = {};
const textOf = (family) =>
    (texts[family] ??= existsSync(TABLES[family])
        ? readFileSync(TABLES[family], 'latin1').trimEnd()
        : '');

/** The line around `at`: where it stands, and its range in units of cut addresses; `last` is -1
 *  where it is a comment, of which there are none between the ranges. */
function lineAt(family, at) {
    const text = textOf(family);
    const begin = text.lastIndexOf('\n', at - 1) + 1;
    const stop = text.indexOf('\n', at);
    const end = stop < 0 ? text.length : stop;
    if (begin === end || text[begin] === '#') return { begin, end, last: -1 };
    const [from, to, country] = text.slice(begin, end).split(',');
    const range = family === 4 ? rangeOf4(from, to) : rangeOf6(from, to);
    return { begin, end, country, ...range };
}

/** "DE"; '' where it is not known. The lines stand in the order of their addresses. */
export function countryOf(ip) {
    const family = ip.includes(':') ? 6 : 4;
    const number = family === 4 ? Math.floor(bytesOf(ip) / CUT) : groupsOf(ip).number;
    let [low, high] = [0, textOf(family).length];
    while (low < high) {
        const line = lineAt(family, Math.floor((low + high) / 2));
        if (line.last < number) low = line.end + 1;
        else high = line.begin;
    }
    const { first, last, country } = lineAt(family, low);
    return first <= number && number <= last && /^[A-Z]{2}$/.test(country) ? country : '';
}

/** Where a network of so many cut addresses, aligned, lies in a country; undefined: nowhere. */
function networkIn(family, wanted, size) {
    for (let at = 0; at < textOf(family).length; ) {
        const { end, first, last, country } = lineAt(family, at);
        if (country === wanted && first % size === 0 && last - first >= size - 1) return first;
        at = end + 1;
    }
    return undefined;
}

/** The first two bytes ("217.80") of a network in a country. */
export function network4In(country) {
    const first = networkIn(4, country, 256);
    return first && `${first >> 16}.${(first >> 8) & 255}`;
}

/** The first two groups ("2003:c0") of a network of IPv6 in a country. */
export function network6In(country) {
    const first = networkIn(6, country, 65536);
    const group = (unit) => (Math.floor(first / unit) % 65536).toString(16);
    return first && [2 ** 32, 2 ** 16].map(group).join(':');
}
