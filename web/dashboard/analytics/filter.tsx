/*
 * filter.tsx -- the sheet that makes or edits a filter: what, how, and a value that there is.
 *
 * sheet=filter makes a new one, sheet=filter:2 edits the third.
 */
import { useState } from 'preact/hooks';
import { query, useAnswer } from '../api';
import { nameOf, short } from '../format';
import { shared } from '../stage';
import type { Breakdown } from '../types';
import { closeSheet, Sheet } from '../ui';
import { addFilter, formatFilter, OPERATORS, show, type Filter, type Operator } from '../view';
import { called, dimensionOf, say } from '../words';
import { groupsOf } from './dimensions';
import { labelOf, Pills } from './filter_pills';
import { Picker, useSettled, type Item } from './picker';
import type { Question } from './question';

const PROPERTY = 'prop:';

/* Their names are ours, so that the server cannot search them. */
const NAMED = ['country', 'language', 'device', 'channel'];

interface Choice {
    siteId: string;
    chosen: string;
    onChoose: (name: string) => void;
}

function Dimensions({ siteId, chosen, onChoose }: Choice) {
    const property = chosen.startsWith(PROPERTY);
    return (
        <>
            <label>
                {say('dimension')}
                <select
                    value={property ? PROPERTY : chosen}
                    onChange={({ currentTarget }) => onChoose(currentTarget.value)}
                >
                    {groupsOf(siteId).map(({ name: group, title, tabs, more }) => (
                        <optgroup key={group} label={say(title)}>
                            {[...tabs, ...more].map((name) => (
                                <option key={name} value={name}>
                                    {labelOf(name)}
                                </option>
                            ))}
                            {group === 'goals' && !shared && (
                                <option value={PROPERTY}>{dimensionOf('prop').label}</option>
                            )}
                        </optgroup>
                    ))}
                </select>
            </label>
            {property && (
                <label>
                    {say('propertyName')}
                    <input
                        value={chosen.slice(PROPERTY.length)}
                        maxlength={64}
                        autocomplete="off"
                        spellcheck={false}
                        pattern="[^:]+"
                        onChange={({ currentTarget: { value } }) =>
                            onChoose(PROPERTY + value.trim().replace(/:/g, ''))
                        }
                    />
                </label>
            )}
        </>
    );
}

/** Values that there are, of what the other filters leave, and what is typed. */
function useValues({ values, view }: Question, draft: Filter, edited: Filter | undefined) {
    const { dimension, operator, value: text } = draft;
    const named = NAMED.includes(dimension);
    const search = useSettled(text.trim());
    const others = view.filters.filter((filter) => filter !== edited).map(formatFilter);
    const asked = {
        ...values,
        filter: others,
        dimension,
        limit: named ? '300' : '20',
        ...(search && !named ? { search } : {}),
    };
    const answer = useAnswer<Breakdown>(
        dimension === PROPERTY ? undefined : query('analytics/breakdown', asked),
    );
    const wanted = text.trim().toLowerCase();
    /* The rows of another dimension are no values of this one. */
    const rows = answer.data?.dimension === dimension ? answer.data.rows : [];
    const found = rows
        .map(({ value, visitors }): Item => ({
            id: value,
            label: nameOf(dimension, value),
            note: short(visitors),
        }))
        .filter(({ id, label }) => [id, label].some((name) => name.toLowerCase().includes(wanted)));
    const typed: Item = { id: text.trim(), label: `${called(`op.${operator}`)} “${text.trim()}”` };
    const part = operator === 'contains' || operator === 'startsWith';
    if (dimension === PROPERTY) return { items: [], answer };
    const items =
        !wanted || found.some(({ id }) => !part && id === typed.id)
            ? found
            : part
              ? [typed, ...found.filter(({ id }) => id !== typed.id)]
              : [...found, typed];
    return { items: items.slice(0, 50), answer };
}

function replaced(filters: Filter[], edited: Filter, filter: Filter): Filter[] {
    return filters.map((other) => (other === edited ? filter : other));
}

export function FilterSheet({ question, at }: { question: Question; at: string }) {
    const { view } = question;
    const edited = at ? view.filters[Number(at)] : undefined;
    const [draft, set] = useState<Filter>(
        edited ?? { dimension: 'page', operator: 'is', value: '' },
    );
    /* The value that is edited stands in the box's place, so that all others are offered. */
    const [text, setText] = useState('');
    const { items, answer } = useValues(question, { ...draft, value: text }, edited);
    const choose = (value: string) => {
        const filter = { ...draft, value };
        const patch = edited
            ? { filters: replaced(view.filters, edited, filter) }
            : addFilter(view, filter);
        show({ ...patch, sheet: '' }, true);
    };
    return (
        <Sheet title={say(edited ? 'editThisFilter' : 'addFilter')} onClose={closeSheet}>
            <div class="filter-sheet">
                {!edited && (
                    <div class="filters">
                        <Pills view={view} />
                    </div>
                )}
                <div class="of-what">
                    <Dimensions
                        siteId={question.siteId}
                        chosen={draft.dimension}
                        onChoose={(dimension) => {
                            set({ ...draft, dimension });
                            setText('');
                        }}
                    />
                    <label>
                        {say('operator')}
                        <select
                            value={draft.operator}
                            onChange={({ currentTarget: { value } }) =>
                                set({ ...draft, operator: value as Operator })
                            }
                        >
                            {OPERATORS.map((name) => (
                                <option key={name} value={name}>
                                    {called(`op.${name}`)}
                                </option>
                            ))}
                        </select>
                    </label>
                </div>
                {edited && (
                    <p class="soft">
                        {say('filterNow', { value: nameOf(edited.dimension, edited.value) })}
                        {draft.operator !== edited.operator && (
                            <>
                                {' '}
                                <button
                                    type="button"
                                    class="link"
                                    onClick={() => choose(edited.value)}
                                >
                                    {say('keepValue')}
                                </button>
                            </>
                        )}
                    </p>
                )}
                <Picker
                    label={say('filterValue')}
                    text={text}
                    onText={setText}
                    items={items}
                    chosen={edited?.value}
                    onChoose={choose}
                    busy={answer.loading}
                    nothing={
                        answer.error?.message ??
                        say(draft.dimension === PROPERTY ? 'propertyName' : 'noSuchValue')
                    }
                />
            </div>
        </Sheet>
    );
}
