/*
 * analytics.js -- counts page views, how long and how far each was seen, and sends events.
 *
 *     <script defer src="https://HOST/public/analytics.js" data-site="SITE"></script>
 *
 *     data-site       the site; window.SITE_ID names it where the tag does not
 *     data-endpoint   where events go, if not to /api/analytics/track on the script's own host
 *     data-hash       the fragment is part of the page: for sites that route by it
 *     data-dnt        Do Not Track is respected as Global Privacy Control always is
 *     data-screen     the size of the screen is sent; to read it is an access to the device
 *
 * It sets no cookie and stores nothing but the visitor's refusal (refusal.ts), which is read before
 * every send, as Global Privacy Control is. A browser that is automated sends nothing. Every event
 * is one POST of text/plain, which needs no preflight and outlives the page. An event carries a
 * random id, so that the one repeat after a failure is counted once. A prerendered page sends
 * nothing until it is shown.
 *
 * A page view is counted when the page is loaded, when pushState, back or forward leads to another
 * path, and when the page comes back from the back/forward cache; in a hidden tab, when it is first
 * shown. A hash, a query or replaceState is no page view. The page view that was counted last is
 * the page that later events belong to. How long it was visible and the deepest point that was seen
 * are told when it is hidden or left: if a second has passed or the depth has grown since they were
 * told last, so that the first time always tells.
 *
 * The built file is read by everyone's visitors: it has at most 1,000 bytes (gzip). Hence its
 * form: arrow functions throughout, settings read where they are used, variables that the first
 * page sets, and the order of members and functions that packs best.
 */
import { Kept } from './refusal';

type Value = string | number | boolean | undefined;
type Data = Record<string, Value>;
type Call = [name: string, data?: Data];

export interface Analytics {
    /* True: the server has taken it. False: it was refused, or nothing was sent. The members of
     * data are the event's props, but for `tokens`, and for all of a pageview's, which are its
     * own. */
    track(name: string, data?: Data): Promise<boolean>;
    optOut(): void;
    optIn(): void;
    isOptedOut(): boolean;
    /* Calls made before this file was loaded; once it is, what is pushed is done at once. */
    q: Pick<Call[], 'forEach'> & { push(call: Call): unknown };
}

declare global {
    interface Window {
        analytics?: Analytics;
        SITE_ID?: string;
        Cypress?: unknown;
    }
    interface Document {
        prerendering?: boolean;
    }
    interface Navigator {
        globalPrivacyControl?: boolean;
    }
}

const enum Limit {
    /* What the server takes of a path; the browser gives ASCII: characters are bytes. */
    URL = 2000,
    RETRY_MS = 3000,
}

/* -- what is known --------------------------------------------------------------------------- */

/* What is imported has no tag of its own. */
const script: Partial<HTMLScriptElement> = (document.currentScript as HTMLScriptElement) || {};
const options: DOMStringMap = script.dataset || {};

const { q = [], optOut }: Partial<Analytics> = self.analytics || {};

/* The seconds that have not been told. */
let seen: number;
/* The moment up to which `seen` is counted; 0 while the page is hidden, or the visitor refuses. */
let since: number;
/* The page that was counted last, as it is sent. */
let path: string;
/* The lowest point that was told, and that was in the window: pixels, not percent, since a document
 * grows while it loads. */
let told: number, deepest: number;
/* The page that was counted last, as pages are told apart: without the query. 0 while a page waits
 * to be shown, or is not to be counted. */
let page: string | 0;
/* Where the visitor came from: within the site it is the page before. */
let referrer = document.referrer;

/* Where the refusal is kept. Without storage, or where it is full, the tag itself has to remember
 * it: so it holds for the page that is open. */
let store: object & { [Kept.REFUSAL]?: unknown } = script;

/* -- what is done ---------------------------------------------------------------------------- */

/* Note how long and how far the page was seen, and tell it. */
const engage = () => {
    const now = performance.now() / 1000;
    measure();
    seen += since && now - since;
    since = Kept.REFUSAL in store || document.hidden ? 0 : now;
    if (page && (seen >= 1 || deepest > told)) {
        send({
            scroll: Math.min(1, deepest / document.documentElement.scrollHeight) * 100,
            event: 'engagement',
            seconds: seen,
        });
        seen = 0;
        told = deepest;
    }
};

/* Not when a page begins: one of a single-page site begins where the last was scrolled to, until
 * the site scrolls up. */
const measure = () => (deepest = Math.max(deepest, scrollY + innerHeight));

/* A page view's data are members of the event itself: a path or a title other than the page's. The
 * server refuses half a character (a surrogate alone); scripts that cut a title leave such. */
const track = (event: string, { tokens, ...props }: Data = {}) =>
    send({
        screen: 'screen' in options ? screen.width + 'x' + screen.height : undefined,
        event,
        title: document.title.replace(/\p{Cs}/gu, ''),
        referrer: referrer,
        tokens,
        ...(event == 'pageview' ? props : { props }),
    });

/* Count the page of the address, unless it is the one that was counted last. */
const view = () => {
    const hash = 'hash' in options ? location.hash : '';
    const next = location.pathname + hash;
    if (next != page) {
        engage();
        path = (location.pathname + location.search + hash).slice(0, Limit.URL);
        page = since && next;
        if (page) {
            seen = told = deepest = 0;
            track('pageview');
            referrer = location.origin + page;
        }
    }
};

/* The repeat has a body and no event: nothing follows it. */
const send = async (
    event: object | false,
    body = JSON.stringify({
        path,
        ...event,
        siteId: options.site || self.SITE_ID,
        id: Math.random() + '' + Math.random(),
    }),
): Promise<boolean> => {
    /* On activation visibilitychange comes first, while requests still count as prerendering. */
    if (document.prerendering)
        await new Promise((done) => document.addEventListener('prerenderingchange', done));
    if (
        Kept.REFUSAL in store ||
        ('dnt' in options && +navigator.doNotTrack!) ||
        self.Cypress ||
        navigator.webdriver ||
        navigator.globalPrivacyControl
    )
        return false;
    try {
        const answer = await fetch(
            options.endpoint ||
                new URL('/api/analytics/track', script.src || (location as unknown as URL)),
            { body, credentials: 'omit', method: 'POST', keepalive: true },
        );
        if (answer.status < 500) return answer.ok;
    } catch {}
    return (
        event &&
        (await new Promise((done) =>
            navigator.onLine
                ? setTimeout(done, Limit.RETRY_MS)
                : addEventListener('online', done),
        ),
        send(false, body))
    );
};

const push = history.pushState.bind(history);

try {
    store = localStorage || store;
} catch {}

/* A second copy of this file finds the first one, and does nothing. */
if (!optOut) {
    self.analytics = {
        q,
        track,
        isOptedOut: () => Kept.REFUSAL in store,
        /* What is seen from now on is not told: if it is taken back, counting begins anew, with the
         * next page, or when this one is shown again. */
        optOut() {
            try {
                store[Kept.REFUSAL] = 1;
            } catch {
                store = script;
                store[Kept.REFUSAL] = 1;
            }
            page = 0;
        },
        optIn: () => delete store[Kept.REFUSAL],
    };
    /* It bubbles to the window in newer browsers only (Safari 14). */
    document.addEventListener('visibilitychange', () => (page ? engage() : view()));
    /* What is left may come back from the back/forward cache, to be counted anew. */
    addEventListener('pagehide', () => {
        engage();
        page = 0;
    });
    history.pushState = (...args) => {
        push(...args);
        view();
    };
    addEventListener('scroll', measure);
    addEventListener('pageshow', () => page || view());
    addEventListener('popstate', view);
    view();
    q.forEach((q.push = (call) => track(...call)));
}
