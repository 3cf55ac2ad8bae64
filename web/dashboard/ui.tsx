/*
 * ui.tsx -- the pieces that all screens are made of: labels that explain themselves, sheets, cards
 * and their states.
 */
import type { AnchorHTMLAttributes, ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Answer, Problem } from './api';
import type { Meaning } from './meanings';
import { clock } from './format';
import { say } from './words';
import { address, go, show } from './view';

export const classes = (...names: (string | false | undefined)[]) =>
    names.filter(Boolean).join(' ');

/* -- links ------------------------------------------------------------------------------------- */

const isPlain = (event: MouseEvent) =>
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

/** A link within this bundle: the page stays, and what it shows changes. */
export function Link({
    href,
    replace,
    ...rest
}: { href: string; replace?: boolean } & AnchorHTMLAttributes) {
    return (
        <a
            {...rest}
            href={href}
            onClick={(event) => {
                rest.onClick?.(event as never);
                if (!isPlain(event) || event.defaultPrevented) return;
                event.preventDefault();
                go(href, replace);
            }}
        />
    );
}

/* -- labels that explain themselves ------------------------------------------------------------ */

function place(anchor: HTMLElement, box: HTMLElement): void {
    const at = anchor.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    box.style.left = `${Math.max(8, Math.min(at.left, wide - box.offsetWidth - 8))}px`;
    const below = at.bottom + 6;
    const fits = below + box.offsetHeight < document.documentElement.clientHeight;
    box.style.top = `${fits ? below : Math.max(8, at.top - box.offsetHeight - 6)}px`;
}

/** What a label means: said here, or found by its name in metrics.json when it is asked for. */
export interface Explainable {
    label: string;
    explain?: string;
    name?: string;
}

/** What is known of its meaning, and how to ask for it. */
function useMeaning({ explain, name }: Explainable): [Meaning | undefined, () => void] {
    const [found, set] = useState<Meaning | undefined>(explain ? { explain } : undefined);
    useEffect(() => set(explain ? { explain } : undefined), [explain, name]);
    const ask = () => {
        if (!explain && name)
            void import('./meanings').then(({ meaningOf }) => set(meaningOf(name)));
    };
    return [found, ask];
}

/** A button that says what the label beside it means. */
export function Explain(what: Explainable) {
    const id = useId();
    const anchor = useRef<HTMLButtonElement>(null);
    const box = useRef<HTMLDivElement>(null);
    const [meaning, ask] = useMeaning(what);
    useLayoutEffect(() => {
        if (box.current!.matches(':popover-open')) place(anchor.current!, box.current!);
    }, [meaning]);
    return (
        <>
            <button
                type="button"
                class="explain"
                ref={anchor}
                popovertarget={id}
                title={meaning?.explain}
                aria-label={say('explain', { label: what.label })}
                onPointerEnter={ask}
                onFocus={ask}
                onClick={ask}
            >
                ?
            </button>
            <div
                id={id}
                ref={box}
                popover="auto"
                class="popover"
                onToggle={() => place(anchor.current!, box.current!)}
            >
                <strong>{what.label}</strong>
                <p>{meaning?.explain}</p>
                {meaning?.formula && <p class="soft">{meaning.formula}</p>}
            </div>
        </>
    );
}

export function Explained(what: Explainable) {
    return (
        <span class="explained">
            {what.label}
            <Explain {...what} />
        </span>
    );
}

/* -- sheets ------------------------------------------------------------------------------------ */

/**
 * What opens over the page: beside its button where there is room, else from below. Which one is
 * open stands in the address (`sheet`, `details`), so that the way back closes it.
 */
export function Sheet({
    title,
    onClose,
    children,
    wide,
}: {
    title: string;
    onClose: () => void;
    children: ComponentChildren;
    wide?: boolean;
}) {
    const dialog = useRef<HTMLDialogElement>(null);
    const heading = useId();
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        dialog.current!.showModal();
        /* Not by autofocus, of which frames complain. */
        dialog.current!.querySelector<HTMLElement>('[data-focus]')?.focus();
        return () => before?.focus?.();
    }, []);
    return (
        <dialog
            ref={dialog}
            class={classes('sheet', wide && 'sheet-wide')}
            aria-labelledby={heading}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onClick={(event) => {
                if (event.target === dialog.current) onClose();
            }}
        >
            <header>
                <h2 id={heading}>{title}</h2>
                <button type="button" class="quiet" onClick={onClose} aria-label={say('close')}>
                    ✕
                </button>
            </header>
            <div class="sheet-body">{children}</div>
        </dialog>
    );
}

export const closeSheet = () => show({ sheet: '', details: '', search: '', offset: '' }, true);

/* -- states ------------------------------------------------------------------------------------ */

/** Why a card has nothing, with the way out. */
export function Nothing({ children }: { children: ComponentChildren }) {
    return <div class="nothing">{children}</div>;
}

function Unanswerable({ error }: { error: Problem }) {
    const from = error.body.filterableFrom as string | undefined;
    const href = from && address({ period: 'custom', from, to: endAfter(from) });
    return (
        <Nothing>
            <p>{error.message}</p>
            {href && <Link href={href}>{say('nearestRange')}</Link>}
        </Nothing>
    );
}

/* The nearest range that can be answered ends as the one asked for, if that is by dates; or now. */
function endAfter(from: string): string {
    const to = new URLSearchParams(location.search).get('to');
    return to && to >= from ? to : new Date().toISOString().slice(0, 10);
}

function Failed({ error, loading, retry }: Answer<unknown> & { error: Problem }) {
    if (error.status === 422) return <Unanswerable error={error} />;
    return (
        <Nothing>
            <p role="alert">{error.message}</p>
            <button type="button" onClick={retry}>
                {say(loading ? 'loading' : 'retry')}
            </button>
        </Nothing>
    );
}

/**
 * The four states of what was asked: a skeleton at first, then the last numbers, dimmed while new
 * ones are on their way; why there is none; and what to do about it. Its height is the content's
 * place, not the content.
 */
export function Answered<T>({
    answer,
    children,
    skeleton,
}: {
    answer: Answer<T>;
    children: (data: T) => ComponentChildren;
    skeleton?: ComponentChildren;
}) {
    if (answer.error) return <Failed {...answer} error={answer.error} />;
    if (answer.data === undefined)
        return (
            <div class="skeleton">{skeleton ?? <span class="unseen">{say('loading')}</span>}</div>
        );
    return (
        <div class={classes('answered', answer.loading && 'dimmed')} aria-busy={answer.loading}>
            {children(answer.data)}
        </div>
    );
}

const LATE_MS = 120_000;

/** "as of 14:02", where the numbers are older than they should be. */
export function AsOf({ asOf, timezone }: { asOf: string | null; timezone: string | null }) {
    if (!asOf || Date.now() - Date.parse(asOf) < LATE_MS) return null;
    return <span class="stale">{say('asOf', { time: clock(asOf, timezone) })}</span>;
}

/* -- tabs -------------------------------------------------------------------------------------- */

export interface Tab {
    id: string;
    label: string;
}

/** Tabs choose what a card shows; arrow keys go from one to the next. */
export function Tabs({
    tabs,
    chosen,
    onChoose,
    label,
}: {
    tabs: Tab[];
    chosen: string;
    onChoose: (id: string) => void;
    label: string;
}) {
    const step = (event: KeyboardEvent) => {
        const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (!by) return;
        event.preventDefault();
        const at = tabs.findIndex(({ id }) => id === chosen);
        const next = (at + by + tabs.length) % tabs.length;
        onChoose(tabs[next]!.id);
        (event.currentTarget as HTMLElement).querySelectorAll('button')[next]?.focus();
    };
    return (
        <div role="tablist" class="tabs" aria-label={label} onKeyDown={step}>
            {tabs.map(({ id, label }) => (
                <button
                    key={id}
                    type="button"
                    role="tab"
                    aria-selected={id === chosen}
                    tabIndex={id === chosen ? 0 : -1}
                    onClick={() => onChoose(id)}
                >
                    {label}
                </button>
            ))}
        </div>
    );
}
