// A real SMTP server (npm's smtp-server) that keeps what it takes, and mails as their readers see
// them: headers decoded by RFC 2047, the text by RFC 2045, neither by the code under test.

import { until } from './process.mjs';

export const smtp = await import('smtp-server').catch(() => null);
/** Why tests with mail cannot run; false where they can. */
export const noMail = smtp === null && 'smtp-server is not installed';

const unfold = (head) => head.replace(/\r\n(?=[ \t])/g, '');

const words = (text) =>
    text
        .replace(/\?=\s+=\?/g, '?==?')
        .replace(/=\?utf-8\?B\?([^?]*)\?=/gi, (_, code) => Buffer.from(code, 'base64').toString());

/** Bytes of quoted-printable. */
function unquote(text) {
    const joined = text.replace(/=\r\n/g, '');
    const bytes = [];
    for (let at = 0; at < joined.length; at++)
        if (joined[at] === '=') {
            bytes.push(parseInt(joined.slice(at + 1, at + 3), 16));
            at += 2;
        } else bytes.push(joined.charCodeAt(at));
    return Buffer.from(bytes).toString();
}

export function readMail(raw) {
    const end = raw.indexOf('\r\n\r\n');
    const lines = unfold(raw.slice(0, end)).split('\r\n');
    const headers = Object.fromEntries(
        lines.map((line) => {
            const colon = line.indexOf(':');
            return [line.slice(0, colon).toLowerCase(), words(line.slice(colon + 1).trim())];
        }),
    );
    return { raw, headers, lines, text: unquote(raw.slice(end + 4)).replaceAll('\r\n', '\n') };
}

export class Postbox {
    /** `options` are the server's; its handlers may return a promise, or throw an error with
     *  `responseCode`. The certificate is the package's own, which nobody has signed. */
    static async start({ port = 0, host = '127.0.0.1', onRcpt, onData, ...options } = {}) {
        const self = new Postbox();
        self.mails = [];
        self.tries = []; // when somebody named a recipient
        self.sessions = [];
        const wrap =
            (fn) =>
            async (value, session, callback) => {
                try {
                    await fn(value, session);
                    callback();
                } catch (error) {
                    callback(error);
                }
            };
        self.server = new smtp.SMTPServer({
            authOptional: true,
            logger: false,
            closeTimeout: 1,
            // Nobody looks names up.
            disableReverseLookup: true,
            onRcptTo: wrap(async ({ address }, session) => {
                self.tries.push(Date.now());
                await onRcpt?.(address, session);
            }),
            onData: wrap(async (stream, session) => {
                const chunks = [];
                for await (const chunk of stream) chunks.push(chunk);
                await onData?.(session);
                self.#keep(Buffer.concat(chunks).toString('latin1'), session);
            }),
            ...options,
        });
        self.server.on('error', (error) => self.sessions.push(error.message));
        await new Promise((resolve) => self.server.listen(port, host, resolve));
        self.port = self.server.server.address().port;
        self.url = `smtp://127.0.0.1:${self.port}`;
        return self;
    }

    #keep(raw, { envelope, secure, user, hostNameAppearsAs: hello }) {
        const { mailFrom, rcptTo } = envelope;
        const to = rcptTo.map(({ address }) => address);
        this.mails.push({ ...readMail(raw), from: mailFrom.address, to, secure, user, hello });
    }

    /** The newest mail to somebody, once there are so many. */
    async mail(to, count = 1, limit = 20_000) {
        const mine = () => this.mails.filter((mail) => mail.to.includes(to));
        await until(() => mine().length >= count, `mail ${count} to ${to}`, limit);
        return mine().at(-1);
    }

    close() {
        return new Promise((resolve) => this.server.close(resolve));
    }
}

/** What a handler throws to answer with a code. */
export const answer = (responseCode) => Object.assign(new Error('no'), { responseCode });
