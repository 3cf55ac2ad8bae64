/*
 * site_switcher.tsx -- from one site to another, with the same period, filters and tabs.
 *
 * What is there already is searched at once, the server only where it has more than that.
 */
import { useState } from 'preact/hooks';
import { whole } from '../format';
import { shared } from '../stage';
import { closeSheet, Sheet } from '../ui';
import { address, go, show } from '../view';
import { say } from '../words';
import { matches, Picker, useSettled, type Item } from './picker';
import type { Question } from './question';
import { useNames } from './site_button';

function useItems(text: string) {
    const all = useNames('');
    const complete = all.data && all.data.total <= all.data.sites.length;
    const settled = useSettled(text.trim());
    const found = useNames(complete ? '' : settled);
    const sites = found.data?.sites ?? [];
    const tenants = new Set(sites.map(({ tenantId }) => tenantId)).size > 1;
    const items: Item[] = shared
        ? shared.sites.map(({ id, name }) => ({ id, label: name || id }))
        : sites.map(({ siteId, tenantId, domain }) => ({
              id: siteId,
              label: domain || siteId,
              note: [domain && domain !== siteId && siteId, tenants && tenantId]
                  .filter(Boolean)
                  .join(' · '),
          }));
    const busy = found.loading || (!complete && !shared && settled !== text.trim());
    return { items: items.filter(matches(text)), busy, error: found.error, more: found.data };
}

function goTo(siteId: string): void {
    const patch = { sheet: '', details: '', search: '', offset: '' };
    if (shared) show({ ...patch, site: siteId }, true);
    else go(address(patch, `/admin/sites/${encodeURIComponent(siteId)}/analytics`), true);
}

export function SiteSheet({ question: { siteId } }: { question: Question }) {
    const [text, setText] = useState('');
    const { items, busy, error, more } = useItems(text);
    const hidden = more && !busy ? more.total - more.sites.length : 0;
    return (
        <Sheet title={say('switchSite')} onClose={closeSheet}>
            <Picker
                label={say('searchSites')}
                text={text}
                onText={setText}
                items={items}
                chosen={siteId}
                onChoose={(id) => (id === siteId ? closeSheet() : goTo(id))}
                busy={busy}
                nothing={error ? error.message : say('noSuchSite')}
            />
            {hidden > 0 && <p class="soft">{say('moreSites', { n: whole(hidden) }, hidden)}</p>}
        </Sheet>
    );
}
