/*
 * not_counted.tsx -- one quiet line: what was received in the range and not counted, and why. It
 * leads to the ledger.
 */
import { query, useAnswer } from '../api';
import { short } from '../format';
import { shared } from '../stage';
import type { Ledger } from '../types';
import { rangeOf } from '../view';
import { say, type Word } from '../words';
import type { Question } from './question';

/* Reasons that people have one name for. */
const REASONS: [Word, (ledger: Ledger) => number][] = [
    ['countBots', ({ dropped }) => dropped.bot ?? 0],
    ['countSignals', ({ dropped }) => (dropped.gpc ?? 0) + (dropped['do-not-track'] ?? 0)],
    ['countBlocked', ({ dropped }) => (dropped.blocked ?? 0) + (dropped.disabled ?? 0)],
    ['countQuota', ({ dropped }) => dropped.quota ?? 0],
    [
        'countRefused',
        ({ rejected }) => Object.values(rejected).reduce((sum, count) => sum + count, 0),
    ],
];

export function NotCounted({ question: { siteId, view, tick } }: { question: Question }) {
    const range = rangeOf(view);
    const path = query('analytics/ledger', { siteId, ...range });
    const { data } = useAnswer<Ledger>(shared ? undefined : path, tick);
    if (shared) return null;
    const search = new URLSearchParams(range);
    const parts = data
        ? REASONS.map(([word, count]) => ({ word, n: count(data) })).filter(({ n }) => n > 0)
        : [];
    return (
        <p class="soft not-counted">
            {parts.length > 0 && (
                <a href={`/admin/sites/${encodeURIComponent(siteId)}/ledger?${search}`}>
                    {say('notCounted')}{' '}
                    {parts.map(({ word, n }) => say(word, { n: short(n) }, n)).join(', ')}
                </a>
            )}
        </p>
    );
}
