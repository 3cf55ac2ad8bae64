/* change.tsx -- how a number differs from the one before. */
import { change, figureInFull, type Value } from '../format';
import { classes } from '../ui';
import { say, type Metric } from '../words';

const ARROWS = { up: '▲', down: '▼', same: '=' };

/** Nothing where one of the two is not known. */
export function ChangeOf({ metric, now, before }: { metric: Metric; now: Value; before: Value }) {
    const found = change(metric, now, before);
    if (!found) return null;
    const { text, way, good } = found;
    const tone = good === undefined ? '' : good ? 'good' : 'bad';
    return (
        <span
            class={classes('change', tone)}
            title={say('before', { n: figureInFull(metric, before) })}
        >
            <span aria-hidden="true">{ARROWS[way]} </span>
            <span class="unseen">{say(way)} </span>
            {text}
        </span>
    );
}
