// bench/import.mjs -- lines of an access log per CPU second of `abacus import`, raw rows kept, beside goaccess on the same file:
//
//     pages   every line is a page that a person looked at
//     site    what a web server writes: the same visits with their stylesheets, pictures and scripts, robots, errors, forms
//
// Visitors come at their own hours, look at one page or several, come back on other days; pages, countries and browsers are
// as uneven as in earnest (the browsers are those of npm user-agents, with its weights). The file is made from a seed and is
// the same in each run but for its dates: it ends today, so that all of it is within the days that keep raw rows.
//
// goaccess gets what makes both count the same: robots and query strings left out (--ignore-crawlers, --no-query-string). Its
// pageviews are the hits of its panel of requests, which has neither static files nor lines answered 404. Both must count
// what the generator counted. The robots say so plainly, and answers other than 200, 304 and 404 are not made, because the
// two differ on them by design.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.ABACUS_BUILD ?? join(here, '..', 'build');
const abacus = join(build, 'src/cli/abacus');
const SITE = 'shop.example';
const DAYS = 20;
const DAY_S = 86_400;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// -- the log ------------------------------------------------------------------------------------

// xorshift32: 0 <= x < 1.
function randomFrom(seed) {
  let s = seed >>> 0;
  return () => {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    return s / 4294967296;
  };
}

function browsers() {
  const list = JSON.parse(readFileSync(join(here, '../node_modules/user-agents/dist/user-agents.json'), 'utf8'));
  const weights = new Map();
  for (const { userAgent, weight } of list) weights.set(userAgent, (weights.get(userAgent) ?? 0) + weight);
  const sorted = [...weights].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 900);
  let sum = 0;
  return sorted.map(([name, weight]) => ({ name, upTo: (sum += weight) }));
}

const ROBOTS = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
];
const SOURCES = [
  ['-', 45], ['https://www.google.com/', 30], ['https://www.bing.com/', 4], ['https://duckduckgo.com/', 4],
  ['https://www.facebook.com/', 4], ['https://t.co/x7', 3], ['https://news.ycombinator.com/item?id=4711', 3],
  ['https://partner.example/list/shops', 7],
];
const STATIC = ['/css/site.css', '/js/app.js', '/img/logo.svg', '/favicon.ico', '/fonts/text.woff2'];

// How busy the hour of a day is; 24 hours make 24.
const busy = (hour) => 1 - 0.8 * Math.cos(((hour - 3) / 24) * 2 * Math.PI);

class Log {
  constructor(seed, kind) {
    Object.assign(this, { random: randomFrom(seed), kind, browsers: browsers(), pageviews: 0 });
    this.weight = this.browsers.at(-1).upTo;
    this.sources = SOURCES.flatMap(([name, times]) => Array(times).fill(name));
  }
  below(n) {
    return Math.floor(this.random() * n);
  }
  browser() {
    const at = this.random() * this.weight;
    let low = 0, high = this.browsers.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.browsers[middle].upTo > at) high = middle;
      else low = middle + 1;
    }
    return this.browsers[low].name;
  }
  // The n-th of 5,000 pages is looked at about 1/n as often as the first, which has one view in twelve.
  page() {
    const rank = Math.floor(5000 ** this.random()) - 1;
    return rank === 0 ? '/' : rank % 3 === 0 ? `/blog/${2020 + (rank % 6)}/post-${rank}` : `/product/${rank}`;
  }
  second() {
    let hour;
    do hour = this.below(24);
    while (this.random() * 1.8 > busy(hour));
    return hour * 3600 + this.below(3600);
  }
  // A person, always the same one for a number.
  person(number) {
    const of = randomFrom(0x9e3779b9 ^ Math.imul(number + 1, 0x85ebca6b));
    of();
    const byte = (n) => Math.floor(of() * n);
    const keep = this.random;
    this.random = of;
    const one = { address: `${1 + byte(222)}.${byte(256)}.${byte(256)}.${1 + byte(254)}`, agent: this.browser() };
    this.random = keep;
    return one;
  }
  put(day, second, { address, agent }, request, status, bytes, referrer) {
    this.lines.push({ second, text: `${address} - - [${day}:${clock(second)} +0000] "${request} HTTP/1.1" ${status} ${bytes} "${referrer}" "${agent}"\n` });
  }
  visit(day, person) {
    let second = this.second(), referrer = this.sources[this.below(100)];
    for (let more = true; more && second < DAY_S; more = this.random() < 0.7) {
      const page = this.page();
      const tagged = referrer === '-' && this.random() < 0.1 ? '?utm_source=letter&utm_medium=email&utm_campaign=spring' : '';
      this.put(day, second, person, `GET ${page}${tagged}`, this.random() < 0.05 ? 304 : 200, 2000 + this.below(40000), referrer);
      this.pageviews++;
      const own = `https://${SITE}${page}`;
      if (this.kind === 'site') this.beside(day, second, person, own, referrer.includes(SITE));
      referrer = own;
      second += 5 + Math.floor(-Math.log(1 - this.random()) * 60);
    }
  }
  // What a browser asks for with a page: everything with the first, then a picture or none.
  beside(day, second, person, own, cached) {
    const files = cached ? STATIC.slice(2, 2 + this.below(2)) : STATIC;
    for (const file of files) this.put(day, second, person, `GET ${file}`, 200, 500 + this.below(90000), own);
    const chance = this.random();
    if (chance < 0.02) this.put(day, second, person, 'GET /old/page', 404, 153, own);
  }
  robot(day) {
    this.put(day, this.below(DAY_S), { address: `66.249.66.${1 + this.below(200)}`, agent: ROBOTS[this.below(2)] },
      `GET ${this.page()}`, 200, 2000 + this.below(40000), '-');
  }
  // A day's lines, sorted by their second.
  day(day, count, people) {
    this.lines = [];
    while (this.lines.length < count) {
      if (this.kind === 'site' && this.random() < 0.25) this.robot(day);
      else this.visit(day, this.person(Math.floor(people * this.random() ** 2)));
    }
    this.lines.sort((a, b) => a.second - b.second);
    return this.lines;
  }
}

const two = (n) => String(n).padStart(2, '0');
const clock = (second) => `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;

function dayName(ms) {
  const [, day, month, year] = new Date(ms).toUTCString().split(' ');
  return `${day}/${month}/${year}`;
}

// About `lines` lines, day after day up to yesterday: {lines, pageviews}.
function writeLog(file, kind, lines) {
  const log = new Log(20251, kind);
  const fd = openSync(file, 'w');
  const today = Math.floor(Date.now() / 1000 / DAY_S) * DAY_S * 1000;
  let written = 0;
  for (let day = DAYS; day > 0; day--) {
    const made = log.day(dayName(today - day * DAY_S * 1000), Math.round(lines / DAYS), lines / 10);
    written += made.length;
    writeSync(fd, made.map(({ text }) => text).join(''));
  }
  closeSync(fd);
  return { lines: written, pageviews: log.pageviews };
}

// -- the two ------------------------------------------------------------------------------------

// GNU time gives user and system seconds of the one process, and its greatest size.
function timed(command, args) {
  const done = spawnSync('/usr/bin/time', ['-f', '%U %S %M', command, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`${command}: ${done.stderr}`);
  const [user, system, peak] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { cpu: user + system, peak: peak / 1024, stdout: done.stdout };
}

function runAbacus(dir, log) {
  const data = join(dir, 'data');
  const at = ['--data-dir', data];
  const added = spawnSync(abacus, ['site', 'add', '--id', 'shop', '--tenant', 'bench', '--domain', SITE, ...at], { encoding: 'utf8' });
  if (added.status !== 0) throw new Error(added.stderr);
  const { cpu, peak, stdout } = timed(abacus, ['import', '--site', 'shop', '--json', log, ...at]);
  const { pageviews } = JSON.parse(stdout);
  const rows = spawnSync('sqlite3', [join(data, 'abacus.db'), 'SELECT count(*) FROM analytics_events'], { encoding: 'utf8' });
  if (Number(rows.stdout) !== pageviews) throw new Error(`${rows.stdout} raw rows of ${pageviews} pageviews`);
  rmSync(data, { recursive: true });
  return { cpu, peak, pageviews };
}

function runGoaccess(dir, log) {
  const out = join(dir, 'report.json');
  const { cpu, peak } = timed('goaccess', [log, '--log-format=COMBINED', '--no-global-config', '--ignore-crawlers',
    '--no-query-string', '--no-progress', ...STATIC_NAMES, '-o', out]);
  const { requests } = JSON.parse(readFileSync(out, 'utf8'));
  return { cpu, peak, pageviews: requests.metadata.hits.total.value };
}
const STATIC_NAMES = [...new Set(STATIC.map((file) => `--static-file=${file.slice(file.lastIndexOf('.'))}`))];

// In turn, `rounds` times: median lines per CPU second and ratio.
export function benchImport({ kind, lines, rounds }) {
  const dir = mkdtempSync(join(tmpdir(), 'abacus-import-'));
  try {
    const log = join(dir, 'access.log');
    const made = writeLog(log, kind, lines);
    const ours = [], theirs = [];
    for (let round = 0; round < rounds; round++) {
      theirs.push(runGoaccess(dir, log));
      ours.push(runAbacus(dir, log));
    }
    for (const { pageviews } of [...ours, ...theirs])
      if (pageviews !== made.pageviews) throw new Error(`${pageviews} pageviews instead of ${made.pageviews}`);
    const speed = (list) => Math.round(made.lines / median(list.map(({ cpu }) => cpu)));
    const ratio = median(ours.map(({ cpu }, i) => theirs[i].cpu / cpu));
    const peak = (list) => Math.max(...list.map((one) => one.peak));
    return { kind, ...made, abacus: speed(ours), goaccess: speed(theirs), ratio, peak: peak(ours), theirPeak: peak(theirs) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function describeImport(r) {
  return `import (${r.kind}): ${r.abacus} lines per CPU second of a log of ${r.lines} lines, ${r.pageviews} pageviews, raw rows kept; ` +
    `goaccess: ${r.goaccess}; ratio ${r.ratio.toFixed(2)}; peak ${r.peak.toFixed(0)} MiB, goaccess ${r.theirPeak.toFixed(0)} MiB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [command, ...args] = process.argv.slice(2);
  const quick = args.includes('--quick');
  if (command === 'make') {
    console.log(JSON.stringify(writeLog(args[0], args[1], Number(args[2]))));
  } else {
    for (const kind of ['pages', 'site'])
      console.log(describeImport(benchImport({ kind, lines: quick ? 200_000 : 2_000_000, rounds: quick ? 1 : 3 })));
  }
}
