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
import { columnsOf, groupOf, isOfEvents, type Column } from './dimensions';
import { DimensionSelect, PROPERTY } from './dimension_select';
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

/* Whose change stands below. */
const MAIN = new Set(['events', 'visitors', 'conversions']);

function Cell({ row, column, view }: { row: Row; column: Column; view: View }) {
    const { name, metric } = column;
    const main = MAIN.has(name);
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
                        <th scope="col">
                            <Explained label={say('share')} explain={say('shareMeans')} />
                        </th>
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

/** Those of the same card; properties are events'. */
function Dimensions({ question, chosen }: { question: Question; chosen: string }) {
    const group = groupOf(question.siteId, chosen);
    const own = chosen.startsWith(PROPERTY) ? [] : [chosen];
    const choose = (details: string) =>
        details !== PROPERTY && show({ details, search: '', offset: '' }, true);
    return (
        <DimensionSelect
            question={question}
            chosen={chosen}
            onChoose={choose}
            properties={isOfEvents(chosen) || group?.name === 'goals'}
            bare
        >
            {[...(group?.tabs ?? own), ...(group?.more ?? [])].map((id) => (
                <option key={id} value={id}>
                    {dimensionOf(id).plural}
                </option>
            ))}
        </DimensionSelect>
    );
}

function Open({ question, dimension }: { question: Question; dimension: string }) {
    const { view, values } = question;
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
                <Dimensions question={question} chosen={dimension} />
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
