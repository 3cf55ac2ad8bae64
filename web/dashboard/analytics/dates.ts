/* dates.ts -- the dates of the view, by the site's calendar. */
import { today as todayAt } from '../format';
import type { Echo } from '../types';
import type { View } from '../view';
import { rangeBefore, rangeOfView, type Range } from './period';
import type { Question } from './question';

export interface Asking {
    question: Question;
    echo?: Echo;
}

/** Only the server knows when `all` begins; until it has answered, that is today. */
export function datesOf({ question: { view }, echo }: Asking): { range: Range; today: string } {
    const today = todayAt(echo?.timezone);
    const range = rangeOfView(view, today) ?? {
        from: echo?.from ?? today,
        to: echo?.to ?? today,
    };
    return { range, today };
}

/** What is compared with, as dates. */
export function earlierOf({ against, againstFrom, againstTo, matchWeekday }: View, range: Range) {
    return against === 'custom'
        ? { from: againstFrom, to: againstTo }
        : rangeBefore(range, against, !!matchWeekday);
}
