// Debian's Firefox, driven over WebDriver BiDi, which is what playwright-core speaks to a Firefox
// that is not its own.

import { playwright } from './browsing.mjs';
import { tempDir } from './process.mjs';

export const FIREFOX = process.env.ABACUS_FIREFOX ?? '/usr/bin/firefox-esr';

/** A remote-controlled Firefox says so whatever it is told; pages that run this are not told. */
export const UNDRIVEN =
    "Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false })";

/** `stage.outside` is its proxy for all hosts but the loopback's. */
export function launchFirefox(stage) {
    const { port } = stage.outside;
    const proxies = ['http', 'ssl'].flatMap((kind) => [
        [`network.proxy.${kind}`, '127.0.0.1'],
        [`network.proxy.${kind}_port`, port],
    ]);
    return playwright.firefox.launch({
        channel: 'moz-firefox',
        executablePath: FIREFOX,
        env: { PATH: process.env.PATH, HOME: tempDir(), MOZ_HEADLESS: '1' },
        firefoxUserPrefs: { 'network.proxy.type': 1, ...Object.fromEntries(proxies) },
    });
}
