/*
 * lazy.tsx -- parts of the dashboard that are loaded when they are first shown, or before, when the
 * browser has nothing else to do.
 */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const WAIT_MS = 1500;

const whenIdle = (call: () => void) =>
    'requestIdleCallback' in globalThis
        ? requestIdleCallback(call, { timeout: 2 * WAIT_MS })
        : setTimeout(call, WAIT_MS);

let styles: Promise<unknown> | undefined;

/* Where more.css is, the page says. Without it a part is shown all the same. */
function loadStyles(): Promise<unknown> {
    return (styles ??= new Promise((done) => {
        const link = document.createElement('link');
        link.rel = 'stylesheet';
        link.href = document.body.dataset.more!;
        link.onload = link.onerror = done;
        document.head.append(link);
    }));
}

export function lazy<Props extends object>(
    load: () => Promise<ComponentType<Props>>,
    { soon = false } = {},
): ComponentType<Props> {
    let found: ComponentType<Props> | undefined;
    let loading: Promise<void> | undefined;
    const start = () =>
        (loading ??= Promise.all([load(), loadStyles()]).then(([part]) => void (found = part)));
    if (soon) addEventListener('load', () => setTimeout(() => whenIdle(() => void start()), WAIT_MS));
    return function Lazy(props: Props) {
        const [, again] = useState(false);
        useEffect(() => {
            if (!found) void start().then(() => again(true));
        }, []);
        const Part = found;
        return Part ? <Part {...props} /> : null;
    };
}
