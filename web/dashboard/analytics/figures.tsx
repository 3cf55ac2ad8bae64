/* figures.tsx -- what the range comes to. The chosen figure is the one that the graph draws. */
import type { Answer } from '../api';
import { figure, figureInFull, range } from '../format';
import { shows } from '../stage';
import type { Comparison } from '../types';
import { Answered, Explain, Link } from '../ui';
import { address, show } from '../view';
import { metricOf, say, type Metric } from '../words';
import { ChangeOf } from './change';
import type { Question } from './question';

export const FIGURES: Metric[] = [
    'uniqueVisitors',
    'visits',
    'pageviews',
    'bounceRate',
    'visitDuration',
    'leads',
    'conversionRate',
];
/* Only unique counts are ever estimated. */
const ESTIMATED = new Set<Metric>(['uniqueVisitors', 'conversionRate']);

function Figure({
    metric,
    data,
    chosen,
    disabled,
}: {
    metric: Metric;
    data?: Comparison;
    chosen: boolean;
    disabled: boolean;
}) {
    const { label } = metricOf(metric);
    const value = data?.current[metric];
    const about = data && !data.exact && ESTIMATED.has(metric) ? '≈ ' : '';
    return (
        <div class="figure" data-metric={metric}>
            <button
                type="button"
                aria-pressed={chosen}
                disabled={disabled}
                onClick={() => show({ metric })}
            >
                <span class="figure-label">{label}</span>
                <span class="figure-value" title={figureInFull(metric, value)}>
                    {data ? about + figure(metric, value) : ' '}
                </span>
                <span class="figure-change">
                    {data && (
                        <ChangeOf metric={metric} now={value} before={data.previous?.[metric]} />
                    )}
                </span>
            </button>
            <Explain label={label} name={metric} />
        </div>
    );
}

/** Some metrics side by side. */
export function Tiles({
    answer,
    metrics,
    chosen,
    drawable,
}: {
    answer: Answer<Comparison>;
    metrics: Metric[];
    chosen: string;
    drawable?: Set<Metric>; /* those that the graph can draw; all without it */
}) {
    const draw = (data?: Comparison) => (
        <div class="figures" role="group" aria-label={say('figures')}>
            {metrics.map((metric) => (
                <Figure
                    key={metric}
                    metric={metric}
                    data={data}
                    chosen={chosen === metric}
                    disabled={drawable?.has(metric) === false}
                />
            ))}
        </div>
    );
    return (
        <Answered answer={answer} skeleton={draw()}>
            {draw}
        </Answered>
    );
}

export function Figures({ question, answer }: { question: Question; answer: Answer<Comparison> }) {
    const { siteId, view } = question;
    const metrics = FIGURES.filter((metric) => shows(siteId, metric));
    const previous = answer.data?.previous;
    return (
        <section class="card figures-card" aria-label={say('figures')}>
            <Tiles answer={answer} metrics={metrics} chosen={view.metric} />
            <p class="soft compared">
                {previous && (
                    <>
                        {say('comparedWith', { range: range(previous.from, previous.to) })}{' '}
                        {!view.against && (
                            <Link href={address({ against: 'previous', sort: 'change' })}>
                                {say('changeFirst')}
                            </Link>
                        )}
                    </>
                )}
            </p>
        </section>
    );
}
