// size.mjs -- how large a built file is on its way to a browser; fails above a bound.
//
//     node size.mjs FILE STAMP BOUND
//
// prints "analytics.js: 1424 bytes, 855 gzipped (bound 1000)", and leaves it in STAMP.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

const [file, stamp, bound] = process.argv.slice(2);
const bytes = readFileSync(file);
const packed = gzipSync(bytes, { level: 9 }).length;
const line = `${basename(file)}: ${bytes.length} bytes, ${packed} gzipped (bound ${bound})`;
console.log(line);
if (packed > Number(bound)) {
  console.error(`size: ${basename(file)} is over its bound`);
  process.exit(1);
}
writeFileSync(stamp, `${line}\n`);
