// embed.mjs -- put files into the program as byte arrays.
//
//     node embed.mjs OUT.c [--header OUT.h] SYMBOL=FILE...
//
// For each SYMBOL=FILE, OUT.c defines `const struct str SYMBOL` with the bytes of FILE; a NUL that
// is not counted in its length follows them. OUT.h declares them. The bytes are written as numbers,
// because a string literal may be bounded by the compiler (C17 promises 4095 bytes).
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const usage = 'usage: embed.mjs OUT.c [--header OUT.h] SYMBOL=FILE...';

function fail(message) {
  process.stderr.write(`embed: ${message}\n${usage}\n`);
  process.exit(2);
}

function readArguments(args) {
  const request = { out: undefined, header: undefined, inputs: [] };
  for (let i = 0; i < args.length; i++) {
    const pair = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/s.exec(args[i]);
    if (args[i] === '--header') request.header = args[++i] ?? fail('--header names no file');
    else if (request.out === undefined) request.out = args[i];
    else if (pair) request.inputs.push({ symbol: pair[1], file: pair[2] });
    else fail(`${args[i]} is not SYMBOL=FILE`);
  }
  if (request.out === undefined) fail('no OUT.c');
  return request;
}

function definition({ symbol, file }) {
  const bytes = readFileSync(file);
  const lines = [`/* ${basename(file)} */`, `static const unsigned char ${symbol}_bytes[] = {`];
  for (let at = 0; at < bytes.length; at += 24) {
    lines.push(`${bytes.subarray(at, at + 24).join(',')},`);
  }
  lines.push('0};');
  lines.push(`const struct str ${symbol} = {(const char *)${symbol}_bytes, ${bytes.length}};`);
  return lines.join('\n');
}

const declaration = ({ symbol }) => `extern const struct str ${symbol};`;

const { out, header, inputs } = readArguments(process.argv.slice(2));
const declarations = inputs.map(declaration).join('\n');
const definitions = inputs.map(definition).join('\n\n');
const notice = '/* Made by tools/embed.mjs. */\n';
const preamble = `#include "base/str.h"\n\n${declarations}\n`;
writeFileSync(out, `${notice}${preamble}\n${definitions}\n`);
if (header !== undefined) writeFileSync(header, `${notice}#pragma once\n${preamble}`);
