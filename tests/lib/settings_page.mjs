// The page of a site's settings, as tests of the dashboard read and use it.

import { settled } from './browser_time.mjs';

export const settingsOf = (site) => `/admin/sites/${site}/settings`;
export const setting = (page, name) => page.locator(`[data-setting="${name}"]`);
export const control = (page, name) => page.locator(`[id="setting-${name}"]`);

export async function open(page, site = 'plain') {
    await page.goto(settingsOf(site));
    await setting(page, 'domain').waitFor();
}

export async function save(page) {
    await page.getByRole('button', { name: /^Save \d+ change/ }).click();
    await page.getByText('Saved. It is in force within a second.').waitFor();
    // And the page has asked for what holds now.
    await settled(page);
}
