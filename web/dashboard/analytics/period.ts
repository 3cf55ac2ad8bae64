/*
 * period.ts -- which dates a period means, the ones beside it, and what it is compared with.
 *
 * Calendar arithmetic on dates, YYYY-MM-DD, as the server does it (query/range.c): nothing here
 * knows the time. It is done here, too, so that the bar has not to wait for an answer.
 */
import { addDays, dates } from '../format';
import type { Patch, View } from '../view';

export interface Range {
    from: string;
    to: string;
}

export const PERIODS = [
    'today',
    'yesterday',
    '24h',
    '7d',
    '28d',
    '91d',
    'week',
    'month',
    'lastMonth',
    'quarter',
    'year',
    '12mo',
    'all',
] as const;
export type Period = (typeof PERIODS)[number];

type Asked = Pick<View, 'period' | 'from' | 'to'>;

const civil = (day: string) => day.split('-').map(Number) as [number, number, number];
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const utc = (day: string) => new Date(`${day}T00:00:00Z`);

/** An address may hold anything. */
export const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !isNaN(+utc(text));

/** So many months later; 31 January becomes the last of February. */
export function addMonths(day: string, months: number): string {
    const [year, month, date] = civil(day);
    const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
    return iso(Date.UTC(year, month - 1 + months, Math.min(date, last)));
}

/** 0 Monday to 6 Sunday. */
export const weekday = (day: string) => (utc(day).getUTCDay() + 6) % 7;

export const days = ({ from, to }: Range) => (+utc(to) - +utc(from)) / 86_400_000 + 1;

export const monthOf = (day: string) => `${day.slice(0, 8)}01`;

/* The first day of the 1, 3 or 12 months of the year in which a day lies. */
function divisionOf(day: string, months: number): string {
    const [, month] = civil(day);
    return addMonths(monthOf(day), -((month - 1) % months));
}

const lastDays = (today: string, count: number) => ({
    from: addDays(today, -count),
    to: addDays(today, -1),
});
const running = (today: string, months: number) => ({ from: divisionOf(today, months), to: today });
const wholeMonths = (today: string, months: number) => ({
    from: addMonths(monthOf(today), -months),
    to: addDays(monthOf(today), -1),
});

const RANGES: Record<string, (today: string) => Range> = {
    today: (today) => ({ from: today, to: today }),
    yesterday: (today) => lastDays(today, 1),
    '24h': (today) => ({ from: addDays(today, -1), to: today }),
    '7d': (today) => lastDays(today, 7),
    '28d': (today) => lastDays(today, 28),
    '30d': (today) => lastDays(today, 30),
    '91d': (today) => lastDays(today, 91),
    week: (today) => ({ from: addDays(today, -weekday(today)), to: today }),
    month: (today) => running(today, 1),
    quarter: (today) => running(today, 3),
    year: (today) => running(today, 12),
    lastMonth: (today) => wholeMonths(today, 1),
    '12mo': (today) => wholeMonths(today, 12),
};

const RUNNING_MONTHS: Record<string, number> = { month: 1, quarter: 3, year: 12 };

/** The dates of a view; none where only the server knows them (`all`). */
export function rangeOfView({ period, from, to }: Asked, today: string): Range | undefined {
    if (period !== 'custom') return RANGES[period]?.(today);
    return isDay(from) && isDay(to) && from <= to ? { from, to } : undefined;
}

/* A period that runs, to its end. */
function wholeOf(asked: Asked, today: string): Range | undefined {
    const range = rangeOfView(asked, today);
    if (!range) return undefined;
    if (asked.period === 'week') return { ...range, to: addDays(range.from, 6) };
    const months = RUNNING_MONTHS[asked.period];
    return months ? { ...range, to: addDays(addMonths(range.from, months), -1) } : range;
}

const equal = (a: Range | undefined, b: Range) => a?.from === b.from && a.to === b.to;

/* The period that has these dates today. */
function periodOf(range: Range, today: string): Period | undefined {
    return PERIODS.find((period) => {
        const asked = { period, from: '', to: '' };
        return equal(rangeOfView(asked, today), range) || equal(wholeOf(asked, today), range);
    });
}

/** By its own length: whole months by months, all else by days. */
export function shift({ from, to }: Range, by: 1 | -1): Range {
    const end = addDays(to, 1);
    if (from !== monthOf(from) || end !== monthOf(end)) {
        const length = by * days({ from, to });
        return { from: addDays(from, length), to: addDays(to, length) };
    }
    const [year, month] = civil(from);
    const [endYear, endMonth] = civil(end);
    const months = by * ((endYear - year) * 12 + endMonth - month);
    return { from: addMonths(from, months), to: addDays(addMonths(end, months), -1) };
}

/* A period where one has these dates, else the dates. */
function asked(range: Range, today: string): Asked {
    const period = periodOf(range, today);
    return period ? { period, from: '', to: '' } : { period: 'custom', ...range };
}

/** What is before or after a view; nothing beyond today or before the first day that is kept. */
export function beside(
    view: Asked,
    today: string,
    by: 1 | -1,
    first?: string | null,
): Asked | undefined {
    const whole = wholeOf(view, today);
    if (!whole) return undefined;
    const next = shift(whole, by);
    const found = asked(next, today);
    if (found.period === 'custom' && next.to > today) return undefined;
    return first && next.to < first ? undefined : found;
}

/** The change of the address to these dates; a comparison from a date keeps its length. */
export function rangePatch(view: View, to: Asked, today: string): Patch {
    const range = rangeOfView(to, today);
    if (view.against !== 'custom' || !range || !isDay(view.againstFrom)) return to;
    return { ...to, againstTo: addDays(view.againstFrom, days(range) - 1) };
}

/** The dates that a range is compared with. */
export function rangeBefore(range: Range, against: string, matchWeekday: boolean): Range {
    const by = days(range);
    const earlier =
        against === 'year'
            ? { from: addMonths(range.from, -12), to: addMonths(range.to, -12) }
            : { from: addDays(range.from, -by), to: addDays(range.to, -by) };
    if (!matchWeekday) return earlier;
    const back = (weekday(earlier.from) - weekday(range.from) + 7) % 7;
    return { from: addDays(earlier.from, -back), to: addDays(earlier.to, -back) };
}

/** "28 Oct – 24 Nov"; with the year where it is not all of this one. */
export function label({ from, to }: Range, today: string): string {
    if (!isDay(from) || !isDay(to) || from > to) return '';
    const year = [from, to].some((day) => day.slice(0, 4) !== today.slice(0, 4));
    return dates({
        timeZone: 'UTC',
        day: 'numeric',
        month: 'short',
        ...(year ? { year: 'numeric' } : {}),
        ...(from === to ? { weekday: 'short' } : {}),
    }).formatRange(utc(from), utc(to));
}
