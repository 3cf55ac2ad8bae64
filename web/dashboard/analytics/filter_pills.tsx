/*
 * filter_pills.tsx -- the filters of the view, each to be changed or removed, and the way to one
 * more.
 */
import { nameOf } from '../format';
import { formatFilter, removeFilter, show, type Filter, type View } from '../view';
import { called, dimensionOf, say } from '../words';

export const labelOf = (dimension: string) => dimensionOf(dimension)?.label ?? dimension;

const wordsOf = ({ operator }: Filter) =>
    operator === 'is' ? ':' : ` ${called(`op.${operator}`)}`;
/* There is little room in the bar. */
const signOf = (filter: Filter) => (filter.operator === 'isNot' ? ' ≠' : wordsOf(filter));

function Pill({ filter, at, view }: { filter: Filter; at: number; view: View }) {
    const value = nameOf(filter.dimension, filter.value);
    const text = `${labelOf(filter.dimension)}${wordsOf(filter)} ${value}`;
    return (
        <li class="pill">
            <button
                type="button"
                title={say('editFilter', { filter: text })}
                onClick={() => show({ sheet: `filter:${at}` })}
            >
                <span class="soft">
                    {labelOf(filter.dimension)}
                    {signOf(filter)}
                </span>{' '}
                <span>{value}</span>
            </button>
            <button
                type="button"
                aria-label={say('removeFilter', { filter: text })}
                onClick={() => show(removeFilter(view, filter))}
            >
                ✕
            </button>
        </li>
    );
}

export function Pills({ view }: { view: View }) {
    const { filters } = view;
    if (!filters.length) return null;
    return (
        <>
            <ul class="pills" aria-label={say('filters')}>
                {filters.map((filter, at) => (
                    <Pill key={formatFilter(filter)} {...{ filter, at, view }} />
                ))}
            </ul>
            {filters.length > 1 && (
                <button type="button" class="quiet" onClick={() => show({ filters: [] })}>
                    {say('clearAll')}
                </button>
            )}
        </>
    );
}

export function FilterButton({ view: { filters } }: { view: View }) {
    return (
        <button
            type="button"
            class="add"
            aria-keyshortcuts="f"
            aria-haspopup="dialog"
            onClick={() => show({ sheet: 'filter' })}
        >
            {say('filter')}
            {filters.length > 0 && <span class="badge">{filters.length}</span>}
        </button>
    );
}
