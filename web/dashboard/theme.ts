/*
 * theme.ts -- light, dark, or as the system has it. It is remembered in this browser, but not where
 * somebody else's numbers are looked at: a shared view stores nothing.
 *
 * It stands in data-theme of the root, of which base.css makes the color-scheme that all colours go
 * by; what draws on a canvas watches it.
 */
import { shared } from './stage';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'abacus-theme';
const root = document.documentElement.dataset;

/* A browser may refuse its storage altogether. */
function stored(): string | null {
    try {
        return shared ? null : localStorage.getItem(KEY);
    } catch {
        return null;
    }
}

function store(theme: Theme): void {
    try {
        if (theme === 'system') localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
    } catch {
        /* Then it holds for this page. */
    }
}

export const theme = () => (root.theme ?? 'system') as Theme;

function apply(chosen: Theme): void {
    if (chosen === 'system') delete root.theme;
    else root.theme = chosen;
}

export function setTheme(chosen: Theme): void {
    apply(chosen);
    if (!shared) store(chosen);
}

const before = THEMES.find((name) => name === stored());
if (before) apply(before);
