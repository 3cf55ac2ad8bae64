// What stands in package.json and in packaging/: `npm run analytics:aggregate` does what
// `abacus aggregate` does, and systemd and cron would take their files.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BIN, exec, Installation, ROOT, tempDir } from '../lib/abacus.mjs';

const PACKAGING = join(ROOT, 'packaging');
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
    return ['abacus.service', 'abacus-aggregate.service', 'abacus-aggregate.timer'].map((name) => {
        const text = readFileSync(join(PACKAGING, name), 'utf8');
        const path = join(dir, name);
        writeFileSync(path, text.replace('/usr/bin/abacus', BIN));
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
