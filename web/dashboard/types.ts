/* types.ts -- the answers of the API, as far as the dashboard reads them. */
import type { Metric } from './words';

export interface Echo {
    siteId: string | null;
    tenantId: string | null;
    timezone: string | null;
    from: string;
    to: string;
    asOf: string | null;
    exact: boolean;
    availableFrom: string | null;
    filterableFrom?: string | null;
}

export type Totals = Partial<Record<Metric, number | null>>;

export interface Stats extends Echo, Totals {
    days: (Totals & { date: string; imported?: boolean })[];
}

export interface Comparison extends Echo {
    current: Totals;
    previous: (Totals & { from: string; to: string }) | null;
    change: Record<string, { absolute: number; percent: number | null } | null>;
}

export interface Point {
    time: string;
    value: number | null;
    partial: boolean;
    imported?: boolean;
}

export interface Series extends Echo {
    metric: Metric;
    interval: 'hour' | 'day' | 'week' | 'month';
    points: Point[];
    previousFrom?: string;
    previousTo?: string;
    previousPoints?: (Point | null)[] | null;
}

export interface Columns {
    visitors?: number;
    pageviews?: number;
    visits?: number;
    bounceRate?: number;
    visitDuration?: number;
    events?: number | null; /* of the dimensions event and prop:NAME */
    conversions?: number;
    conversionRate?: number;
    percent?: number;
    timeOnPage?: number | null;
    scrollDepth?: number | null;
}

export interface Row extends Columns {
    value: string;
    previous?: Columns | null;
}

export interface Breakdown extends Echo {
    dimension: string;
    rows: Row[];
    total: number;
    other: Row | null;
    previousFrom?: string | null;
    previousTo?: string | null;
}

export interface Properties extends Echo {
    properties: string[];
    total: number;
}

export interface Realtime extends Echo {
    visitorsNow: number | null;
    last30Minutes: { time: string; visitors: number; pageviews: number }[];
}

export interface Ledger extends Echo {
    received: number;
    stored: number;
    dropped: Record<string, number>;
    rejected: Record<string, number>;
    bots: Record<string, number>;
    queued: number | null;
    days: {
        date: string;
        received: number | null;
        stored: number | null;
        dropped: Record<string, number> | null;
        rejected: Record<string, number> | null;
    }[];
}

export interface Annotations extends Echo {
    annotations: { date: string; text: string }[];
}

export interface SiteRow extends Totals {
    siteId: string;
    tenantId: string;
    tenantName: string;
    domain: string;
    timezone: string;
    exact: boolean;
    previous: Totals | null;
    days: (number | null)[];
}

export interface Sites extends Echo {
    sites: SiteRow[];
    total: number;
}

export interface Check {
    siteId: string;
    domain: string;
    firstEventAt: string | null;
    lastEventAt: string | null;
    scriptLoadedAt: string | null;
    problems: { kind: string; detail: string | null; at: string; count: number }[];
}

export interface Membership {
    tenantId: string;
    role: 'manager' | 'viewer';
    sites?: string[];
}

export interface Person {
    user: { id: string; name: string; admin: boolean; memberships: Membership[]; totp: boolean };
    expiresAt: string;
    address: string;
}
