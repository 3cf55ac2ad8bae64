/*
 * keys.ts -- keyboard shortcuts of the analytics page.
 *
 * A key that a button of the page stands for presses that button (aria-keyshortcuts), so that both
 * do the same and neither does what the other may not. No key is taken from whoever types, from an
 * open sheet, or from what uses it itself.
 */
import { useEffect, useRef } from 'preact/hooks';
import { today } from '../format';
import { show, type Patch, type View } from '../view';
import { rangePatch } from './period';
import type { Question } from './question';

interface Key {
    word: string;
    /** The change of the view; without it a button is pressed. */
    does?: (view: View) => Patch;
}

const period = (name: string): Key => ({
    word: `period.${name}`,
    does: (view) => ({
        ...rangePatch(view, { period: name, from: '', to: '' }, today()),
        interval: '',
    }),
});

export const KEYS: Record<string, Key> = {
    t: period('today'),
    y: period('yesterday'),
    w: period('7d'),
    m: period('28d'),
    a: period('12mo'),
    ArrowLeft: { word: 'rangeBefore' },
    ArrowRight: { word: 'rangeAfter' },
    c: {
        word: 'key.compare',
        does: ({ against }) => ({
            against: against ? '' : 'previous',
            againstFrom: '',
            againstTo: '',
        }),
    },
    f: { word: 'addFilter' },
    x: { word: 'key.clear', does: () => ({ filters: [] }) },
    s: { word: 'switchSite' },
    '/': { word: 'key.search', does: ({ pages }) => ({ details: pages }) },
    '?': { word: 'keys', does: () => ({ sheet: 'keys' }) },
};

const TYPING = 'input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]';
const USING_ARROWS =
    'input, [role=tablist], [role=grid], [role=listbox], [role=slider], [role=application], ' +
    '[tabindex="0"]:not(button, a)';

/** Whether whoever has the focus needs this key. */
function isTaken(event: KeyboardEvent): boolean {
    const target = event.target as Element;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
    if (target.closest(TYPING) || document.querySelector(':popover-open')) return true;
    return event.key.startsWith('Arrow') && !!target.closest(USING_ARROWS);
}

/* As soon as it is there: the sheet opens first. */
function focusSearch(frames = 30): void {
    const box = document.querySelector<HTMLElement>('dialog[open] input[type=search]');
    if (box) box.focus();
    else if (frames > 0) requestAnimationFrame(() => focusSearch(frames - 1));
}

export function useKeys(question: Question): void {
    const newest = useRef(question.view);
    newest.current = question.view;
    useEffect(() => {
        const press = (event: KeyboardEvent) => {
            const key = KEYS[event.key];
            if (!key || isTaken(event)) return;
            const open = !!document.querySelector('dialog[open]');
            if (open && event.key !== '/') return;
            event.preventDefault();
            if (!open && key.does) show(key.does(newest.current));
            else if (!open)
                document.querySelector<HTMLElement>(`[aria-keyshortcuts="${event.key}"]`)?.click();
            if (event.key === '/') focusSearch();
        };
        document.addEventListener('keydown', press);
        return () => document.removeEventListener('keydown', press);
    }, []);
}
