// The ways out of a browser under test, each an HTTP server that keeps what came.
//
//     Web      the visited sites, http://SITE.localhost:PORT, with the pages that a test makes
//     Front    what sites load and send to: it records, and passes on to the real server
//     Outside  the proxy for every other host: it answers nothing
//
// What left the browser is read here, not from the browser's own events, which miss what a page
// sends while it goes and hide preflights. Front can also lose an answer, hold it back, or give
// another one.

import { createServer, request as ask } from 'node:http';

/** An HTTP server that keeps each request it gets, in the order in which they begin: {method, path,
 *  host, headers}, and once it is read, `body`; `isOver` when its answer has left, or never will. */
class Recorder {
    constructor() {
        this.requests = [];
    }

    async listen() {
        this.server = createServer((request, response) =>
            // A request that its page has broken off is none.
            this.#take(request, response).catch(() => response.destroy()),
        );
        this.server.on('connect', (request, socket) => {
            this.requests.push({ method: 'CONNECT', path: request.url, host: request.url });
            socket.on('error', () => {}).destroy();
        });
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.server.unref();
        this.port = this.server.address().port;
        return this;
    }

    async #take(request, response) {
        const { method, url: path, headers } = request;
        const record = { method, path, host: headers.host, headers };
        this.requests.push(record);
        response.on('close', () => (record.isOver = true));
        record.body = await textOf(request).catch((error) => {
            this.requests.splice(this.requests.indexOf(record), 1);
            throw error;
        });
        // A connection for each: a browser repeats by itself what an old one has lost.
        response.setHeader('Connection', 'close');
        await this.answer(record, response);
    }

    close() {
        this.server.closeAllConnections?.();
        this.server.close();
    }
}

async function textOf(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    return Buffer.concat(parts).toString();
}

/** Before the analytics server. */
export class Front extends Recorder {
    /** What is done with a request to track: 'pass'; 'lose': its answer never comes; 'refuse': it
     *  never arrives; a status: that is answered in the server's place; a promise: the answer
     *  comes when it is kept. A function of the record gives one of these. */
    does = 'pass';

    static async start(server) {
        const self = new Front();
        self.target = server.port;
        await self.listen();
        self.url = `http://127.0.0.1:${self.port}`;
        return self;
    }

    async answer(record, response) {
        if (record.path.startsWith('/marker')) return response.writeHead(204).end();
        if (record.method === 'POST') record.events = eventsIn(record.body);
        const does = typeof this.does === 'function' ? this.does(record) : this.does;
        if (!record.events || does === 'pass') return this.#pass(record, response);
        if (does === 'refuse') {
            record.status = 0;
            return response.destroy();
        }
        if (typeof does === 'number') {
            record.status = does;
            const headers = { 'Access-Control-Allow-Origin': '*' };
            return response.writeHead(does, headers).end();
        }
        await this.#pass(record, response, does);
    }

    async #pass(record, response, does) {
        const { method, path, headers, body } = record;
        const to = { host: '127.0.0.1', port: this.target, method, path, headers };
        const answer = await new Promise((resolve) =>
            ask({ ...to, agent: false }, resolve)
                .on('error', () => resolve(null))
                .end(body),
        );
        record.status = answer?.statusCode ?? 0;
        if (answer === null) return response.destroy();
        const parts = [];
        for await (const part of answer) parts.push(part);
        record.cookie = answer.headers['set-cookie'];
        if (does === 'lose') return response.destroy();
        await does;
        const { connection, ...rest } = answer.headers;
        response.writeHead(answer.statusCode, rest).end(Buffer.concat(parts));
    }

    /** The requests that hold events of a site, in the order of their arrival. */
    posts(site) {
        return this.requests.filter(({ events }) => events?.some((one) => one.siteId === site));
    }

    /** And their events, as they were sent. */
    events(site) {
        return this.posts(site).flatMap(({ events }) => events);
    }
}

/** Events in short: their names and pages. */
export const told = (events) =>
    events.map(({ event, path = '' }) => `${event} ${path.replace(/\?[^#]*/, '')}`);

/** A text that is no JSON is kept as an event that says so. */
function eventsIn(body) {
    try {
        const parsed = JSON.parse(body);
        return [parsed.events ?? parsed].flat();
    } catch {
        return [{ malformed: body }];
    }
}

/** The visited sites. A site's page is text, or a function of the path that gives text, or
 *  {html, headers, status}. */
export class Web extends Recorder {
    sites = new Map();

    static start() {
        return new Web().listen();
    }

    origin(site) {
        return `http://${site}.localhost:${this.port}`;
    }

    async answer(record, response) {
        const page = this.sites.get(record.host.split('.')[0]) ?? '';
        const given = typeof page === 'function' ? await page(record.path, record) : page;
        const {
            html,
            headers = {},
            status = 200,
        } = given?.html === undefined ? { html: given } : given;
        response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', ...headers });
        response.end(html);
    }
}

/** The proxy for all hosts but the loopback's. */
export class Outside extends Recorder {
    static start() {
        return new Outside().listen();
    }

    answer(_record, response) {
        response.writeHead(502).end();
    }
}
