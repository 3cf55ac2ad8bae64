/*
 * paged.tsx -- what a long list has: a box that searches it, and the way from one page to the next.
 * Both stand in the address.
 */
import './more';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSettled } from './analytics/picker';
import { short, whole } from './format';
import { Link } from './ui';
import { address, show, type View } from './view';
import { say } from './words';

export const PAGE_ROWS = 50;

/** `replace`: within a sheet the way back closes the sheet. */
export function Pager({
    offset,
    total,
    replace,
}: {
    offset: number;
    total: number;
    replace?: boolean;
}) {
    const to = Math.min(total, offset + PAGE_ROWS);
    const at = (start: number) => address({ offset: start > 0 ? String(start) : '' });
    if (total === 0) return null;
    return (
        <nav class="pager" aria-label={say('pager')}>
            {offset > 0 && (
                <Link class="button" replace={replace} href={at(offset - PAGE_ROWS)}>
                    {say('backward')}
                </Link>
            )}
            <span class="soft">
                {say('rowsOf', { from: whole(offset + 1), to: whole(to), all: short(total) })}
            </span>
            {to < total && (
                <Link class="button" replace={replace} href={at(to)}>
                    {say('forward')}
                </Link>
            )}
        </nav>
    );
}

/** The box shows what is typed; the server is asked when nobody types any more. */
export function Search({ view, label, look }: { view: View; label: string; look?: string }) {
    const [text, setText] = useState(view.search);
    const settled = useSettled(text);
    /* What the address says by this box; anything else comes from the way back, or a link. */
    const said = useRef(view.search);
    useEffect(() => {
        if (view.search !== said.current) setText((said.current = view.search));
    }, [view.search]);
    useEffect(() => {
        if (settled !== said.current) show({ search: (said.current = settled), offset: '' }, true);
    }, [settled]);
    return (
        <input
            type="search"
            class={look}
            data-search
            aria-label={label}
            placeholder={label}
            maxlength={200}
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
    );
}
