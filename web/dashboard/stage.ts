/*
 * stage.ts -- who looks, and by what right: a person with a session, or whoever has the key of a
 * public site, a shared link or an embed.
 *
 * A key is sent by hand, and no cookie ever is. A new one is taken from the page around an embed
 * only while that is one that the server has named:
 *
 *     frame.contentWindow.postMessage({ type: 'abacus-renew', token }, 'https://HOST')
 */

export interface Site {
    id: string;
    name: string;
    shown?: string[]; /* the metrics and dimensions; all without it */
}

interface Shared {
    key: string;
    sites: Site[];
    origins: string[];
    locked: boolean;
    embed: boolean;
}

function readShared(): Shared | undefined {
    const { key, sites, origins, ...about } = document.body.dataset;
    if (sites === undefined) return undefined;
    return {
        key: key ?? '',
        sites: JSON.parse(sites),
        origins: JSON.parse(origins ?? '[]'),
        locked: 'locked' in about,
        embed: 'embed' in about,
    };
}

/** Nothing in the dashboard of people with a session. */
export const shared = readShared();

let token = shared?.key ?? '';

export const isOpen = () => !shared?.locked || token !== shared.key;
export const setToken = (text: string) => void (token = text);

/** How a request says who asks. */
export function credentials(): RequestInit {
    if (!shared) return { credentials: 'same-origin' };
    return token
        ? { credentials: 'omit', headers: { Authorization: `Bearer ${token}` } }
        : { credentials: 'omit' };
}

/**
 * Tells whoever shows the view that its key opens nothing any more. A late answer to an earlier key
 * says nothing of the one that took its place.
 */
export function end({ headers }: RequestInit): void {
    if (JSON.stringify(headers) === JSON.stringify(credentials().headers))
        dispatchEvent(new Event('ended'));
}

/** Calls when the page around an embed has given a new key. */
export function onRenewed(call: () => void): void {
    addEventListener('message', ({ source, origin, data }) => {
        if (source !== parent || parent === window || !shared?.origins.includes(origin)) return;
        if (data?.type !== 'abacus-renew' || !String(data.token).startsWith('embed.')) return;
        token = data.token;
        call();
    });
}

/** The metrics and dimensions of the site that are shown to whoever looks; nothing: all. */
export const shownOf = (siteId: string) => shared?.sites.find(({ id }) => id === siteId)?.shown;

export const shows = (siteId: string, name: string) => shownOf(siteId)?.includes(name) ?? true;
