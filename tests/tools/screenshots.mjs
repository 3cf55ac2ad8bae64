// The pictures of the dashboard in doc/images, of a year of made-up numbers.
//
//     ./dev screenshots
//
// They are looked at by whoever reads the documents; nothing compares them.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DashboardStage } from '../lib/dashboard_stage.mjs';

const IMAGES = fileURLToPath(new URL('../../doc/images', import.meta.url));
const SITE = '/admin/sites/demo-shop';
const ROW = '.list-card .rows li';

/** Each with what has to be there before the picture is taken. */
const PICTURES = [
    { name: 'analytics', path: `${SITE}/analytics?against=previous`, wait: ROW, height: 1180 },
    { name: 'analytics-dark', path: `${SITE}/analytics`, wait: ROW, colorScheme: 'dark' },
    {
        name: 'analytics-phone',
        path: `${SITE}/analytics?against=previous`,
        wait: ROW,
        narrow: true,
    },
    { name: 'details', path: `${SITE}/analytics?details=page`, wait: 'dialog tbody tr' },
    { name: 'sites', path: '/admin/sites', wait: '.sites-table tbody tr' },
    { name: 'settings', path: `${SITE}/settings`, wait: '.setting' },
    { name: 'ledger', path: `${SITE}/ledger`, wait: '.reasons' },
];

const stage = await DashboardStage.start({ days: 365 });
try {
    for (const { name, path, wait, height, ...options } of PICTURES) {
        const page = await stage.newPage(options);
        if (height) await page.setViewportSize({ width: 1280, height });
        await page.goto(path);
        await page.locator(wait).first().waitFor();
        await page.waitForFunction(() => !document.querySelector('.dimmed, .skeleton'));
        await page.screenshot({ path: join(IMAGES, `${name}.png`) });
        console.log(`doc/images/${name}.png`);
        await page.context().close();
    }
} finally {
    await stage.close();
}
