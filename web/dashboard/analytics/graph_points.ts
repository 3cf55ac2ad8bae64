/*
 * graph_points.ts -- what a series says of each of its points: when it begins, which days it has,
 * what it is called, and which line it belongs to.
 */
import { addDays, date, dates, range } from '../format';
import type { Annotations, Point, Series } from '../types';
import { tells, type Start } from './graph_scale';

type Values = (number | null)[];
type Note = Annotations['annotations'][number];

/* -- when ------------------------------------------------------------------------------------- */

function localStarts(instants: string[], timezone: string | null): Start[] {
    const local = dates(
        {
            timeZone: timezone ?? 'UTC',
            year: 'numeric',
            month: '2-digit',
            day: '2-digit',
            hour: '2-digit',
            hourCycle: 'h23',
        },
        'en-CA',
    );
    return instants.map((instant) => {
        const text = local.format(new Date(instant));
        return { day: text.slice(0, 10), hour: Number(text.slice(-2)) };
    });
}

/** Hours are instants, and all else dates of the site. */
export const startsOf = ({ interval, timezone }: Series, points: Point[]): Start[] =>
    interval === 'hour'
        ? localStarts(
              points.map(({ time }) => time),
              timezone,
          )
        : points.map(({ time }) => ({ day: time, hour: 0 }));

/** The days of a point, as far as they are in the range. */
export function spanOf(series: Series, starts: Start[], at: number): { from: string; to: string } {
    const { day } = starts[at]!;
    if (series.interval === 'hour' || series.interval === 'day') return { from: day, to: day };
    const next = starts[at + 1];
    const from = day < series.from ? series.from : day;
    return { from, to: next ? addDays(next.day, -1) : series.to };
}

/** What has not begun yet is no zero. */
function isAhead(series: Series, { time }: Point): boolean {
    const now = series.asOf ?? new Date().toISOString();
    if (series.interval === 'hour') return Date.parse(time) > Date.parse(now);
    return time > localStarts([now], series.timezone)[0]!.day;
}

/* -- lines ------------------------------------------------------------------------------------ */

/** One value or none beside each point. */
export interface Lines {
    whole: Values;
    running: Values /* intervals that are not complete, with what joins them to the others */;
    before: Values;
}

export function linesOf(series: Series): Lines {
    const { points, previousPoints } = series;
    const values = points.map((point) =>
        point.partial && isAhead(series, point) ? null : point.value,
    );
    const isRunning = (i: number) => points[i]?.partial === true && values[i] != null;
    return {
        whole: values.map((value, i) => (points[i]!.partial ? null : value)),
        running: values.map((value, i) =>
            isRunning(i - 1) || isRunning(i) || isRunning(i + 1) ? value : null,
        ),
        before: points.map((_, i) => previousPoints?.[i]?.value ?? null),
    };
}

/** The value of a point, whichever line it is on. */
export const valueAt = ({ whole, running }: Lines, at: number) => whole[at] ?? running[at] ?? null;

export const highest = ({ whole, running, before }: Lines) =>
    [...whole, ...running, ...before].reduce<number>(
        (most, value) => Math.max(most, value ?? 0),
        0,
    );

/** A value between two gaps is no line: it is shown as a dot. */
export const lonely = (values: Values) =>
    values.flatMap((value, i) =>
        value != null && values[i - 1] == null && values[i + 1] == null ? [i] : [],
    );

/** Whether both values are of whole intervals. */
export function isComparable({ points, previousPoints }: Series, at: number): boolean {
    const previous = previousPoints?.[at];
    return !points[at]!.partial && previous?.partial === false;
}

/* -- names ------------------------------------------------------------------------------------ */

const SHORT_DATE = { day: 'numeric', month: 'short' } as const;

/* A table of hours has thousands, and to make a format takes longer than to use it. */
function hourName(time: string, timezone: string | null, more: Intl.DateTimeFormatOptions): string {
    const options = { timeZone: timezone ?? 'UTC', hour: 'numeric', ...more } as const;
    return dates(options).format(new Date(time));
}

/** "Monday, 16 Nov 2026", with the hour; "16 – 22 Nov 2026"; "November 2026". */
export function nameOf(
    series: Series,
    starts: Start[],
    at: number,
    weekday: 'long' | 'short' = 'long',
): string {
    const { interval, timezone } = series;
    const { time } = series.points[at]!;
    const whole = { weekday, ...SHORT_DATE, year: 'numeric' } as const;
    if (interval === 'hour') return hourName(time, timezone, { ...whole, minute: '2-digit' });
    if (interval === 'day') return date(time, whole);
    if (interval === 'month') return date(time, { month: 'long', year: 'numeric' });
    const { from, to } = spanOf(series, starts, at);
    return range(from, to);
}

/** Of its counterpart in the earlier range. */
export function nameBefore(series: Series, at: number): string {
    const point = series.previousPoints?.[at];
    if (!point) return '';
    const { previousFrom: from = '', previousTo: to = '' } = series;
    const earlier = { ...series, points: [point], from, to };
    if (series.interval === 'week') {
        const last = addDays(point.time, 6);
        if (last < to) earlier.to = last;
    }
    return nameOf(earlier, [{ day: point.time, hour: 0 }], 0, 'short');
}

/** What stands below the axis. */
export function labelOf(
    { interval, points, timezone }: Series,
    starts: Start[],
    at: number,
): string {
    const told = tells(interval, points.length);
    const { day, hour } = starts[at]!;
    if (told === 'hour' && (hour > 0 || at === 0)) return hourName(points[at]!.time, timezone, {});
    if (told !== 'month') return date(day, SHORT_DATE);
    const isJanuary = day.slice(5, 7) === '01';
    return date(day, { month: 'short', ...(isJanuary ? { year: 'numeric' } : {}) });
}

/* -- notes ------------------------------------------------------------------------------------ */

/** The notes of the range, by the day with which the point that they belong to begins. */
export function notesOf(
    notes: Note[],
    { from, to }: Series,
    starts: Start[],
): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const { date, text } of notes) {
        if (date < from || date > to) continue;
        let at = starts.length - 1;
        while (at >= 0 && starts[at]!.day > date) at--;
        if (at < 0) continue;
        const { day } = starts[at]!;
        found.set(day, [...(found.get(day) ?? []), text]);
    }
    return found;
}

/** Where they are marked: of a day's hours, at the first. */
export const marksOf = (notes: Map<string, string[]>, starts: Start[]) =>
    starts.flatMap(({ day }, i) => (notes.has(day) && starts[i - 1]?.day !== day ? [i] : []));
