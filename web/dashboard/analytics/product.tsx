/*
 * product.tsx -- what a product does besides being read: forms, automation runs, export jobs, AI
 * usage. Shown once the site has had such an event.
 *
 * Each kind has a card by the property that its events are told apart by, as a convention has it.
 */
import '../more';
import { query, useAnswer, type Answer } from '../api';
import { shows } from '../stage';
import type { Comparison } from '../types';
import { say, type Metric } from '../words';
import { RowsCard } from './cards';
import { Tiles } from './figures';
import { Graph } from './graph';
import type { Question } from './question';

const ROWS = 5;

interface Kind {
    metric: Metric;
    event: string;
    prop: string;
}

const KINDS: Kind[] = [
    { metric: 'forms', event: 'form.submit', prop: 'form' },
    { metric: 'automationRuns', event: 'automation.run', prop: 'flow' },
    { metric: 'exports', event: 'export.completed', prop: 'format' },
    { metric: 'aiTokens', event: 'ai.usage', prop: 'model' },
];

/** Of which the site has had an event, as far back as its numbers go. */
function useHad({ siteId, tick }: Question): Kind[] {
    const kinds = KINDS.filter(({ metric }) => shows(siteId, metric));
    const all = query('analytics/compare', { siteId, period: 'all', against: 'previous' });
    const had = useAnswer<Comparison>(kinds.length > 0 ? all : undefined, tick).data?.current;
    return kinds.filter(({ metric }) => had?.[metric]);
}

/* Who is shown a site may see how often, and not by what. */
const isTold =
    (siteId: string) =>
    ({ prop }: Kind) =>
        shows(siteId, 'event') && shows(siteId, `prop:${prop}`);

/* The same question about one event alone. */
const about = (question: Question, event: string): Question => ({
    ...question,
    values: {
        ...question.values,
        filter: [...(question.values.filter ?? []), `event:is:${event}`],
    },
});

export function Product({ question, answer }: { question: Question; answer: Answer<Comparison> }) {
    const had = useHad(question);
    if (had.length === 0) return null;
    const { siteId } = question;
    const view = { ...question.view, metric: 'aiTokens' };
    return (
        <section class="product" aria-labelledby="product">
            <h2 id="product">{say('product')}</h2>
            <Tiles
                answer={answer}
                metrics={had.map(({ metric }) => metric)}
                chosen={question.view.metric}
            />
            <div class="cards">
                {had.filter(isTold(siteId)).map(({ metric, event, prop }) => (
                    <RowsCard
                        key={event}
                        name={metric}
                        question={about(question, event)}
                        dimension={`prop:${prop}`}
                        rows={ROWS}
                        title={say('eventsBy', { event, prop })}
                        none={
                            answer.data?.current[metric]
                                ? say('eventsWithout', { event, prop })
                                : undefined
                        }
                    />
                ))}
            </div>
            {had.some(({ metric }) => metric === 'aiTokens') && (
                <>
                    <h3>{say('aiTokensChart')}</h3>
                    <Graph question={{ ...question, view }} />
                </>
            )}
        </section>
    );
}
