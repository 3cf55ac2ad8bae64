/*
 * dimensions.ts -- which dimensions stand in which card, and which columns their details have.
 */
import { shows } from '../stage';
import type { Columns } from '../types';
import type { Name } from '../view';
import type { Metric, Word } from '../words';

export interface Group {
    /* Of the address: which tab is chosen. */
    name: Extract<Name, 'sources' | 'pages' | 'places' | 'devices' | 'goals'>;
    title: Word;
    tabs: string[];
    /* In the details, too. */
    more: string[];
}

const ALL: Group[] = [
    {
        name: 'sources',
        title: 'sourcesCard',
        tabs: ['channel', 'source', 'utmCampaign'],
        more: ['referrer', 'utmSource', 'utmMedium', 'utmContent', 'utmTerm'],
    },
    { name: 'pages', title: 'pagesCard', tabs: ['page', 'entryPage', 'exitPage'], more: [] },
    { name: 'places', title: 'placesCard', tabs: ['country', 'language'], more: [] },
    {
        name: 'devices',
        title: 'devicesCard',
        tabs: ['device', 'browser', 'os'],
        more: ['screen'],
    },
    { name: 'goals', title: 'goalsCard', tabs: ['goal', 'event'], more: [] },
];

/** The cards of a site, without what the server does not show. */
export function groupsOf(siteId: string): Group[] {
    const shown = (dimension: string) => shows(siteId, dimension);
    return ALL.map((group) => ({
        ...group,
        tabs: group.tabs.filter(shown),
        more: group.more.filter(shown),
    })).filter(({ tabs }) => tabs.length > 0);
}

/** The card that a dimension belongs to; properties are events'. */
export function groupOf(siteId: string, dimension: string): Group | undefined {
    const groups = groupsOf(siteId);
    return (
        groups.find(({ tabs, more }) => tabs.includes(dimension) || more.includes(dimension)) ??
        groups.find(({ name }) => name === 'goals' && dimension.startsWith('prop:'))
    );
}

export interface Column {
    name: keyof Columns;
    metric: Metric;
}

const COLUMNS: Column[] = [
    { name: 'events', metric: 'events' },
    { name: 'visitors', metric: 'uniqueVisitors' },
    { name: 'visits', metric: 'visits' },
    { name: 'pageviews', metric: 'pageviews' },
    { name: 'bounceRate', metric: 'bounceRate' },
    { name: 'visitDuration', metric: 'visitDuration' },
    { name: 'conversions', metric: 'conversions' },
    { name: 'conversionRate', metric: 'conversionRate' },
    { name: 'timeOnPage', metric: 'timeOnPage' },
    { name: 'scrollDepth', metric: 'scrollDepth' },
];
const OF_PAGES = new Set(['timeOnPage', 'scrollDepth']);
const OF_VISITS = new Set(['visits', 'bounceRate', 'visitDuration']);

/** Whether the values are those of single events. */
export const isOfEvents = (dimension: string) => /^(event$|prop:)/.test(dimension);

/** Then these are counted, also where they have no visitor; and shown where conversions are. */
export const countsEvents = (siteId: string, dimension: string) =>
    isOfEvents(dimension) && shows(siteId, 'conversions');

/** Which columns say something about a dimension. */
export const columnsOf = (siteId: string, dimension: string): Column[] =>
    COLUMNS.filter(
        ({ name, metric }) =>
            (name === 'events' ? countsEvents(siteId, dimension) : shows(siteId, metric)) &&
            (dimension === 'page' || !OF_PAGES.has(name)) &&
            ((dimension !== 'goal' && !isOfEvents(dimension)) || !OF_VISITS.has(name)),
    );

/** What a dimension's rows are measured by in its card. */
export function measureOf(siteId: string, dimension: string): Column {
    const counts = countsEvents(siteId, dimension);
    const measure = dimension === 'goal' ? 'conversions' : counts ? 'events' : 'visitors';
    return COLUMNS.find(({ name }) => name === measure)!;
}
