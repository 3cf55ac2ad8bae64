/*
 * menu.tsx -- what else can be done with the view: send it, take it away, see it in the dark.
 */
import { useId, useRef, useState } from 'preact/hooks';
import { query } from '../api';
import { Copy } from '../copy';
import { today } from '../format';
import { manages, usePerson } from '../frame';
import { shared } from '../stage';
import { setTheme, theme, THEMES } from '../theme';
import { address, show } from '../view';
import { called, say } from '../words';
import { datesOf, type Asking } from './dates';

/* Of a shared view the numbers cannot be taken away: the server refuses it. */
function exportOf(asking: Asking): string | undefined {
    const { filter, siteId } = asking.question.values;
    if (shared) return undefined;
    const { range } = datesOf(asking);
    return query('analytics/export', {
        siteId: siteId!,
        from: range.from,
        to: range.to,
        rows: 'days',
        format: 'csv',
        filter: filter!,
    });
}

/* The view as it is: "the last 28 days" would be others tomorrow. */
function linkTo(asking: Asking): string {
    const { view } = asking.question;
    const { from, to } = datesOf(asking).range;
    const dates = view.period === 'all' ? {} : { period: 'custom', from, to };
    return location.origin + address({ ...dates, sheet: '' });
}

function Themes() {
    const [chosen, set] = useState(theme());
    return (
        <div class="themes" role="group" aria-label={say('theme')}>
            {THEMES.map((name) => (
                <button
                    key={name}
                    type="button"
                    class="quiet"
                    aria-pressed={name === chosen}
                    onClick={() => {
                        setTheme(name);
                        set(name);
                    }}
                >
                    {called(`theme.${name}`)}
                </button>
            ))}
        </div>
    );
}

function Items({ asking }: { asking: Asking }) {
    const { question, echo } = asking;
    const person = usePerson();
    const csv = exportOf(asking);
    const { range } = datesOf(asking);
    const now = today(echo?.timezone);
    const site = `/admin/sites/${encodeURIComponent(question.siteId)}`;
    return (
        <>
            {/* The address of an embed is no link for others: its key ends soon. */}
            {!shared?.embed && <Copy class="quiet" word="copyLink" text={linkTo(asking)} />}
            {csv && (
                <a href={csv} download="">
                    {say('downloadCsv')}
                </a>
            )}
            {echo?.tenantId && manages(person, echo.tenantId, question.siteId) && (
                <>
                    <button
                        type="button"
                        class="quiet"
                        aria-haspopup="dialog"
                        onClick={() => show({ sheet: `note:${range.to < now ? range.to : now}` })}
                    >
                        {say('noteOfDay')}
                    </button>
                    <a href={`${site}/settings`}>{say('siteSettings')}</a>
                </>
            )}
            <button
                type="button"
                class="quiet"
                aria-haspopup="dialog"
                onClick={() => show({ sheet: 'keys' })}
            >
                {say('keys')}
            </button>
            <Themes />
        </>
    );
}

export function Menu(asking: Asking) {
    const id = useId();
    const anchor = useRef<HTMLButtonElement>(null);
    const [open, setOpen] = useState(false);
    const place = (box: HTMLElement) => {
        const at = anchor.current!.getBoundingClientRect();
        box.style.top = `${at.bottom + 6}px`;
        box.style.right = `${document.documentElement.clientWidth - at.right}px`;
    };
    return (
        <>
            <button
                type="button"
                class="quiet menu-button"
                ref={anchor}
                popovertarget={id}
                aria-label={say('menu')}
                title={say('menu')}
            >
                ⋯
            </button>
            <div
                id={id}
                popover="auto"
                class="popover menu"
                onToggle={({ currentTarget, newState }) => {
                    setOpen(newState === 'open');
                    place(currentTarget);
                }}
                onClick={({ target, currentTarget }) => {
                    /* Before a sheet opens: it gives the focus back to the menu's button. */
                    if ((target as Element).closest('a, [aria-haspopup]'))
                        currentTarget.hidePopover();
                }}
            >
                {open && <Items asking={asking} />}
            </div>
        </>
    );
}
