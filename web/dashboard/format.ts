/*
 * format.ts -- how numbers, durations, dates and changes are written.
 *
 * Below BASE_MIN a change is told in units: "+3" says more than "+150 %".
 */
import { called, lang, say, type Metric } from './words';

export const BASE_MIN = 20;
const SHORT_FROM = 10_000;
const NONE = '–';

export type Value = number | null | undefined;

/* A format takes longer to make than a page of numbers to write: each is made once. */
function kept<Options, Format>(Make: new (lang: string, options?: Options) => Format) {
    const made = new Map<string, Format>();
    return (options?: Options, language: string = lang): Format => {
        const key = language + JSON.stringify(options);
        const format = made.get(key) ?? new Make(language, options);
        made.set(key, format);
        return format;
    };
}
const numbers = kept<Intl.NumberFormatOptions, Intl.NumberFormat>(Intl.NumberFormat);
export const dates = kept<Intl.DateTimeFormatOptions, Intl.DateTimeFormat>(Intl.DateTimeFormat);

const number = (value: number, options?: Intl.NumberFormatOptions) =>
    numbers(options).format(value);

export const whole = (value: Value) => (value == null ? NONE : number(Math.round(value)));

const UNITS: [number, 'thousand' | 'million' | 'billion'][] = [
    [1e9, 'billion'],
    [1e6, 'million'],
    [1e3, 'thousand'],
];

/** 1,234 in full, 12,345 as 12.3k. */
export function short(value: Value): string {
    if (value == null) return NONE;
    if (Math.abs(value) < SHORT_FROM) return number(value, { maximumFractionDigits: 1 });
    const [unit, word] = UNITS.find(([least]) => Math.abs(value) >= least * 0.99995)!;
    return say(word, { n: number(value / unit, { maximumFractionDigits: 1 }) });
}

/** A rate, 0 to 1. */
export const rate = (value: Value) =>
    value == null
        ? NONE
        : number(value, { style: 'percent', maximumFractionDigits: value < 0.1 ? 1 : 0 });

export function duration(value: Value): string {
    if (value == null) return NONE;
    const seconds = Math.round(value);
    if (seconds < 60) return say('seconds', { s: seconds });
    if (seconds < 3600) return say('minutes', { m: Math.floor(seconds / 60), s: seconds % 60 });
    return say('hours', { h: Math.floor(seconds / 3600), m: Math.floor((seconds % 3600) / 60) });
}

type Kind = 'count' | 'rate' | 'duration' | 'mean' | 'depth';
const KINDS: Partial<Record<Metric, Kind>> = {
    bounceRate: 'rate',
    conversionRate: 'rate',
    visitDuration: 'duration',
    timeOnPage: 'duration',
    scrollDepth: 'depth',
    viewsPerVisit: 'mean',
};
export const kindOf = (metric: Metric): Kind => KINDS[metric] ?? 'count';

const decimal = (value: Value) =>
    value == null ? NONE : number(value, { maximumFractionDigits: 1 });
const depth = (value: Value) => (value == null ? NONE : rate(value / 100));
const SHORT: Record<Kind, (value: Value) => string> = {
    count: short,
    rate,
    duration,
    mean: decimal,
    depth,
};
const FULL: Record<Kind, (value: Value) => string> = { ...SHORT, count: whole };

export const figure = (metric: Metric, value: Value) => SHORT[kindOf(metric)](value);
export const figureInFull = (metric: Metric, value: Value) => FULL[kindOf(metric)](value);

/* -- changes ----------------------------------------------------------------------------------- */

export interface Change {
    text: string; /* "+12 %", "−3" */
    way: 'up' | 'down' | 'same';
    good?: boolean; /* undefined: neither */
}

const INVERTED = new Set<Metric>(['bounceRate']);
const NEITHER = new Set<Metric>(['aiTokens']);

/** How `now` differs from `before`; nothing where one of them is not known. */
export function change(metric: Metric, now: Value, before: Value): Change | undefined {
    if (now == null || before == null) return undefined;
    const small = kindOf(metric) === 'count' && Math.abs(before) < BASE_MIN;
    const text = small
        ? number(now - before, { signDisplay: 'exceptZero' })
        : before === 0
          ? ''
          : number(now / before - 1, {
                style: 'percent',
                signDisplay: 'exceptZero',
                maximumFractionDigits: Math.abs(now / before - 1) < 0.1 ? 1 : 0,
            });
    const way = now > before ? 'up' : now < before ? 'down' : 'same';
    const good =
        way === 'same' || NEITHER.has(metric) ? undefined : (way === 'up') !== INVERTED.has(metric);
    return { text: text.replace('-', '−'), way, good };
}

/* -- dates ------------------------------------------------------------------------------------- */

/** A date, YYYY-MM-DD, has no zone: it is written as if it were in UTC. */
export const date = (day: string, options: Intl.DateTimeFormatOptions) =>
    dates({ timeZone: 'UTC', ...options }).format(
        new Date(day.length > 10 ? day : `${day}T00:00:00Z`),
    );

export const day = (text: string) =>
    date(text, { day: 'numeric', month: 'short', year: 'numeric' });

export function range(from: string, to: string): string {
    const format = dates({ timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' });
    return from === to
        ? day(from)
        : format.formatRange(new Date(`${from}T00:00:00Z`), new Date(`${to}T00:00:00Z`));
}

/** An instant, RFC 3339, as the clock stands at the site. */
export const clock = (instant: string, timezone?: string | null) =>
    dates({
        hour: '2-digit',
        minute: '2-digit',
        ...(timezone ? { timeZone: timezone } : {}),
    }).format(new Date(instant));

export const moment = (instant: string, timezone?: string | null) =>
    dates({
        dateStyle: 'medium',
        timeStyle: 'short',
        ...(timezone ? { timeZone: timezone } : {}),
    }).format(new Date(instant));

/** YYYY-MM-DD, so many days later. */
export function addDays(text: string, days: number): string {
    const at = new Date(`${text}T00:00:00Z`);
    at.setUTCDate(at.getUTCDate() + days);
    return at.toISOString().slice(0, 10);
}

/** The date now in a zone. */
export const today = (timezone?: string | null, now = new Date()) =>
    dates(
        {
            year: 'numeric',
            month: '2-digit',
            day: '2-digit',
            ...(timezone ? { timeZone: timezone } : {}),
        },
        'en-CA',
    ).format(now);

/* -- values of dimensions ---------------------------------------------------------------------- */

const regions = new Intl.DisplayNames(lang, { type: 'region' });
const languages = new Intl.DisplayNames(lang, { type: 'language' });
const NAMES: Record<string, (value: string) => string | undefined> = {
    country: (value) => regions.of(value),
    language: (value) => languages.of(value),
    device: called,
    channel: called,
};

/** What a value of a dimension is called: "(direct)" and the like are ours, too. */
export function nameOf(dimension: string, value: string): string {
    if (value.startsWith('(')) return called(value);
    try {
        return NAMES[dimension]?.(value) ?? value;
    } catch {
        return value;
    }
}
