// Access logs in combined format, and what is to be counted of them: an independent calculation by
// the definitions of the contract, without a look at the program's.

import { BROWSER } from './browsers.mjs';

export const FIREFOX =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';
export const SAFARI =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
export const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

const PAUSE_MS = 30 * 60_000;

/** "10/Mar/2026:09:00:00 +0000" */
function logTime(ms) {
    const [, day, month, year, clock] = new Date(ms).toUTCString().split(' ');
    return `${day}/${month}/${year}:${clock} +0000`;
}

/** A line; what is not given is a browser's GET of the first page. */
export function line({
    ms,
    address = '192.0.2.1',
    request = 'GET / HTTP/1.1',
    status = 200,
    referrer = '-',
    agent = BROWSER,
}) {
    return `${address} - - [${logTime(ms)}] "${request}" ${status} 512 "${referrer}" "${agent}"`;
}

export const page = (path, more) => ({ request: `GET ${path} HTTP/1.1`, ...more });
export const text = (entries) => entries.map((e) => `${e.raw ?? line(e)}\n`).join('');
export const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);

/** A file of that many pageviews, each of a path of its own and of one of 500 visitors, 8 a
 *  second up to `endMs`. */
export function* manyLines(count, endMs) {
    for (let i = 0; i < count; i++)
        yield `${line({
            ms: endMs - (count - i) * 125,
            address: `198.51.${Math.floor((i % 500) / 250)}.${i % 250}`,
            request: `GET /p/${i} HTTP/1.1`,
            agent: `${BROWSER} v${i % 500}`,
        })}\n`;
}

const cutAddress = (address) => address.split('.').slice(0, 3).join('.');

/** Visits of pageviews in the order of time: [[view, ...], ...]. */
function visitsOf(views) {
    const visits = [];
    for (const view of views) {
        const last = visits.at(-1)?.at(-1);
        if (last === undefined || view.ms - last.ms > PAUSE_MS) visits.push([]);
        visits.at(-1).push(view);
    }
    return visits;
}

function group(items, key) {
    const groups = new Map();
    for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
    return groups;
}

/** {pageviews, uniqueVisitors, visits, bounces} of views {ms, address, agent, path} of UTC days. */
export function countViews(views) {
    const sorted = [...views].sort((a, b) => a.ms - b.ms);
    const person = ({ address, agent = BROWSER }) => `${cutAddress(address)} ${agent}`;
    const visits = [...group(sorted, person).values()].flatMap(visitsOf);
    return {
        pageviews: views.length,
        uniqueVisitors: group(sorted, (view) => `${dateOf(view.ms)} ${person(view)}`).size,
        visits: visits.length,
        bounces: visits.filter((visit) => visit.length === 1).length,
    };
}

/** Value -> pageviews. */
export function countBy(views, key) {
    return Object.fromEntries([...group(views, key)].map(([value, of]) => [value, of.length]));
}

export const dayAt = (date, clock) => Date.parse(`${date}T${clock}Z`);
export const csv = (rows) => `${rows.map((row) => row.join(',')).join('\n')}\n`;
export const addDays = (date, days) => dateOf(Date.parse(date) + days * 86_400_000);
