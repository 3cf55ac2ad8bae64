/*
 * filter.tsx -- the sheet that makes or edits a filter: what, how, and a value that there is.
 *
 * sheet=filter makes a new one, sheet=filter:2 edits the third.
 */
import { useState } from 'preact/hooks';
import { query, useAnswer } from '../api';
import { nameOf, short } from '../format';
import type { Breakdown } from '../types';
import { closeSheet, Sheet } from '../ui';
import { addFilter, formatFilter, OPERATORS, show, type Filter, type Operator } from '../view';
import { called, say } from '../words';
import { countsEvents, groupsOf } from './dimensions';
import { DimensionSelect, PROPERTY } from './dimension_select';
import { labelOf, Pills } from './filter_pills';
import { matches, Picker, useSettled, type Item } from './picker';
import type { Question } from './question';

/* Their names are ours, so that the server cannot search them. */
const NAMED = ['country', 'language', 'device', 'channel'];

interface Choice {
    question: Question;
    chosen: string;
    onChoose: (name: string) => void;
}

function Dimensions(choice: Choice) {
    return (
        <DimensionSelect {...choice} properties filters>
            {groupsOf(choice.question.siteId).map(({ name: group, title, tabs, more }) => (
                <optgroup key={group} label={say(title)}>
                    {[...tabs, ...more].map((name) => (
                        <option key={name} value={name}>
                            {labelOf(name)}
                        </option>
                    ))}
                </optgroup>
            ))}
        </DimensionSelect>
    );
}

/** Values that there are, of what the other filters leave, and what is typed. */
function useValues({ siteId, values, view }: Question, draft: Filter, edited: Filter | undefined) {
    const { dimension, operator, value: text } = draft;
    const named = NAMED.includes(dimension);
    const counts = countsEvents(siteId, dimension);
    const search = useSettled(text.trim());
    const others = view.filters.filter((filter) => filter !== edited).map(formatFilter);
    const asked = {
        ...values,
        filter: others,
        dimension,
        limit: named ? '300' : '20',
        ...(counts ? { sort: 'events' } : {}),
        ...(search && !named ? { search } : {}),
    };
    const answer = useAnswer<Breakdown>(
        dimension === PROPERTY ? undefined : query('analytics/breakdown', asked),
    );
    /* The rows of another dimension are no values of this one. */
    const rows = answer.data?.dimension === dimension ? answer.data.rows : [];
    const found = rows
        .map(({ value, visitors, events }): Item => ({
            id: value,
            label: nameOf(dimension, value),
            note: short(counts ? events : visitors),
        }))
        .filter(matches(text));
    const typed: Item = { id: text.trim(), label: `${called(`op.${operator}`)} “${text.trim()}”` };
    const part = operator === 'contains' || operator === 'startsWith';
    if (dimension === PROPERTY) return { items: [], answer };
    const items =
        !typed.id || found.some(({ id }) => !part && id === typed.id)
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
                        question={question}
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
