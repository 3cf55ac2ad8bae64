/*
 * analytics/page.tsx -- the analytics of a site, from the bar to the details, in one column.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { lazy } from '../lazy';
import { shared } from '../stage';
import type { Comparison } from '../types';
import { Bar } from './bar';
import { Cards } from './cards';
import { Figures } from './figures';
import { Graph } from './graph';
import { useKeys } from './keys';
import { useLive } from './live';
import { NotCounted } from './not_counted';
import { useFigures, useQuestion, type Question } from './question';

/* What opens over the page, and what most visits do not see. */
const Details = lazy(() => import('./details').then((part) => part.Details), { soon: true });
const Sheets = lazy(() => import('./sheets').then((part) => part.Sheets), { soon: true });
const Product = lazy(() => import('./product').then((part) => part.Product));
const Onboarding = lazy(() => import('./onboarding').then((part) => part.Onboarding));

const isEmpty = ({ current }: Comparison) =>
    !current.pageviews && !current.conversions && !current.visits;

/** What stands there if nothing was counted, since that may have a cause. */
function Counted({
    question,
    echo,
    children,
}: {
    question: Question;
    echo?: Comparison;
    children: ComponentChildren;
}) {
    const empty = !shared && echo && question.view.filters.length === 0 && isEmpty(echo);
    return empty ? (
        <Onboarding question={question} echo={echo}>
            {children}
        </Onboarding>
    ) : (
        <>{children}</>
    );
}

export function Analytics({ siteId }: { siteId: string }) {
    const [tick, setTick] = useState(0);
    const live = useLive(siteId, () => setTick((count) => count + 1));
    const question = useQuestion(siteId, tick);
    const figures = useFigures(question);
    useKeys(question);
    const echo = figures.data;
    const { view } = question;

    return (
        <div class="analytics">
            <Bar question={question} live={live} echo={echo} />
            <NotCounted question={question} />
            <Counted question={question} echo={echo}>
                <Figures question={question} answer={figures} />
                <Graph question={question} />
                <Cards question={question} />
                <Product question={question} answer={figures} />
            </Counted>
            {view.details && <Details question={question} />}
            {view.sheet && <Sheets question={question} echo={echo} />}
        </div>
    );
}
