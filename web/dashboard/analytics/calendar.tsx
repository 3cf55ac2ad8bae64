/*
 * calendar.tsx -- two months, in which a first and a last day are chosen.
 *
 * By keyboard as a grid has it: arrows by day and week, Home and End within the week, Page Up and
 * Page Down by month, Enter to choose. Only one day can be reached by Tab.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { addDays, date } from '../format';
import { classes } from '../ui';
import { say } from '../words';
import { addMonths, monthOf, weekday, type Range } from './period';

const STEPS: Record<string, (day: string) => string> = {
    ArrowLeft: (day) => addDays(day, -1),
    ArrowRight: (day) => addDays(day, 1),
    ArrowUp: (day) => addDays(day, -7),
    ArrowDown: (day) => addDays(day, 7),
    Home: (day) => addDays(day, -weekday(day)),
    End: (day) => addDays(day, 6 - weekday(day)),
    PageUp: (day) => addMonths(day, -1),
    PageDown: (day) => addMonths(day, 1),
};

const MONDAY = '2026-11-02';
const WEEK = [0, 1, 2, 3, 4, 5, 6];

interface Days {
    chosen: Range;
    focused: string;
    allowed: (day: string) => boolean;
    onPick: (day: string) => void;
    onOver: (day: string) => void;
}

function Day({ day, chosen, focused, allowed, onPick, onOver }: Days & { day: string }) {
    const inside = day >= chosen.from && day <= chosen.to;
    return (
        <td role="gridcell" aria-selected={inside}>
            <button
                type="button"
                data-day={day}
                tabIndex={day === focused ? 0 : -1}
                disabled={!allowed(day)}
                class={classes(
                    inside && 'inside',
                    (day === chosen.from || day === chosen.to) && 'edge',
                )}
                aria-label={date(day, { dateStyle: 'full' })}
                onClick={() => onPick(day)}
                onPointerEnter={() => onOver(day)}
                onFocus={() => onOver(day)}
            >
                {Number(day.slice(8))}
            </button>
        </td>
    );
}

function Month({ first, ...days }: Days & { first: string }) {
    const start = addDays(first, -weekday(first));
    const name = date(first, { month: 'long', year: 'numeric' });
    return (
        <table role="grid" aria-label={name}>
            <caption aria-hidden="true">{name}</caption>
            <thead>
                <tr>
                    {WEEK.map((i) => (
                        <th
                            key={i}
                            scope="col"
                            abbr={date(addDays(MONDAY, i), { weekday: 'long' })}
                        >
                            {date(addDays(MONDAY, i), { weekday: 'narrow' })}
                        </th>
                    ))}
                </tr>
            </thead>
            <tbody>
                {[0, 1, 2, 3, 4, 5].map((week) => (
                    <tr key={week}>
                        {WEEK.map((i) => {
                            const day = addDays(start, week * 7 + i);
                            return monthOf(day) === first ? (
                                <Day key={day} day={day} {...days} />
                            ) : (
                                <td key={day} />
                            );
                        })}
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

const clamp = (day: string, min: string, max: string) => (day < min ? min : day > max ? max : day);

export function Calendar({
    range,
    min,
    max,
    onRange,
}: {
    range: Range;
    min: string;
    max: string;
    onRange: (range: Range) => void;
}) {
    const box = useRef<HTMLDivElement>(null);
    const count = matchMedia('(max-width: 40rem)').matches ? 1 : 2;
    const [focused, setFocused] = useState(clamp(range.to, min, max));
    const [left, setLeft] = useState(addMonths(monthOf(focused), 1 - count));
    const [first, setFirst] =
        useState(''); /* the day chosen first, while the second is looked for */
    const [over, setOver] = useState('');
    const right = addMonths(left, count - 1);

    const turn = (by: number) => {
        setLeft(addMonths(left, by));
        setFocused(clamp(addMonths(focused, by), min, max));
    };
    const reach = (day: string) => {
        setFocused(day);
        if (day < left) setLeft(monthOf(day));
        else if (monthOf(day) > right) setLeft(addMonths(monthOf(day), 1 - count));
    };
    const moved = useRef(false);
    /* Before the next key is pressed. */
    useLayoutEffect(() => {
        if (moved.current)
            box.current!.querySelector<HTMLElement>(`[data-day="${focused}"]`)?.focus();
        moved.current = false;
    }, [focused, left]);

    const ordered = (a: string, b: string) => (a < b ? { from: a, to: b } : { from: b, to: a });
    const pick = (day: string) => {
        setFocused(day);
        setFirst(first ? '' : day);
        if (first) onRange(ordered(first, day));
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const step = STEPS[event.key];
        const { day } = (event.target as HTMLElement).dataset;
        if (!step || !day) return;
        event.preventDefault();
        moved.current = true;
        reach(clamp(step(day), min, max));
    };
    const days: Days = {
        chosen: first ? ordered(first, over || first) : range,
        focused,
        allowed: (day) => day >= min && day <= max,
        onPick: pick,
        onOver: setOver,
    };
    return (
        <div class="calendar" ref={box} onKeyDown={onKeyDown}>
            <button
                type="button"
                class="quiet back"
                aria-label={say('monthBefore')}
                disabled={left <= monthOf(min)}
                onClick={() => turn(-1)}
            >
                ‹
            </button>
            <button
                type="button"
                class="quiet on"
                aria-label={say('monthAfter')}
                disabled={right >= monthOf(max)}
                onClick={() => turn(1)}
            >
                ›
            </button>
            <Month first={left} {...days} />
            {count > 1 && <Month first={right} {...days} />}
            <p class="soft" role="status">
                {first ? say('chooseLastDay') : say('chooseFirstDay')}
            </p>
        </div>
    );
}
