// Two tenants whose every field holds a word of its own, so that what is left of one of them can be
// looked for as bytes, wherever it may stand.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Installation, query } from './abacus.mjs';
import { BROWSER } from './browsers.mjs';
import { Platform } from './platform.mjs';
import { Needles, search, spellings } from './search.mjs';
import { Postgres, Redis, redisCli } from './servers.mjs';

const DAY = 86_400_000;
/** In the name of an event that the store is made to refuse. */
const POISON = 'custom.poison';
const DIMENSIONS = ['page', 'entryPage', 'referrer', 'source', 'utmCampaign', 'event', 'goal'];
/** Words are letters only: what looks like a secret is masked before it is stored. */
const FIELDS = [
    ...['path', 'title', 'propname', 'propvalue', 'event', 'referrer', 'source', 'medium'],
    ...[
        'campaign',
        'content',
        'term',
        'alias',
        'domain',
        'goal',
        'link',
        'note',
        'tenantname',
        'letter',
    ],
];
/** Where the rows of a site stand. */
export const SITE_TABLES = [
    ...['analytics_events', 'visits', 'sketches', 'due_days', 'packs', 'analytics_daily_stats'],
    ...['hourly_stats', 'event_ids', 'goals_counted', 'ledger', 'tokens', 'links', 'site_names'],
    ...['annotations', 'removed_sites', 'analytics_settings'],
];

export class Side {
    constructor(name) {
        this.name = name;
        this.ids = 0;
        this.site = `${name}-site-zw`;
        this.tenant = `${name}-tenant-zw`;
        this.words = Object.fromEntries(FIELDS.map((field) => [field, `zw${name}${field}qj`]));
    }

    /** `count` events, each field full of words. */
    events(count, more = {}) {
        const { words } = this;
        const utm = ['source', 'medium', 'campaign', 'content', 'term']
            .map((one) => `utm_${one}=${words[one]}`)
            .join('&');
        return Array.from({ length: count }, (_, i) => ({
            event: i % 5 === 4 ? words.event : 'pageview',
            siteId: this.site,
            path: i % 3 === 0 ? `/${words.path}?${utm}` : `/plain-${i}`,
            title: words.title,
            referrer: `https://${words.referrer}.example/`,
            props: { [words.propname]: words.propvalue, plain: i },
            ...(i % 7 === 0 ? { id: `${this.name}-${++this.ids}` } : {}),
            ...more,
        }));
    }

    get poison() {
        const [one] = this.events(1);
        return { ...one, event: POISON, title: this.words.letter };
    }

    /** As they may stand anywhere, dead letters' base64 included. */
    needles() {
        const needles = new Needles();
        for (const [field, word] of Object.entries(this.words))
            for (const bytes of spellings(Buffer.from(word))) needles.add(field, bytes);
        return needles;
    }
}

const SHAPES = {
    'one machine': async () => {
        const abacus = new Installation({ env: { ABACUS_LOG: 'debug' } });
        return {
            abacus,
            dirs: [abacus.dir],
            live: async () => ({}),
            dump: () => abacus.sql('.dump'),
            flush: () => abacus.sql('PRAGMA wal_checkpoint(FULL);'),
            refusePoison: () =>
                abacus.sql(
                    `CREATE TRIGGER poison BEFORE INSERT ON analytics_events WHEN NEW.name = '${POISON}'
                     BEGIN SELECT RAISE(ABORT, 'refused'); END;`,
                ),
            end: async () => {},
        };
    },
    /** Redis packs nothing, so that its bytes can be searched. Of PostgreSQL the write-ahead log is
     *  left out: it is the server's, which writes over it in its own time. */
    platform: async (files) => {
        const env = { ABACUS_LOG: 'debug' };
        if (!files) {
            const abacus = await Platform.create({ env });
            return { abacus, refusePoison: () => refusePoison(abacus), end: async () => {} };
        }
        const [postgres, redis] = await Promise.all([
            Postgres.start(),
            Redis.start({ rdbcompression: 'no', save: '3600 100000000' }),
        ]);
        const databaseUrl = await postgres.createDatabase('abacus');
        const abacus = new Platform({ databaseUrl, redisUrl: redis.url(), env });
        return {
            abacus,
            redis,
            dirs: [
                abacus.dir,
                join(postgres.data, 'base'),
                join(postgres.data, 'global'),
                redis.dir,
            ],
            live: () => liveKeys(redis.url()),
            dump: async () => (await postgres.run('pg_dump', ['--inserts', 'abacus'])).stdout,
            flush: () => abacus.sql('CHECKPOINT;'),
            refusePoison: () => refusePoison(abacus),
            end: () => Promise.all([postgres.stop(), redis.stop()]),
        };
    },
};

/** Of a platform. */
const refusePoison = (abacus) =>
    abacus.sql(
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE check_violation USING CONSTRAINT = 'poison'; END $$;
         CREATE TRIGGER poison BEFORE INSERT ON analytics_events FOR EACH ROW
         WHEN (NEW.name = '${POISON}') EXECUTE FUNCTION refuse();`,
    );

const READ = {
    string: ['GET'],
    stream: ['XRANGE', '-', '+'],
    hash: ['HGETALL'],
};

/** What Redis holds, key by key. */
async function liveKeys(url) {
    const keys = (await redisCli(url, '--scan')).split('\n').filter(Boolean);
    const texts = {};
    for (const key of keys) {
        const [command, ...rest] = READ[await redisCli(url, 'TYPE', key)] ?? ['EXISTS'];
        texts[`Redis ${key}`] = key + (await redisCli(url, command, key, ...rest));
    }
    return texts;
}

export class Erasing {
    /** Without `files` on servers of everybody: found() cannot be asked. */
    static async open(shape, { files = true } = {}) {
        const self = Object.assign(new Erasing(), await SHAPES[shape](files));
        self.gone = new Side('gone');
        self.kept = new Side('kept');
        const { abacus } = self;
        await abacus.must(['migrate']);
        await self.refusePoison();
        // The job runs when it is told to, so that nothing changes between two looks.
        self.server = await abacus.serve([], { interval: '0' });
        for (const side of [self.gone, self.kept]) await abacus.site(side.site, side.tenant);
        self.admin = await abacus.token('admin,stats:read,events:write', {
            platform: true,
        });
        const known = async () => (await self.try('GET', '/api/admin/tenants')).status === 200;
        await self.server.until(known, 'the token');
        for (const side of [self.gone, self.kept]) await self.#make(side);
        return self;
    }

    async #make(side) {
        const { words, site, tenant } = side;
        await this.ask('PATCH', `/api/admin/tenants/${tenant}`, {
            name: words.tenantname,
        });
        await this.ask('PATCH', `/api/admin/sites/${site}`, {
            domain: `${words.domain}.example`,
            trackingIds: [words.alias],
            goals: [{ name: words.goal, path: `/${words.path}` }],
        });
        await this.ask('PUT', `/api/admin/links/${side.name}-link`, {
            name: words.link,
            siteId: site,
        });
        const noted = query('/api/analytics/annotations', { siteId: site, date: '2026-03-01' });
        await this.ask('PUT', noted, { text: words.note });
        // In force once its alias is known: a robot leaves no more than a line of the ledger.
        const robot = { 'User-Agent': 'Googlebot/2.1' };
        const [event] = side.events(1, { siteId: words.alias });
        const known = async () => (await this.server.track([event], robot)).status === 202;
        await this.server.until(known, 'the settings');
    }

    /** The body of a good answer; anything else is an error. */
    async ask(method, path, body) {
        const answer = await this.try(method, path, body);
        if (answer.status >= 300)
            throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.body;
    }

    try(method, path, body) {
        return this.server.fetch(path, {
            method,
            headers: { authorization: `Bearer ${this.admin}` },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
    }

    async accepted(events, headers = {}) {
        const answer = await this.server.track(events, headers);
        if (answer.status !== 202 || answer.body.accepted !== events.length)
            throw new Error(`track: ${answer.status} ${answer.text}`);
    }

    /** Of both: today's from browsers, older days', which are packed, and what the store refuses. */
    async traffic() {
        const bearer = { authorization: `Bearer ${this.admin}` };
        for (const side of [this.gone, this.kept]) {
            for (const days of [2, 3]) {
                const timestamp = new Date(Date.now() - days * DAY).toISOString();
                const visitor = { ip: '198.51.100.7', userAgent: BROWSER };
                await this.accepted(side.events(40, { timestamp, visitor }), bearer);
            }
            // A visit begins with this one, which says where it came from: the others come later.
            await this.accepted(side.events(1));
            await sleep(5);
            await this.accepted(side.events(60));
            await this.accepted([side.poison, side.poison]);
        }
        await this.abacus.aggregate();
        // Packed in a run of its own: what a run counts late it packs a minute later.
        await this.abacus.aggregate();
    }

    /** Days, packed ones among them, of which a side is asked. */
    #range({ site }) {
        const [from, to] = [-5, 1].map((days) =>
            new Date(Date.now() + days * DAY).toISOString().slice(0, 10),
        );
        return { siteId: site, from, to };
    }

    /** The names of properties that are listed of a side. */
    async properties(side) {
        return (await this.ask('GET', query('/api/analytics/properties', this.#range(side))))
            .properties;
    }

    /** Every answer of a side, without the time up to which it is. They are cached then. */
    async answers(side, { exact = true } = {}) {
        const range = this.#range(side);
        const asks = [
            query('/api/analytics/stats', range),
            query('/api/analytics/timeseries', {
                ...range,
                interval: 'hour',
                from: range.to,
            }),
            query('/api/analytics/ledger', range),
            ...(exact ? [query('/api/analytics/properties', range)] : []),
            ...(exact ? DIMENSIONS : []).map((dimension) =>
                query('/api/analytics/breakdown', { ...range, dimension, limit: 1000 }),
            ),
        ];
        const answers = {};
        for (const ask of asks) {
            const { asOf, queued, ...answer } = await this.ask('GET', ask);
            answers[ask] = JSON.stringify(answer);
            if (asOf === undefined && queued === undefined) throw new Error(`${ask}: no asOf`);
        }
        return answers;
    }

    /** Rows of a site by table, those that have any. */
    async rows(site) {
        const counts = SITE_TABLES.map(
            (table) => `SELECT '${table}', count(*) FROM ${table} WHERE site_id = '${site}'`,
        );
        const text = await this.abacus.sql(`${counts.join(' UNION ALL ')};`);
        const lines = text
            .trim()
            .split('\n')
            .map((line) => line.split(/[|\t]/));
        return Object.fromEntries(
            lines.map(([table, n]) => [table, Number(n)]).filter(([, n]) => n > 0),
        );
    }

    /** Run the job until the receipt is done and `nodes` nodes have noted themselves. */
    async done(id, nodes = 1) {
        let receipt;
        await this.server.until(async () => {
            await this.abacus.aggregate();
            receipt = await this.ask('GET', `/api/admin/receipts/${id}`);
            return receipt.status === 'done' && Object.keys(receipt.nodes).length >= nodes;
        }, `receipt ${id}`);
        return receipt;
    }

    /** The server, and what it stands on. */
    async stop() {
        const end = await this.server.stop();
        if (end.code !== 0) throw new Error(`serve: ${JSON.stringify(end)} ${this.server.stderr}`);
        await this.end();
        this.stopped = true;
    }

    /** {field: places} of a side where it is found. */
    async found(side) {
        if (!this.stopped) await this.flush();
        const live = this.stopped ? {} : await this.live();
        const { found } = search(this.dirs, live, side.needles());
        return Object.fromEntries(
            Object.entries(found).map(([field, places]) => [field, places.map(({ path }) => path)]),
        );
    }
}
