/*
 * view.ts -- /share/{key} and /embed/{key}: what a public site, a shared link or an embed shows.
 *
 * The credential is the key of the address, nothing for a public site, or what a password or the
 * page around an embed has put in its place; it is sent by hand, and no cookie ever is. A new one
 * is taken from the page around only while that is one that the server has named:
 *
 *     frame.contentWindow.postMessage({ type: 'abacus-renew', token }, 'https://HOST')
 *
 * All words stand in the page. Figures that the credential does not show are not shown.
 */

/* A module: its names are its own. */
export {};

interface Site {
    id: string;
    name: string;
}

interface Row {
    value: string;
    visitors: number;
}

interface Point {
    time: string;
    value: number | null;
}

interface Numbers {
    stats: Record<string, number | null>;
    points: Point[];
    tables: Row[][];
}

const { key, ...about } = document.body.dataset;
const sites: Site[] = JSON.parse(about.sites!);
const origins: string[] = JSON.parse(about.origins!);
const lang = document.documentElement.lang;
const ROWS = 10;
const WIDTH = 720;
const HEIGHT = 200;

const one = (selector: string, within: ParentNode = document) =>
    within.querySelector<HTMLElement>(selector)!;
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const view = one('[data-view]');
const form = one('form');
const status = one('[role=status]');

let token = key;
let site = sites[0]!;
let asked = 0;

/* -- words and numbers ------------------------------------------------------------------------- */

const template = (name: string) =>
    document.querySelector<HTMLTemplateElement>(`template[data-${name}]`)?.content;
const names = new Map(
    [...document.querySelectorAll<HTMLTemplateElement>('template[data-word]')].map(
        ({ dataset, content }) => [dataset.word, content.textContent],
    ),
);

function say(place: HTMLElement, words?: string): void {
    place.textContent = (words && template(`say=${words}`)?.textContent) || '';
}

const number = (value: number, options?: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(lang, options).format(value);

const duration = (seconds: number) =>
    seconds < 60
        ? `${Math.round(seconds)}\u00a0s`
        : `${Math.floor(seconds / 60)}\u00a0m ${Math.round(seconds) % 60}\u00a0s`;

/* How each figure is written, if not as a whole number. */
const FORMATS: Record<string, (value: number) => string> = {
    viewsPerVisit: (value) => number(value, { maximumFractionDigits: 1 }),
    bounceRate: (value) => number(value, { style: 'percent' }),
    visitDuration: duration,
};

function country(code: string): string | undefined {
    try {
        return new Intl.DisplayNames(lang, { type: 'region' }).of(code);
    } catch {
        return code;
    }
}

/* What is no name, as "(direct)", is in brackets. */
function called(dimension: string, value: string): string {
    const ours = dimension === 'device' || value.startsWith('(') ? names.get(value) : undefined;
    return ours ?? (dimension === 'country' ? country(value) : undefined) ?? value;
}

const day = (time: string, monthly: boolean) =>
    new Intl.DateTimeFormat(lang, {
        timeZone: 'UTC',
        month: 'short',
        ...(monthly ? { year: 'numeric' } : { day: 'numeric' }),
    }).format(new Date(time));

/* -- asking ------------------------------------------------------------------------------------ */

/* Gives the answer, or throws the words that say why there is none. */
async function ask<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(path, { credentials: 'omit', ...init }).catch(() => {
        throw 'failed';
    });
    if (response.ok) return response.json();
    if (response.status === 429) throw 'often';
    throw response.status < 500 ? 'ended' : 'failed';
}

function read<T>(path: string, values: Record<string, string>): Promise<T> {
    const period = one('[name=period]:checked') as HTMLInputElement;
    const query = new URLSearchParams({ siteId: site.id, period: period.value, ...values });
    const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
    return ask<T>(`/api/analytics/${path}?${query}`, { headers });
}

const dimensions = all('[data-dimension]');

async function readAll(interval: string): Promise<Numbers> {
    const limit = String(ROWS);
    const [stats, series, ...tables] = await Promise.all([
        read<Numbers['stats']>('stats', {}),
        read<{ points: Point[] }>('timeseries', { metric: 'uniqueVisitors', interval }),
        ...dimensions.map(({ dataset }) =>
            read<{ rows: Row[] }>('breakdown', { dimension: dataset.dimension!, limit }),
        ),
    ]);
    return { stats, points: series.points, tables: tables.map(({ rows }) => rows) };
}

/* -- drawing ----------------------------------------------------------------------------------- */

function svg(name: string, attributes: Record<string, number>): SVGElement {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [attribute, value] of Object.entries(attributes))
        element.setAttribute(attribute, String(value));
    return element;
}

function row(name: string, value: string, bar?: SVGElement): HTMLElement {
    const line = document.createElement('tr');
    const head = document.createElement('th');
    const cell = document.createElement('td');
    head.scope = 'row';
    head.append(name, ...(bar ? [bar] : []));
    cell.textContent = value;
    line.append(head, cell);
    return line;
}

function drawFigures(stats: Numbers['stats']): void {
    for (const figure of all('[data-figure]')) {
        const name = figure.dataset.figure!;
        const value = stats[name];
        figure.hidden = value === undefined;
        one('dd', figure).textContent =
            typeof value === 'number' ? (FORMATS[name] ?? number)(value) : '–';
    }
}

function drawPoints(points: Point[], monthly: boolean): void {
    const figure = one('figure');
    const most = Math.max(1, ...points.map(({ value }) => value ?? 0));
    const step = WIDTH / points.length;
    const label = ({ time }: Point) => day(time, monthly);
    const bars = points.map((point, i) => {
        const height = ((point.value ?? 0) / most) * HEIGHT;
        const x = (i + 0.1) * step;
        const bar = svg('rect', { x, y: HEIGHT - height, width: step * 0.8, height });
        bar.append(svg('title', {}));
        bar.firstChild!.textContent = `${label(point)}: ${number(point.value ?? 0)}`;
        return bar;
    });
    const chart = one('svg', figure);
    const ends = [points[0]!, points[points.length - 1]!].map(label);
    chart.replaceChildren(...bars);
    chart.setAttribute('aria-label', `${one('figcaption').textContent}: ${ends.join(' – ')}`);
    one('[data-most]', figure).textContent = number(most);
    figure.querySelectorAll('.axis span').forEach((end, i) => (end.textContent = ends[i]!));
    one('tbody', figure).replaceChildren(
        ...points.map((point) =>
            row(label(point), point.value === null ? '–' : number(point.value)),
        ),
    );
}

function drawTable(section: HTMLElement, rows: Row[]): void {
    const dimension = section.dataset.dimension!;
    const content = document.importNode(template('table')!, true);
    const most = Math.max(1, ...rows.map(({ visitors }) => visitors));
    const unused = one(rows.length > 0 ? '.soft' : 'table', content);
    one('tbody', content).append(
        ...rows.map(({ value, visitors }) => {
            const bar = svg('svg', {});
            bar.setAttribute('viewBox', '0 0 100 1');
            bar.setAttribute('preserveAspectRatio', 'none');
            bar.setAttribute('aria-hidden', 'true');
            bar.append(svg('rect', { width: (100 * visitors) / most, height: 1 }));
            return row(called(dimension, value), number(visitors), bar);
        }),
    );
    one('th', content).textContent = one('h2', section).textContent;
    unused.remove();
    section.replaceChildren(one('h2', section), content);
}

/* -- what happens ------------------------------------------------------------------------------ */

function lock(): void {
    view.hidden = true;
    form.hidden = false;
    token = key;
    one('input', form).focus();
}

/* Only the newest request is shown. */
async function load(): Promise<void> {
    const mine = ++asked;
    const monthly = (one('[value="12mo"]') as HTMLInputElement).checked;
    say(status, 'wait');
    try {
        const { stats, points, tables } = await readAll(monthly ? 'month' : 'day');
        if (mine !== asked) return;
        drawFigures(stats);
        drawPoints(points, monthly);
        dimensions.forEach((section, i) => drawTable(section, tables[i]!));
        view.hidden = false;
        say(status);
    } catch (words) {
        if (mine !== asked) return;
        say(status, String(words));
        if (words !== 'ended') return;
        view.hidden = true;
        if ('locked' in about && token !== key) lock();
    }
}

async function unlock(): Promise<void> {
    const input = one('input', form) as HTMLInputElement;
    const body = JSON.stringify({ link: key, password: input.value });
    const headers = { 'Content-Type': 'application/json' };
    const alert = one('[role=alert]', form);
    say(alert);
    try {
        const init = { method: 'POST', body, headers };
        token = (await ask<{ token: string }>('/api/share', init)).token;
        form.hidden = true;
        input.value = '';
        await load();
    } catch (words) {
        say(alert, words === 'ended' ? 'wrong' : String(words));
        input.select();
    }
}

function chooseSite(select: HTMLSelectElement): void {
    select.append(...sites.map(({ id, name }) => new Option(name, id)));
    select.addEventListener('change', () => {
        site = sites[select.selectedIndex]!;
        void load();
    });
}

/* Of nobody but the page around it, and only if that is one of the tenant's. */
function renew({ source, origin, data }: MessageEvent): void {
    if (source !== parent || parent === window || !origins.includes(origin)) return;
    if (data?.type !== 'abacus-renew' || !String(data.token).startsWith('embed.')) return;
    token = data.token;
    void load();
}

const select = document.querySelector<HTMLSelectElement>('#site');
if (select) chooseSite(select);
for (const input of all('[name=period]')) input.addEventListener('change', () => void load());
form.addEventListener('submit', (event) => {
    event.preventDefault();
    void unlock();
});
addEventListener('message', renew);
if ('locked' in about) lock();
else void load();
