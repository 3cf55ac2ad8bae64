/*
 * compare_with.tsx -- what the range is compared with. A choice holds at once; the sheet stays.
 */
import { addDays } from '../format';
import { closeSheet, Sheet } from '../ui';
import { show, type Patch, type View } from '../view';
import { called, say } from '../words';
import { days, isDay, label, rangeBefore, type Range } from './period';
import { datesOf, earlierOf, type Asking } from './dates';

const CHOICES = ['', 'previous', 'year', 'custom'];

function patchTo(against: string, range: Range, view: View): Patch {
    if (against !== 'custom') return { against, againstFrom: '', againstTo: '' };
    const earlier = rangeBefore(range, 'previous', false).from;
    const from = isDay(view.againstFrom) ? view.againstFrom : earlier;
    return { against, ...fromDate(from, range), matchWeekday: '' };
}

const fromDate = (againstFrom: string, range: Range) => ({
    againstFrom,
    againstTo: addDays(againstFrom, days(range) - 1),
});

interface ChoiceProps {
    against: string;
    view: View;
    range: Range;
    today: string;
}

function Choice({ against, view, range, today }: ChoiceProps) {
    const dates =
        against && against !== 'custom' ? label(earlierOf({ ...view, against }, range), today) : '';
    return (
        <label class="versus">
            <input
                type="radio"
                name="against"
                checked={view.against === against}
                onChange={() => show(patchTo(against, range, view), true)}
            />
            <span>{called(`against.${against}`)}</span>
            <span class="soft">{dates}</span>
        </label>
    );
}

export function CompareWith(asking: Asking) {
    const { view } = asking.question;
    const { range, today } = datesOf(asking);
    const custom = view.against === 'custom';
    return (
        <fieldset class="against">
            <legend>{say('compareWith')}</legend>
            {CHOICES.map((against) => (
                <Choice key={against} {...{ against, view, range, today }} />
            ))}
            {custom && (
                <label class="versus">
                    <span>{say('period.from')}</span>
                    <input
                        type="date"
                        required
                        max={today}
                        value={view.againstFrom}
                        onChange={({ currentTarget: { value } }) =>
                            value && show(fromDate(value, range), true)
                        }
                    />
                    <span class="soft">{label(earlierOf(view, range), today)}</span>
                </label>
            )}
            {view.against && !custom && (
                <label class="versus">
                    <input
                        type="checkbox"
                        checked={!!view.matchWeekday}
                        onChange={({ currentTarget: { checked } }) =>
                            show({ matchWeekday: checked ? 'true' : '' }, true)
                        }
                    />
                    <span>{say('matchWeekday')}</span>
                </label>
            )}
        </fieldset>
    );
}

export function CompareSheet(asking: Asking) {
    return (
        <Sheet title={say('compareWith')} onClose={closeSheet}>
            <CompareWith {...asking} />
        </Sheet>
    );
}
