/*
 * picker.tsx -- a box to type in, and what is found: arrow keys go through it, Enter takes it.
 */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { classes } from '../ui';

export interface Item {
    id: string;
    label: string;
    note?: string;
}

/** A text that has been the same for a moment. */
export function useSettled(text: string, ms = 120): string {
    const [settled, set] = useState(text);
    useEffect(() => {
        const timer = setTimeout(() => set(text), ms);
        return () => clearTimeout(timer);
    }, [text]);
    return settled;
}

/** Of an answer to an earlier text, too, only what fits this one may be taken. */
export function matches(text: string) {
    const wanted = text.trim().toLowerCase();
    return ({ id, label }: Item) => [id, label].some((name) => name.toLowerCase().includes(wanted));
}

export function Picker({
    label,
    text,
    onText,
    items,
    chosen,
    onChoose,
    busy,
    nothing,
}: {
    label: string;
    text: string;
    onText: (text: string) => void;
    items: Item[];
    chosen?: string;
    onChoose: (id: string) => void;
    busy: boolean;
    nothing: string;
}) {
    const id = useId();
    const list = useRef<HTMLUListElement>(null);
    const [at, setAt] = useState(0);
    const active = Math.min(at, items.length - 1);
    useEffect(() => setAt(0), [text]);
    useEffect(() => list.current!.children[active]?.scrollIntoView({ block: 'nearest' }), [active]);

    const onKeyDown = (event: KeyboardEvent) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (by && items.length) setAt((active + by + items.length) % items.length);
        else if (event.key === 'Enter' && items[active]) onChoose(items[active].id);
        else if (event.key !== 'Enter') return;
        event.preventDefault();
    };
    return (
        <div class="picker">
            <input
                type="search"
                role="combobox"
                aria-label={label}
                placeholder={label}
                list={undefined}
                aria-expanded="true"
                aria-autocomplete="list"
                aria-controls={id}
                aria-activedescendant={items.length ? `${id}-${active}` : undefined}
                autocomplete="off"
                spellcheck={false}
                maxlength={512}
                data-focus
                value={text}
                onInput={(event) => onText(event.currentTarget.value)}
                onKeyDown={onKeyDown}
            />
            <ul
                ref={list}
                id={id}
                role="listbox"
                aria-label={label}
                aria-busy={busy}
                class={classes(busy && 'dimmed')}
            >
                {items.map((item, i) => (
                    <li
                        key={item.id}
                        id={`${id}-${i}`}
                        role="option"
                        aria-selected={i === active}
                        class={classes(item.id === chosen && 'chosen')}
                        onClick={() => onChoose(item.id)}
                    >
                        <span>{item.label}</span>
                        {item.note && <span class="soft">{item.note}</span>}
                    </li>
                ))}
            </ul>
            <p class="soft" role="status">
                {items.length || busy ? '' : nothing}
            </p>
        </div>
    );
}
