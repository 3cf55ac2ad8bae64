/*
 * lazy.tsx -- parts of the dashboard that are loaded when they are first shown, or before, when the
 * browser has nothing else to do.
 */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { say } from './words';

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
    let loading: Promise<unknown> | undefined;
    const start = () =>
        (loading ??= Promise.all([load(), loadStyles()]).then(([part]) => (found = part)));
    if (soon)
        addEventListener('load', () =>
            setTimeout(() => whenIdle(() => start().catch(later)), WAIT_MS),
        );
    const later = () => (loading = undefined);
    return function Lazy(props: Props) {
        const [state, set] = useState('');
        useEffect(() => {
            if (found) return;
            start().then(
                () => set('found'),
                () => set('failed'),
            );
        }, []);
        const Part = found;
        if (Part) return <Part {...props} />;
        return state === 'failed' ? <Missing /> : null;
    };
}

/* No connection, or a server of another version, whose parts have other names. */
function Missing() {
    return (
        <div class="nothing">
            <p role="alert">{say('unreached')}</p>
            <button type="button" onClick={() => location.reload()}>
                {say('retry')}
            </button>
        </div>
    );
}
