// Real PostgreSQL, Redis and Sentinel servers on free loopback ports, and a proxy that makes one
// unreachable. Each lives in a directory of its own and ends with the test process, also when that
// is killed: the kernel passes its death on (setpriv --pdeathsig).
//
// Ports, once given, stay: a server that was killed comes back under the same URL.

import { execFileSync } from 'node:child_process';
import {
    accessSync,
    chownSync,
    constants,
    mkdirSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { atExit, exec, start, tempDir, until } from './process.mjs';

const LOOPBACK = '127.0.0.1';
/** Of what a server says, this much is kept to explain a failure. */
const SAID_MAX = 200_000;
/** A port that was free when it was looked for may be taken a moment later. */
const PORT_TRIES = 5;

// -- processes -----------------------------------------------------------------------------------

/** Whether a process runs: one that waits to be collected by its parent does not. */
function isAlive(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
    } catch {
        return false;
    }
}

/** The process and its children: [pid...], the process first. */
function family(pid) {
    const pids = [pid];
    for (const name of readdirSync('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        try {
            const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
            const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            if (Number(parent) === pid) pids.push(Number(name));
        } catch {
            // It has ended since the directory was read.
        }
    }
    return pids;
}

function signal(pid, name) {
    try {
        process.kill(pid, name);
    } catch (error) {
        if (error.code !== 'ESRCH') throw error;
    }
}

/** For the last moments of a process, in which nothing can be awaited. */
function waitSync(done, limit) {
    const end = Date.now() + limit;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (!done() && Date.now() < end) Atomics.wait(cell, 0, 0, 10);
}

const gone = (pids, what) => until(() => !pids.some(isAlive), `the end of ${what}`);

/** Below those that the kernel gives to connections, and to whoever listens on any: nobody comes by
 *  chance to the port of a server that is away for a moment. */
const [FIRST_PORT, LAST_PORT] = [12_000, 32_000];
/** Processes that run side by side, whose numbers are close, look for ports in different places. */
const PORTS_OF_A_PROCESS = 50;
const portsGiven = new Set();

const isFree = (port) =>
    new Promise((resolve) => {
        const server = createServer();
        server.on('error', () => resolve(false));
        server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
    });

/** A port of the loopback that nobody listens on now, and that this process gives to nobody else. */
export async function freePort() {
    const span = LAST_PORT - FIRST_PORT;
    const first = (process.pid * PORTS_OF_A_PROCESS) % span;
    for (let i = 0; i < span; i++) {
        const port = FIRST_PORT + ((first + i) % span);
        if (portsGiven.has(port)) continue;
        portsGiven.add(port);
        if (await isFree(port)) return port;
    }
    throw new Error('no port is free');
}

/** What all servers do: start, say that they are ready, stop, die, stand still. */
class ServerProcess {
    constructor(name) {
        this.name = name;
        this.child = null;
        this.said = '';
        this.everything = null; // [bytes] of all that it says, where that is to be kept
    }

    get pid() {
        return this.child.pid;
    }

    get running() {
        return this.child !== null && isAlive(this.pid);
    }

    /** Run it; `ready` tells from what it says (or asks it) whether it takes connections. */
    async launch(file, args, { setpriv = [], finish, ready }) {
        this.said = '';
        this.child = start('setpriv', [...setpriv, file, ...args], { finish });
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on('data', (chunk) => {
                this.said = (this.said + chunk).slice(-SAID_MAX);
                this.everything?.push(chunk);
            });
        let ended = false;
        this.child.ended.finally(() => (ended = true)).catch(() => {});
        await until(
            () => ended || ready(),
            `${this.name} to come up`,
            60_000,
            () => this.said,
        );
        if (ended) throw new Error(`${this.name} did not come up: ${this.said}`);
    }

    /** The first start picks a port; a port that somebody else was given at once is no failure. */
    async launchOnSomePort(launch) {
        for (let i = 1; ; i++) {
            this.port = await freePort();
            try {
                await launch();
                return this;
            } catch (error) {
                if (i === PORT_TRIES || !/in use/i.test(this.said)) throw error;
            }
        }
    }

    async stopBy(name) {
        if (!this.running) return;
        signal(this.pid, name);
        await gone([this.pid], this.name);
        await this.child.ended;
    }

    /** SIGSTOP: connections stay and nothing answers, as from a machine that hangs. */
    pause() {
        this.paused = family(this.pid);
        for (const pid of this.paused) signal(pid, 'SIGSTOP');
    }

    resume() {
        for (const pid of [...(this.paused ?? [])].reverse()) signal(pid, 'SIGCONT');
        this.paused = undefined;
    }

    /** SIGKILL: the process and its children, whatever they are doing. */
    async kill() {
        const pids = family(this.pid);
        for (const pid of pids) signal(pid, 'SIGKILL');
        this.paused = undefined;
        await gone(pids, this.name);
        await this.child.ended;
    }
}

// -- PostgreSQL ----------------------------------------------------------------------------------

const STOP_SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' };
const FAST_BUT_UNSAFE = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
const SETTINGS = {
    listen_addresses: LOOPBACK,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
    // In the data directory: kill -9 leaves nothing in /dev/shm.
    dynamic_shared_memory_type: 'mmap',
    // A zone that no site has: a day taken from the session's zone is found out.
    timezone: 'Pacific/Chatham',
    lc_messages: 'C',
};

/** Programs of Debian's package stand outside PATH. */
function postgresBinary(name) {
    const debian = '/usr/lib/postgresql';
    const versions = (() => {
        try {
            return readdirSync(debian).sort((a, b) => Number(b) - Number(a));
        } catch {
            return [];
        }
    })();
    const places = [
        ...versions.map((version) => join(debian, version, 'bin')),
        ...(process.env.PATH ?? '').split(':'),
    ];
    for (const place of places) {
        const path = join(place, name);
        try {
            accessSync(path, constants.X_OK);
            return path;
        } catch {
            // Not here.
        }
    }
    throw new Error(`${name} is missing: install Debian's package postgresql-15`);
}

/** PostgreSQL refuses to run as root; then the user of Debian's package runs it. */
function unprivileged() {
    if (process.getuid() !== 0) return null;
    const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
}

export class Postgres extends ServerProcess {
    constructor({ fsync = false, settings = {}, parent } = {}) {
        super('PostgreSQL');
        this.settings = { ...SETTINGS, ...(fsync ? {} : FAST_BUT_UNSAFE), ...settings };
        this.user = unprivileged();
        this.identity = this.user
            ? ['--reuid=postgres', '--regid=postgres', '--clear-groups']
            : ['--keep-groups'];
        this.dir = tempDir(parent);
        if (this.user) chownSync(this.dir, this.user.uid, this.user.gid);
        this.data = join(this.dir, 'data');
        this.databases = 0;
    }

    /** A new cluster with the superuser `abacus`, whom it trusts. With `fsync` it keeps what it
     *  has committed through whatever befalls it; without, it is made for speed. With `keep` all
     *  that it says stands in `everything`. `parent` is where its directory lies. */
    static async start(options) {
        const self = new Postgres(options);
        if (options?.keep) self.everything = [];
        const made = await exec('setpriv', [
            ...self.identity,
            postgresBinary('initdb'),
            ...['--pgdata', self.data, '--username', 'abacus', '--auth', 'trust'],
            ...['--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync', '--no-instructions'],
        ]);
        if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);
        return self.launchOnSomePort(() => self.start());
    }

    async start() {
        const settings = Object.entries({ ...this.settings, port: this.port });
        const args = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
        await this.launch(postgresBinary('postgres'), ['-D', this.data, ...args], {
            setpriv: [...this.identity, '--pdeathsig', 'SIGQUIT'],
            finish: () => this.#finish(),
            ready: () => this.said.includes('ready to accept connections'),
        });
    }

    /** Immediate shutdown takes shared memory along, which SIGKILL leaves in the kernel. */
    #finish() {
        if (!this.running) return;
        const pids = family(this.pid);
        signal(this.pid, 'SIGQUIT');
        for (const pid of pids) signal(pid, 'SIGCONT');
        waitSync(() => !isAlive(this.pid), 3000);
        for (const pid of pids) if (isAlive(pid)) signal(pid, 'SIGKILL');
    }

    /** `mode` is smart (waits for clients), fast (rolls back) or immediate (recovers later). */
    stop(mode = 'fast') {
        this.resume();
        return this.stopBy(STOP_SIGNALS[mode]);
    }

    async restart(mode = 'fast') {
        await this.stop(mode);
        await this.start();
    }

    url(database = 'postgres', port = this.port) {
        return `postgres://abacus@${LOOPBACK}:${port}/${database}`;
    }

    /** A program of its package, run against it. */
    run(name, args) {
        const where = ['--host', LOOPBACK, '--port', String(this.port), '--username', 'abacus'];
        return exec(postgresBinary(name), [...where, ...args]);
    }

    /** The URL of a new, empty database. */
    async createDatabase(name = `test_${++this.databases}`, port) {
        await createDatabase(this.url(), name);
        return this.url(name, port);
    }

    sql(text, database) {
        return psql(this.url(database), text);
    }
}

/** Run SQL texts with psql; what they give, unaligned, columns between tabs. */
export async function psql(url, text) {
    const args = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '-F', '\t'];
    const end = await exec('psql', [...args, '-v', 'ON_ERROR_STOP=1', '--dbname', url], {
        input: text,
        env: { PGOPTIONS: '-c search_path=analytics,public -c client_min_messages=warning' },
    });
    if (end.code !== 0 || end.stderr !== '') throw new Error(`psql: ${end.stderr}`);
    return end.stdout;
}

async function createDatabase(url, name) {
    await psql(url, `CREATE DATABASE ${name} TEMPLATE template0;`);
}

// -- Redis ---------------------------------------------------------------------------------------

/** As doc/ tells an operator to set it: nothing is thrown away, written out every second. */
const REDIS_SETTINGS = {
    bind: LOOPBACK,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    databases: 1024,
    daemonize: 'no',
    // Anyone on the loopback may speak to it; it is gone in a moment.
    'protected-mode': 'no',
};

const flags = (settings) =>
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);

export class Redis extends ServerProcess {
    constructor(settings = {}) {
        super('Redis');
        this.settings = { ...REDIS_SETTINGS, ...settings };
        this.dir = tempDir();
        this.databases = 0;
    }

    static start(settings, { keep = false } = {}) {
        const self = new Redis(settings);
        if (keep) self.everything = [];
        return self.launchOnSomePort(() => self.start());
    }

    start() {
        const args = flags({ ...this.settings, port: this.port, dir: this.dir });
        return this.launch('redis-server', args, {
            setpriv: ['--pdeathsig', 'SIGKILL'],
            ready: () => this.said.includes('Ready to accept connections'),
        });
    }

    /** As an operator stops it: what was acknowledged is written out. */
    stop() {
        this.resume();
        return this.stopBy('SIGTERM');
    }

    /** After stop() or kill(): `empty` takes its disk away, too. */
    async startAgain({ empty = false } = {}) {
        if (empty) {
            rmSync(this.dir, { recursive: true, force: true });
            mkdirSync(this.dir);
        }
        await this.start();
    }

    /** With a database number of its own each time. */
    freshUrl(port = this.port) {
        this.databases += 1;
        return this.url(this.databases, port);
    }

    url(database = 0, port = this.port) {
        return `redis://${LOOPBACK}:${port}/${database}`;
    }

    cli(...args) {
        return redisCli(this.url(), ...args);
    }

    async configure(name, value) {
        const said = await this.cli('CONFIG', 'SET', name, value);
        if (said !== 'OK') throw new Error(`CONFIG SET ${name} ${value}: ${said}`);
    }
}

/** What one command answers, as redis-cli writes it to a pipe. */
export async function redisCli(url, ...args) {
    const end = await exec('redis-cli', ['-u', url, ...args.map(String)]);
    if (end.code !== 0) throw new Error(`redis-cli: ${end.stdout} ${end.stderr}`);
    return end.stdout.trim();
}

/** Watches one master and promotes its replica when the master is gone. */
export class Sentinel extends ServerProcess {
    constructor(master, { name = 'abacus', downAfterMs = 500, quorum = 1 } = {}) {
        super('Sentinel');
        Object.assign(this, { master, masterName: name, downAfterMs, quorum });
        this.dir = tempDir();
    }

    static start(master, options) {
        const self = new Sentinel(master, options);
        return self.launchOnSomePort(() => self.start());
    }

    /** Sentinel writes what it learns into its configuration: a second start reads it there. */
    async start() {
        const file = join(this.dir, `${this.port}.conf`);
        const { masterName, master, quorum, downAfterMs } = this;
        writeFileSync(
            file,
            [
                `port ${this.port}`,
                `bind ${LOOPBACK}`,
                `dir ${this.dir}`,
                'protected-mode no',
                `sentinel monitor ${masterName} ${LOOPBACK} ${master.port} ${quorum}`,
                `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
                `sentinel failover-timeout ${masterName} 5000`,
                '',
            ].join('\n'),
            { flag: 'wx' },
        );
        await this.restart();
    }

    restart() {
        return this.launch('redis-server', [join(this.dir, `${this.port}.conf`), '--sentinel'], {
            setpriv: ['--pdeathsig', 'SIGKILL'],
            ready: () => this.said.includes('monitor master'),
        });
    }

    stop() {
        this.resume();
        return this.stopBy('SIGTERM');
    }

    url(database = 0) {
        return `redis+sentinel://${LOOPBACK}:${this.port}/${this.masterName}/${database}`;
    }

    cli(...args) {
        return redisCli(`redis://${LOOPBACK}:${this.port}`, ...args);
    }

    /** The port that clients are sent to. */
    async masterPort() {
        const said = await this.cli('SENTINEL', 'get-master-addr-by-name', this.masterName);
        return Number(said.split('\n')[1]);
    }
}

// -- proxy ---------------------------------------------------------------------------------------

/** A TCP proxy before a server on the loopback. Modes:
 *
 *     pass     as if it were not there
 *     refuse   connections are refused, those that stood are closed
 *     stall    nothing gets through either way, and nobody is told: a cable pulled out. What was
 *              under way arrives when it is plugged in again, though the sender may have given up.
 *     swallow  the same, but what was sent meanwhile is lost; its connection is closed after it */
export class Proxy {
    constructor(target) {
        this.target = target;
        this.mode = 'pass';
        this.links = new Set();
        this.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
            this.#accept(client),
        );
        this.forget = atExit(() => this.server.close());
        // One that a failed test has left does not keep its file from ending.
        this.server.unref();
    }

    /** `target` is a port of the loopback, or something that has one. */
    static async start(target) {
        const self = new Proxy(typeof target === 'number' ? { port: target } : target);
        // Of its own: one that has refused for a while comes back under the same.
        self.port = await freePort();
        await self.#listen(self.port);
        return self;
    }

    /** Before the server that a URL names: {proxy, url} with the URL through it. */
    static async before(serverUrl) {
        const through = new URL(serverUrl);
        const proxy = await Proxy.start(Number(through.port));
        through.port = proxy.port;
        return { proxy, url: through.href };
    }

    #listen(port) {
        return new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(port, LOOPBACK, () => {
                this.server.off('error', reject);
                resolve();
            });
        });
    }

    #accept(client) {
        const link = new Link(client, this.target.port, this.mode, () => this.links.delete(link));
        this.links.add(link);
    }

    async set(mode) {
        const before = this.mode;
        this.mode = mode;
        if (mode === 'refuse' && before !== 'refuse') {
            this.server.close();
            this.cut();
        }
        if (before === 'refuse' && mode !== 'refuse') await this.#listen(this.port);
        if (before === 'swallow') this.cut();
        for (const link of this.links) link.set(mode);
    }

    pass() {
        return this.set('pass');
    }

    /** Close every connection, at once; new ones are taken. */
    cut() {
        for (const link of this.links) link.cut();
        this.links.clear();
    }

    /** `mode` for so long. */
    async away(ms, mode) {
        await this.set(mode);
        await new Promise((resolve) => setTimeout(resolve, ms));
        await this.pass();
    }

    close() {
        this.cut();
        this.forget();
    }
}

/** One connection through the proxy: a client and, once it is let through, the server. */
class Link {
    constructor(client, port, mode, over) {
        Object.assign(this, { client, port, over, server: null, ended: 0 });
        this.#watch(client, () => this.server);
        this.set(mode);
    }

    set(mode) {
        this.mode = mode;
        if (mode !== 'stall' && mode !== 'swallow' && this.server === null) this.#dial();
        for (const socket of this.#sockets())
            if (mode === 'stall') socket.pause();
            else socket.resume();
    }

    #sockets() {
        return this.server ? [this.client, this.server] : [this.client];
    }

    #dial() {
        this.server = connect({ port: this.port, host: LOOPBACK, allowHalfOpen: true });
        this.server.setNoDelay(true);
        this.#watch(this.server, () => this.client);
    }

    #watch(socket, other) {
        socket.on('data', (chunk) => {
            if (this.mode === 'pass') other().write(chunk);
        });
        socket.on('end', () => {
            if (this.mode === 'pass') other()?.end();
        });
        socket.on('error', () => this.cut());
        socket.on('close', () => {
            this.ended += 1;
            if (this.ended === this.#sockets().length) this.over();
        });
    }

    cut() {
        for (const socket of this.#sockets()) socket.destroy();
    }
}

// -- servers that several tests share ------------------------------------------------------------

let shared;

/** One PostgreSQL and one Redis for tests that do them no harm: those that tools/with-servers.mjs
 *  runs beside the whole suite, else two of this process's own. */
export function sharedServers() {
    shared ??= Promise.all([sharedPostgres(), sharedRedis()]).then(([postgres, redis]) => ({
        postgres,
        redis,
    }));
    return shared;
}

async function sharedPostgres() {
    const url = process.env.ABACUS_TEST_POSTGRES ?? (await Postgres.start()).url();
    return {
        async freshUrl() {
            const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`;
            await createDatabase(url, name);
            const fresh = new URL(url);
            fresh.pathname = `/${name}`;
            return fresh.href;
        },
    };
}

async function sharedRedis() {
    const url = process.env.ABACUS_TEST_REDIS ?? (await Redis.start()).url();
    const base = new URL(url);
    base.pathname = '';
    return {
        /** Database 0 counts which numbers were given to whichever process. */
        async freshUrl() {
            base.pathname = '/0';
            const number = Number(await redisCli(base.href, 'INCR', 'abacus:test:databases'));
            const fresh = new URL(base.href);
            fresh.pathname = `/${number}`;
            return fresh.href;
        },
    };
}
