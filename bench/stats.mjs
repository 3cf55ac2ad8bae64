// bench/stats.mjs -- how long stats over a year take, from the cache and not, over one keep-alive
// connection. The sites are bench-1 ... bench-SITES, the answers of a whole tenant's token.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const YEAR = 365;

/** The date so many days ago. */
export const dayAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** wrk's script: one question after the other from a list of all sites, and when they are through,
 *  again from a day later on: none is asked twice. With one site, always the same. */
const script = (token, sites) => `
wrk.headers["Authorization"] = "Bearer ${token}"
local from = {${Array.from({ length: 30 }, (_, i) => `"${dayAgo(YEAR - 1 - i)}"`)}}
local n = -1
request = function()
  n = n + 1
  local late = ${sites === 1 ? 0 : `math.floor(n / ${sites})`}
  return wrk.format("GET", "/api/analytics/stats?siteId=bench-" .. (1 + n % ${sites}) ..
    "&from=" .. from[1 + late] .. "&to=${dayAgo(0)}")
end
`;

/** p50 and p99 in ms of one keep-alive connection. */
export function wrk(args) {
    const done = spawnSync('wrk', ['-t1', '-c1', '--latency', ...args], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`wrk: ${done.stderr}`);
    if (/Non-2xx|Socket errors/.test(done.stdout)) throw new Error(`wrk: ${done.stdout}`);
    const ms = (name) => {
        const [, value, unit] = new RegExp(`${name}\\s+([\\d.]+)(us|ms|s)`).exec(done.stdout);
        return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
    };
    return { p50: ms('50%'), p99: ms('99%') };
}

/** p50 and p99 in ms: uncached, cached, and of a request that asks no store. */
export async function measureStats({ url, token, sites, dir, seconds }) {
    const path = `/api/analytics/stats?siteId=bench-1&from=${dayAgo(YEAR - 1)}&to=${dayAgo(0)}`;
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    const body = await answer.json();
    if (body.days?.length !== YEAR) throw new Error(`stats answered ${JSON.stringify(body)}`);
    const ask = (asked) => {
        const file = join(dir, `stats-${asked}.lua`);
        writeFileSync(file, script(token, asked), { mode: 0o600 });
        return wrk([`-d${seconds}s`, '-s', file, url]);
    };
    return { uncached: ask(sites), cached: ask(1), floor: wrk(['-d1s', `${url}/healthz`]) };
}

const pair = ({ p50, p99 }) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;

export const describeStats = (stats) =>
    `uncached ${pair(stats.uncached)}; cached ${pair(stats.cached)}; /healthz ${pair(stats.floor)}`;
