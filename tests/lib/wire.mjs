// HTTP/1.1 over a raw socket: the exact bytes that a test wants to send, and what came back.

import { connect } from 'node:net';
import { BROWSER } from './browsers.mjs';

/** The connection ended before a whole answer had come. */
export class Cut extends Error {}

export class Wire {
    static open(port, host = '127.0.0.1') {
        return new Promise((resolve, reject) => {
            const socket = connect({ port, host, noDelay: true });
            socket.once('error', (error) => reject(new Cut(error.message)));
            socket.once('connect', () => resolve(new Wire(socket)));
        });
    }

    constructor(socket) {
        this.socket = socket;
        this.received = Buffer.alloc(0);
        this.closed = false;
        this.wake = () => {};
        socket.removeAllListeners('error');
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
            this.received =
                this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
            this.wake();
        });
        socket.on('close', () => {
            this.closed = true;
            this.wake();
        });
        socket.on('end', () => {
            this.closed = true;
            this.wake();
        });
    }

    send(bytes) {
        this.socket.write(bytes);
    }

    close() {
        this.socket.destroy();
    }

    /** Wait for more bytes; false when none will come or `limit` ms have passed. */
    #more(limit) {
        if (this.closed) return false;
        return new Promise((resolve) => {
            const timer = setTimeout(() => resolve(false), limit);
            this.wake = () => {
                clearTimeout(timer);
                resolve(true);
            };
        });
    }

    /** Resolves when the other side has closed, or to false after `limit` ms. */
    async ended(limit) {
        const end = Date.now() + limit;
        while (!this.closed) {
            if (Date.now() > end) return false;
            await this.#more(end - Date.now() + 1);
        }
        return true;
    }

    /** The next answer {status, headers, body}; headers by lower-case name. Throws Cut. */
    async response({ limit = 60_000, head = false } = {}) {
        let blank;
        while ((blank = this.received.indexOf('\r\n\r\n')) < 0) {
            if (!(await this.#more(limit)) && this.received.indexOf('\r\n\r\n') < 0)
                throw new Cut(this.closed ? 'closed without an answer' : 'no answer in time');
        }
        const lines = this.received.toString('latin1', 0, blank).split('\r\n');
        const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(lines[0])?.[1]);
        const headers = {};
        for (const line of lines.slice(1)) {
            const colon = line.indexOf(':');
            headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
        }
        this.received = this.received.subarray(blank + 4);
        if (status === 100) return this.response({ limit, head });
        const bare = head || status === 204 || status === 304;
        const body = bare ? Buffer.alloc(0) : await this.#body(headers, limit);
        return { status, headers, body: body.toString() };
    }

    async #body(headers, limit) {
        if (headers['transfer-encoding'] === 'chunked') return this.#chunks(limit);
        if (headers['content-length'] === undefined) {
            while (await this.#more(limit));
            return this.#take(this.received.length, limit);
        }
        return this.#take(Number(headers['content-length']), limit);
    }

    async #take(length, limit) {
        while (this.received.length < length) {
            if (!(await this.#more(limit)) && this.received.length < length)
                throw new Cut('closed within a body');
        }
        const bytes = this.received.subarray(0, length);
        this.received = this.received.subarray(length);
        return bytes;
    }

    async #chunks(limit) {
        const parts = [];
        for (;;) {
            let end;
            while ((end = this.received.indexOf('\r\n')) < 0) {
                if (!(await this.#more(limit)) && this.received.indexOf('\r\n') < 0)
                    throw new Cut('closed within a body');
            }
            const size = parseInt(this.received.toString('latin1', 0, end), 16);
            await this.#take(end + 2, limit);
            const chunk = await this.#take(size + 2, limit);
            if (size === 0) return Buffer.concat(parts);
            parts.push(Buffer.from(chunk.subarray(0, size)));
        }
    }
}

/** The bytes of a request; a body gets its Content-Length. Header values are sent as they are. */
export function requestBytes(method, target, headers = {}, body) {
    const all = { Host: 'abacus.test', ...headers };
    if (body !== undefined) all['Content-Length'] ??= Buffer.byteLength(body);
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
    return body === undefined ? head : Buffer.concat([head, Buffer.from(body)]);
}

export const TRACK = '/api/analytics/track';

export function trackBytes(events, headers = {}) {
    const body =
        typeof events === 'string' || Buffer.isBuffer(events) ? events : JSON.stringify(events);
    const all = { 'Content-Type': 'text/plain', 'User-Agent': BROWSER, ...headers };
    return requestBytes('POST', TRACK, all, body);
}

/** One request on a connection of its own. */
export async function once(port, bytes, options) {
    const wire = await Wire.open(port);
    try {
        wire.send(bytes);
        return await wire.response(options);
    } finally {
        wire.close();
    }
}
