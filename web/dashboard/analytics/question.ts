/*
 * question.ts -- what all parts of the analytics page ask of the site, as the address has it.
 */
import { query, useAnswer } from '../api';
import type { Comparison, Series } from '../types';
import { againstOf, formatFilter, rangeOf, useAddress, parseView, type View } from '../view';
import type { Metric } from '../words';

export interface Question {
    siteId: string;
    view: View;
    /** Of every request: site, range, filters. */
    values: Record<string, string | string[]>;
    /** Raised when the job has counted more. */
    tick: number;
}

export function useQuestion(siteId: string, tick: number): Question {
    const { search } = useAddress();
    const view = parseView(search);
    return {
        siteId,
        view,
        values: { siteId, ...rangeOf(view), filter: view.filters.map(formatFilter) },
        tick,
    };
}

/** Figures beside those of the earlier range: the one just before, unless another is chosen. */
export function useFigures({ view, values, tick }: Question) {
    const against = view.against ? againstOf(view) : { against: 'previous' };
    return useAnswer<Comparison>(query('analytics/compare', { ...values, ...against }), tick);
}

export function useSeries({ view, values, tick }: Question) {
    const asked = {
        ...values,
        ...againstOf(view),
        metric: view.metric as Metric,
        ...(view.interval ? { interval: view.interval } : {}),
    };
    return useAnswer<Series>(query('analytics/timeseries', asked), tick);
}
