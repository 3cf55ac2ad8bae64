// size.mjs -- how large a built file is on its way to a browser; fails above a bound.
//
//     node size.mjs FILE STAMP BOUND
//
// prints "analytics.js: 1826 bytes, gzip 997 of 1000, brotli 863" and leaves it in STAMP. The bound
// is on gzip, which every browser reads; the forms are those that are served (embed.mjs).
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [file, stamp, bound] = process.argv.slice(2);
if (!(Number(bound) > 0)) {
  console.error('usage: size.mjs FILE STAMP BOUND');
  process.exit(2);
}
const name = basename(file);
const bytes = readFileSync(file);
const gzip = gzipSync(bytes, { level: 9 }).length;
const brotli = brotliCompressSync(bytes, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  },
}).length;
const line = `${name}: ${bytes.length} bytes, gzip ${gzip} of ${bound}, brotli ${brotli}`;
console.log(line);
if (gzip > Number(bound)) {
  console.error(`size: ${name} is over its bound`);
  process.exit(1);
}
writeFileSync(stamp, `${line}\n`);
