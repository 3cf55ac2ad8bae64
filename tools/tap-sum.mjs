// tap-sum.mjs -- run steps, show how they go, and count.
//
//     node tools/tap-sum.mjs STEP...
//
//     meson:DIR           every unit test of a build directory, each a program that writes TAP,
//                         three at a time (they wait for databases and clocks), those of a
//                         higher priority first
//     tap:NAME=COMMAND    a command that writes TAP
//     exit:NAME=COMMAND   a command that is one test by itself: it passes if it ends with 0;
//                         neighbours of this kind run two at a time (they compute)
//
// Apart from that, steps run one after the other.
//
// A program that ends badly although all its results were good, or that gives fewer results than it
// planned, or none, counts as one more failure. What a program says is shown when it fails. The
// last line is "N passed, N failed", with ", N skipped" if some were; the exit status is 1 if
// anything failed.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SAID_MAX = 200; // lines
const AT_ONCE = { meson: 3, exit: 2 };
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

// One result of the top level; deeper ones are parts of it.
// What is skipped may be "ok" or, by cmocka, "not ok 3 # SKIP its_name".
const RESULT = /^(not )?ok\b\s*\d*(?:\s+-)?(.*?)(?:\s+# (SKIP|TODO)\b\s*(.*))?$/i;
const PLAN = /^1\.\.(\d+)/;

const show = (text) => console.log(`    | ${text}`);

class Step {
  constructor(name) {
    this.name = name;
    this.results = 0;
    this.planned = 0;
    this.bad = 0;
    this.pending = []; // what was said since the last result
    this.block = false;
    this.failing = false; // the last result was bad: what follows at once explains it
  }

  pass() {
    this.results++;
    totals.passed++;
  }

  skip(what, why) {
    this.results++;
    totals.skipped++;
    console.log(`  skipped  ${this.name}: ${what}${why ? ` (${why})` : ''}`);
  }

  fail(what) {
    this.results++;
    this.bad++;
    totals.failed++;
    failures.push(`${this.name}: ${what}`);
    console.log(`  FAILED   ${this.name}: ${what}`);
    this.pending.forEach(show);
    this.pending = [];
  }

  // What a passed test has said is of no interest; what stands before and behind a failure is.
  say(text) {
    // The block that node writes behind a result that was good.
    if (text === '  ---' && !this.failing) this.block = true;
    if (this.block) {
      this.block = text !== '  ...';
      return;
    }
    this.failing &&= /^(#|\s)/.test(text);
    if (this.failing) show(text);
    else this.pending.push(text);
    if (this.pending.length > SAID_MAX) this.pending.shift();
  }

  result(bad, what, directive, why) {
    if (directive?.toUpperCase() === 'SKIP') this.skip(what, why);
    else if (bad) this.fail(what);
    else this.pass();
    this.pending = [];
    this.failing = Boolean(bad);
  }

  line(text) {
    const plan = PLAN.exec(text);
    const result = RESULT.exec(text);
    if (plan) this.planned += Number(plan[1]);
    else if (result) {
      const [, bad, name, directive, why] = result;
      this.result(bad, name.replace(/^- /, '').trim(), directive, why);
    } else this.say(text);
  }

  end(status, seconds) {
    if (this.bad === 0 && status !== 0) this.fail(`ended with ${status}`);
    if (this.results < this.planned) this.fail(`${this.results} of ${this.planned} tests seen`);
    if (this.results === 0) this.fail('no test was run');
    const verdict = this.bad > 0 ? `${this.bad} FAILED` : 'ok';
    console.log(`${verdict.padEnd(9)}  ${this.name}: ${this.results} in ${seconds.toFixed(1)} s`);
  }
}

// Run a command line by line; resolves to its exit status or the signal that ended it.
function run(file, args, { env, timeout, cwd, shell = false }, onLine) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      shell,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const lines = [child.stdout, child.stderr].map((stream) => {
      const reader = createInterface({ input: stream });
      reader.on('line', onLine);
      return new Promise((done) => reader.on('close', done));
    });
    const timer = timeout ? setTimeout(() => child.kill('SIGKILL'), timeout * 1000) : undefined;
    child.on('error', (error) => onLine(String(error)));
    child.on('close', async (code, signal) => {
      clearTimeout(timer);
      await Promise.all(lines);
      resolve(code ?? signal);
    });
  });
}

async function timed(name, file, args, options, { tap, live }) {
  const step = new Step(name);
  const began = Date.now();
  const status = await run(file, args, options, (text) => {
    // A long suite tells which of its files it is at.
    if (live && /^# \S+\.mjs/.test(text)) console.log(`  ${text.slice(2)}`);
    tap ? step.line(text) : step.say(text);
  });
  if (!tap && status === 0) step.pass();
  step.end(status, (Date.now() - began) / 1000);
}

const SANITIZERS = {
  ASAN_OPTIONS: 'detect_leaks=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
};

// Do `one` for each of the items, so many at a time.
async function forEach(items, atOnce, one) {
  const waiting = [...items];
  const work = async () => {
    while (waiting.length > 0) await one(waiting.shift());
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function runMeson(dir) {
  const tests = JSON.parse(readFileSync(join(dir, 'meson-info/intro-tests.json'), 'utf8'));
  tests.sort((a, b) => b.priority - a.priority);
  await forEach(tests, AT_ONCE.meson, ({ name, cmd, env, timeout, workdir }) => {
    const options = { env: { ...SANITIZERS, ...env }, timeout, cwd: workdir ?? dir };
    return timed(`${dir} ${name}`, cmd[0], cmd.slice(1), options, { tap: true });
  });
  if (tests.length === 0) new Step(dir).end(0, 0);
}

const kinds = {
  meson: (dir) => runMeson(dir),
  tap: (text) => runShell(text, { tap: true, live: true }),
  exit: (text) => runShell(text, { tap: false }),
};

function runShell(text, how) {
  const equals = text.indexOf('=');
  return timed(text.slice(0, equals), text.slice(equals + 1), [], { shell: true }, how);
}

// Neighbours of a kind: [{kind, texts}].
function groupsOf(args) {
  const groups = [];
  for (const argument of args) {
    const colon = argument.indexOf(':');
    const kind = argument.slice(0, colon);
    if (!Object.hasOwn(kinds, kind)) {
      console.error(`tap-sum: ${argument}: no such step`);
      process.exit(2);
    }
    if (groups.at(-1)?.kind !== kind) groups.push({ kind, texts: [] });
    groups.at(-1).texts.push(argument.slice(colon + 1));
  }
  return groups;
}

for (const { kind, texts } of groupsOf(process.argv.slice(2)))
  await forEach(texts, kind === 'exit' ? AT_ONCE.exit : 1, kinds[kind]);
if (failures.length > 0) console.log(['\nFailed:', ...failures].join('\n  '));
const { passed, failed } = totals;
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`\n${passed} passed, ${failed} failed${skipped}`);
process.exit(failed > 0 ? 1 : 0);
