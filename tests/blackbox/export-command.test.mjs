// `abacus export --site` and `--tenant`: the rows that the API gives, without a server; in both
// shapes. What the rows hold is export.test.mjs's to say.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { query, tempDir } from '../lib/abacus.mjs';
import { SHAPES } from '../lib/platform.mjs';
import { DAY, EVENTS, openShop, SITE } from '../lib/shop.mjs';

const DAYS = ['--from', DAY, '--to', DAY];

for (const { shape, make } of SHAPES) {
    const check = (name, body) => test(`${name} (${shape})`, body);
    let shop;

    before(async () => {
        shop = await openShop(make);
    });
    after(() => shop?.server.stop());

    const run = (...args) => shop.abacus.must(['export', ...args]);
    const ofSite = (...args) => run('--site', SITE, ...args);

    async function refused(args, code, message) {
        const end = await shop.abacus.command(['export', ...args]);
        assert.deepEqual([end.code, end.stdout], [code, ''], args.join(' '));
        assert.match(end.stderr, message);
    }

    check('gives what the API gives, byte by byte', async () => {
        const filter = ['device:is:mobile', 'page:startsWith:/'];
        for (const rows of ['events', 'days', 'hours', 'page', 'source', 'prop:plan'])
            for (const format of ['ndjson', 'csv'])
                for (const filters of rows === 'events' ? [[]] : [[], filter]) {
                    const asked = { siteId: SITE, from: DAY, to: DAY, rows, format };
                    const path = query('/api/analytics/export', { ...asked, filter: filters });
                    const { status, text } = await shop.server.get(path, shop.token);
                    const given = filters.flatMap((one) => ['--filter', one]);
                    const wanted = ['--rows', rows, '--format', format, ...given];
                    assert.equal(status, 200, text);
                    assert.equal(await ofSite(...DAYS, ...wanted), text, wanted.join(' '));
                }
    });

    check('gives all raw events that are kept where no days are named', async () => {
        const rows = (await ofSite()).trimEnd().split('\n').map(JSON.parse);
        assert.deepEqual(
            rows.map(({ timestamp }) => timestamp),
            EVENTS.map(({ timestamp }) => timestamp.replace('Z', '.000Z')).sort(),
        );
        assert.equal(await ofSite('--period', 'yesterday'), '');
    });

    check('days are of the installation’s retention', async () => {
        const count = async (...args) =>
            (await ofSite('--rows', 'days', ...args)).trimEnd().split('\n').length;
        assert.equal(await count('--stats-days', '9'), 10);
        assert.equal(await count(), 366);
        assert.equal(await count('--stats-days', '0'), 1, 'from the first day with numbers');
    });

    check('a tenant’s sites come one after the other, under one line of names', async () => {
        const asked = ['--rows', 'days', '--format', 'csv', ...DAYS];
        const [names, empty, shopped, end] = (await run('--tenant', 'alpha', ...asked)).split(
            '\r\n',
        );
        assert.match(names, /^siteId,tenantId,date,pageviews,/);
        assert.match(empty, /^empty,alpha,2026-03-10,0,0,/);
        assert.match(shopped, /^shop,alpha,2026-03-10,9,3,/);
        assert.equal(end, '');
        const events = (await run('--tenant', 'alpha')).trimEnd().split('\n');
        assert.equal(events.length, EVENTS.length);
    });

    check('a file takes its name when it is whole, for its owner alone', async () => {
        const path = join(tempDir(), 'rows.csv');
        const asked = ['--rows', 'page', '--format', 'csv', ...DAYS];
        const report = JSON.parse(await ofSite(...asked, '--output', path, '--json'));
        assert.equal(report.rows, 3);
        assert.equal(readFileSync(path, 'utf8'), await ofSite(...asked));
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.match(await ofSite(...asked, '--output', path), /^3 rows in [0-9.]+ s\n$/);
        assert.ok(!existsSync(`${path}.part`));
    });

    check('names the option that is wrong, and leaves no file', async () => {
        const path = join(tempDir(), 'none');
        const site = ['--site', SITE];
        for (const [args, code, message] of [
            [[], 2, /one of --site, --tenant and --all is wanted/],
            [[...site, '--all'], 2, /one of --site, --tenant and --all is wanted/],
            [[...site, '--tenant', 'alpha'], 2, /one of --site, --tenant and --all is wanted/],
            [['--all', '--format', 'csv'], 2, /--format goes with --site or --tenant/],
            [['--site', 'nope'], 1, /export: no such site: nope/],
            [['--tenant', 'nope'], 1, /export: no such tenant: nope/],
            [[...site, '--rows', 'visits'], 2, /--rows: is none of events, days, hours and/],
            [['--tenant', 'alpha', '--rows', 'page'], 2, /--rows: .* of one --site/],
            [[...site, '--format', 'xml'], 2, /--format: "xml" is none of ndjson\|csv/],
            [[...site, '--filter', 'page:is:/'], 2, /--filter does not go with raw events/],
            [[...site, '--rows', 'days', '--filter', 'x'], 2, /--filter x: is not dimension:op/],
            [[...site, '--from', '2026-3-1', '--to', DAY], 2, /--from is not a date/],
            [[...site, '--from', DAY], 2, /--to is missing/],
            [[...site, '--period', 'soon'], 2, /--period is not one of today/],
            [
                [...site, '--rows', 'page', '--filter', 'os:is:iOS'],
                2,
                /--filter: these filters can be answered from 2026-02-08 on/,
            ],
        ])
            await refused([...args, '--output', path], code, message);
        await refused([...site, '--json'], 2, /--json needs --output FILE/);
        assert.ok(!existsSync(path) && !existsSync(`${path}.part`));
    });
}
