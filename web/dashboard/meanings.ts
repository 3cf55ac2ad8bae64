/*
 * meanings.ts -- what metrics and dimensions mean, by their names: the other half of metrics.json,
 * loaded when somebody asks.
 */
import meanings from 'catalogue/meanings';

export interface Meaning {
    explain: string;
    formula?: string;
}

export function meaningOf(name: string): Meaning | undefined {
    const all: Record<string, Meaning> = { ...meanings.metrics, ...meanings.dimensions };
    return all[name.startsWith('prop:') ? 'prop' : name];
}
