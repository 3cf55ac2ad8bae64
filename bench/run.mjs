// bench/run.mjs -- the figures that the project claims, each beside something real in the same run:
//
//   track        requests per CPU second of the server, beside nginx `return 204` for the same POST (everysec and always), of
//                browsers as they are met, of ones of which no two have the same User-Agent, and of the worst User-Agents
//   aggregation  events per CPU second of `abacus aggregate`, beside a bare prepared-statement insert of the same raw rows
//   stats        p50 and p99 of a year of one of 10,000 sites, uncached and cached, over one keep-alive connection
//   memory       idle and loaded
//
// CPU time (user and system, from /proc) is counted, not the clock, so a noisy machine changes little; each pair is measured
// in turn several times and the median ratio is printed. Everything runs on loopback ports in a temporary directory.
//
// Load and server share one processor under SCHED_BATCH, each server with one thread: both then work through the 32
// connections a round at a time. Otherwise the scheduler, not the server, decides what a request costs: a server that waits
// is woken for every single request, and nginx and we were seen at twice their cost, in turn.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { writeRequests } from './requests.mjs';
import { describeStats, measureStats } from './stats.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.ABACUS_BUILD ?? join(here, '..', 'build');
const abacus = join(build, 'src/cli/abacus');
const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const seconds = quick ? 1 : 3;
const events = quick ? 50_000 : 300_000;
const ticks = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
const work = mkdtempSync(join(tmpdir(), 'abacus-bench-'));
const children = new Set();

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.error}`);
  return done.stdout;
}

const PINNED = ['--batch', '0', 'taskset', '--cpu-list', '0'];

function start(command, args, options = {}) {
  const child = spawn('chrt', [...PINNED, command, ...args], { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

function stop(child) {
  return new Promise((resolve) => {
    child.on('exit', resolve);
    child.kill('SIGTERM');
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// CPU seconds of a process.
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function startAbacus(dataDir, extra = []) {
  const args = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--aggregate-interval', '0', ...extra];
  const child = start(abacus, args);
  let text = '';
  const url = await new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      text += chunk;
      const found = /listening on (http:\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.on('exit', () => reject(new Error(`serve ended: ${text}`)));
  });
  return { child, url };
}

async function startNginx() {
  const port = await freePort();
  const dir = mkdtempSync(join(work, 'nginx-'));
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f;
  uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s; keepalive_requests 100000000;
  server { listen 127.0.0.1:${port}; location / { return 204; } } }
`);
  const nginx = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
  const child = start(nginx, ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: 'ignore' });
  for (let i = 0; i < 100; i++) {
    const workers = spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).stdout.trim();
    if (workers) return { child, url: `http://127.0.0.1:${port}`, pid: Number(workers.split('\n')[0]) };
    await sleep(50);
  }
  throw new Error('nginx did not start');
}

// One load: requests per CPU second of process `pid`.
function load(url, pid, requests) {
  const before = cpu(pid);
  const out = run('chrt', [...PINNED, 'wrk', '-t1', '-c32', `-d${seconds}s`, '-s', join(here, 'track.lua'),
    `${url}/api/analytics/track`, '--', ...requests]);
  const used = cpu(pid) - before;
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out);
  if (bad) throw new Error(`${bad[1]} requests were refused`);
  return Number(/(\d+) requests in/.exec(out)[1]) / used;
}

function makeSites(dataDir, count) {
  for (let i = 1; i <= count; i++)
    run(abacus, ['site', 'add', '--data-dir', dataDir, '--id', `bench-${i}`, '--tenant', 'bench', '--domain', 'bench.example']);
  run(abacus, ['tenant', 'set', '--data-dir', dataDir, '--id', 'bench', '--set', 'limits.readsPerMinute=0']);
}

// What is sent, how durable it is kept, and how often it is measured.
function trackLoads() {
  const [browsers, pieces] = [join(work, 'browsers'), join(work, 'pieces')];
  writeRequests(browsers);
  writeRequests(pieces, { pieces: true });
  const few = Math.min(rounds, 3);
  return [
    { name: 'browsers', durability: 'everysec', requests: [browsers], rounds },
    { name: 'unique User-Agents', durability: 'everysec', requests: [browsers, 'unique'], rounds: few },
    { name: 'worst User-Agents', durability: 'everysec', requests: [pieces, 'unique'], rounds: few },
    { name: 'browsers', durability: 'always', requests: [browsers], rounds: few },
  ];
}

async function benchTrack() {
  const dataDir = join(work, 'track');
  makeSites(dataDir, 1);
  const nginx = await startNginx();
  const rows = [];
  let idle = 0, loaded = 0;
  for (const one of trackLoads()) {
    const server = await startAbacus(dataDir, ['--durability', one.durability, '--log-max', '8GiB', '--threads', '1',
      '--trusted-proxies', '127.0.0.1/32']);
    await sleep(1500);
    idle ||= memory(server.child.pid);
    const ours = [], theirs = [], ratios = [];
    for (let round = 0; round < one.rounds; round++) {
      theirs.push(load(nginx.url, nginx.pid, one.requests));
      ours.push(load(server.url, server.child.pid, one.requests));
      ratios.push(ours.at(-1) / theirs.at(-1));
    }
    loaded = Math.max(loaded, memory(server.child.pid));
    rows.push({ ...one, abacus: Math.round(median(ours)), nginx: Math.round(median(theirs)), ratio: median(ratios) });
    await stop(server.child);
  }
  await stop(nginx.child);
  return { rows, idle, loaded };
}

function aggregateCpu(dataDir) {
  // GNU time gives user and system seconds of the one process.
  const done = spawnSync('/usr/bin/time', ['-f', '%U %S %M', abacus, 'aggregate', '--data-dir', dataDir, '--json'],
    { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  const [user, system, peak] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds: user + system, peak: peak / 1024, report: JSON.parse(done.stdout) };
}

async function benchAggregate() {
  const ours = [], bare = [], ratios = [];
  let peak = 0;
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    const dataDir = join(work, `aggregate-${round}`);
    makeSites(dataDir, 50);
    run(join(build, 'bench/fill'), ['--sites', '50', dataDir, String(events)]);
    const job = aggregateCpu(dataDir);
    if (job.report.events !== events) throw new Error(`aggregated ${job.report.events} of ${events}`);
    const insert = JSON.parse(run(join(build, 'bench/insert'), [join(dataDir, 'abacus.db'), join(dataDir, 'bare.db')]));
    if (insert.rows !== events) throw new Error(`inserted ${insert.rows} of ${events}`);
    ours.push(events / job.seconds);
    bare.push(events / insert.cpuSeconds);
    ratios.push(insert.cpuSeconds / job.seconds);
    peak = Math.max(peak, job.peak);
    rmSync(dataDir, { recursive: true });
  }
  return { abacus: Math.round(median(ours)), bare: Math.round(median(bare)), ratio: median(ratios), peak };
}

// A year of stats of as many sites as a large installation has.
async function benchStats() {
  const dataDir = join(work, 'stats');
  const sites = quick ? 100 : 10_000;
  makeSites(dataDir, 1);
  const columns = ['pageviews', 'leads', 'forms', 'exports', 'automation_runs', 'ai_tokens', 'unique_visitors', 'converters',
    'visits', 'bounces', 'visit_ms', 'visit_pageviews', 'conversions', 'unattributed_conversions', 'estimated'];
  const numbers = (name, count) =>
    `${name}(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM ${name} WHERE n < ${count - 1})`;
  run('sqlite3', [join(dataDir, 'abacus.db'), `BEGIN; WITH RECURSIVE ${numbers('s', sites)}
    INSERT INTO analytics_settings (site_id, tenant_id, domain, created_ms)
    SELECT 'bench-' || (n + 1), 'bench', 'bench.example', 0 FROM s WHERE n > 0;
    WITH RECURSIVE ${numbers('s', sites)}, ${numbers('d', 365)}
    INSERT INTO analytics_daily_stats (site_id, date, tenant_id, ${columns.join(', ')})
    SELECT 'bench-' || (s.n + 1), date('now', '-' || d.n || ' days'), 'bench',
    ${columns.map((_, i) => `${1000 + i * 7} + d.n`).join(', ')} FROM s, d; COMMIT;`]);
  const token = run(abacus, ['token', 'create', '--data-dir', dataDir, '--tenant', 'bench', '--scope', 'stats:read']).trim();
  const server = await startAbacus(dataDir);
  const stats = await measureStats({ url: server.url, token, sites, dir: work, seconds });
  await stop(server.child);
  return stats;
}

try {
  const track = await benchTrack();
  for (const row of track.rows)
    console.log(`track (${row.durability}, ${row.name}): ${row.abacus} requests per CPU second; nginx return 204: ${row.nginx}; ratio ${row.ratio.toFixed(2)}`);
  const job = await benchAggregate();
  console.log(`aggregation: ${job.abacus} events per CPU second; bare insert of the same rows: ${job.bare}; ratio ${job.ratio.toFixed(2)}; peak ${job.peak.toFixed(1)} MiB`);
  const stats = await benchStats();
  console.log(`stats over a year on SQLite: ${describeStats(stats)}`);
  console.log(`memory of serve: idle ${track.idle.toFixed(1)} MiB, after load ${track.loaded.toFixed(1)} MiB`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
}
