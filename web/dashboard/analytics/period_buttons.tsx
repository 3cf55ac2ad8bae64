/*
 * period_buttons.tsx -- the range and the comparison in the bar, and the way to the ranges beside
 * it.
 */
import { show } from '../view';
import { called, say } from '../words';
import { datesOf, earlierOf, type Asking } from './dates';
import { beside, label, rangePatch } from './period';

function Step({ by, asking }: { by: 1 | -1; asking: Asking }) {
    const { view } = asking.question;
    const { today } = datesOf(asking);
    const to = beside(view, today, by, asking.echo?.availableFrom);
    const text = say(by < 0 ? 'rangeBefore' : 'rangeAfter');
    return (
        <button
            type="button"
            class="quiet"
            aria-label={text}
            title={text}
            aria-keyshortcuts={by < 0 ? 'ArrowLeft' : 'ArrowRight'}
            disabled={!to}
            onClick={() => to && show(rangePatch(view, to, today))}
        >
            {by < 0 ? '‹' : '›'}
        </button>
    );
}

export function PeriodButtons(asking: Asking) {
    const { view } = asking.question;
    const { range, today } = datesOf(asking);
    return (
        <div class="when">
            <Step by={-1} asking={asking} />
            <button
                type="button"
                class="more"
                aria-haspopup="dialog"
                onClick={() => show({ sheet: 'period' })}
            >
                <span>{label(range, today)}</span>{' '}
                {view.period !== 'custom' && (
                    <span class="soft">{called(`period.${view.period}`)}</span>
                )}
            </button>
            <Step by={1} asking={asking} />
        </div>
    );
}

/* A range of one's own has no name. */
function versus(asking: Asking): string {
    const { view } = asking.question;
    const { range, today } = datesOf(asking);
    if (view.against !== 'custom') return called(`versus.${view.against}`);
    return say('versus.custom', { dates: label(earlierOf(view, range), today) });
}

export function CompareButton(asking: Asking) {
    const on = asking.question.view.against;
    return (
        <button
            type="button"
            class="more compare"
            aria-haspopup="dialog"
            onClick={() => show({ sheet: 'compare' })}
        >
            {on ? versus(asking) : say('compare')}
        </button>
    );
}
