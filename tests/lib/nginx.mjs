// A real nginx on free ports of the loopback: one process in a directory of its own, which ends
// with the test process, also when that is killed (setpriv --pdeathsig).

import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { exec, start, tempDir, until } from './process.mjs';
import { freePort } from './servers.mjs';

/** Debian's package puts it where only root looks. */
const NGINX = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
/** A port that was free when it was looked for may be taken a moment later. */
const PORT_TRIES = 5;

function takesConnections(port) {
    return new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('connect', () => {
            socket.destroy();
            resolve(true);
        });
        socket.on('error', () => resolve(false));
    });
}

export class Nginx {
    /** `http` gives what stands in its http block, of so many ports that it listens on. */
    static async start(count, http) {
        for (let tries = 1; ; tries++) {
            const ports = await Promise.all(Array.from({ length: count }, freePort));
            const self = new Nginx(await http(ports));
            try {
                return await self.start(ports);
            } catch (error) {
                if (tries === PORT_TRIES || !/already in use/.test(self.said)) throw error;
            }
        }
    }

    /** `http` is what stands in its http block. */
    constructor(http) {
        this.dir = tempDir();
        this.file = join(this.dir, 'nginx.conf');
        const places = TEMPORARY.map((name) => `${name}_temp_path ${this.dir}/${name};`);
        writeFileSync(
            this.file,
            `daemon off; master_process off; pid ${this.dir}/pid; error_log stderr;
events { worker_connections 256; }
http { access_log ${this.dir}/access.log; types { text/html html; text/javascript js; }
${places.join(' ')}
${http}
}
`,
        );
    }

    /** What `nginx -t` says of the configuration: {code, stderr}. */
    check() {
        return exec(NGINX, ['-t', '-q', '-p', this.dir, '-c', this.file]);
    }

    /** Returns once the ports take connections. */
    async start(ports) {
        this.said = '';
        const args = ['--pdeathsig', 'SIGKILL', NGINX, '-p', this.dir, '-c', this.file];
        this.child = start('setpriv', args);
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on('data', (chunk) => (this.said += chunk));
        let ended = false;
        this.child.ended.finally(() => (ended = true)).catch(() => {});
        // It writes that file once it has its ports: until then they may be somebody else's.
        const up = async () =>
            existsSync(join(this.dir, 'pid')) &&
            (await Promise.all(ports.map(takesConnections))).every(Boolean);
        await until(
            async () => ended || (await up()),
            'nginx to come up',
            60_000,
            () => this.said,
        );
        if (ended) throw new Error(`nginx did not come up: ${this.said}`);
        return this;
    }

    /** Requests under way are answered first. */
    async stop() {
        this.child.kill('SIGQUIT');
        return this.child.ended;
    }
}
