// A reader of event streams (text/event-stream), with the time at which each piece came.

import { bearer } from './abacus.mjs';

export class EventStream {
    /** The answer to GET `path`; `messages` fills while the stream goes on. */
    static async open(server, path, token) {
        const self = new EventStream();
        self.stop = new AbortController();
        const response = await fetch(server.url + path, {
            headers: { accept: 'text/event-stream', ...bearer(token) },
            signal: self.stop.signal,
        });
        Object.assign(self, { status: response.status, headers: response.headers });
        self.messages = []; // {atMs, data} or {atMs, comment}
        self.ended = self.#read(response.body);
        return self;
    }

    /** Resolves with how it ended: 'end', 'cut', or 'left' after close(). */
    async #read(body) {
        const decoder = new TextDecoder();
        let rest = '';
        try {
            for await (const chunk of body) {
                const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
                rest = pieces.pop();
                for (const piece of pieces) this.#take(piece);
            }
            this.rest = rest;
            return 'end';
        } catch {
            return this.stop.signal.aborted ? 'left' : 'cut';
        }
    }

    #take(piece) {
        const atMs = performance.now();
        if (piece.startsWith('data: '))
            this.messages.push({ atMs, data: JSON.parse(piece.slice(6)) });
        else if (piece.startsWith(':')) this.messages.push({ atMs, comment: piece });
        else throw new Error(`neither data nor a comment: ${piece}`);
    }

    get data() {
        return this.messages.filter(({ data }) => data !== undefined);
    }

    async close() {
        this.stop.abort();
        await this.ended;
    }
}
