/*
 * graph.tsx -- the chosen metric over time.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { query, useAnswer, type Answer } from '../api';
import { range } from '../format';
import { manages, usePerson } from '../frame';
import { shared } from '../stage';
import type { Annotations, Series } from '../types';
import { Answered } from '../ui';
import { address, go, parseView, rangeOf, show, useAddress, type View } from '../view';
import { metricOf, say } from '../words';
import { useCursor, type Part } from './graph_cursor';
import { datesOf, graphOf, type Graphed } from './graph_model';
import { valueAt } from './graph_points';
import { makeCanvas, type Canvas } from './graph_plot';
import { daysFrom, intervalsOf, type Interval } from './graph_scale';
import { GraphTable } from './graph_table';
import { spoken, Tip } from './graph_tip';
import { useSeries, type Question } from './question';

/* -- what is asked ----------------------------------------------------------------------------- */

const NO_NOTES: Annotations['annotations'] = [];

/** Asked again when a sheet closes, since it may have been that of a note. */
function useNotes({ siteId, view, tick }: Question): Annotations['annotations'] {
    const path = query('analytics/annotations', { siteId, ...rangeOf(view) });
    const answer = useAnswer<Annotations>(
        shared ? undefined : path,
        tick * 2 + (view.sheet ? 1 : 0),
    );
    return answer.data?.annotations ?? NO_NOTES;
}

/** The interval of an earlier range may not suit this one: then it is the server's choice again. */
function useFittingInterval({ interval }: View, { data, loading, error }: Answer<Series>): void {
    const fits = data && intervalsOf(daysFrom(data.from, data.to)).includes(data.interval);
    const misfit = error ? error.body.parameter === 'interval' : !loading && data && !fits;
    useEffect(() => {
        if (interval && misfit) show({ interval: '' }, true);
    }, [interval, misfit]);
}

/* -- a part of the range ----------------------------------------------------------------------- */

/** Shows a part of the range, and the way back: Escape, a button, or that of the browser. */
function useZoom() {
    const { interval } = parseView(useAddress().search);
    const before = useRef(new Map<string, string>());
    const back = before.current.get(location.search);
    useEffect(() => {
        if (!back) return;
        const escape = (event: KeyboardEvent) => {
            if (event.key !== 'Escape' || event.defaultPrevented) return;
            if (!document.querySelector('dialog[open],:popover-open')) go(back);
        };
        addEventListener('keydown', escape);
        return () => removeEventListener('keydown', escape);
    }, [back]);
    const zoom = (graph: Graphed, part: Part) => {
        const here = address({});
        const { from, to } = datesOf(graph, part.from, part.to);
        const fits = intervalsOf(daysFrom(from, to)).includes(interval as Interval);
        show({ period: 'custom', from, to, interval: fits ? interval : '' });
        before.current.set(location.search, here);
    };
    return { zoom, back };
}

/* -- above the graph --------------------------------------------------------------------------- */

const INTERVALS = { hour: 'byHour', day: 'byDay', week: 'byWeek', month: 'byMonth' } as const;

function Intervals({ series, chosen }: { series: Series; chosen: string }) {
    const fitting = intervalsOf(daysFrom(series.from, series.to));
    return (
        <div class="graph-intervals" role="group" aria-label={say('graphInterval')}>
            {fitting.map((interval) => (
                <button
                    key={interval}
                    type="button"
                    aria-pressed={interval === chosen}
                    onClick={() => show({ interval })}
                >
                    {say(INTERVALS[interval])}
                </button>
            ))}
        </div>
    );
}

/** Which line is which. */
function Legend({ series }: { series?: Series }) {
    if (!series) return <p class="graph-legend" />;
    const { previousFrom, previousTo } = series;
    return (
        <p class="graph-legend">
            <span class="graph-now">{range(series.from, series.to)}</span>
            {previousFrom && previousTo && (
                <span class="graph-before">{range(previousFrom, previousTo)}</span>
            )}
            {series.points.some(({ imported }) => imported) && (
                <span class="graph-imported">{say('graphImported')}</span>
            )}
        </p>
    );
}

/* -- the graph --------------------------------------------------------------------------------- */

/** The canvas of this component, which shows the newest graph. */
function usePlot({ shape }: Graphed) {
    const place = useRef<HTMLDivElement>(null);
    const plot = useRef<Canvas | undefined>(undefined);
    const [, drawAgain] = useState({});
    useLayoutEffect(() => {
        if (plot.current) plot.current.show(shape);
        else plot.current = makeCanvas(place.current!, shape);
        /* What stands on the canvas follows it; uPlot has drawn by then. */
        queueMicrotask(() => drawAgain({}));
    }, [shape]);
    useLayoutEffect(() => () => plot.current?.end(), []);
    return { place, plot };
}

/** The line and the dots of the chosen point. */
function Pointed({ graph, plot, at }: { graph: Graphed; plot: Canvas; at: number }) {
    const left = `${plot.left(at)}px`;
    const dot = (value: number | null, name: string) =>
        value != null && <i class={name} style={{ left, top: `${plot.top(value)}px` }} />;
    return (
        <>
            <i class="graph-line" style={{ left }} />
            {dot(graph.lines.before[at] ?? null, 'graph-dot earlier')}
            {dot(valueAt(graph.lines, at), 'graph-dot')}
        </>
    );
}

function Chosen({ plot, part }: { plot: Canvas; part: Part }) {
    const [from, to] = [plot.left(part.from), plot.left(part.to)];
    const style = { left: `${Math.min(from, to)}px`, width: `${Math.abs(to - from)}px` };
    return <i class="graph-part" style={style} />;
}

function Drawn({ graph, zoom }: { graph: Graphed; zoom: (graph: Graphed, part: Part) => void }) {
    const { series } = graph;
    const { place, plot } = usePlot(graph);
    const cursor = useCursor(plot, series.points.length, (part) => zoom(graph, part));
    const { chosen, part } = cursor;
    const person = usePerson();
    const mayNote = series.siteId !== null && manages(person, series.tenantId!, series.siteId);
    useEffect(cursor.letGo, [series.from, series.to, series.interval]);
    return (
        <div ref={cursor.box} class="graph-plot">
            <div
                class="graph-canvas"
                role="application"
                tabIndex={0}
                aria-label={say('graphLabel', { metric: metricOf(series.metric).label })}
                onKeyDown={cursor.onKeyDown}
                {...cursor.pointer}
            >
                <div ref={place} />
                {part && <Chosen plot={plot.current!} part={part} />}
                {chosen && <Pointed graph={graph} plot={plot.current!} at={chosen.at} />}
            </div>
            {chosen && !part && (
                <Tip
                    graph={graph}
                    at={chosen.at}
                    left={plot.current!.left(chosen.at)}
                    stays={chosen.by !== 'hover'}
                    mayNote={mayNote}
                />
            )}
            <p class="unseen" role="status">
                {chosen?.by === 'keys' && spoken(graph, chosen.at)}
            </p>
        </div>
    );
}

function GraphOrTable({
    series,
    notes,
    asTable,
    zoom,
}: {
    series: Series;
    notes: Annotations['annotations'];
    asTable: boolean;
    zoom: (graph: Graphed, part: Part) => void;
}) {
    const graph = useMemo(() => graphOf(series, notes), [series, notes]);
    return (
        <>
            {!asTable && <Drawn graph={graph} zoom={zoom} />}
            <GraphTable graph={graph} isSeen={asTable} />
        </>
    );
}

/**
 * A series of any kind, with its legend and its table. What else stands above it are its children.
 */
export function Plot({
    answer,
    notes = NO_NOTES,
    children,
}: {
    answer: Answer<Series>;
    notes?: Annotations['annotations'];
    children?: ComponentChildren;
}) {
    const { zoom, back } = useZoom();
    const [asTable, setAsTable] = useState(false);
    return (
        <>
            <div class="graph-head">
                <Legend series={answer.data} />
                {back && (
                    <button type="button" class="link" onClick={() => go(back)}>
                        {say('graphWhole')}
                    </button>
                )}
                {children}
                {answer.data && (
                    <button
                        type="button"
                        aria-pressed={asTable}
                        onClick={() => setAsTable(!asTable)}
                    >
                        {say('graphAsTable')}
                    </button>
                )}
            </div>
            <div class="graph-box">
                <Answered answer={answer}>
                    {(series) => (
                        <GraphOrTable series={series} notes={notes} asTable={asTable} zoom={zoom} />
                    )}
                </Answered>
            </div>
        </>
    );
}

export function Graph({ question }: { question: Question }) {
    const { view } = question;
    const answer = useSeries(question);
    const notes = useNotes(question);
    useFittingInterval(view, answer);
    return (
        <section class="card graph-card" aria-label={say('graph')}>
            <Plot answer={answer} notes={notes}>
                {answer.data && (
                    <Intervals
                        series={answer.data}
                        chosen={view.interval || answer.data.interval}
                    />
                )}
            </Plot>
        </section>
    );
}
