/*
 * graph_cursor.ts -- which point is chosen: by a mouse above it, by a finger, or by keys.
 *
 * What a mouse only passes is let go with it; what is clicked, tapped or reached by keys stays
 * until Escape, a press elsewhere, or another one. A mouse that is drawn across chooses a part of
 * the range. A finger moves sideways here, and scrolls the page up and down (touch-action).
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Canvas } from './graph_plot';

export interface Chosen {
    at: number;
    by: 'hover' | 'press' | 'keys';
}

/** From where to where a mouse is drawn. */
export interface Part {
    from: number;
    to: number;
}

const DRAWN_PX = 6; /* less is a click */

const KEYS: Record<string, (at: number | undefined, last: number) => number> = {
    ArrowLeft: (at, last) => Math.max(0, (at ?? last + 1) - 1),
    ArrowRight: (at, last) => Math.min(last, (at ?? -1) + 1),
    Home: () => 0,
    End: (_, last) => last,
};

interface Press {
    x: number;
    at: number;
    drawn: boolean;
}

export function useCursor(
    plot: { current: Canvas | undefined },
    count: number,
    onPart: (part: Part) => void,
) {
    const [chosen, choose] = useState<Chosen>();
    const [part, setPart] = useState<Part>();
    const press = useRef<Press | undefined>(undefined);
    const box = useRef<HTMLDivElement>(null);
    const wasDrawn = useRef(false);

    const nearest = (event: MouseEvent) =>
        plot.current!.nearest(event.clientX - box.current!.getBoundingClientRect().left);
    const letGo = () => {
        press.current = undefined;
        setPart(undefined);
    };

    const onPointerDown = (event: PointerEvent) => {
        if (event.button !== 0 || count === 0) return;
        const at = nearest(event);
        press.current = { x: event.clientX, at, drawn: false };
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
        if (chosen?.by !== 'press') choose({ at, by: 'hover' });
    };
    const onPointerMove = (event: PointerEvent) => {
        if (count === 0) return;
        const at = nearest(event);
        const isMouse = event.pointerType === 'mouse';
        const pressed = press.current;
        if (pressed) {
            pressed.drawn ||= Math.abs(event.clientX - pressed.x) > DRAWN_PX;
            if (!pressed.drawn) return;
            choose({ at, by: isMouse ? 'hover' : 'press' });
            if (isMouse) setPart({ from: pressed.at, to: at });
        } else if (isMouse && (!chosen || chosen.by === 'hover') && chosen?.at !== at)
            choose({ at, by: 'hover' });
    };
    const onPointerUp = () => {
        wasDrawn.current = press.current?.drawn === true;
        if (part && part.from !== part.to) {
            onPart({ from: Math.min(part.from, part.to), to: Math.max(part.from, part.to) });
            choose(undefined);
        }
        letGo();
    };
    /* A tap ends with a click, which would reach the buttons of a tooltip that is there before. */
    const onClick = (event: MouseEvent) => {
        if (wasDrawn.current || count === 0) return;
        const at = nearest(event);
        choose(chosen?.by === 'press' && chosen.at === at ? undefined : { at, by: 'press' });
    };
    const onPointerLeave = () => {
        if (!press.current && chosen?.by === 'hover') choose(undefined);
    };
    const onPointerCancel = () => {
        letGo();
        if (chosen?.by === 'hover') choose(undefined);
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const step = KEYS[event.key];
        if (event.key === 'Escape' && (chosen || press.current)) {
            choose(undefined);
            letGo();
        } else if (step && count > 0 && !event.altKey && !event.ctrlKey && !event.metaKey)
            choose({ at: step(chosen?.at, count - 1), by: 'keys' });
        else return;
        event.preventDefault();
        event.stopPropagation();
    };

    /* A press anywhere else lets go of what was chosen. */
    useEffect(() => {
        if (!chosen || chosen.by === 'hover') return;
        const elsewhere = ({ target }: PointerEvent) => {
            if (!box.current?.contains(target as Node)) choose(undefined);
        };
        document.addEventListener('pointerdown', elsewhere);
        return () => document.removeEventListener('pointerdown', elsewhere);
    }, [chosen]);

    return {
        box,
        part,
        chosen: chosen && chosen.at < count ? chosen : undefined,
        letGo: () => choose(undefined),
        onKeyDown,
        pointer: {
            onPointerDown,
            onPointerMove,
            onPointerUp,
            onPointerLeave,
            onPointerCancel,
            onClick,
        },
    };
}
