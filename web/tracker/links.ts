/*
 * analytics.links.js -- counts clicks on links that lead off the site, and downloads.
 *
 *     <script defer src="https://HOST/public/analytics.links.js"></script>
 *
 * beside the tag of analytics.js, in any order. A click becomes file.download where the link has a
 * download attribute or leads to a file of a kind that is kept rather than read, wherever it lies;
 * else link.outbound where it leads to another host name. Both say {url}: the host and the path,
 * never the query or the fragment. Only links of http and https count.
 *
 * It listens before the page does, since a page may stop an event on its way. The path of the event
 * leads from what was clicked inside of the link, and out of shadow trees that are open. A key that
 * opens a link makes a click; a middle click is an auxclick.
 */
import type { Analytics } from './analytics';

/* Archives, programs, documents, sound and film. */
const FILE = new RegExp(
    '\\.(7z|apk|appimage|bz2|deb|dmg|exe|gz|iso|jar|msi|pkg|rar|rpm|tar|tgz|xz|zip|' +
        'csv|docx?|epub|od[pst]|pdf|pptx?|rtf|txt|xlsx?|' +
        'avi|flac|m4a|m4v|mkv|mov|mp[34]|mpe?g|og[agv]|wav|webm|wm[av])$',
    'i',
);
/* What the server takes of a value; the browser gives ASCII: characters are bytes. */
const URL_MAX = 2000;

/* Marks an event that a first copy of this file has told. */
type Click = MouseEvent & { told?: boolean };

const isLink = (node: EventTarget): node is HTMLAnchorElement | HTMLAreaElement =>
    node instanceof HTMLAnchorElement || node instanceof HTMLAreaElement;

function tell(event: Click): void {
    const link = event.composedPath().find(isLink);
    /* The right button opens a menu. */
    if (!link || !/^http/.test(link.protocol) || event.button > 1 || event.told) return;
    event.told = true;
    const isFile = link.hasAttribute('download') || FILE.test(link.pathname);
    if (!isFile && link.hostname === location.hostname) return;
    const url = (link.host + link.pathname).slice(0, URL_MAX);
    const analytics = (window.analytics ||= {} as Analytics);
    (analytics.q ||= []).push([isFile ? 'file.download' : 'link.outbound', { url }]);
}

addEventListener('click', tell, true);
addEventListener('auxclick', tell, true);
