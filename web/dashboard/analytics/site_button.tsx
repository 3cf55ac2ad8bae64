/*
 * site_button.tsx -- what the site is called, and the way to another.
 */
import { useEffect } from 'preact/hooks';
import { query, read, useAnswer } from '../api';
import { shared } from '../stage';
import { show } from '../view';
import { say } from '../words';

interface Names {
    sites: { siteId: string; tenantId: string; domain: string }[];
    total: number;
}

const asking = (search: string) =>
    query('analytics/sites', {
        names: 'true',
        limit: '50',
        ...(search ? { search } : {}),
    });

export function useNames(search: string) {
    return useAnswer<Names>(shared ? undefined : asking(search));
}

/** What the site is called: its domain. */
export function useSiteName(siteId: string): string {
    const { data } = useNames(siteId);
    if (shared) return shared.sites.find(({ id }) => id === siteId)?.name || siteId;
    return data?.sites.find((site) => site.siteId === siteId)?.domain || siteId;
}

export function SiteButton({ siteId }: { siteId: string }) {
    const name = useSiteName(siteId);
    useEffect(() => {
        if (!shared) document.title = `${name} · Abacus`;
    }, [name]);
    if (shared && shared.sites.length < 2) return <h1 class="site">{name}</h1>;
    /* The list is on its way before the button is pressed. */
    const prepare = () => void (shared || read(asking('')).catch(() => {}));
    return (
        <h1 class="site">
            <button
                type="button"
                class="quiet more"
                aria-keyshortcuts="s"
                aria-haspopup="dialog"
                title={say('switchSite')}
                onPointerEnter={prepare}
                onFocus={prepare}
                onClick={() => show({ sheet: 'site' })}
            >
                <span>{name}</span>
            </button>
        </h1>
    );
}
