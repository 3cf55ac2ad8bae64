/*
 * bar.tsx -- what stays on top while the page scrolls: whose numbers these are, who is there now,
 * which of them, of when, and beside what.
 */
import { whole } from '../format';
import type { Realtime } from '../types';
import { AsOf, Explained } from '../ui';
import { say } from '../words';
import type { Asking } from './dates';
import { FilterButton, Pills } from './filter_pills';
import { Menu } from './menu';
import { CompareButton, PeriodButtons } from './period_buttons';
import { SiteButton } from './site_button';

function Now({ live }: { live?: Realtime }) {
    if (live?.visitorsNow == null) return null;
    const { visitorsNow: n } = live;
    return (
        <span class="now">
            <i class={n > 0 ? 'dot' : 'dot still'} />
            <Explained label={say('visitorsNow', { n: whole(n) })} explain={say('nowMeans')} />
        </span>
    );
}

export function Bar({ live, ...asking }: Asking & { live?: Realtime }) {
    const { question, echo } = asking;
    const { view, siteId } = question;
    return (
        <div class="bar" role="region" aria-label={say('whatIsShown')}>
            <div class="bar-site">
                <SiteButton siteId={siteId} />
                <Now live={live} />
                {echo && <AsOf asOf={echo.asOf} timezone={echo.timezone} />}
            </div>
            <div class="bar-view">
                <div class="filters">
                    <FilterButton view={view} />
                    <Pills view={view} />
                </div>
                <PeriodButtons {...asking} />
                <CompareButton {...asking} />
            </div>
            <Menu {...asking} />
        </div>
    );
}
