/*
 * view.ts -- what the page shows, as its address says it: every view is a link.
 *
 *     /admin/sites/shop/analytics?period=7d&against=previous&filter=country:is:DE&metric=visits
 *
 * What is the default is left out. A change of the view is a new entry of the history, but for what
 * is typed, which replaces the last one.
 */
import { useEffect, useState } from 'preact/hooks';

export const OPERATORS = ['is', 'isNot', 'contains', 'startsWith'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Filter {
    dimension: string; /* "prop:NAME", too */
    operator: Operator;
    value: string;
}

/* Each may stand in the address; these are the defaults. */
const PRESETS = {
    site: '' /* of views that show several: the chosen one */,
    period: '28d',
    from: '',
    to: '',
    against: '' /* previous, year, custom */,
    againstFrom: '',
    againstTo: '',
    matchWeekday: '',
    metric: 'uniqueVisitors',
    interval: '',
    sources: 'channel' /* the chosen tab of each card */,
    pages: 'page',
    places: 'country',
    devices: 'device',
    goals: 'goal',
    product: '',
    details: '' /* the dimension whose details are open */,
    sheet: '' /* what else is open: filter, period, keys, note ... */,
    search: '',
    sort: '',
    offset: '',
    sites: '' /* of the comparison: ids, by comma */,
};
export type Name = keyof typeof PRESETS;
export type View = Record<Name, string> & { filters: Filter[] };

export function parseFilter(text: string): Filter | undefined {
    const parts = /^(prop:[^:]+|[^:]+):([^:]+):(.*)$/s.exec(text);
    if (!parts || !OPERATORS.includes(parts[2] as Operator)) return undefined;
    return { dimension: parts[1]!, operator: parts[2] as Operator, value: parts[3]! };
}

export const formatFilter = ({ dimension, operator, value }: Filter) =>
    `${dimension}:${operator}:${value}`;

export function parseView(search: string): View {
    const query = new URLSearchParams(search);
    const view = { ...PRESETS, filters: [] as Filter[] };
    for (const name of Object.keys(PRESETS) as Name[])
        view[name] = query.get(name) ?? PRESETS[name];
    /* Two dates say more than a period. */
    if (view.from && view.to) view.period = 'custom';
    view.filters = query
        .getAll('filter')
        .map(parseFilter)
        .filter((filter) => filter !== undefined);
    return view;
}

export function formatView(view: View): string {
    const query = new URLSearchParams();
    for (const name of Object.keys(PRESETS) as Name[])
        if (view[name] !== PRESETS[name] && !(name === 'period' && view.period === 'custom'))
            query.set(name, view[name]);
    for (const filter of view.filters) query.append('filter', formatFilter(filter));
    /* Colons, slashes and commas may stand in a query, and are easier to read. */
    const text = query.toString().replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%2C/g, ',');
    return text ? `?${text}` : '';
}

/* -- what a question needs of it --------------------------------------------------------------- */

export function rangeOf(view: View): Record<string, string> {
    return view.period === 'custom' ? { from: view.from, to: view.to } : { period: view.period };
}

/** Nothing where nothing is compared. */
export function againstOf(view: View): Record<string, string> {
    if (!view.against) return {};
    const { against, againstFrom, againstTo, matchWeekday } = view;
    return {
        against,
        ...(against === 'custom' ? { againstFrom, ...(againstTo ? { againstTo } : {}) } : {}),
        ...(matchWeekday && against !== 'custom' ? { matchWeekday } : {}),
    };
}

/* -- the address ------------------------------------------------------------------------------- */

const watchers = new Set<() => void>();
const tell = () => watchers.forEach((watcher) => watcher());
addEventListener('popstate', tell);

export type Patch = Partial<Record<Name, string>> & { filters?: Filter[] };

/** The address of the view with these changes. */
export function address(patch: Patch, path = location.pathname): string {
    return path + formatView({ ...parseView(location.search), ...patch });
}

export function go(url: string, replace = false): void {
    if (url === location.pathname + location.search) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    tell();
}

export const show = (patch: Patch, replace = false) => go(address(patch), replace);

/** The address now; a component that asks for it is drawn again when it changes. */
export function useAddress(): { path: string; search: string } {
    const here = () => location.pathname + location.search;
    const [, set] = useState(here);
    useEffect(() => {
        const watcher = () => set(here());
        watchers.add(watcher);
        watcher();
        return () => void watchers.delete(watcher);
    }, []);
    return { path: location.pathname, search: location.search };
}

/* -- filters ----------------------------------------------------------------------------------- */

const same = (a: Filter, b: Filter) => formatFilter(a) === formatFilter(b);

export function addFilter(view: View, filter: Filter): Patch {
    return { filters: [...view.filters.filter((other) => !same(other, filter)), filter] };
}

export function removeFilter(view: View, filter: Filter): Patch {
    return { filters: view.filters.filter((other) => !same(other, filter)) };
}
