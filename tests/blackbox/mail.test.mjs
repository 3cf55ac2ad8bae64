// The mailer against a real SMTP server: what it delivers, how it waits for a server that is away,
// slow or refuses, and what it says of it.

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUILD, Installation, start, until } from '../lib/abacus.mjs';
import { answer, noMail, Postbox } from '../lib/mail.mjs';
import { HANG_MS } from '../lib/process.mjs';
import { freePort } from '../lib/servers.mjs';

const FROM = 'abacus@stats.example';
const TO = 'ada@example.com';
const ERR_INVALID = -1;

/** A mailer in a process of its own (tests/tools/mailer.c). */
class Mailer {
    constructor(url, { from = FROM, tryMs = 60_000, pauseMs = 100, graceMs = 0 } = {}) {
        const args = [url, from, tryMs, pauseMs, graceMs].map(String);
        const stdio = ['pipe', 'pipe', 'pipe'];
        this.child = start(join(BUILD, 'tests/tools/mailer'), args, { stdio });
        this.said = '';
        this.answers = [];
        this.child.stderr.on('data', (chunk) => (this.said += chunk));
        this.child.stdout.on('data', (chunk) => this.#hear(chunk));
        this.child.stdin.on('error', () => {});
    }

    #rest = '';
    #sent = 0;
    #hear(chunk) {
        const lines = (this.#rest + chunk).split('\n');
        this.#rest = lines.pop();
        for (const line of lines) this.answers.push(line.split(' ').map(Number));
    }

    /** {rc, us}: what mail_send() gave, and how long it took. */
    async send({ to = TO, subject = 'Subject', text = 'Text' } = {}) {
        const number = this.#sent++;
        this.child.stdin.write(`${to}\t${subject}\t${text.replaceAll('\n', '\\n')}\n`);
        await until(() => this.answers.length > number, 'an answer', 20_000, () => this.said);
        const [rc, us] = this.answers[number];
        return { rc, us };
    }

    /** Wait until it has said so. */
    says(pattern, limit = 20_000) {
        return until(() => pattern.exec(this.said), pattern, limit, () => this.said);
    }

    /** Close it; its exit code. */
    async close() {
        this.child.stdin.end();
        return (await this.child.ended).code;
    }
}

/** A test with mailers and servers that go when it ends. No log line ever names who gets what. */
function scenario(name, run, skip = noMail) {
    test(name, { skip, timeout: HANG_MS }, async () => {
        const mailers = [];
        const boxes = [];
        const mailer = (...args) => {
            mailers.push(new Mailer(...args));
            return mailers.at(-1);
        };
        const postbox = async (options) => {
            boxes.push(await Postbox.start(options));
            return boxes.at(-1);
        };
        try {
            await run({ mailer, postbox });
            for (const { said } of mailers)
                assert.doesNotMatch(said, /Sanitizer|example|Subject|Text|hush|secret/);
        } finally {
            for (const one of mailers) one.child.kill('SIGKILL');
            await Promise.all(boxes.map((box) => box.close()));
        }
    });
}

scenario('a mail arrives as it was written', async ({ mailer, postbox }) => {
    const box = await postbox();
    const subject = 'Zugang für Ada – bitte innerhalb von sieben Tagen einrichten 😀';
    const text = `Grüße,\n\n.\n..two dots\nFrom here = there \n${'long '.repeat(60)}\n\n– Abacus\n`;
    const began = Date.now();
    assert.equal((await mailer(box.url).send({ subject, text })).rc, 0);
    const mail = await box.mail(TO);
    assert.equal(mail.text, text);
    assert.equal(mail.headers.subject, subject);
    assert.equal(mail.headers.from, FROM);
    assert.equal(mail.headers.to, TO);
    assert.equal(mail.from, FROM);
    assert.deepEqual(mail.to, [TO]);
    assert.equal(mail.hello, 'stats.example');
    assert.match(mail.headers['message-id'], /^<[0-9a-f]{32}@stats\.example>$/);
    const date = Date.parse(mail.headers.date);
    assert.ok(date >= began - 1000 && date <= Date.now(), mail.headers.date);
    assert.equal(new Date(date).toUTCString().replace('GMT', '+0000'), mail.headers.date);
    for (const line of mail.raw.split('\r\n')) assert.ok(line.length <= 76, line);
    assert.doesNotMatch(mail.raw, /[^\r]\n|[^\x00-\x7f]/);
});

scenario('two mails have two ids', async ({ mailer, postbox }) => {
    const box = await postbox();
    const one = mailer(box.url);
    await one.send();
    await one.send();
    await box.mail(TO, 2);
    const [a, b] = box.mails.map(({ headers }) => headers['message-id']);
    assert.notEqual(a, b);
});

scenario('TLS is used where it is offered, and only there', async ({ mailer, postbox }) => {
    const offers = await postbox();
    const lacks = await postbox({ hideSTARTTLS: true });
    const only = await postbox({ secure: true });
    for (const [box, url, secure] of [
        [offers, offers.url, true],
        [lacks, lacks.url, false],
        [only, `smtps://localhost:${only.port}`, true],
    ]) {
        await mailer(url).send();
        assert.equal((await box.mail(TO)).secure, secure);
    }
});

scenario('the password of the URL is the one that is sent', async ({ mailer, postbox }) => {
    const seen = [];
    const onAuth = ({ username, password }, session, callback) => {
        seen.push([username, password]);
        if (password === 'hush@/%') callback(null, { user: username });
        else callback(Object.assign(new Error('no'), { responseCode: 535 }));
    };
    const box = await postbox({ onAuth });
    await mailer(`smtp://ada%40example.com:hush%40%2F%25@127.0.0.1:${box.port}`).send();
    assert.equal((await box.mail(TO)).user, 'ada@example.com');
    const wrong = mailer(`smtp://ada:hush@127.0.0.1:${box.port}`);
    await wrong.send();
    await wrong.says(/msg="mail not sent" tries=1 code=535/);
    assert.deepEqual(seen.at(-1), ['ada', 'hush']);
    assert.equal(box.mails.length, 1);
});

/** An address of this machine that is no loopback. */
const [elsewhere] = Object.values(networkInterfaces())
    .flat()
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
const noElsewhere = noMail || (!elsewhere && 'this machine has no address but loopback');

scenario(
    'a password leaves the machine by TLS with a good certificate, or not at all',
    async ({ mailer, postbox }) => {
        const seen = [];
        const onAuth = (auth, session, callback) => {
            seen.push(auth);
            callback(null, { user: auth.username });
        };
        const host = elsewhere.address;
        const open = await postbox({ host, hideSTARTTLS: true, onAuth });
        const unsigned = await postbox({ host, onAuth });
        const implicit = await postbox({ host, secure: true, onAuth });
        for (const url of [
            `smtp://ada:hush@${host}:${open.port}`,
            `smtp://ada:hush@${host}:${unsigned.port}`,
            `smtps://ada:hush@${host}:${implicit.port}`,
        ]) {
            const one = mailer(url);
            await one.send();
            await one.says(/msg="mail not sent" tries=1/);
        }
        assert.deepEqual(seen, []);
        // Without a password it goes as it can.
        await mailer(`smtp://${host}:${open.port}`).send();
        assert.equal((await open.mail(TO)).secure, false);
        await mailer(`smtp://${host}:${unsigned.port}`).send();
        assert.equal((await unsigned.mail(TO)).secure, true);
    },
    noElsewhere,
);

for (const [what, options] of [
    ['a recipient', { onRcpt: () => { throw answer(550); } }], // prettier-ignore
    ['a text', { onData: () => { throw answer(554); } }], // prettier-ignore
])
    scenario(`${what} that is refused is not tried again`, async ({ mailer, postbox }) => {
        const box = await postbox(options);
        const one = mailer(box.url, { pauseMs: 50 });
        await one.send();
        await one.says(/level=warn msg="mail not sent" tries=1 code=55[04]/);
        await sleep(300);
        assert.equal(box.tries.length, 1);
    });

scenario('what is refused for now is tried again, after growing pauses', async (t) => {
    let refusals = 4;
    const onRcpt = () => {
        if (refusals-- > 0) throw answer(450);
    };
    const box = await t.postbox({ onRcpt });
    const one = t.mailer(box.url, { pauseMs: 100 });
    await one.send();
    await box.mail(TO);
    await one.says(/level=debug msg="mail sent" tries=5/);
    const pauses = box.tries.slice(1).map((at, i) => at - box.tries[i]);
    assert.equal(pauses.length, 4);
    for (const [i, pause] of pauses.entries())
        assert.ok(pause >= 100 * 2 ** i - 5, `pause ${i} took ${pause} ms`);
    assert.equal(one.said.match(/mail waits/g).length, 1);
});

scenario('one that is refused for now does not hold up the others', async (t) => {
    const onRcpt = (address) => {
        if (address === 'slow@example.com') throw answer(450);
    };
    const box = await t.postbox({ onRcpt });
    const one = t.mailer(box.url, { pauseMs: 30_000 });
    await one.send({ to: 'slow@example.com' });
    await one.send();
    await box.mail(TO);
});

scenario('what cannot be sent in time is given up', async ({ mailer, postbox }) => {
    const refuses = () => {
        throw answer(421);
    };
    const box = await postbox({ onRcpt: refuses });
    let one;
    let tries = 0;
    // Pauses of 50 ms, 100, 200 ...: within a second there is time for 5 tries and no more. A
    // machine that stands still meanwhile leaves fewer: then with more time.
    for (const { tryMs, most } of [
        { tryMs: 1000, most: 5 },
        { tryMs: 8000, most: 8 },
        { tryMs: 32_000, most: 10 },
    ]) {
        one = mailer(box.url, { tryMs, pauseMs: 50 });
        await one.send();
        const said = await one.says(/msg="mail not sent" tries=(\d+) code=421/, 2 * tryMs + 30_000);
        tries = Number(said[1]);
        assert.ok(tries <= most, `${tries} tries in ${tryMs} ms`);
        if (tries >= 3) break;
    }
    assert.ok(tries >= 3, `${tries} tries`);
    // A server that nobody reaches is no different.
    await box.close();
    await one.send();
    await until(() => one.said.match(/mail not sent/g).length === 2, 'given up');
});

scenario('a server that is away gets its mails when it is back', async ({ mailer, postbox }) => {
    const port = await freePort();
    const one = mailer(`smtp://127.0.0.1:${port}`, { pauseMs: 50 });
    for (const to of ['a@example.com', 'b@example.com', 'c@example.com'])
        assert.equal((await one.send({ to })).rc, 0);
    await one.says(/msg="mail waits" tries=1 code=0/);
    const back = await postbox({ port });
    for (const to of ['a@example.com', 'b@example.com', 'c@example.com']) await back.mail(to);
    assert.equal(back.mails.length, 3);
});

scenario('whoever sends does not wait for a slow server', async ({ mailer, postbox }) => {
    let open;
    const waits = new Promise((resolve) => (open = resolve));
    const onConnect = (session, callback) => void waits.then(() => callback());
    const box = await postbox({ onConnect });
    const one = mailer(box.url);
    const took = [];
    for (let i = 0; i < 10; i++) took.push((await one.send()).us);
    assert.equal(box.mails.length, 0);
    // The machine may hold up one of them, or two; who waits for the server waits each time.
    const [median] = took.sort((a, b) => a - b).slice(took.length >> 1);
    assert.ok(median < 200_000, `${took} us`);
    open();
    await box.mail(TO, 10);
});

scenario('at the end what waits is tried once more', async ({ mailer, postbox }) => {
    let first = true;
    const onRcpt = () => {
        if (first) {
            first = false;
            throw answer(450);
        }
    };
    const box = await postbox({ onRcpt });
    const one = mailer(box.url, { pauseMs: 30_000, graceMs: 60_000 });
    await one.send();
    await one.says(/mail waits/);
    assert.equal(await one.close(), 0);
    assert.equal(box.mails.length, 1);
    assert.equal(box.tries.length, 2);
    assert.doesNotMatch(one.said, /mail lost/);
});

scenario('the end waits for a server that hangs no longer than it may', async (t) => {
    // A try that nobody ends would take 20 s.
    let connected = 0;
    const box = await t.postbox({ onConnect: () => void connected++ });
    const one = t.mailer(box.url, { graceMs: 500 });
    await one.send();
    await one.send();
    await until(() => connected > 0, 'the server to hang');
    const began = Date.now();
    assert.equal(await one.close(), 0);
    const took = Date.now() - began;
    assert.ok(took >= 450 && took < 15_000, `${took} ms`);
    assert.match(one.said, /level=warn msg="mail lost" messages=2/);
});

scenario('nothing gets in between the lines', async ({ mailer, postbox }) => {
    const box = await postbox();
    const one = mailer(box.url);
    const carriage = 'Hi\rBcc: eve@example.com';
    assert.equal((await one.send({ subject: carriage })).rc, ERR_INVALID);
    assert.equal((await one.send({ to: `${TO}\rx` })).rc, ERR_INVALID);
    assert.equal((await one.send({ to: `${TO}>\u0020SIZE=1` })).rc, ERR_INVALID);
    // An end of the mail, and a command, in the text.
    const text = 'one\n.\nMAIL FROM:<eve@example.com>\ntwo\n';
    assert.equal((await one.send({ text })).rc, 0);
    assert.equal((await box.mail(TO)).text, text);
    assert.equal(box.mails.length, 1);
});

// -- the server ----------------------------------------------------------------------------------

scenario('unless it is set, the sender is abacus@ the public host', async ({ postbox }) => {
    const box = await postbox();
    const abacus = new Installation();
    const input = 'correct horse battery\n';
    const ada = ['user', 'add', TO, '--role', 'admin'];
    assert.equal((await abacus.command(ada, { input })).code, 0);
    const url = 'https://stats.example:8443/analytics/';
    const server = await abacus.serve(['--smtp-url', box.url, '--public-url', url]);
    const answer = await server.fetch('/api/session/reset', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: TO }),
    });
    assert.equal(answer.status, 202);
    const { from, headers } = await box.mail(TO);
    assert.deepEqual([from, headers.from], [FROM, FROM]);
    assert.equal((await server.stop()).code, 0);
    assert.doesNotMatch(server.stderr, /ada|#/);
});

scenario('a server starts only with mail that it can send', async () => {
    const abacus = new Installation();
    const PUBLIC = ['--public-url', 'https://stats.example.com'];
    for (const [args, words] of [
        [['--smtp-url', 'smtp://127.0.0.1:1', ...PUBLIC, '--mail-from', 'ada'], /no address like/],
        [['--smtp-url', 'http://ada:hush@127.0.0.1', ...PUBLIC], /SMTP URL begins with/],
        // Its links would lead where the Host of anybody's request says.
        [['--smtp-url', 'smtp://127.0.0.1:1', '--mail-from', FROM], /mail: .* the public URL/],
    ]) {
        const end = await abacus.command(['serve', '--listen', '127.0.0.1:0', ...args]);
        assert.equal(end.code, 1);
        assert.match(end.stderr, words);
        assert.doesNotMatch(end.stderr, /hush/);
    }
});
