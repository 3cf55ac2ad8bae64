// A small site with one day of traffic, small enough to be counted by hand.
//
// The day is 10 March 2026, it is 20:00 in UTC, where the site is. Everything comes from a backend
// that names its visitors:
//
//     Ada    Chrome on Linux    09:00:00 /, from the campaign `spring` (news, email)
//                               09:01:00 /pricing, read for 40 s, 80 % of it
//                               09:02:00 signup of the plan pro    09:03:00 lead.created
//     Ben    Firefox on Windows 10:00:00 /pricing, read for 20 s, 50 % of it
//     Cleo   Safari on iPhone   11:00:00 /    11:05:00 /docs    11:06:00 signup of the plan free
//                               13:00:00 /docs, in another visit
//     nobody                    12:00:00 three times /docs
//
// The visits of Ada, Ben and Cleo last 180, 20, 360 and 0 seconds; Ben's and Cleo's second are
// bounces.

import { BROWSER } from './browsers.mjs';
import { FakeClock } from './clock.mjs';
import { bearer } from './abacus.mjs';

export const DAY = '2026-03-10';
export const NOW_MS = Date.parse(`${DAY}T20:00:00Z`);
export const SITE = 'shop';

const ada = { ip: '192.0.2.1', userAgent: BROWSER };
const ben = {
    ip: '198.51.100.1',
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
};
const cleo = {
    ip: '203.0.113.1',
    userAgent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
};

const at = (time, visitor, event, more) => ({
    siteId: SITE,
    event,
    timestamp: `${DAY}T${time}Z`,
    visitor,
    ...more,
});
const CAMPAIGN = '/?utm_source=news&utm_medium=email&utm_campaign=spring';

export const EVENTS = [
    at('09:00:00', ada, 'pageview', { path: CAMPAIGN }),
    at('09:01:00', ada, 'pageview', { path: '/pricing' }),
    at('09:01:40', ada, 'engagement', { path: '/pricing', seconds: 40, scroll: 80 }),
    at('09:02:00', ada, 'signup', { props: { plan: 'pro' } }),
    at('09:03:00', ada, 'lead.created'),
    at('10:00:00', ben, 'pageview', { path: '/pricing' }),
    at('10:00:20', ben, 'engagement', { path: '/pricing', seconds: 20, scroll: 50 }),
    at('11:00:00', cleo, 'pageview', { path: '/' }),
    at('11:05:00', cleo, 'pageview', { path: '/docs' }),
    at('11:06:00', cleo, 'signup', { props: { plan: 'free' } }),
    at('13:00:00', cleo, 'pageview', { path: '/docs' }),
    at('12:00:00', undefined, 'pageview', { path: '/docs', count: 3 }),
];

/** The shop after its day: {abacus, server, token, send}; `send` tracks more events of its
 *  backend. Nothing is counted but by `abacus.aggregate()`. */
export async function openShop(make) {
    const abacus = await make({ clock: new FakeClock(NOW_MS) });
    await abacus.site(SITE, 'alpha');
    await abacus.site('empty', 'alpha');
    const write = await abacus.token('events:write', { tenant: 'alpha' });
    const token = await abacus.token('stats:read', { tenant: 'alpha' });
    const server = await abacus.serve([], { interval: '0' });
    await server.ready();
    const send = async (events) => {
        const { status, body, text } = await server.track(events, bearer(write));
        if (status !== 202 || body.accepted !== events.length) throw new Error(text);
    };
    await send(EVENTS);
    await abacus.aggregate();
    return { abacus, server, token, send };
}
