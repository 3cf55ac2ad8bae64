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
import { countsEvents, groupsOf, measureOf, type Column, type Group } from './dimensions';
import type { Question } from './question';

const CARD_ROWS = 9;

export const useBreakdown = (
    { siteId, view, values, tick }: Question,
    dimension: string,
    more: Record<string, string>,
) => {
    const sort = (view.against && view.sort) || (countsEvents(siteId, dimension) && 'events');
    const asked = {
        ...values,
        ...againstOf(view),
        ...(sort ? { sort } : {}),
        dimension,
        ...more,
    };
    return useAnswer<Breakdown>(query('analytics/breakdown', asked), tick);
};

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
    measure: { name, metric },
    view,
    most,
}: {
    row: Row;
    dimension: string;
    measure: Column;
    view: View;
    most: number;
}) {
    const value = row[name];
    return (
        <li style={{ '--share': `${(100 * (value ?? 0)) / most}%` }}>
            <Value view={view} dimension={dimension} value={row.value} />
            {/* Of visitors, which says nothing beside a number of events. */}
            {name !== 'events' && (
                <span class="row-percent">
                    {rate(dimension === 'goal' ? row.conversionRate : (row.percent ?? 0) / 100)}
                </span>
            )}
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

function None({ dimension, view, why }: { dimension: string; view: View; why?: string }) {
    const isFiltered = !why && view.filters.length > 0;
    return (
        <Nothing>
            <p>
                {why ??
                    say(
                        isFiltered
                            ? 'noneOfFilter'
                            : dimension === 'utmCampaign'
                              ? 'noCampaigns'
                              : dimension === 'goal'
                                ? 'noGoals'
                                : 'noneInRange',
                    )}
            </p>
            {isFiltered && <Link href={address({ filters: [] })}>{say('clearFilters')}</Link>}
        </Nothing>
    );
}

function Rows({ data, question }: { data: Breakdown; question: Question }) {
    const { dimension, rows } = data;
    const measure = measureOf(question.siteId, dimension);
    const most = Math.max(1, ...rows.map((row) => row[measure.name] ?? 0));
    return (
        <ol class="rows">
            {rows.map((row) => (
                <Line key={row.value} {...{ row, dimension, measure, most, view: question.view }} />
            ))}
        </ol>
    );
}

/**
 * One card: the children, or the title, say what of; `rows` how many it has at most, as many as
 * analytics.css has room for; `none` why it has none, if that is known.
 */
export function RowsCard({
    name,
    title,
    question,
    dimension,
    rows = CARD_ROWS,
    none,
    children,
}: {
    name: string;
    title: string;
    question: Question;
    dimension: string;
    rows?: number;
    none?: string;
    children?: ComponentChildren;
}) {
    const { siteId, view } = question;
    const answer = useBreakdown(question, dimension, { limit: String(rows) });
    return (
        <section class="card list-card" data-card={name} aria-label={title}>
            <header>
                {children ?? <h3>{title}</h3>}
                <Explain {...dimensionOf(dimension)} />
                <span class="soft measure">
                    {metricOf(measureOf(siteId, dimension).metric).label}
                </span>
            </header>
            <div class="list-body">
                <Answered answer={answer}>
                    {(data) =>
                        data.rows.length > 0 ? (
                            <Rows data={data} question={question} />
                        ) : (
                            <None dimension={data.dimension} view={view} why={none} />
                        )
                    }
                </Answered>
            </div>
            <footer>
                <Link href={address({ details: dimension })}>
                    {say('details')}
                    {answer.data && answer.data.total > rows && (
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
