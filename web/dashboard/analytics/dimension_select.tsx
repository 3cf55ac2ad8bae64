/*
 * dimension_select.tsx -- which dimension: a select, where properties stand by their names. Those
 * that events of the range carried are offered; any other name can be typed.
 */
import '../more';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { query, useAnswer } from '../api';
import { shared, shownOf } from '../stage';
import type { Properties } from '../types';
import { classes } from '../ui';
import { rangeOf } from '../view';
import { dimensionOf, say } from '../words';
import type { Question } from './question';

/** What stands before a name; alone, it is a property without one yet. */
export const PROPERTY = 'prop:';

const NAME_MAX = 100;

const isNamed = (dimension: string) => dimension.startsWith(PROPERTY) && dimension !== PROPERTY;

/** Who is shown a site asks for no names: those that may be known come with the page. */
function useNames({ siteId, view, tick }: Question, isAsked: boolean): string[] {
    const path = query('analytics/properties', { siteId, ...rangeOf(view) });
    const { data } = useAnswer<Properties>(isAsked && !shared ? path : undefined, tick);
    return shared
        ? (shownOf(siteId) ?? []).filter(isNamed)
        : (data?.properties ?? []).map((name) => PROPERTY + name);
}

/** A filter has colons between its pieces, and none in a name. */
const isFilterable = (dimension: string) => !dimension.slice(PROPERTY.length).includes(':');

/**
 * `children` are the options before the properties. PROPERTY is chosen while another name is to be
 * typed. `bare`: there is no room for labels; `filters`: the dimension is a filter's.
 */
export function DimensionSelect({
    question,
    chosen,
    onChoose,
    properties,
    bare,
    filters,
    children,
}: {
    question: Question;
    chosen: string;
    onChoose: (dimension: string) => void;
    properties: boolean;
    bare?: boolean;
    filters?: boolean;
    children: ComponentChildren;
}) {
    const [isTyping, setTyping] = useState(false);
    const known = useNames(question, properties).filter((name) => !filters || isFilterable(name));
    const names = isNamed(chosen) ? [...new Set([...known, chosen])] : known;
    const label = (text: string) => <span class={classes(bare && 'unseen')}>{text}</span>;
    const choose = (name: string) => {
        setTyping(name === PROPERTY);
        onChoose(name);
    };
    const type = (text: string) => {
        const name = text.trim();
        onChoose(PROPERTY + (filters ? name.replace(/:/g, '') : name));
    };
    return (
        <>
            <label>
                {label(say('dimension'))}
                <select
                    value={isTyping ? PROPERTY : chosen}
                    onChange={({ currentTarget }) => choose(currentTarget.value)}
                >
                    {children}
                    {properties && (names.length > 0 || !shared) && (
                        <optgroup label={dimensionOf('prop').plural}>
                            {names.map((name) => (
                                <option key={name} value={name}>
                                    {dimensionOf(name).label}
                                </option>
                            ))}
                            {!shared && <option value={PROPERTY}>{say('anotherName')}</option>}
                        </optgroup>
                    )}
                </select>
            </label>
            {isTyping && (
                <label>
                    {label(say('propertyName'))}
                    {/* Its own: an answer that comes meanwhile must not take the text away. */}
                    <input
                        defaultValue={chosen.slice(PROPERTY.length)}
                        placeholder={bare ? say('propertyName') : undefined}
                        maxlength={NAME_MAX}
                        autocomplete="off"
                        spellcheck={false}
                        pattern={filters ? '[^:]+' : undefined}
                        onChange={({ currentTarget }) => type(currentTarget.value)}
                    />
                </label>
            )}
        </>
    );
}
