// What stands in package.json and in packaging/: `npm run analytics:aggregate` does what
// `abacus aggregate` does, systemd and cron would take their files, and abacus-backup keeps good
// copies and nothing else.

import assert from 'node:assert/strict';
import {
    chmodSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    statSync,
    symlinkSync,
    utimesSync,
    writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN, exec, Installation, ROOT, tempDir } from '../lib/abacus.mjs';
import { Platform } from '../lib/platform.mjs';

const PACKAGING = join(ROOT, 'packaging');
const SCRIPT = join(PACKAGING, 'abacus-backup');
const DEFAULT_BIN = join(ROOT, 'build/src/cli/abacus');
const HOME = tempDir();

/** `TOOL run analytics:aggregate ARGS`, as cron or a person would, for the data in `dir`. */
function run(tool, args, dir, env = {}) {
    return exec(tool, ['run', '--silent', 'analytics:aggregate', ...args], {
        cwd: ROOT,
        env: {
            HOME,
            ABACUS_BIN: BIN,
            ABACUS_DATA_DIR: dir,
            npm_config_update_notifier: 'false',
            ...env,
        },
    });
}

const hasTool = async (name, ...args) =>
    exec(name, args).then(
        ({ code }) => code === 0,
        () => false,
    );

/** An installation whose log holds `count` events that nobody has counted. */
async function waiting(count) {
    const abacus = new Installation();
    await abacus.site('site', 'tenant');
    const server = await abacus.serve([], { interval: '0' });
    const views = Array.from({ length: count }, (_, n) => ({
        event: 'pageview',
        siteId: 'site',
        path: `/${n}`,
    }));
    const answer = await server.track(views);
    assert.deepEqual([answer.status, answer.body], [202, { accepted: count }]);
    await server.kill();
    return abacus;
}

test('npm run analytics:aggregate counts, and passes arguments on', async () => {
    const { dir } = await waiting(7);
    const end = await run('npm', ['--', '--json'], dir);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).events, 7);
});

test('a literal -- among the arguments, which pnpm passes on, is passed over', async () => {
    const { dir } = await waiting(3);
    const end = await run('npm', ['--', '--', '--json'], dir);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).events, 3);
});

test('pnpm analytics:aggregate does the same', async (t) => {
    if (!(await hasTool('pnpm', '--version'))) return t.skip('there is no pnpm here');
    const { dir } = await waiting(4);
    const end = await run('pnpm', ['--', '--json'], dir);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).events, 4);
});

test('arguments arrive as they are, and the exit status comes back', async () => {
    const spaced = join(tempDir(), "it's a $HOME");
    const end = await run('npm', ['--', '--data-dir', spaced], '/dev/null/nowhere');
    assert.equal(end.code, 0, end.stderr);
    assert.ok(existsSync(join(spaced, 'abacus.db')));
    assert.equal((await run('npm', ['--', '--no-such-option'], spaced)).code, 2);
});

test('without ABACUS_BIN it is the program built here', async (t) => {
    if (!existsSync(DEFAULT_BIN)) return t.skip('nothing is built in build/');
    const end = await run('npm', ['--', '--help'], tempDir(), { ABACUS_BIN: '' });
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /abacus aggregate/);
});

/** The units with the program that there is in place of the one that will be installed. */
function unitsInDirectory() {
    const dir = tempDir();
    const jobs = ['aggregate', 'backup'].flatMap((job) => [
        `abacus-${job}.service`,
        `abacus-${job}.timer`,
    ]);
    return ['abacus.service', ...jobs].map((name) => {
        const text = readFileSync(join(PACKAGING, name), 'utf8');
        const path = join(dir, name);
        const here = text.replaceAll('=/usr/bin/abacus-backup', `=${SCRIPT}`);
        writeFileSync(path, here.replace('=/usr/bin/abacus ', `=${BIN} `));
        return path;
    });
}

test('systemd takes the units without a word', async (t) => {
    if (!(await hasTool('systemd-analyze', '--version'))) return t.skip('no systemd-analyze');
    const end = await exec('systemd-analyze', ['verify', ...unitsInDirectory()]);
    const said = (end.stdout + end.stderr).split('\n').filter((line) => line.includes('abacus'));
    assert.deepEqual([end.code, said], [0, []]);
});

/** The command of the only line of the crontab that is no comment and sets nothing, and the
 *  environment that cron gives it. */
function cronJob() {
    const lines = readFileSync(join(PACKAGING, 'crontab'), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
    const env = Object.fromEntries(
        lines.flatMap((line) => (/^\w+=/.test(line) ? [line.split(/=(.*)/, 2)] : [])),
    );
    const jobs = lines.filter((line) => !/^\w+=/.test(line));
    assert.equal(jobs.length, 1);
    const [, user, command] = /^\*\/5 \* \* \* \* (\S+) (.*)$/.exec(jobs[0]);
    return { env, user, command };
}

test("the crontab's line counts every 5 minutes, with the settings of the file", async () => {
    const { dir } = await waiting(5);
    const { env, user, command } = cronJob();
    assert.equal(user, 'abacus');
    assert.ok(!command.includes('%'), 'cron takes % for the end of the line');
    const file = join(tempDir(), 'abacus.env');
    writeFileSync(file, `ABACUS_DATA_DIR='${dir}'\n`);
    const here = command
        .replaceAll('/etc/abacus/abacus.env', file)
        .replace(' abacus aggregate', ` '${BIN}' aggregate`);
    const end = await exec(env.SHELL, ['-c', here], { env: { ...env } });
    assert.deepEqual([end.code, end.stdout], [0, ''], end.stderr);
    const again = await run('npm', ['--', '--json'], dir);
    assert.equal(JSON.parse(again.stdout).events, 0);
});

// -- abacus-backup -------------------------------------------------------------------------------

const NAMED = /^abacus-\d{8}T\d{6}Z\.(ndjson|ndjson\.zst|dump)$/;

/** A directory for copies, and runs of the script that put them there. */
class Backups {
    constructor(env = {}) {
        this.dir = join(tempDir(), 'copies of today');
        this.env = { ABACUS_BIN: BIN, ...env };
    }

    run(args = [], env = {}) {
        return exec(SCRIPT, ['--dir', this.dir, ...args], { env: { ...this.env, ...env } });
    }

    async must(args, env) {
        const { code, stdout, stderr } = await this.run(args, env);
        assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
        return this.copies().at(-1);
    }

    files() {
        return existsSync(this.dir) ? readdirSync(this.dir).sort() : [];
    }

    copies() {
        return this.files().filter((name) => NAMED.test(name));
    }

    path(name) {
        return join(this.dir, name);
    }

    /** A file as somebody put it there `days` ago. */
    put(name, days = 0) {
        mkdirSync(this.dir, { recursive: true });
        writeFileSync(this.path(name), 'here before');
        const then = Date.now() / 1000 - days * 86_400;
        utimesSync(this.path(name), then, then);
    }
}

/** A program that a test puts in another's place; its directory. */
function fake(name, text) {
    const dir = tempDir();
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
    return dir;
}

/** One event counted, in a store of either kind. */
async function oneCounted(make) {
    const abacus = await make();
    await abacus.site('site', 'tenant');
    const server = await abacus.serve([], { interval: '0' });
    await server.ready();
    const sent = await server.track({ event: 'pageview', siteId: 'site', path: '/kept' });
    assert.deepEqual([sent.status, sent.body], [202, { accepted: 1 }]);
    await abacus.aggregate();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    return abacus;
}

const onOneMachine = () => oneCounted(async () => new Installation());
const onPlatform = () => oneCounted(() => Platform.create());

/** A copy put back into a fresh installation has the event. */
async function restores(copy) {
    const fresh = new Installation();
    const input = copy.endsWith('.zst')
        ? (await exec('zstd', ['-dc', copy])).stdout
        : readFileSync(copy, 'utf8');
    const end = await fresh.command(['restore', '-'], { input });
    assert.equal(end.code, 0, end.stderr);
    assert.equal((await fresh.sql('SELECT path FROM analytics_events;')).trim(), '/kept');
}

test('abacus-backup copies either store under a dated name that only its owner reads', async (t) => {
    for (const make of [onOneMachine, onPlatform]) {
        const { dir, env } = await make();
        const backups = new Backups({ ...env, ABACUS_DATA_DIR: dir });
        const name = await backups.must(['--no-zstd']);
        assert.match(name, /^abacus-\d{8}T\d{6}Z\.ndjson$/);
        const [, year, month, day] = /-(\d{4})(\d\d)(\d\d)T/.exec(name);
        const age = Date.now() - Date.parse(`${year}-${month}-${day}`);
        assert.ok(age >= 0 && age < 2 * 86_400_000, name);
        assert.equal(statSync(backups.path(name)).mode & 0o777, 0o600);
        assert.equal(statSync(backups.dir).mode & 0o777, 0o700);
        assert.deepEqual(backups.files(), [name]);
        await restores(backups.path(name));
        if (!(await hasTool('zstd', '--version'))) t.diagnostic('there is no zstd here');
        else await restores(backups.path(await backups.must([])));
    }
});

/** A copy has the second in its name. */
const nextSecond = () => sleep(1000 - (Date.now() % 1000));

test('where there is no zstd the copy is not packed', async () => {
    const { dir } = await onOneMachine();
    const path = tempDir();
    const needed = ['date', 'find', 'mkdir', 'mv', 'rm', 'sort', 'sync', 'tail'];
    for (const tool of needed) {
        const place = process.env.PATH.split(':').find((one) => existsSync(join(one, tool)));
        symlinkSync(join(place, tool), join(path, tool));
    }
    const backups = new Backups({ ABACUS_DATA_DIR: dir });
    const name = await backups.must([], { PATH: path });
    assert.match(name, /\.ndjson$/);
    await restores(backups.path(name));
});

const dated = (day) => `abacus-202001${String(day).padStart(2, '0')}T031700Z`;

test('abacus-backup keeps the newest 14, or as many as it is told, and touches nothing else', async () => {
    const { dir } = await onOneMachine();
    const backups = new Backups({ ABACUS_DATA_DIR: dir });
    const kinds = ['ndjson', 'ndjson.zst', 'dump'];
    for (let day = 1; day <= 20; day++) backups.put(`${dated(day)}.${kinds[day % 3]}`, 999);
    const others = [
        'abacus-2020-01-01.ndjson',
        'abacus-notes.ndjson',
        `${dated(1)}.ndjson.old`,
        `old-${dated(1)}.dump`,
        `${dated(2)}.dump.123.part~`,
        'salts',
    ];
    for (const name of others) backups.put(name, 999);
    mkdirSync(backups.path(`${dated(1)}.ndjson`));
    symlinkSync('salts', backups.path(`${dated(2)}.ndjson`));
    others.push(`${dated(1)}.ndjson`, `${dated(2)}.ndjson`);

    const name = await backups.must([]);
    const kept = (from) =>
        Array.from({ length: 21 - from }, (_, i) => `${dated(from + i)}.${kinds[(from + i) % 3]}`);
    assert.deepEqual(backups.files(), [...kept(8), ...others, name].sort());
    await nextSecond();
    const second = await backups.must(['--keep', '3']);
    const left = backups.files().filter((one) => !others.includes(one));
    assert.deepEqual(left, [...kept(20), name, second]);
    assert.ok(second > name);
});

test('a name that is taken stays as it is', async () => {
    const { dir } = await onOneMachine();
    const clock = fake('date', 'echo 20200101T031700Z');
    const backups = new Backups({ ABACUS_DATA_DIR: dir, PATH: `${clock}:${process.env.PATH}` });
    backups.put(`${dated(1)}.ndjson`);
    const { code, stderr } = await backups.run(['--no-zstd']);
    assert.equal(code, 1);
    assert.match(stderr, /is there already$/m);
    assert.deepEqual(backups.files(), [`${dated(1)}.ndjson`]);
    assert.equal(readFileSync(backups.path(`${dated(1)}.ndjson`), 'utf8'), 'here before');
});

test('what a killed run has left goes when it is two days old', async () => {
    const { dir } = await onOneMachine();
    const backups = new Backups({ ABACUS_DATA_DIR: dir });
    backups.put(`${dated(1)}.ndjson.zst.4711.part`, 3);
    backups.put(`${dated(2)}.dump.4712.part`, 3);
    backups.put(`${dated(3)}.ndjson.4713.part`, 1);
    const name = await backups.must([]);
    assert.deepEqual(backups.files(), [`${dated(3)}.ndjson.4713.part`, name].sort());
});

test('a copy that fails leaves nothing half, and the copies there were', async () => {
    const half = join(fake('abacus', 'echo half; echo "the disk is gone" >&2; exit 1'), 'abacus');
    const cut = join(fake('abacus', 'echo half; kill -9 $$'), 'abacus');
    const noZstd = `${fake('zstd', 'cat >/dev/null; exit 1')}:${process.env.PATH}`;
    const away = { DATABASE_URL: 'postgres://abacus@127.0.0.1:1/none' };
    const cases = [
        [['--no-zstd'], { ABACUS_BIN: half }, /the disk is gone/],
        [[], { ABACUS_BIN: half }, /the disk is gone/],
        [['--no-zstd'], { ABACUS_BIN: cut }, /abacus backup failed/],
        [[], { ABACUS_BIN: cut }, /abacus backup failed/],
        [[], { ABACUS_BIN: '/nowhere/abacus' }, /abacus backup failed/],
        [[], { PATH: noZstd }, /abacus backup failed/],
        [[], away, /abacus: /],
        [['--pg-dump'], away, /pg_dump failed/],
    ];
    const { dir } = await onOneMachine();
    const backups = new Backups({ ABACUS_DATA_DIR: dir });
    for (let day = 1; day <= 3; day++) backups.put(`${dated(day)}.ndjson`, 999);
    const before = backups.files();
    for (const [args, env, said] of cases) {
        const { code, stdout, stderr } = await backups.run(['--keep', '1', ...args], env);
        assert.deepEqual([code, stdout], [1, ''], stderr);
        assert.match(stderr, said);
        assert.match(stderr, /^abacus-backup: .+: nothing was kept$/m);
        assert.deepEqual(backups.files(), before);
    }
    writeFileSync(join(backups.dir, 'file'), '');
    const { code, stderr } = await exec(SCRIPT, ['--dir', join(backups.dir, 'file')]);
    assert.equal(code, 1);
    assert.match(stderr, /^abacus-backup: .* cannot be made$/m);
});

test('abacus-backup refuses what it does not understand', async () => {
    const backups = new Backups();
    for (const args of [
        ['--keep', '0'],
        ['--keep', '01'],
        ['--keep', '-1'],
        ['--keep', ''],
        ['--keep', '1000000'],
        ['--keep'],
        ['--frequently'],
        ['copies'],
        ['--pg-dump'],
    ]) {
        const { code, stderr } = await backups.run(args);
        assert.equal(code, 2, `${args}: ${stderr}`);
        assert.match(stderr, /^abacus-backup: /);
        assert.deepEqual(backups.files(), []);
    }
    const { code, stdout } = await exec(SCRIPT, ['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /^usage: abacus-backup /);
});

test('with --pg-dump no password is on a command line, and it is the right one', async () => {
    const path = fake(
        'pg_dump',
        'printf "%s\\n" "$*" "$PGPASSWORD" "${DATABASE_URL-none}" >&2; exit 1',
    );
    const backups = new Backups({ PATH: `${path}:${process.env.PATH}` });
    const seen = async (DATABASE_URL) => {
        const [args, password, url] = (
            await backups.run(['--pg-dump'], { DATABASE_URL })
        ).stderr.split('\n');
        assert.equal(url, 'none');
        return [/--dbname=(\S*)/.exec(args)[1], password];
    };
    const tail = '127.0.0.1:5432/d?sslmode=disable&application_name=a@b';
    assert.deepEqual(await seen(`postgres://me:secret@${tail}`), [
        `postgres://me@${tail}`,
        'secret',
    ]);
    assert.deepEqual(await seen(`postgresql://me:%40%2fA%25%3a@[::1]/d`), [
        'postgresql://me@[::1]/d',
        '@/A%:',
    ]);
    assert.deepEqual(await seen(`postgres://me:a:b%zz%4@h`), ['postgres://me@h', 'a:b%zz%4']);
    assert.deepEqual(await seen(`postgres://me@${tail}`), [`postgres://me@${tail}`, '']);
    assert.deepEqual(await seen('postgres://[::1]:5432/d'), ['postgres://[::1]:5432/d', '']);
    for (const name of ['password', 'sslpassword']) {
        const url = `postgres://me@h/d?x=1&${name}=secret`;
        const { code, stderr } = await backups.run(['--pg-dump'], { DATABASE_URL: url });
        assert.equal(code, 2);
        assert.doesNotMatch(stderr, /secret/);
    }
});

test('what pg_dump has copied can be put back, and holds no salt', async () => {
    const platform = await onPlatform();
    const backups = new Backups(platform.env);
    const name = await backups.must(['--pg-dump']);
    assert.match(name, /\.dump$/);
    assert.equal(statSync(backups.path(name)).mode & 0o777, 0o600);
    const fresh = await Platform.create();
    const end = await exec('pg_restore', [
        ...['--exit-on-error', '--no-owner', '--dbname', fresh.databaseUrl],
        backups.path(name),
    ]);
    assert.deepEqual([end.code, end.stderr], [0, '']);
    assert.equal((await fresh.sql('SELECT path FROM analytics_events;')).trim(), '/kept');
    const salts = async (one) => Number(await one.sql('SELECT count(*) FROM salts;'));
    assert.ok((await salts(platform)) > 0);
    assert.equal(await salts(fresh), 0);
});
