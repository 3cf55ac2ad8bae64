// embed.mjs -- put files into the program as byte arrays.
//
//     node embed.mjs OUT.c OUT.h SYMBOL=FILE... [--serve FILE...]
//
// For each SYMBOL=FILE, OUT.c defines `const struct str SYMBOL` with the bytes of FILE; a NUL that
// is not counted in its length follows them. What follows --serve becomes a row of `web_files`, the
// table of what browsers load: each with its packed forms, made here, since nothing packs at run
// time. A FILE.list names files beside it (bundle.mjs). OUT.h declares all of it. The bytes are
// written as numbers, because a string literal may be bounded by the compiler (C17 promises 4095
// bytes).
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const usage = 'usage: embed.mjs OUT.c OUT.h SYMBOL=FILE... [--serve FILE...]';
const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
const HASH_DIGITS = 16;
// As esbuild names the parts of a bundle.
const IS_HASHED = /^part\.[A-Z0-9]{8}\.js$/;

function fail(message) {
  process.stderr.write(`embed: ${message}\n${usage}\n`);
  process.exit(2);
}

function readArguments([out, header, ...rest]) {
  if (header === undefined) fail('no OUT.c and OUT.h');
  const at = rest.indexOf('--serve');
  const pairs = (at < 0 ? rest : rest.slice(0, at)).map((text) => {
    const [, symbol, file] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/s.exec(text) ?? [];
    return symbol ? { symbol, file } : fail(`${text} is not SYMBOL=FILE`);
  });
  const served = at < 0 ? [] : rest.slice(at + 1).flatMap(listed);
  return { out, header, pairs, served: distinct(served) };
}

const listed = (file) =>
  extname(file) === '.list'
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((name) => join(dirname(file), name))
    : [file];

/** Parts that both languages have are one file: their names say their bytes. */
const distinct = (files) => [...new Map(files.map((file) => [basename(file), file])).values()];

const array = (name, bytes) => {
  const lines = [`static const unsigned char ${name}[] = {`];
  for (let at = 0; at < bytes.length; at += 24)
    lines.push(`${bytes.subarray(at, at + 24).join(',')},`);
  return [...lines, '0};'].join('\n');
};
const view = (name, bytes) => `{(const char *)${name}, ${bytes.length}}`;
const text = (value) => `{${JSON.stringify(value)}, ${value.length}}`;

function define({ symbol, file }) {
  const bytes = readFileSync(file);
  const name = `${symbol}_bytes`;
  return `${array(name, bytes)}\nconst struct str ${symbol} = ${view(name, bytes)};`;
}

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });

/** The bytes of one served file in each form, and its row of the table. */
function serve(file, index) {
  const bytes = readFileSync(file);
  const name = basename(file);
  const extension = extname(name);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, HASH_DIGITS);
  const hashed = IS_HASHED.test(name) ? name : `${basename(name, extension)}.${hash}${extension}`;
  const integrity = `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
  const gzip = gzipSync(bytes, { level: 9 });
  const forms = Object.entries({ plain: bytes, gzip, br: brotli(bytes) });
  const row = [
    `.name = ${text(name)}`,
    `.hash = ${text(hash)}`,
    `.hashed = ${text(hashed)}`,
    `.type = ${text(TYPES[extension] ?? fail(`${name}: of no known type`))}`,
    `.integrity = ${text(integrity)}`,
    ...forms.map(([form, data]) => `.${form} = ${view(`file_${index}_${form}`, data)}`),
  ];
  return {
    arrays: forms.map(([form, data]) => array(`file_${index}_${form}`, data)).join('\n'),
    row: `    {${row.join(',\n     ')}},`,
  };
}

const DECLARE_TABLE = `
/* A file that browsers load, as it is sent. */
struct web_file {
    struct str name;      /* "analytics.js" */
    struct str hash;      /* of its bytes: ${HASH_DIGITS} hexadecimal digits of SHA-256 */
    struct str hashed;    /* "analytics.0123456789abcdef.js": a name that only these bytes have */
    struct str type;      /* Content-Type */
    struct str integrity; /* "sha384-...", for the attribute of that name */
    struct str plain, gzip, br; /* the bytes, by Content-Encoding */
};
extern const struct web_file web_files[];
extern const size_t web_files_count;
`;

const defineTable = (rows) => `${rows.map(({ arrays }) => arrays).join('\n')}
const struct web_file web_files[] = {
${rows.map(({ row }) => row).join('\n')}
};
const size_t web_files_count = ${rows.length};
`;

const { out, header, pairs, served } = readArguments(process.argv.slice(2));
const notice = '/* Made by tools/embed.mjs. */';
const declarations = pairs.map(({ symbol }) => `extern const struct str ${symbol};`).join('\n');
const table = served.length > 0;

writeFileSync(
  header,
  `${notice}
#pragma once
#include "base/str.h"

${declarations}
${table ? DECLARE_TABLE : ''}`,
);
writeFileSync(
  out,
  `${notice}\n#include "${basename(header)}"\n\n${pairs.map(define).join('\n\n')}\n
${table ? defineTable(served.map(serve)) : ''}`,
);
