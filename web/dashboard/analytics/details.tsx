/*
 * details.tsx -- all values of a dimension: searched, paged, with every figure, as a file. A page
 * opens to show where its visitors came from.
 */
import '../more';
import { useState } from 'preact/hooks';
import { query } from '../api';
import { figure, figureInFull, rate } from '../format';
import { PAGE_ROWS, Pager, Search } from '../paged';
import { shared } from '../stage';
import type { Breakdown, Row } from '../types';
import { Answered, Explained, Nothing, Sheet, closeSheet } from '../ui';
import { formatFilter, show, type View } from '../view';
import { dimensionOf, isDimension, metricOf, say } from '../words';
import { useBreakdown, Value } from './cards';
import { ChangeOf } from './change';
import { columnsOf, groupOf, type Column } from './dimensions';
import type { Question } from './question';

const REFERRERS = 5;

/* -- where the visitors of a page came from ---------------------------------------------------- */

const OF_PAGES = new Set(['page', 'entryPage', 'exitPage']);

function Referrers({
    question,
    dimension,
    value,
}: {
    question: Question;
    dimension: string;
    value: string;
}) {
    const filters = [...question.view.filters, { dimension, operator: 'is' as const, value }];
    const asked = {
        ...question,
        values: { ...question.values, filter: filters.map(formatFilter) },
    };
    const answer = useBreakdown(asked, 'referrer', { limit: String(REFERRERS) });
    return (
        <Answered answer={answer}>
            {({ rows }) => (
                <ul class="referrers">
                    {rows.map((row) => (
                        <li key={row.value}>
                            <Value view={question.view} dimension="referrer" value={row.value} />
                            <span class="row-value">{figure('uniqueVisitors', row.visitors)}</span>
                        </li>
                    ))}
                    {rows.length === 0 && <li class="soft">{say('noReferrers')}</li>}
                </ul>
            )}
        </Answered>
    );
}

/* -- the table --------------------------------------------------------------------------------- */

function Cell({ row, column, view }: { row: Row; column: Column; view: View }) {
    const { name, metric } = column;
    const main = name === 'visitors' || name === 'conversions';
    return (
        <td title={figureInFull(metric, row[name])}>
            {figure(metric, row[name])}
            {main && view.against && (
                <div class="cell-change">
                    <ChangeOf metric={metric} now={row[name]} before={row.previous?.[name]} />
                </div>
            )}
        </td>
    );
}

function Line({
    row,
    dimension,
    columns,
    question,
}: {
    row: Row;
    dimension: string;
    columns: Column[];
    question: Question;
}) {
    const [open, setOpen] = useState(false);
    const opens = OF_PAGES.has(dimension) && row.value !== '(other)';
    return (
        <>
            <tr>
                <th scope="row">
                    {opens && (
                        <button
                            type="button"
                            class="quiet opener"
                            aria-expanded={open}
                            aria-label={say('referrersOf', { page: row.value })}
                            onClick={() => setOpen(!open)}
                        >
                            {open ? '▾' : '▸'}
                        </button>
                    )}
                    <Value view={question.view} dimension={dimension} value={row.value} />
                </th>
                {columns.map((column) => (
                    <Cell key={column.name} row={row} column={column} view={question.view} />
                ))}
                <td>{rate((row.percent ?? 0) / 100)}</td>
            </tr>
            {open && (
                <tr>
                    <td colSpan={columns.length + 2}>
                        <Referrers question={question} dimension={dimension} value={row.value} />
                    </td>
                </tr>
            )}
        </>
    );
}

function Table({ data, question }: { data: Breakdown; question: Question }) {
    const { dimension } = data;
    const columns = columnsOf(question.siteId, dimension);
    const rows = data.other ? [...data.rows, data.other] : data.rows;
    if (rows.length === 0)
        return (
            <Nothing>
                <p>{say(question.view.search ? 'noneOfSearch' : 'noneInRange')}</p>
            </Nothing>
        );
    return (
        <div
            class="table-scroll"
            tabIndex={0}
            role="group"
            aria-label={dimensionOf(dimension).plural}
        >
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">
                            <Explained {...dimensionOf(dimension)} />
                        </th>
                        {columns.map(({ name, metric }) => (
                            <th scope="col" key={name}>
                                <Explained {...metricOf(metric)} />
                            </th>
                        ))}
                        <th scope="col">{say('share')}</th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <Line
                            key={row.value}
                            row={row}
                            dimension={dimension}
                            columns={columns}
                            question={question}
                        />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/* -- the sheet --------------------------------------------------------------------------------- */

function Dimensions({ siteId, chosen }: { siteId: string; chosen: string }) {
    const group = groupOf(siteId, chosen);
    const own = chosen.startsWith('prop:') ? [chosen] : [];
    const all = [...(group?.tabs ?? [chosen]), ...(group?.more ?? []), ...own];
    return (
        <label>
            <span class="unseen">{say('dimension')}</span>
            <select
                value={chosen}
                onChange={({ currentTarget }) =>
                    show({ details: currentTarget.value, search: '', offset: '' }, true)
                }
            >
                {all.map((id) => (
                    <option key={id} value={id}>
                        {dimensionOf(id).plural}
                    </option>
                ))}
            </select>
        </label>
    );
}

/* Properties have names of the site's own. */
function Property() {
    const choose = (event: SubmitEvent) => {
        event.preventDefault();
        const name = new FormData(event.target as HTMLFormElement).get('property');
        if (name) show({ details: `prop:${name}`, search: '', offset: '' }, true);
    };
    return (
        <form class="inline" onSubmit={choose}>
            <input
                name="property"
                aria-label={say('propertyName')}
                placeholder={say('propertyName')}
                maxlength={200}
            />
        </form>
    );
}

function Open({ question, dimension }: { question: Question; dimension: string }) {
    const { view, siteId, values } = question;
    const offset = Number(view.offset) || 0;
    const answer = useBreakdown(question, dimension, {
        limit: String(PAGE_ROWS),
        ...(offset ? { offset: String(offset) } : {}),
        ...(view.search ? { search: view.search } : {}),
    });
    const file = query('analytics/export', { ...values, rows: dimension, format: 'csv' });
    return (
        <Sheet title={dimensionOf(dimension).plural} onClose={closeSheet} wide>
            <div class="details-tools">
                <Dimensions siteId={siteId} chosen={dimension} />
                {groupOf(siteId, dimension)?.name === 'goals' && <Property />}
                <Search key={dimension} view={view} label={say('search')} />
                {!shared && (
                    <a class="button" href={file} download>
                        CSV
                    </a>
                )}
            </div>
            <div class="details-body">
                <Answered answer={answer}>
                    {(data) => (
                        <>
                            <Table data={data} question={question} />
                            <Pager total={data.total} offset={offset} replace />
                        </>
                    )}
                </Answered>
            </div>
        </Sheet>
    );
}

export function Details({ question }: { question: Question }) {
    const { details } = question.view;
    return details && isDimension(details) ? (
        <Open question={question} dimension={details} />
    ) : null;
}
