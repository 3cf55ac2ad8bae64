/*
 * graph_tip.tsx -- what is told of the chosen point: when, both values, the change, the notes.
 */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { change, figureInFull } from '../format';
import { classes } from '../ui';
import { show } from '../view';
import { metricOf, say } from '../words';
import { ChangeOf } from './change';
import type { Graphed } from './graph_model';
import { isComparable, nameBefore, nameOf, valueAt } from './graph_points';

/** "≈ 1,234", where days are wanting or counts are estimates. */
export const about = ({ series }: Graphed, value: number | null) =>
    (series.exact || value == null ? '' : '≈ ') + figureInFull(series.metric, value);

/** An interval that still runs says nothing beside a whole one. */
export function ChangeAt({ graph: { series, lines }, at }: { graph: Graphed; at: number }) {
    if (!isComparable(series, at)) return null;
    return <ChangeOf metric={series.metric} now={lines.whole[at]} before={lines.before[at]} />;
}

/** "incomplete", "imported", and the notes: whatever qualifies the value. */
export function remarksOf({ series, notes, starts, lines }: Graphed, at: number): string[] {
    const { partial, imported } = series.points[at]!;
    return [
        ...(partial && valueAt(lines, at) != null ? [say('graphIncomplete')] : []),
        ...(imported ? [say('graphImported')] : []),
        ...(notes.get(starts[at]!.day) ?? []),
    ];
}

/** The same in one sentence, for those who hear it. */
export function spoken(graph: Graphed, at: number): string {
    const { series, starts, lines } = graph;
    const { metric } = series;
    const found = isComparable(series, at) && change(metric, lines.whole[at], lines.before[at]);
    const before = series.previousPoints
        ? `${say('graphBefore')} ${about(graph, lines.before[at]!)}`
        : '';
    return [
        `${nameOf(series, starts, at)}: ${about(graph, valueAt(lines, at))}`,
        before,
        found && found.text,
        ...remarksOf(graph, at),
    ]
        .filter(Boolean)
        .join(', ');
}

const GAP = 12;

/** Beside the point: to its right where there is room. */
function place(box: HTMLElement, left: number): void {
    const wide = (box.offsetParent as HTMLElement).clientWidth;
    const right = left + GAP;
    const at = right + box.offsetWidth <= wide ? right : left - GAP - box.offsetWidth;
    box.style.left = `${Math.max(0, Math.min(at, wide - box.offsetWidth))}px`;
}

function AddNote({ day }: { day: string }) {
    return (
        <button type="button" onClick={() => show({ sheet: `note:${day}` })}>
            {say('graphAddNote')}
        </button>
    );
}

export function Tip({
    graph,
    at,
    left,
    stays,
    mayNote,
}: {
    graph: Graphed;
    at: number;
    left: number;
    stays: boolean;
    mayNote: boolean;
}) {
    const box = useRef<HTMLDivElement>(null);
    useLayoutEffect(() => place(box.current!, left));
    const { series, starts, lines } = graph;
    const isOfDay = series.interval === 'hour' || series.interval === 'day';
    return (
        <div ref={box} class={classes('graph-tip', stays && 'stays')}>
            <strong>{nameOf(series, starts, at)}</strong>
            <dl>
                <dt class="graph-now">{metricOf(series.metric).label}</dt>
                <dd>
                    {about(graph, valueAt(lines, at))} <ChangeAt graph={graph} at={at} />
                </dd>
                {series.previousPoints?.[at] && (
                    <>
                        <dt class="graph-before">{nameBefore(series, at)}</dt>
                        <dd>{about(graph, lines.before[at]!)}</dd>
                    </>
                )}
            </dl>
            {remarksOf(graph, at).map((remark) => (
                <p key={remark}>{remark}</p>
            ))}
            {stays && mayNote && isOfDay && <AddNote day={starts[at]!.day} />}
        </div>
    );
}
