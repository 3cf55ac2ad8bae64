/*
 * period_sheet.tsx -- the range: by name, by two days of the calendar, or typed.
 *
 * What is chosen takes the place of the open sheet in the history: the way back leads to the view
 * before.
 */
import { addDays } from '../format';
import { classes, closeSheet, Sheet } from '../ui';
import { show } from '../view';
import { called, say } from '../words';
import { Calendar } from './calendar';
import { CompareWith } from './compare_with';
import { datesOf, type Asking } from './dates';
import { PERIODS, rangePatch, type Range } from './period';

/* As many days as the server takes in one range. */
const DAYS_MAX = 3660;

function Preset({ period, asking }: { period: string; asking: Asking }) {
    const { view } = asking.question;
    const { today } = datesOf(asking);
    const on = view.period === period;
    const choose = () =>
        show(
            { ...rangePatch(view, { period, from: '', to: '' }, today), interval: '', sheet: '' },
            true,
        );
    return (
        <button
            type="button"
            class={classes('quiet', on && 'chosen')}
            aria-pressed={on}
            data-focus={on || undefined}
            onClick={choose}
        >
            {called(`period.${period}`)}
        </button>
    );
}

interface DatesProps {
    range: Range;
    min: string;
    max: string;
    onRange: (range: Range) => void;
}

function Typed({ range, min, max, onRange }: DatesProps) {
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget as HTMLFormElement);
        const [from, to] = [String(form.get('from')), String(form.get('to'))].sort();
        if (from && to) onRange({ from, to });
    };
    return (
        <form class="typed" onSubmit={submit}>
            {(['from', 'to'] as const).map((name) => (
                <label key={name}>
                    {called(`period.${name}`)}
                    <input
                        type="date"
                        name={name}
                        required
                        min={min}
                        max={max}
                        defaultValue={range[name]}
                        key={range[name]}
                    />
                </label>
            ))}
            <button class="primary">{say('apply')}</button>
        </form>
    );
}

const custom = (range: Range) => ({ period: 'custom', ...range });

export function PeriodSheet(asking: Asking) {
    const { question, echo } = asking;
    const { range, today } = datesOf(asking);
    const dates: DatesProps = {
        range,
        min: echo?.availableFrom ?? addDays(today, 1 - DAYS_MAX),
        max: today,
        onRange: (to) =>
            show(
                { ...rangePatch(question.view, custom(to), today), interval: '', sheet: '' },
                true,
            ),
    };
    return (
        <Sheet title={say('period')} onClose={closeSheet}>
            <div class="period">
                <div class="presets">
                    {PERIODS.map((period) => (
                        <Preset key={period} period={period} asking={asking} />
                    ))}
                </div>
                <div>
                    <Calendar {...dates} />
                    <Typed {...dates} />
                    {echo?.timezone && (
                        <p class="soft">
                            {say('inZone', { zone: echo.timezone.replace('_', ' ') })}
                        </p>
                    )}
                </div>
                <CompareWith {...asking} />
            </div>
        </Sheet>
    );
}
