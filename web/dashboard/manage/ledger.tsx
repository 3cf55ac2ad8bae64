/*
 * manage/ledger.tsx -- what became of everything that was received: the books of each day add up,
 * and say why something was not counted.
 */
import { useEffect } from 'preact/hooks';
import { useSiteName } from '../analytics/site_button';
import { query, useAnswer } from '../api';
import { date, moment, whole } from '../format';
import { Range } from '../sites/range';
import type { Ledger as Answer } from '../types';
import { Answered } from '../ui';
import { parseView, rangeOf, useAddress } from '../view';
import { called, say } from '../words';
import './words';

type Counts = Record<string, number>;

/** Nothing where the day is not kept any more. */
const sum = (counts: Counts | null) =>
    counts && Object.values(counts).reduce((all, count) => all + count, 0);

/** Reasons in words, the most frequent first; "of" is where their words are found. */
function Reasons({ title, counts, of }: { title: string; counts: Counts; of: string }) {
    const reasons = Object.entries(counts).sort(([, a], [, b]) => b - a);
    if (reasons.length === 0) return null;
    return (
        <>
            <h3>{title}</h3>
            <dl class="reasons">
                {reasons.map(([reason, count]) => {
                    const words = called(`${of}.${reason}`);
                    return (
                        <div key={reason}>
                            <dt>
                                {words === `${of}.${reason}` ? reason : words}{' '}
                                <code class="soft">{reason}</code>
                            </dt>
                            <dd>{whole(count)}</dd>
                        </div>
                    );
                })}
            </dl>
        </>
    );
}

function Books({ data }: { data: Answer }) {
    const dropped = sum(data.dropped) ?? 0;
    const rejected = sum(data.rejected) ?? 0;
    const adds = data.received === data.stored + dropped + rejected;
    return (
        <section class="card">
            <p class="equation">
                <span>
                    <b>{whole(data.received)}</b> {say('received')}
                </span>{' '}
                ={' '}
                <span>
                    <b>{whole(data.stored)}</b> {say('stored')}
                </span>{' '}
                +{' '}
                <span>
                    <b>{whole(dropped)}</b> {say('dropped')}
                </span>{' '}
                +{' '}
                <span>
                    <b>{whole(rejected)}</b> {say('rejected')}
                </span>
            </p>
            <p>
                <span class={adds ? 'good' : 'bad'}>
                    {say(adds ? 'booksAdd' : 'booksDoNotAdd')}
                </span>{' '}
                <span class="soft">
                    {data.asOf && say('asOf', { time: moment(data.asOf, data.timezone) })}
                    {data.queued
                        ? ` · ${say('stillQueued', { n: whole(data.queued) }, data.queued)}`
                        : ''}
                </span>
            </p>
            <Reasons title={say('droppedTitle')} counts={data.dropped} of="dropped" />
            <Reasons title={say('botsTitle')} counts={data.bots} of="bots" />
            <Reasons title={say('rejectedTitle')} counts={data.rejected} of="rejected" />
        </section>
    );
}

function Days({ data }: { data: Answer }) {
    return (
        <section class="card">
            <div class="table-scroll" tabIndex={0} role="group" aria-label={say('days')}>
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">{say('day')}</th>
                            <th scope="col">{say('receivedTitle')}</th>
                            <th scope="col">{say('storedTitle')}</th>
                            <th scope="col">{say('droppedTitle')}</th>
                            <th scope="col">{say('rejectedTitle')}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {[...data.days].reverse().map((day) => (
                            <tr key={day.date}>
                                <th scope="row">{date(day.date, { dateStyle: 'medium' })}</th>
                                <td>{whole(day.received)}</td>
                                <td>{whole(day.stored)}</td>
                                <td>{whole(sum(day.dropped))}</td>
                                <td>{whole(sum(day.rejected))}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

export function Ledger({ siteId }: { siteId: string }) {
    const { search } = useAddress();
    const view = parseView(search);
    const asked = { siteId, ...rangeOf(view) };
    const answer = useAnswer<Answer>(query('analytics/ledger', asked));
    const name = useSiteName(siteId);
    const title = say('ledgerOf', { site: name });
    useEffect(() => void (document.title = title), [title]);
    return (
        <>
            <div class="title">
                <h1>{title}</h1>
                <Range view={view} echo={answer.data} />
                <a
                    class="button"
                    href={`/admin/sites/${encodeURIComponent(siteId)}/analytics${search}`}
                >
                    {say('toAnalytics')}
                </a>
            </div>
            <p class="soft">{say('ledgerExplain')}</p>
            <Answered answer={answer}>
                {(data) => (
                    <>
                        <Books data={data} />
                        <Days data={data} />
                    </>
                )}
            </Answered>
        </>
    );
}
