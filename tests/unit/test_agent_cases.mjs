// test_agent_cases.mjs -- User-Agents with what others say of them, for test_agent_robots.c.
//
//     node test_agent_cases.mjs OUT CRAWLERS.json PEOPLE.json
//
// A line each, with tabs between: list, npm isbot's own verdict (0 or 1), device, User-Agent.
// Lists: "crawler", the instances of crawler-user-agents; "person", the browsers of user-agents,
// which says the device too; "piece", parts and spellings of both, to make patterns meet and miss.
import { readFileSync, writeFileSync } from 'node:fs';
import { isbot } from 'isbot';

const [out, crawlersFile, peopleFile] = process.argv.slice(2);
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const crawlers = readJson(crawlersFile).flatMap(({ instances }) => instances);
const people = new Map(readJson(peopleFile).map((p) => [p.userAgent, p.deviceCategory]));

function line(list, device, userAgent) {
  if (/[\t\n\0]|[^\x20-\x7e]/.test(userAgent)) throw new Error(`unfit for a line: ${userAgent}`);
  return `${list}\t${Number(isbot(userAgent))}\t${device}\t${userAgent}\n`;
}

function pieces(userAgent) {
  const half = userAgent.length >> 1;
  return [
    userAgent.slice(0, half),
    userAgent.slice(half),
    userAgent.toUpperCase(),
    userAgent.replaceAll(' ', ''),
  ].filter((piece) => piece.length > 0);
}

const all = [...crawlers, ...people.keys()];
writeFileSync(
  out,
  [
    ...crawlers.map((userAgent) => line('crawler', '', userAgent)),
    ...[...people].map(([userAgent, device]) => line('person', device, userAgent)),
    ...[...new Set(all.flatMap(pieces))].map((userAgent) => line('piece', '', userAgent)),
  ].join(''),
);
