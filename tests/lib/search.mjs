// Search directories and output for things that must not be there, as bytes: thousands of needles
// in one pass.
//
// What a byte search cannot see is text that is not there as it was: compressed, encrypted, or
// taken apart. PostgreSQL packs values of 2 kB and more, a custom dump and zstd pack everything,
// and a dictionary of a packed day writes of a text only what the one before it lacks. So whoever
// searches plants needles in short values too, unpacks what can be unpacked, and reads out by
// queries what is left (see tests/blackbox/privacy.test.mjs).

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All regular files below `dir` and their bytes. What goes away meanwhile is gone. */
export function* filesBelow(dir) {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
        const path = join(dir, entry.name);
        try {
            if (entry.isDirectory()) yield* filesBelow(path);
            else if (entry.isFile()) yield { path, bytes: readFileSync(path) };
        } catch (error) {
            if (error.code !== 'ENOENT') throw error;
        }
    }
}

const TAIL = 4;
const FILTER_BITS = 22;

/** Names and bytes that are looked for. Several needles may have one name.
 *
 *  They are found by their last 4 bytes, since many begin alike; a table of bits tells for most
 *  places that no needle ends there. */
export class Needles {
    /** `all` is {name: bytes}. */
    constructor(all = {}) {
        this.filter = new Uint8Array(1 << FILTER_BITS);
        this.byTail = new Map(); // last 4 bytes -> [{name, bytes}]
        this.count = 0;
        for (const [name, bytes] of Object.entries(all)) this.add(name, bytes);
    }

    add(name, bytes) {
        if (bytes.length < TAIL) throw new Error(`${name} is too short to be looked for`);
        const tail = bytes.readInt32LE(bytes.length - TAIL);
        const same = this.byTail.get(tail);
        if (same?.some((one) => one.name === name && one.bytes.equals(bytes))) return;
        this.filter[slot(tail)] = 1;
        if (same) same.push({ name, bytes });
        else this.byTail.set(tail, [{ name, bytes }]);
        this.count += 1;
    }

    *[Symbol.iterator]() {
        for (const list of this.byTail.values()) yield* list;
    }

    /** Map name -> how often it occurs in `bytes`. */
    in(bytes) {
        const { filter } = this;
        const found = new Map();
        let tail = 0;
        for (let i = 0; i < bytes.length; i++) {
            tail = (tail >>> 8) | (bytes[i] << 24);
            if (filter[slot(tail)] === 1) this.#compare(bytes, i + 1, tail, found);
        }
        return found;
    }

    #compare(bytes, end, tail, found) {
        for (const { name, bytes: needle } of this.byTail.get(tail) ?? []) {
            const begin = end - needle.length;
            if (begin >= 0 && needle.compare(bytes, begin, end) === 0)
                found.set(name, (found.get(name) ?? 0) + 1);
        }
    }
}

function slot(tail) {
    return Math.imul(tail, 0x9e3779b1) >>> (32 - FILTER_BITS);
}

/** {found: {name: [{path, count}]}, bytes: how many were searched} in the files below `dirs` and
 *  in `texts` {name: text or bytes}. */
export function search(dirs, texts, needles) {
    const found = {};
    let searched = 0;
    const look = (path, bytes) => {
        searched += bytes.length;
        for (const [name, count] of needles.in(bytes)) (found[name] ??= []).push({ path, count });
    };
    for (const dir of dirs) for (const { path, bytes } of filesBelow(dir)) look(path, bytes);
    for (const [path, text] of Object.entries(texts)) look(path, Buffer.from(text));
    return { found, bytes: searched };
}

/** What is found of `needles` {name: bytes}. */
export function findAll(dir, texts, needles) {
    return search([dir], texts, new Needles(needles)).found;
}

// -- spellings -----------------------------------------------------------------------------------

/** base64 of any text that holds `bytes`: what is the same of it wherever they begin. */
function inBase64(bytes, encoding) {
    return [0, 1, 2].map((lead) => {
        const whole = Buffer.concat([Buffer.alloc(lead), bytes]);
        const text = whole.toString(encoding).replaceAll('=', '');
        const first = Math.ceil((lead * 8) / 6);
        return text.slice(first, Math.floor((whole.length * 8) / 6));
    });
}

/** The ways in which somebody may write bytes down. */
export function spellings(bytes) {
    const hex = bytes.toString('hex');
    return [
        bytes,
        ...[hex, hex.toUpperCase()].map((text) => Buffer.from(text)),
        ...['base64', 'base64url'].flatMap((encoding) =>
            inBase64(bytes, encoding).map((text) => Buffer.from(text)),
        ),
    ];
}

/** The ways in which somebody may write a text down. */
export function textSpellings(text) {
    const utf8 = Buffer.from(text);
    const utf16 = Buffer.from(text, 'utf16le');
    const percent = [...utf8].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    return [
        ...spellings(utf8),
        utf16,
        Buffer.from(utf16).swap16(),
        ...[encodeURIComponent(text), percent, percent.toUpperCase(), text.toLowerCase()].map(
            (one) => Buffer.from(one),
        ),
    ];
}

/** The bytes of an address in network order: 4 or 16 of them. */
export function addressBytes(ip) {
    if (ip.includes('.')) return Buffer.from(ip.split('.').map(Number));
    const [head, tail = ''] = ip.split('::');
    const groups = (text) =>
        text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
    const [left, right] = [groups(head), groups(tail)];
    const zeros = ip.includes('::') ? Array(8 - left.length - right.length).fill(0) : [];
    const bytes = Buffer.alloc(16);
    [...left, ...zeros, ...right].forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
    return bytes;
}
