// robots.mjs -- print the patterns of npm's isbot and crawler-user-agents as plain text.
//
//     node robots.mjs OUT CRAWLERS.json
//
// A line each: list, tags, pattern, with tabs between; agent/rules.h says how it is read.
import { readFileSync, writeFileSync } from 'node:fs';
import { list } from 'isbot';

// JavaScript takes a '-' behind \w, \d or \s in a class as itself; PCRE2 wants that escaped.
const forPcre2 = (pattern) => pattern.replace(/(\\[wds])-(?!\])/g, '$1\\-');

function line(name, tags, pattern) {
  const fields = [name, tags.join(','), forPcre2(pattern)];
  if (fields.some((field) => /[\t\n\0]/.test(field))) throw new Error(`unfit: ${pattern}`);
  return `${fields.join('\t')}\n`;
}

const [out, crawlersFile] = process.argv.slice(2);
const crawlers = JSON.parse(readFileSync(crawlersFile, 'utf8'));
const lines = [
  ...list.map((pattern) => line('isbot', [], pattern)),
  ...crawlers.map(({ pattern, tags }) => line('crawler', tags ?? [], pattern)),
];
writeFileSync(out, lines.join(''));
