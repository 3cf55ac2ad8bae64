// That everybody can read and use a page: axe-core's rules for WCAG 2.2 AA, and nothing to scroll
// sideways for.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { painted } from './browser_time.mjs';
import { ROOT } from './process.mjs';

const AXE = join(ROOT, 'node_modules/axe-core/axe.min.js');
const axe = existsSync(AXE) ? readFileSync(AXE, 'utf8') : undefined;
/** Why pages cannot be judged; false where they can. */
export const noAxe = axe === undefined && 'axe-core is not installed';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** What axe-core finds wrong with the page as it is: "rule: element", an empty list where nothing. */
export async function violations(page) {
    await page.evaluate(`if (!self.axe) { ${axe} }`);
    return page.evaluate(`axe.run({ runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
}

/** Have it look so: what is as wide as its box has followed when this returns. */
export async function seenAs(page, colorScheme, size) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    await painted(page);
}

/** Looks are "light 1280", "dark 360": also a telephone, a desk, and where 400 % of a desk are seen
 *  (320; WCAG 1.4.10). */
export async function assertReadable(page, looks) {
    for (const look of looks) {
        const [colorScheme, width] = look.split(' ');
        await seenAs(page, colorScheme, { width: Number(width), height: 800 });
        assert.deepEqual(await violations(page), [], look);
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), look);
    }
}
