// bench/requests.mjs -- what browsers send to the track endpoint, for track.lua: the User-Agents of
// npm's user-agents as often as they are met, with languages, addresses, pages, referrers and
// campaigns. `pieces` has User-Agents of 512 bytes instead that are cut together from those of
// browsers and robots and so meet as many rules as they can.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../tests/lib/process.mjs';

const COUNT = 4096;
const AGENT_MAX = 512;
const SITE = 'bench-1';

/** The same numbers in every run. */
function chance(seed) {
    return (n) => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return Math.floor((seed / 2 ** 32) * n);
    };
}

const readNpm = (file) => JSON.parse(readFileSync(join(ROOT, 'node_modules', file), 'utf8'));

const LANGUAGES = [
    'en-US,en;q=0.9',
    'en-US,en;q=0.9',
    'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7',
    'fr-FR,fr;q=0.8,en-US;q=0.5,en;q=0.3',
    'pt-BR,pt;q=0.9,en;q=0.8',
    'es-419,es;q=0.9',
    'ja',
    'zh-CN,zh;q=0.9,en;q=0.8',
];
const QUERIES = [
    '?utm_source=newsletter&utm_medium=email&utm_campaign=autumn',
    '?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=Cj0KCQiA-abc_123',
    '?ref=producthunt',
];
const REFERRERS = [
    'https://www.google.com/',
    'https://www.google.de/',
    'https://www.bing.com/',
    'https://duckduckgo.com/',
    'https://l.facebook.com/',
    'https://t.co/abcdefghij',
    'https://chatgpt.com/',
    'https://news.ycombinator.com/item?id=40000000',
    'https://blog.some-site.example/2026/11/what-we-use',
];

/** Half of all pageviews begin a visit; of these some come directly, most by a link. */
function pageview(next) {
    const first = next(2) === 0;
    const query = first && next(8) === 0 ? QUERIES[next(QUERIES.length)] : '';
    const link = next(3) > 0 ? REFERRERS[next(REFERRERS.length)] : '';
    const page = next(500);
    return JSON.stringify({
        event: 'pageview',
        siteId: SITE,
        path: `/articles/some-words-of-a-title-${page}${query}`,
        referrer: first ? link : `https://bench.example/articles/some-words-${next(500)}`,
        title: `Some words of a title ${page}`,
        screen: next(2) === 0 ? '1920x1080' : '390x844',
        props: {},
    });
}

/** Anywhere: most have a country. */
const address = (next) => [1 + next(222), next(256), next(256), next(256)].join('.');

function piecesOf(agents, next) {
    let text = '';
    while (text.length < AGENT_MAX) {
        const agent = agents[next(agents.length)];
        const at = next(agent.length);
        text += agent.slice(at, at + 1 + next(40));
    }
    // Room for the number that makes it one of a kind, so that it is not cut off.
    return text.slice(0, AGENT_MAX - 12);
}

export function writeRequests(file, { pieces = false } = {}) {
    const next = chance(1);
    const browsers = readNpm('user-agents/dist/user-agents.json').map((one) => one.userAgent);
    const robots = readNpm('crawler-user-agents/crawler-user-agents.json');
    const all = [...browsers.slice(0, 2000), ...robots.flatMap((one) => one.instances)];
    const agent = () => (pieces ? piecesOf(all, next) : browsers[next(browsers.length)]);
    const line = () =>
        [agent(), LANGUAGES[next(LANGUAGES.length)], address(next), pageview(next)].join('\t');
    writeFileSync(file, Array.from({ length: COUNT }, line).join('\n') + '\n');
}
