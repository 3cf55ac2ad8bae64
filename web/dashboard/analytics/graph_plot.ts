/*
 * graph_plot.ts -- the canvas: one uPlot for as long as the graph is there, which is given other
 * values when the range changes.
 *
 * The x axis counts points, so that the hours which a clock skips or has twice take no care. What
 * follows the pointer is not uPlot's: it belongs to HTML, where a keyboard and a finger reach it.
 */
import uPlot from 'uplot';
import { lonely, type Lines } from './graph_points';

export interface Shape {
    lines: Lines;
    gridlines: number[];
    value: (value: number) => string;
    labels: (room: number) => number[];
    label: (at: number) => string;
    imported: boolean[];
    marks: number[];
}

export interface Canvas {
    show: (shape: Shape) => void;
    /** Pixels from the left of the box, and from its top. */
    left: (at: number) => number;
    top: (value: number) => number;
    /** The point that is nearest to so many pixels from the left. */
    nearest: (left: number) => number;
    end: () => void;
}

const HEIGHT = 280;
const LABEL_WIDTH = 72;
const DIGIT_WIDTH = 7;
const HATCH = 7;
const FILL = 0.1333; /* how opaque the area under the line is */
const DENSE = 500; /* points: a thick line would fill the graph */

const COLOURS = ['accent', 'soft', 'line', 'graph-grey'] as const;
type Colours = Record<(typeof COLOURS)[number], string>;

/* A canvas knows no variables, and a variable alone says light-dark(...): the box's own colour is
   the one that holds. */
function readColours(box: HTMLElement): Colours {
    const pairs = COLOURS.map((name) => {
        box.style.color = `var(--${name})`;
        return [name, getComputedStyle(box).color];
    });
    box.style.color = '';
    return Object.fromEntries(pairs);
}

/* -- what uPlot does not draw ------------------------------------------------------------------ */

function hatch({ ctx, bbox }: uPlot, from: number, to: number, ratio: number): void {
    const left = Math.max(bbox.left, from);
    const right = Math.min(bbox.left + bbox.width, to);
    const bottom = bbox.top + bbox.height;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let x = bbox.left - bbox.height; x < right; x += HATCH * ratio) {
        ctx.moveTo(x, bottom);
        ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
}

function drawImported(plot: uPlot, { imported }: Shape, colours: Colours): void {
    const edge = (x: number) => plot.valToPos(x, 'x', true);
    plot.ctx.strokeStyle = colours.line;
    plot.ctx.lineWidth = uPlot.pxRatio;
    for (let from = 0; from < imported.length; from++) {
        let to = from;
        while (imported[to]) to++;
        if (to > from) hatch(plot, edge(from - 0.5), edge(to - 0.5), uPlot.pxRatio);
        from = to;
    }
}

function drawMarks(plot: uPlot, { marks }: Shape, colours: Colours): void {
    const { ctx, bbox } = plot;
    const size = 5 * uPlot.pxRatio;
    ctx.fillStyle = colours.soft;
    ctx.strokeStyle = colours.soft;
    ctx.lineWidth = uPlot.pxRatio;
    ctx.setLineDash([size / 5, size]);
    for (const at of marks) {
        const x = Math.round(plot.valToPos(at, 'x', true));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.beginPath();
        ctx.moveTo(x, bbox.top + size);
        ctx.lineTo(x - size, bbox.top - size);
        ctx.lineTo(x + size, bbox.top - size);
        ctx.fill();
    }
    ctx.setLineDash([]);
}

/* -- what uPlot draws -------------------------------------------------------------------------- */

interface Stand {
    shape: Shape;
    colours: Colours;
}

/* Dots stand only for values that no line reaches. */
const dots = (index: number, fill: () => string): uPlot.Series.Points => ({
    show: true,
    size: 5,
    fill,
    filter: (plot) => lonely(plot.data[index] as (number | null)[]),
});

function seriesOf(stand: Stand): uPlot.Series[] {
    const accent = () => stand.colours.accent;
    const fill = () => stand.colours.accent.replace(')', `, ${FILL})`);
    const grey = () => stand.colours['graph-grey'];
    return [
        {},
        { stroke: grey, width: 1, points: dots(1, grey) },
        { stroke: accent, width: 2, fill, points: dots(2, accent) },
        { stroke: accent, width: 2, fill, dash: [4, 4], points: dots(3, accent) },
    ];
}

function axesOf(stand: Stand): uPlot.Axis[] {
    const stroke = () => stand.colours.soft;
    return [
        {
            stroke,
            size: 26,
            gap: 6,
            grid: { show: false },
            ticks: { show: false },
            splits: ({ width }) => stand.shape.labels(Math.max(2, Math.floor(width / LABEL_WIDTH))),
            values: (_, splits) => splits.map(stand.shape.label),
        },
        {
            stroke,
            gap: 8,
            grid: { stroke: () => stand.colours.line, width: 1 },
            ticks: { show: false },
            splits: () => stand.shape.gridlines,
            values: (_, splits) => splits.map(stand.shape.value),
            size: (_, values) =>
                12 + DIGIT_WIDTH * Math.max(2, ...(values ?? []).map(({ length }) => length)),
        },
    ];
}

function optionsOf(stand: Stand, width: number): uPlot.Options {
    return {
        width,
        height: HEIGHT,
        padding: [10, 22, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
            x: {
                time: false,
                range: () => {
                    const last = stand.shape.lines.whole.length - 1;
                    return last > 0 ? [0, last] : [-0.5, 0.5];
                },
            },
            y: { range: () => [0, stand.shape.gridlines[stand.shape.gridlines.length - 1]!] },
        },
        series: seriesOf(stand),
        axes: axesOf(stand),
        hooks: {
            drawAxes: [(plot) => drawImported(plot, stand.shape, stand.colours)],
            draw: [(plot) => drawMarks(plot, stand.shape, stand.colours)],
        },
    };
}

function dataOf({ lines: { whole, running, before } }: Shape): uPlot.AlignedData {
    return [whole.map((_, i) => i), before, whole, running];
}

/* -- its life ---------------------------------------------------------------------------------- */

/** Calls when the page turns light or dark; gives what ends that. */
function onTheme(call: () => void): () => void {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const root = new MutationObserver(call);
    dark.addEventListener('change', call);
    root.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
        dark.removeEventListener('change', call);
        root.disconnect();
    };
}

function setShape(plot: uPlot, shape: Shape): void {
    const width = shape.lines.whole.length > DENSE ? 1 : 2;
    for (const series of plot.series.slice(2)) series.width = width;
    plot.setData(dataOf(shape));
}

export function makeCanvas(box: HTMLElement, shape: Shape): Canvas {
    const stand: Stand = { shape, colours: readColours(box) };
    const plot = new uPlot(optionsOf(stand, box.clientWidth), undefined, box);
    setShape(plot, shape);
    const size = new ResizeObserver(() => {
        if (box.clientWidth > 0 && box.clientWidth !== plot.width)
            plot.setSize({ width: box.clientWidth, height: HEIGHT });
    });
    const endTheme = onTheme(() => {
        stand.colours = readColours(box);
        plot.redraw();
    });
    size.observe(box);
    return {
        show: (next) => {
            stand.shape = next;
            setShape(plot, next);
        },
        left: (at) => plot.valToPos(at, 'x') + plot.bbox.left / uPlot.pxRatio,
        top: (value) => plot.valToPos(value, 'y') + plot.bbox.top / uPlot.pxRatio,
        nearest: (left) => {
            const at = plot.posToVal(left - plot.bbox.left / uPlot.pxRatio, 'x');
            return Math.max(0, Math.min(stand.shape.lines.whole.length - 1, Math.round(at)));
        },
        end: () => {
            size.disconnect();
            endTheme();
            plot.destroy();
        },
    };
}
