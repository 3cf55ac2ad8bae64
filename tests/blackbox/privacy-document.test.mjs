// What doc/PRIVACY.md refers to is there: each test that it names as a proof, and each setting.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Installation, ROOT } from '../lib/abacus.mjs';

const text = readFileSync(join(ROOT, 'doc/PRIVACY.md'), 'utf8');

/** The rows of the table below a heading, as cells. */
function tableBelow(heading) {
    const [, part] = text.split(`\n## ${heading}\n`);
    const lines = part.split('\n## ')[0].split('\n');
    const rows = lines.filter((line) => line.startsWith('|')).slice(2);
    return rows.map((row) => row.split('|').map((cell) => cell.trim()).slice(1, -1));
}

/** Where a test of that name may be. */
const places = (name) => [
    name,
    `tests/unit/${name}.c`,
    `tests/blackbox/${name}.test.mjs`,
    `tests/browser/${name}.test.mjs`,
];

test('every test that is named as a proof exists', () => {
    const rows = tableBelow('Proof');
    assert.ok(rows.length >= 20, `${rows.length} rows`);
    for (const [statement, names] of rows)
        for (const name of names.split(', '))
            assert.ok(
                places(name).some((path) => existsSync(join(ROOT, path))),
                `${name}, of: ${statement}`,
            );
});

test('every setting that is named exists, with the default that is named', async () => {
    const abacus = new Installation();
    await abacus.site('plain', 'tenant');
    const [site] = JSON.parse(await abacus.must(['site', 'list', '--json']));
    const defaults = {
        visitorIdentity: 'cut-address',
        ipv4Prefix: 24,
        ipv6Prefix: 48,
        storeIpPrefix: false,
        maskPersonal: true,
        queryParams: [],
        fields: [],
        events: [],
        respectGpc: true,
        respectDnt: false,
        // The installation's, which follow.
        retention: { rawDays: null, visitDays: null, statsDays: null },
    };
    const rows = tableBelow('Settings that weaken or strengthen this');
    const named = rows.flatMap(([cell]) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name));
    assert.deepEqual(named.sort(), Object.keys(defaults).sort());
    for (const [name, value] of Object.entries(defaults)) assert.deepEqual(site[name], value, name);
    const { retention } = JSON.parse(await abacus.must(['privacy', 'report', '--json']));
    const { rawDays, visitDays, statsDays } = retention;
    assert.deepEqual([rawDays, visitDays, statsDays], [30, 365, 365]);
});
