/*
 * analytics.js -- counts page views and sends events.
 *
 *     <script defer src="https://HOST/public/analytics.js" data-site="SITE"></script>
 *
 * It opens no storage and sets no cookie; with Global Privacy Control it sends nothing. Every event
 * is one POST of text/plain, which needs no preflight and outlives the page. An event carries a
 * random id, so that the one repeat after a failure is counted once.
 *
 * A page view is counted when the page is loaded, when it comes back from the back/forward cache,
 * and when pushState or popstate leads to another path. A hash, a query or replaceState is no page
 * view. A prerendered page waits until it is shown.
 *
 * The built file is read by everyone's visitors: it stays under 1,000 bytes (gzip).
 */
export {};

type Value = string | number | boolean | null | undefined;
type Data = Record<string, Value>;
type Call = [name: string, data?: Data];

interface Analytics {
    track(name: string, data?: Data): void;
    /* Calls made before this file was loaded; once it is, what is pushed is sent. */
    q: { push(call: Call): unknown };
    on?: number;
}

declare global {
    interface Window {
        analytics?: Analytics;
        SITE_ID?: string;
    }
    interface Document {
        prerendering?: boolean;
    }
    interface Navigator {
        globalPrivacyControl?: boolean;
    }
}

/* Members of `data` that are members of the event; all others are its props. */
const OWN: Record<string, string[] | undefined> = {
    pageview: ['path', 'referrer', 'title'],
    engagement: ['path', 'seconds', 'scroll'],
    'ai.usage': ['tokens'],
};
/* What the server takes of a path and a referrer; the browser gives ASCII: characters are bytes. */
const URL_MAX = 2000;
const RETRY_MS = 3000;

const script = document.currentScript as HTMLScriptElement | null;
const data = script?.dataset;
const endpoint =
    data?.endpoint || new URL('/api/analytics/track', script?.src || location.href).href;

const waiting: Call[] = [];
let shown = false;
let path: string | undefined;
let referrer = document.referrer;

function send(body: string, again: boolean): void {
    fetch(endpoint, { method: 'POST', body, keepalive: true, credentials: 'omit' })
        .then((answer) => answer.status === 503 && Promise.reject())
        .catch(() => again && setTimeout(send, RETRY_MS, body));
}

function track(name: string, given: Data = {}): void {
    const siteId = data?.site || window.SITE_ID;
    if (!shown) waiting.push([name, given]);
    if (!shown || !siteId || navigator.globalPrivacyControl) return;
    const props: Data = {};
    const event: Record<string, unknown> = {
        event: name,
        siteId,
        path: (location.pathname + location.search).slice(0, URL_MAX),
        referrer: referrer.slice(0, URL_MAX),
        title: document.title,
        screen: screen.width + 'x' + screen.height,
        id: crypto.getRandomValues(new Uint32Array(4)).join('-'),
        props,
    };
    for (const key in given) {
        const value = given[key];
        if (value != null) (OWN[name]?.includes(key) ? event : props)[key] = value;
    }
    send(JSON.stringify(event), true);
}

/* Where the visitor came from is told once per page: within the site it is the page before. */
function page(): void {
    if (location.pathname === path) return;
    path = location.pathname;
    track('pageview');
    referrer = location.origin + path;
}

function show(): void {
    shown = true;
    page();
    waiting.forEach((call) => track(...call));
}

function start(analytics: Analytics): void {
    const early = analytics.q;
    analytics.on = 1;
    analytics.track = track;
    analytics.q = { push: (call) => track(...call) };
    if (Array.isArray(early)) waiting.push(...early);

    const push = history.pushState;
    history.pushState = function (...args) {
        push.apply(this, args);
        shown && page();
    };
    addEventListener('popstate', () => shown && page());
    addEventListener('pageshow', (event) => {
        if (event.persisted) {
            path = undefined;
            page();
        }
    });
    document.prerendering
        ? document.addEventListener('prerenderingchange', show, { once: true })
        : show();
}

const analytics = (window.analytics ||= {} as Analytics);
if (!analytics.on) start(analytics);
