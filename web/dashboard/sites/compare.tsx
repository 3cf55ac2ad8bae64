/*
 * sites/compare.tsx -- sites side by side: every figure in a row, the best of each marked, and the
 * visitors of their days.
 */
import '../more';
import { useEffect, useRef, useState } from 'preact/hooks';
import { matches, Picker, useSettled } from '../analytics/picker';
import { query, useAnswer } from '../api';
import { figure, figureInFull } from '../format';
import type { Series, SiteRow, Sites } from '../types';
import { Answered, Explained, Link, Nothing } from '../ui';
import { parseView, rangeOf, show, useAddress, type View } from '../view';
import { metricOf, say, type Metric } from '../words';
import { analyticsOf, Range } from './range';
import { Sparkline } from './sparkline';

const SITES_MAX = 10;
const ROWS: Metric[] = [
    'uniqueVisitors',
    'visits',
    'pageviews',
    'viewsPerVisit',
    'bounceRate',
    'visitDuration',
    'conversions',
    'conversionRate',
    'leads',
];
const LESS_IS_BETTER = new Set<Metric>(['bounceRate']);

function best(metric: Metric, sites: SiteRow[]): number | undefined {
    const values = sites.map((site) => site[metric]).filter((value) => value != null);
    if (values.length < 2 || new Set(values).size === 1) return undefined;
    return LESS_IS_BETTER.has(metric) ? Math.min(...values) : Math.max(...values);
}

function Days({ siteId, view }: { siteId: string; view: View }) {
    const asked = { siteId, ...rangeOf(view), metric: 'uniqueVisitors', interval: 'day' };
    const { data } = useAnswer<Series>(query('analytics/timeseries', asked));
    return <Sparkline days={data?.points.map(({ value }) => value) ?? []} />;
}

function Table({ data, view, chosen }: { data: Sites; view: View; chosen: string[] }) {
    const without = (id: string) => chosen.filter((other) => other !== id).join(',');
    return (
        <div class="table-scroll" tabIndex={0} role="group" aria-label={say('compareSites')}>
            <table class="table compare-table">
                <thead>
                    <tr>
                        <td />
                        {data.sites.map(({ siteId: id, domain }) => (
                            <th scope="col" key={id}>
                                <Link href={analyticsOf(id, view)}>{domain || id}</Link>{' '}
                                <button
                                    type="button"
                                    class="quiet"
                                    aria-label={say('takeOut', { name: domain || id })}
                                    onClick={() => show({ sites: without(id) })}
                                >
                                    ✕
                                </button>
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    <tr>
                        <th scope="row">{say('days')}</th>
                        {data.sites.map(({ siteId }) => (
                            <td key={siteId}>
                                <Days siteId={siteId} view={view} />
                            </td>
                        ))}
                    </tr>
                    {ROWS.map((metric) => {
                        const most = best(metric, data.sites);
                        return (
                            <tr key={metric}>
                                <th scope="row">
                                    <Explained {...metricOf(metric)} />
                                </th>
                                {data.sites.map((site) => (
                                    <td
                                        key={site.siteId}
                                        title={figureInFull(metric, site[metric])}
                                        class={site[metric] === most ? 'best' : undefined}
                                    >
                                        {!site.exact && metric === 'uniqueVisitors' ? '≈ ' : ''}
                                        {figure(metric, site[metric])}
                                        {site[metric] === most && (
                                            <span class="unseen"> {say('best')}</span>
                                        )}
                                    </td>
                                ))}
                            </tr>
                        );
                    })}
                </tbody>
            </table>
        </div>
    );
}

function Add({ chosen }: { chosen: string[] }) {
    const [text, setText] = useState('');
    const search = useSettled(text.trim());
    const box = useRef<HTMLDivElement>(null);
    const answer = useAnswer<Sites>(
        query('analytics/sites', { names: 'true', limit: '20', ...(search ? { search } : {}) }),
    );
    const items = (answer.data?.sites ?? [])
        .filter(({ siteId }) => !chosen.includes(siteId))
        .map(({ siteId, domain }) => ({ id: siteId, label: domain || siteId, note: siteId }))
        .filter(matches(text));
    useEffect(() => {
        if (chosen.length === 0) box.current!.querySelector('input')!.focus();
    }, []);
    const add = (id: string) => {
        setText('');
        show({ sites: [...chosen, id].join(',') });
    };
    return (
        <div class="compare-add" ref={box}>
            <Picker
                label={say('addToComparison')}
                text={text}
                onText={setText}
                items={text || chosen.length === 0 ? items : []}
                onChoose={add}
                busy={answer.loading}
                nothing={text ? say('noSuchSite') : ''}
            />
        </div>
    );
}

export function Compare() {
    const { search } = useAddress();
    const view = parseView(search);
    const chosen = view.sites.split(',').filter(Boolean);
    const asked = { siteIds: chosen.join(','), ...rangeOf(view) };
    const answer = useAnswer<Sites>(
        chosen.length > 0 ? query('analytics/compare', asked) : undefined,
    );
    useEffect(() => void (document.title = say('compareSites')), []);
    return (
        <>
            <div class="title">
                <h1>{say('compareSites')}</h1>
                <Range view={view} echo={answer.data} />
            </div>
            <section class="card">
                {chosen.length < SITES_MAX && <Add chosen={chosen} />}
                {chosen.length > 0 ? (
                    <Answered answer={answer}>
                        {(data) => <Table data={data} view={view} chosen={chosen} />}
                    </Answered>
                ) : (
                    <Nothing>
                        <p>{say('chooseSites')}</p>
                    </Nothing>
                )}
            </section>
        </>
    );
}
