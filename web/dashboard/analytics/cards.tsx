/*
 * cards.tsx -- sources, pages, places, devices, goals: nine rows of each, which filter by a click.
 */
import type { ComponentChildren } from 'preact';
import { query, useAnswer } from '../api';
import { figure, figureInFull, nameOf, rate, short } from '../format';
import type { Breakdown, Row } from '../types';
import { Answered, Explain, Link, Nothing, Tabs } from '../ui';
import { addFilter, address, againstOf, show, type View } from '../view';
import { dimensionOf, metricOf, say } from '../words';
import { ChangeOf } from './change';
import { groupsOf, measureOf, type Group } from './dimensions';
import type { Question } from './question';

export const CARD_ROWS = 9;

export const useBreakdown = (
    { view, values, tick }: Question,
    dimension: string | undefined,
    more: Record<string, string>,
) =>
    useAnswer<Breakdown>(
        dimension &&
            query('analytics/breakdown', {
                ...values,
                ...againstOf(view),
                ...(view.against && view.sort ? { sort: view.sort } : {}),
                dimension,
                ...more,
            }),
        tick,
    );

/* What the job had no place for is no value, and nothing can be filtered by it. */
const isValue = (value: string) => value !== '(other)';

export function Value({
    view,
    dimension,
    value,
}: {
    view: View;
    dimension: string;
    value: string;
}) {
    const name = nameOf(dimension, value);
    if (!isValue(value)) return <span class="row-name">{name}</span>;
    const href = address({
        ...addFilter(view, { dimension, operator: 'is', value }),
        details: '',
        search: '',
        offset: '',
    });
    return (
        <Link class="row-name" href={href} title={say('filterBy', { value: name })}>
            {name}
        </Link>
    );
}

function Line({
    row,
    dimension,
    view,
    most,
}: {
    row: Row;
    dimension: string;
    view: View;
    most: number;
}) {
    const { name, metric } = measureOf(dimension);
    const value = row[name] ?? 0;
    return (
        <li style={{ '--share': `${(100 * value) / most}%` }}>
            <Value view={view} dimension={dimension} value={row.value} />
            <span class="row-percent">
                {dimension === 'goal' ? rate(row.conversionRate) : rate((row.percent ?? 0) / 100)}
            </span>
            <span class="row-value" title={figureInFull(metric, value)}>
                {figure(metric, value)}
            </span>
            {view.against && (
                <span class="row-change">
                    <ChangeOf metric={metric} now={value} before={row.previous?.[name]} />
                </span>
            )}
        </li>
    );
}

function Rows({ data, dimension, view }: { data: Breakdown; dimension: string; view: View }) {
    const { name } = measureOf(dimension);
    if (data.rows.length === 0)
        return (
            <Nothing>
                <p>
                    {say(
                        view.filters.length > 0
                            ? 'noneOfFilter'
                            : dimension === 'utmCampaign'
                              ? 'noCampaigns'
                              : dimension === 'goal'
                                ? 'noGoals'
                                : 'noneInRange',
                    )}
                </p>
                {view.filters.length > 0 && (
                    <Link href={address({ filters: [] })}>{say('clearFilters')}</Link>
                )}
            </Nothing>
        );
    const most = Math.max(1, ...data.rows.map((row) => row[name] ?? 0));
    return (
        <ol class="rows">
            {data.rows.slice(0, CARD_ROWS).map((row) => (
                <Line key={row.value} row={row} dimension={dimension} view={view} most={most} />
            ))}
        </ol>
    );
}

/** One card: `header` says what of, `dimension` is whose rows it has. */
export function RowsCard({
    name,
    title,
    question,
    dimension,
    children,
}: {
    name: string;
    title: string;
    question: Question;
    dimension: string;
    children?: ComponentChildren;
}) {
    const answer = useBreakdown(question, dimension, { limit: String(CARD_ROWS) });
    return (
        <section class="card list-card" data-card={name} aria-label={title}>
            <header>
                {children ?? <h3>{title}</h3>}
                <Explain {...dimensionOf(dimension)} />
                <span class="soft measure">{metricOf(measureOf(dimension).metric).label}</span>
            </header>
            <div class="list-body">
                <Answered answer={answer}>
                    {(data) => <Rows data={data} dimension={data.dimension} view={question.view} />}
                </Answered>
            </div>
            <footer>
                <Link href={address({ details: dimension })}>
                    {say('details')}
                    {answer.data && answer.data.total > CARD_ROWS && (
                        <span class="soft"> {short(answer.data.total)}</span>
                    )}
                </Link>
            </footer>
        </section>
    );
}

function Card({ group, question }: { group: Group; question: Question }) {
    const { view } = question;
    const chosen = group.tabs.includes(view[group.name]) ? view[group.name] : group.tabs[0]!;
    return (
        <RowsCard name={group.name} title={say(group.title)} question={question} dimension={chosen}>
            <Tabs
                tabs={group.tabs.map((id) => ({ id, label: dimensionOf(id).plural }))}
                chosen={chosen}
                label={say(group.title)}
                onChoose={(id) => show({ [group.name]: id }, true)}
            />
        </RowsCard>
    );
}

/* What changed most comes first, where something is compared. */
function Order({ view }: { view: View }) {
    if (!view.against) return null;
    return (
        <div class="order">
            <Tabs
                label={say('order')}
                chosen={view.sort}
                onChoose={(sort) => show({ sort }, true)}
                tabs={[
                    { id: '', label: say('mostFirst') },
                    { id: 'change', label: say('changeFirst') },
                ]}
            />
        </div>
    );
}

export function Cards({ question }: { question: Question }) {
    return (
        <>
            <Order view={question.view} />
            <div class="cards">
                {groupsOf(question.siteId).map((group) => (
                    <Card key={group.name} group={group} question={question} />
                ))}
            </div>
        </>
    );
}
