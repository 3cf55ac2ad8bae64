/*
 * graph_scale.ts -- where the gridlines are, which intervals a range allows, and which points have
 * a label below the axis.
 */
import type { kindOf } from '../format';

export type Kind = ReturnType<typeof kindOf>;
export type Interval = 'hour' | 'day' | 'week' | 'month';

/* -- gridlines --------------------------------------------------------------------------------- */

const STEPS_MAX = 4; /* five lines, with that of 0 */

/* What a label can tell apart, and how high the axis is where there is nothing. */
const LEAST: Record<Kind, number> = { count: 1, rate: 0.001, duration: 1, mean: 0.1, depth: 1 };
const EMPTY: Record<Kind, number> = { count: 4, rate: 1, duration: 60, mean: 4, depth: 100 };

const SECONDS = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400,
];
const MANTISSAS = [1, 2, 2.5, 5, 10];

function niceStep(kind: Kind, wanted: number): number {
    const second = SECONDS.find((step) => step >= wanted);
    if (kind === 'duration' && second) return second;
    const least = LEAST[kind];
    const power = 10 ** Math.floor(Math.log10(Math.max(wanted, least)));
    const steps = MANTISSAS.map((mantissa) => mantissa * power);
    const isWhole = (step: number) => Math.abs(Math.round(step / least) - step / least) < 1e-6;
    return steps.find((step) => step >= wanted * (1 - 1e-9) && isWhole(step)) ?? 10 * power;
}

/** From 0 up to the first that is not below the highest value. */
export function gridlines(kind: Kind, highest: number): number[] {
    const most = highest > 0 ? highest : EMPTY[kind];
    const step = niceStep(kind, most / STEPS_MAX);
    const count = Math.max(1, Math.ceil(most / step - 1e-9));
    return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/* -- intervals --------------------------------------------------------------------------------- */

const HOURS_MAX_DAYS = 92; /* as the server has it */
const WEEKS_MIN_DAYS = 14;
const MONTHS_MIN_DAYS = 63;

/** Those that make more than one point, and not too many. */
export function intervalsOf(days: number): Interval[] {
    const fits: Record<Interval, boolean> = {
        hour: days <= HOURS_MAX_DAYS,
        day: days > 1,
        week: days >= WEEKS_MIN_DAYS,
        month: days >= MONTHS_MIN_DAYS,
    };
    return (Object.keys(fits) as Interval[]).filter((interval) => fits[interval]);
}

/** How many days there are from one date to another, with both. */
export const daysFrom = (from: string, to: string) =>
    Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;

/* -- labels below the axis --------------------------------------------------------------------- */

/** When a point begins, as the clock and the calendar of the site say it. */
export interface Start {
    day: string;
    hour: number;
}

const DAY_HOURS_MAX = 50; /* two days, and the hour that summer gives back */
const DAYS_AS_DAYS_MAX = 120;

const HOUR_STRIDES = [1, 2, 3, 4, 6, 12];
const DAY_STRIDES = [1, 2, 7, 14, 28];
const WEEK_STRIDES = [1, 2, 4, 8, 13, 26, 52];
const MONTH_STRIDES = [1, 2, 3, 6, 12, 24, 60];

const stride = (strides: number[], count: number, room: number) =>
    strides.find((each) => count / each <= room) ?? strides[strides.length - 1]!;

const all = (starts: Start[]) => starts.map((_, i) => i);

const every = (indexes: number[], strides: number[], room: number) => {
    const by = stride(strides, indexes.length, room);
    return indexes.filter((_, i) => i % by === 0);
};

/* January, April, July ... rather than whatever the range begins with. */
function months(starts: Start[], indexes: number[], room: number): number[] {
    const by = stride(MONTH_STRIDES, indexes.length, room);
    const number = (i: number) => {
        const [year, month] = starts[i]!.day.split('-').map(Number);
        return year! * 12 + month! - 1;
    };
    const found = indexes.filter((i) => number(i) % by === 0);
    return found.length > 0 ? found : indexes.slice(0, 1);
}

/** What the labels of a graph tell. */
export const tells = (interval: Interval, count: number): Interval =>
    interval === 'hour'
        ? count <= DAY_HOURS_MAX
            ? 'hour'
            : 'day'
        : interval === 'month' || (interval === 'day' && count > DAYS_AS_DAYS_MAX)
          ? 'month'
          : 'day';

/** The points that have a label, where there is room for so many. */
export function labelled(starts: Start[], interval: Interval, room: number): number[] {
    const told = tells(interval, starts.length);
    if (told === 'hour') {
        const by = stride(HOUR_STRIDES, starts.length, room);
        return all(starts).filter((i) => starts[i]!.hour % by === 0);
    }
    if (interval === 'hour') {
        const first = all(starts).filter((i) => i === 0 || starts[i]!.day !== starts[i - 1]!.day);
        return every(first, DAY_STRIDES, room);
    }
    if (interval === 'month') return months(starts, all(starts), room);
    if (told === 'month') {
        const first = all(starts).filter((i) => starts[i]!.day.endsWith('-01'));
        return months(starts, first, room);
    }
    return every(all(starts), interval === 'week' ? WEEK_STRIDES : DAY_STRIDES, room);
}
