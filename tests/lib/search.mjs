// Search a data directory and log output for things that must not be there, as bytes.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** All regular files below `dir` and their bytes. */
function* filesBelow(dir) {
    for (const name of readdirSync(dir)) {
        const path = join(dir, name);
        const stat = statSync(path);
        if (stat.isDirectory()) yield* filesBelow(path);
        else if (stat.isFile()) yield { path, bytes: readFileSync(path) };
    }
}

/** How often `needle` occurs in `bytes`. */
export function occurrences(bytes, needle) {
    let count = 0;
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) count += 1;
    return count;
}

/** {needle text: [{path, count}]} of what was found in the files below `dir` and in `texts`
 *  {name: text}. */
export function findAll(dir, texts, needles) {
    const found = {};
    const places = [
        ...filesBelow(dir),
        ...Object.entries(texts).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
    ];
    for (const { path, bytes } of places) {
        for (const [name, needle] of Object.entries(needles)) {
            const count = occurrences(bytes, needle);
            if (count > 0) (found[name] ??= []).push({ path, count });
        }
    }
    return found;
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
