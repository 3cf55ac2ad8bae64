/*
 * sites/tenant.tsx -- a tenant's report: its totals, the trend of its days, its sites ranked.
 */
import { useEffect } from 'preact/hooks';
import { FIGURES, Tiles } from '../analytics/figures';
import { Plot } from '../analytics/graph';
import { query, useAnswer } from '../api';
import { range } from '../format';
import type { Comparison, Series, Stats } from '../types';
import { againstOf, parseView, rangeOf, useAddress, type View } from '../view';
import { say, type Metric } from '../words';
import { Range } from './range';
import { SitesList, useSites } from './sites';

/** The tenant's days in the shape of a site's series. */
function seriesOf(stats: Stats, metric: Metric): Series {
    const points = stats.days.map((day) => ({
        time: day.date,
        value: day[metric] ?? null,
        partial: false,
    }));
    return { ...stats, metric, interval: 'day', points };
}

/* Days have the counts that add up. */
const DAILY = new Set<Metric>(['uniqueVisitors', 'pageviews', 'leads']);

const drawnOf = ({ metric }: View) =>
    DAILY.has(metric as Metric) ? (metric as Metric) : 'uniqueVisitors';

function Trend({ tenantId, view }: { tenantId: string; view: View }) {
    const path = `analytics/tenants/${encodeURIComponent(tenantId)}/stats`;
    const answer = useAnswer<Stats>(query(path, rangeOf(view)));
    const metric = drawnOf(view);
    return (
        <section class="card graph-card">
            <Plot answer={{ ...answer, data: answer.data && seriesOf(answer.data, metric) }} />
        </section>
    );
}

export function Tenant({ tenantId }: { tenantId: string }) {
    const { search } = useAddress();
    const view = parseView(search);
    const asked = { tenantId, ...rangeOf(view), against: 'previous', ...againstOf(view) };
    const figures = useAnswer<Comparison>(query('analytics/compare', asked));
    const name = useSites(view, tenantId).data?.sites[0]?.tenantName || tenantId;
    const previous = figures.data?.previous;
    useEffect(() => void (document.title = say('reportOf', { tenant: name })), [name]);
    return (
        <>
            <div class="title">
                <h1>{say('reportOf', { tenant: name })}</h1>
                <Range view={view} echo={figures.data} />
            </div>
            <section class="card figures-card" aria-label={say('figures')}>
                <Tiles chosen={drawnOf(view)} drawable={DAILY} answer={figures} metrics={FIGURES} />
                <p class="soft compared">
                    {previous && say('comparedWith', { range: range(previous.from, previous.to) })}
                </p>
            </section>
            <Trend tenantId={tenantId} view={view} />
            <SitesList view={view} tenantId={tenantId} />
        </>
    );
}
