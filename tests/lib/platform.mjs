// The same program in both shapes: one machine (SQLite and the log), and the platform (PostgreSQL
// and Redis, any number of nodes).

import { test } from 'node:test';
import { Installation } from './abacus.mjs';
import { psql, sharedServers } from './servers.mjs';

/** A node of a platform: its own data directory; database and Redis are everybody's. Commands run
 *  on the node's machine. */
export class Platform extends Installation {
    constructor({ databaseUrl, redisUrl, env = {}, ...options }) {
        super({ ...options, env: { ...env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } });
        Object.assign(this, { databaseUrl, redisUrl, options: { ...options, env } });
    }

    /** A platform of its own on servers that other tests use too. */
    static async create(options = {}) {
        const { postgres, redis } = await sharedServers();
        const [databaseUrl, redisUrl] = [await postgres.freshUrl(), await redis.freshUrl()];
        return new Platform({ ...options, databaseUrl, redisUrl });
    }

    /** One more node. Another way to the servers (a proxy) may be given. */
    node({ databaseUrl = this.databaseUrl, redisUrl = this.redisUrl, ...options } = {}) {
        return new Platform({
            ...this.options,
            dir: undefined,
            databaseUrl,
            redisUrl,
            ...options,
        });
    }

    /** Run SQL with psql, in the schema `analytics`; columns between tabs. */
    sql(text) {
        return psql(this.databaseUrl, text);
    }

    /** Change a site's row of analytics_settings, as Payload would; lists are given as arrays. */
    settings(site, values) {
        const text = (value) => (Array.isArray(value) ? JSON.stringify(value) : String(value));
        const sets = Object.entries(values).map(
            ([column, value]) => `${column} = '${text(value)}'`,
        );
        return this.sql(
            `UPDATE analytics_settings SET ${sets.join(', ')} WHERE site_id = '${site}';`,
        );
    }
}

/** For tests that hold in both: each makes an installation. */
export const SHAPES = [
    { shape: 'one machine', make: async (options) => new Installation(options) },
    { shape: 'platform', make: (options) => Platform.create(options) },
];

/** One test for each shape; `body` is given what makes an installation of it, and its name. */
export function inEachShape(name, body) {
    for (const { shape, make } of SHAPES) test(`${name} (${shape})`, () => body(make, shape));
}
