/*
 * privacy.ts -- shows on /settings/privacy whether the visitor is counted, and lets them refuse.
 * Also puts that page's text into a page of the site, by one line where the text is to stand:
 *
 *     <script defer src="https://HOST/settings/privacy/privacy.js" data-site="SITE"></script>
 *
 * The text comes in the language of that page where it is German or English, its headings one level
 * lower, in plain elements, so that the page's own look applies. A script in <head> needs
 * data-target="ID", the element at whose end the text is to stand; without it nothing but a warning
 * on the console comes of it. A strict Content-Security-Policy has to name HOST in script-src and
 * connect-src; trusted types may be required.
 *
 * A refusal is one entry in the storage of the origin that shows this; it is made before the script
 * that counts is told. All words stand in the page; this script only chooses among them.
 */
import { Kept } from '../tracker/refusal';

interface Tracker {
    optOut?(): void;
    optIn?(): void;
}

const PAGE = '/settings/privacy';

/* Words for when the page with all other words cannot be had, and what leads there. */
const FAILURES = {
    en: ['What is counted here could not be shown. You can read it here: ', 'Privacy'],
    de: ['Was hier gezählt wird, ließ sich nicht anzeigen. Sie lesen es hier: ', 'Datenschutz'],
};

/* False where the browser keeps nothing for this origin; then `chosen` holds, for this page. */
let kept = true;
let chosen = false;

function refused(): boolean {
    try {
        if (kept) chosen = localStorage.getItem(Kept.REFUSAL) !== null;
    } catch {
        kept = false;
    }
    return chosen;
}

function choose(refuse: boolean): void {
    chosen = refuse;
    try {
        if (refuse) localStorage.setItem(Kept.REFUSAL, '1');
        else localStorage.removeItem(Kept.REFUSAL);
        kept = true;
    } catch {
        kept = false;
    }
    const tracker = (window as { analytics?: Tracker }).analytics;
    if (refuse) tracker?.optOut?.();
    else tracker?.optIn?.();
}

/* Which of the page's sentences is true. `here`: a refusal at this address holds for the site;
 * `no`: there is one. */
function state(about: DOMStringMap, here: boolean, no: boolean): string {
    const gpc = navigator.globalPrivacyControl;
    if ('off' in about) return 'off';
    if (no) return 'refused';
    if ('gpc' in about && gpc) return 'gpc';
    if ('dnt' in about && navigator.doNotTrack === '1') return 'dnt';
    if (!here) return 'elsewhere';
    return gpc ? 'ignored' : 'counted';
}

/*
 * Is this address one of the site's? The site's domain and what is below it are, but for the
 * address of the statistics, which may be below it too; others are where the server knows this
 * origin as the site's, or where the page came by way of this very origin (`passedOn`).
 */
function isHere(about: DOMStringMap, passedOn: boolean): boolean {
    const { hostname, host } = location;
    const domain = about.domain || '';
    if (passedOn || 'here' in about || hostname === domain) return true;
    return domain !== '' && hostname.endsWith('.' + domain) && host !== about.server;
}

function copy(box: Element, which: string): DocumentFragment {
    const template = box.querySelector<HTMLTemplateElement>(`template[data-${which}]`);
    const content = document.importNode(template!.content, true);
    for (const place of content.querySelectorAll('[data-host]')) place.textContent = location.host;
    return content;
}

function show(box: HTMLElement, passedOn: boolean): void {
    const here = isHere(box.dataset, passedOn);
    const status = box.querySelector('[role=status]')!;
    let input: HTMLInputElement | undefined;
    let said = '';

    /* What has not changed is not said again: a screen reader would. */
    function update(): void {
        const no = here && refused();
        const words = [`say=${state(box.dataset, here, no)}`, ...(kept ? [] : ['blocked'])];
        if (input) input.checked = no;
        if (String(words) === said) return;
        said = String(words);
        status.replaceChildren(...words.map((which) => copy(box, which)));
    }

    if (here) {
        refused();
        const parts = kept ? ['switch', 'note'] : ['switch'];
        status.after(...parts.map((which) => copy(box, which)));
        input = box.querySelector('input')!;
        input.addEventListener('change', () => {
            choose(input!.checked);
            update();
        });
        addEventListener('storage', update);
        addEventListener('pageshow', update);
    }
    update();
}

/* -- in a page of the site -- */

function lower(heading: Element): void {
    const level = Number(heading.tagName.slice(1)) + 1;
    const other = document.createElement(`h${level}`);
    other.append(...heading.childNodes);
    heading.replaceWith(other);
}

function adopt(page: Document): HTMLElement {
    const main = document.importNode(page.querySelector('main')!, true);
    const text = document.createElement('div');
    text.lang = page.documentElement.lang;
    main.querySelectorAll('noscript').forEach((one) => one.remove());
    main.querySelectorAll('h1, h2').forEach(lower);
    text.append(...main.childNodes);
    return text;
}

function apologise(lang: 'en' | 'de', url: URL): HTMLElement {
    const text = document.createElement('p');
    const link = document.createElement('a');
    const [sentence, name] = FAILURES[lang] as [string, string];
    link.href = url.href;
    link.textContent = name;
    text.lang = lang;
    text.append(sentence, link, '.');
    return text;
}

function put(script: HTMLScriptElement, text: HTMLElement): void {
    const target = script.dataset.target;
    const place = target === undefined ? script.closest('body *') : document.getElementById(target);
    if (!place) console.warn('privacy.js: no place for the text; name an element by data-target');
    else if (target === undefined) place.after(text);
    else place.append(text);
}

/* XMLHttpRequest, since it parses a document without a sink that trusted types guard. */
function embed(script: HTMLScriptElement, site: string): void {
    const url = new URL(`${PAGE}/${encodeURIComponent(site)}`, script.src);
    const lang = /^(de|en)\b/i.exec(document.documentElement.lang)?.[1]?.toLowerCase();
    const request = new XMLHttpRequest();
    if (lang) url.search = `lang=${lang}`;
    request.open('GET', url);
    request.responseType = 'document';
    request.onloadend = () => {
        const page = request.status === 200 ? request.response : null;
        const wanted = lang || navigator.language.slice(0, 2);
        const text = page ? adopt(page) : apologise(wanted === 'de' ? 'de' : 'en', url);
        put(script, text);
        const box = text.querySelector<HTMLElement>('.abacus-choice');
        if (box) show(box, url.origin === location.origin);
    };
    request.send();
}

/* A site's page that is not under the site's id stands where the site has put it. */
function start(script: HTMLScriptElement | null): void {
    const box = document.querySelector<HTMLElement>('.abacus-choice[data-domain]');
    if (script?.dataset.site) embed(script, script.dataset.site);
    else if (box) show(box, location.pathname.replace(/\/$/, '').endsWith(PAGE));
}

start(document.currentScript as HTMLScriptElement | null);
