/*
 * graph_table.tsx -- the graph's values as a table: always there for those who hear the page, and
 * in place of the graph for whoever wants it.
 */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { range } from '../format';
import { metricOf, say } from '../words';
import type { Graphed } from './graph_model';
import { nameBefore, nameOf, valueAt } from './graph_points';
import { about, ChangeAt, remarksOf } from './graph_tip';

function Line({ graph, at, remarked }: { graph: Graphed; at: number; remarked: boolean }) {
    const { series, starts, lines } = graph;
    return (
        <tr>
            <th scope="row">{nameOf(series, starts, at)}</th>
            <td>{about(graph, valueAt(lines, at))}</td>
            {series.previousPoints && (
                <>
                    <td title={nameBefore(series, at)}>{about(graph, lines.before[at]!)}</td>
                    <td>
                        <ChangeAt graph={graph} at={at} />
                    </td>
                </>
            )}
            {remarked && <td class="graph-remarks">{remarksOf(graph, at).join(', ')}</td>}
        </tr>
    );
}

function Table({ graph }: { graph: Graphed }) {
    const { metric, from, to, points, previousPoints } = graph.series;
    const remarked = points.some((_, at) => remarksOf(graph, at).length > 0);
    return (
        <table>
            <caption class="unseen">
                {metricOf(metric).label}, {range(from, to)}
            </caption>
            <thead>
                <tr>
                    <th scope="col">{say('graphTime')}</th>
                    <th scope="col">{metricOf(metric).label}</th>
                    {previousPoints && (
                        <>
                            <th scope="col">{say('graphBefore')}</th>
                            <th scope="col">{say('graphChange')}</th>
                        </>
                    )}
                    {remarked && <th scope="col">{say('graphRemarks')}</th>}
                </tr>
            </thead>
            <tbody>
                {points.map(({ time }, at) => (
                    <Line key={time} graph={graph} at={at} remarked={remarked} />
                ))}
            </tbody>
        </table>
    );
}

const LATER_MS = 300;
const UNSEEN_MAX = 400; /* a year of days; nobody listens to more without having asked for it */

/** While nobody sees the table it may wait until the graph is drawn. */
function useLater(graph: Graphed, isSeen: boolean): Graphed | undefined {
    const [late, set] = useState<Graphed>();
    useEffect(() => {
        const isShort = graph.series.points.length <= UNSEEN_MAX;
        const timer = setTimeout(() => set(isShort ? graph : undefined), LATER_MS);
        return () => clearTimeout(timer);
    }, [graph]);
    return isSeen ? graph : late;
}

export function GraphTable({ graph, isSeen }: { graph: Graphed; isSeen: boolean }) {
    const shown = useLater(graph, isSeen);
    const table = useMemo(() => shown && <Table graph={shown} />, [shown]);
    return isSeen ? (
        <div class="graph-table" role="region" tabIndex={0} aria-label={say('graphTable')}>
            {table}
        </div>
    ) : (
        <div class="unseen">{table}</div>
    );
}
