// Browsers and robots as they call themselves, with what everybody knows of them.
//
// Written after what the browsers' makers publish of their User-Agents, not taken from a list. A
// browser of Chromium says with Sec-CH-UA-Mobile whether it is on a phone; `hinted` is the device
// where it does.

const CHROMIUM = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';

export const AGENTS = [
    {
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
        words: { browser: 'Firefox', os: 'Linux', device: 'desktop' },
    },
    {
        userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROMIUM} Chrome/131.0.0.0 Safari/537.36`,
        words: { browser: 'Chrome', os: 'Windows', device: 'desktop' },
        hint: '?0',
        hinted: 'desktop',
    },
    {
        userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.1 Safari/605.1.15`,
        words: { browser: 'Safari', os: 'macOS', device: 'desktop' },
    },
    {
        userAgent: `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1`,
        words: { browser: 'Safari', os: 'iOS', device: 'mobile' },
    },
    {
        userAgent: `Mozilla/5.0 (Linux; Android 10; K) ${CHROMIUM} Chrome/131.0.0.0 Mobile Safari/537.36`,
        words: { browser: 'Chrome', os: 'Android', device: 'mobile' },
        hint: '?1',
        hinted: 'mobile',
    },
    {
        userAgent: `Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) ${WEBKIT} Version/16.6 Mobile/15E148 Safari/604.1`,
        words: { browser: 'Safari', os: 'iOS', device: 'tablet' },
    },
    {
        userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROMIUM} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`,
        words: { browser: 'Edge', os: 'Windows', device: 'desktop' },
        hint: '?0',
        hinted: 'desktop',
    },
    {
        userAgent: `Mozilla/5.0 (Linux; Android 14; SM-S918B) ${CHROMIUM} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36`,
        words: { browser: 'Samsung Internet', os: 'Android', device: 'mobile' },
    },
    {
        // A tablet by its User-Agent, a phone by its own word.
        userAgent: `Mozilla/5.0 (Linux; Android 13; SM-X900) ${CHROMIUM} Chrome/131.0.0.0 Safari/537.36`,
        words: { browser: 'Chrome', os: 'Android', device: 'tablet' },
        hint: '?1',
        hinted: 'mobile',
    },
    {
        userAgent: 'Mozilla/5.0 (Android 13; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0',
        words: { browser: 'Firefox', os: 'Android', device: 'mobile' },
    },
];

/** The kind is the tag that the robot has in public lists, in the ledger's words. */
export const ROBOTS = [
    {
        userAgent:
            'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
        kind: 'ai-crawler',
    },
    {
        userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
        kind: 'search',
    },
    { userAgent: 'curl/8.5.0', kind: 'library' },
    {
        userAgent: 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
        kind: 'seo',
    },
    {
        userAgent: 'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
        kind: 'monitoring',
    },
    { userAgent: '', kind: 'empty' },
    // A browser that prepares a page which nobody may ever see.
    { userAgent: AGENTS[1].userAgent, purpose: 'prefetch;prerender', kind: 'prerender' },
];

/** Accept-Language and the language that it prefers. */
export const LANGUAGES = [
    { header: 'de-CH,de;q=0.9,en;q=0.8', word: 'de' },
    { header: 'en-US,en;q=0.5', word: 'en' },
    { header: 'en;q=0.3, pt-BR;q=0.9, *;q=0.1', word: 'pt' },
    { header: 'ja', word: 'ja' },
    { header: 'fil-PH, en;q=0.9', word: 'fil' },
    { header: '*', word: '' },
    { header: undefined, word: '' },
];

export const SCREENS = ['1440x900', '1920x1080', '390x844', '820x1180', ''];
