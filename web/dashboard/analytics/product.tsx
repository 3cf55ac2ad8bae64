/*
 * product.tsx -- what a product does besides being read: forms, automation runs, export jobs, AI
 * tokens. Shown once the site has had such an event.
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

interface Kind {
    metric: Metric;
    event: string;
    prop?: string; /* that its events are told apart by */
}

const KINDS: Kind[] = [
    { metric: 'forms', event: 'form.submit', prop: 'form' },
    { metric: 'automationRuns', event: 'automation.run' },
    { metric: 'exports', event: 'export.completed' },
    { metric: 'aiTokens', event: 'ai.usage', prop: 'model' },
];

/** Of which the site has had an event, as far back as its numbers go. */
function useHad({ siteId, tick }: Question): Kind[] {
    const kinds = KINDS.filter(({ metric }) => shows(siteId, metric));
    /* Events of the product's own servers have no visitor, and no row in a breakdown. */
    const all = query('analytics/compare', { siteId, period: 'all', against: 'previous' });
    const had = useAnswer<Comparison>(kinds.length > 0 ? all : undefined, tick).data?.current;
    return kinds.filter(({ metric }) => had?.[metric]);
}

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
                {had.map(
                    ({ metric, event, prop }) =>
                        prop && (
                            <RowsCard
                                key={event}
                                name={metric}
                                question={about(question, event)}
                                dimension={`prop:${prop}`}
                                title={say('eventsBy', { event, prop })}
                            />
                        ),
                )}
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
