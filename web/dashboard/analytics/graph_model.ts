/*
 * graph_model.ts -- a series as the graph, its tooltip and its table need it: made once from each
 * answer.
 */
import { figure, kindOf } from '../format';
import type { Annotations, Series } from '../types';
import { gridlines, labelled, type Start } from './graph_scale';
import {
    highest,
    labelOf,
    linesOf,
    marksOf,
    notesOf,
    spanOf,
    startsOf,
    type Lines,
} from './graph_points';
import type { Shape } from './graph_plot';

export interface Graphed {
    series: Series;
    starts: Start[];
    lines: Lines;
    notes: Map<string, string[]> /* by the day with which a point begins */;
    shape: Shape;
}

export function graphOf(series: Series, annotations: Annotations['annotations']): Graphed {
    const { metric, interval, points } = series;
    const starts = startsOf(series, points);
    const lines = linesOf(series);
    const notes = notesOf(annotations, series, starts);
    const shape: Shape = {
        lines,
        gridlines: gridlines(kindOf(metric), highest(lines)),
        value: (value) => figure(metric, value),
        labels: (room) => labelled(starts, interval, room),
        label: (at) => labelOf(series, starts, at),
        imported: points.map(({ imported }) => imported === true),
        marks: marksOf(notes, starts),
    };
    return { series, starts, lines, notes, shape };
}

/** The dates of a part of the graph, from one point to another. */
export const datesOf = ({ series, starts }: Graphed, from: number, to: number) => ({
    from: spanOf(series, starts, from).from,
    to: spanOf(series, starts, to).to,
});
