// What a test reads off the dashboard, and how the API's numbers are written there: written anew
// here, from the specification, in English.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

export { becomes } from './browser_time.mjs';

const json = (name) => JSON.parse(readFileSync(join(ROOT, 'web/dashboard', name), 'utf8'));
/** The catalogue, by language. */
export const WORDS = { ...json('words.json'), ...json('more.json') };
export const { metrics: METRICS, dimensions: DIMENSIONS } = json('metrics.json');

/* -- how numbers are written ------------------------------------------------------------------- */

const whole = (n) => n.toLocaleString('en-US', { maximumFractionDigits: 0 });
const oneDigit = (n) => n.toLocaleString('en-US', { maximumFractionDigits: 1 });

function short(n) {
    if (n < 10_000) return whole(n);
    if (n < 999_950) return `${oneDigit(n / 1000)}k`;
    return `${oneDigit(n / 1_000_000)}M`;
}

export function percent(ratio) {
    const digits = ratio < 0.1 ? 1 : 0;
    return ratio.toLocaleString('en-US', { style: 'percent', maximumFractionDigits: digits });
}

function duration(seconds) {
    const s = Math.round(seconds);
    if (s < 60) return `${s} s`;
    return s < 3600
        ? `${Math.floor(s / 60)}m ${s % 60}s`
        : `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
}

const RATES = new Set(['bounceRate', 'conversionRate']);
const DURATIONS = new Set(['visitDuration', 'timeOnPage']);
const isCount = (metric) =>
    !RATES.has(metric) && !DURATIONS.has(metric) && metric !== 'scrollDepth';

/** What stands there, and what its hover says. */
export function written(metric, value) {
    if (value === null || value === undefined) return ['–', '–'];
    if (RATES.has(metric)) return [percent(value), percent(value)];
    if (DURATIONS.has(metric)) return [duration(value), duration(value)];
    if (metric === 'scrollDepth') return [percent(value / 100), percent(value / 100)];
    return [short(value), whole(value)];
}
export const inFull = (metric, value) => written(metric, value)[1];

/** "▲ up +12%", and whether it is good: below 20 in units, and more bounces are worse. Nothing
 *  where one of the two is not known. */
export function changed(metric, now, before) {
    if (now == null || before == null) return null;
    const way = Math.sign(now - before);
    const [arrow, said] = { 1: ['▲', 'up'], '-1': ['▼', 'down'], 0: ['=', 'the same'] }[way];
    const sign = { 1: '+', '-1': '−', 0: '' }[way];
    const by = Math.abs(now - before);
    let text = '';
    if (isCount(metric) && before < 20) text = sign + whole(by);
    else if (before > 0) {
        // By this quotient: another one may lie on the other side of a half per cent.
        const shown = percent(Math.abs(now / before - 1));
        text = (shown === '0%' ? '' : sign) + shown;
    }
    const isNeutral = way === 0 || metric === 'aiTokens';
    const isGood = way > 0 !== (metric === 'bounceRate');
    const tone = isNeutral ? '' : isGood ? 'good' : 'bad';
    return { text: `${arrow} ${said} ${text}`.trim(), tone };
}

/** What a value of a dimension is called in English. */
export function named(dimension, value) {
    const own = WORDS[value]?.en;
    if (value.startsWith('(') || ['device', 'channel'].includes(dimension)) return own ?? value;
    const type = { country: 'region', language: 'language' }[dimension];
    if (type === undefined) return value;
    return new Intl.DisplayNames('en', { type }).of(value);
}

/* -- what is there ----------------------------------------------------------------------------- */

const SQUEEZE = (text) => text.replace(/\s+/g, ' ').trim();

/** The figures by metric: {value, full, change: {text, tone} or null, chosen}. */
export async function figures(page, within = '.figures-card') {
    const found = await page.locator(`${within} .figure`).evaluateAll((all) =>
        all.map((one) => {
            const part = (name) => one.querySelector(name);
            const change = part('.change');
            return {
                metric: one.dataset.metric,
                value: part('.figure-value').textContent,
                full: part('.figure-value').title,
                change: change && {
                    text: change.textContent,
                    tone: change.classList[1] ?? '',
                    before: change.title,
                },
                chosen: part('button').getAttribute('aria-pressed') === 'true',
            };
        }),
    );
    for (const { change } of found) if (change) change.text = SQUEEZE(change.text);
    return Object.fromEntries(found.map(({ metric, ...rest }) => [metric, rest]));
}

/** The same, as an answer of compare has it. */
export const figuresOf = ({ current, previous, exact }, metrics, chosen) =>
    Object.fromEntries(
        metrics.map((metric) => {
            const [value, full] = written(metric, current[metric]);
            const change = changed(metric, current[metric], previous?.[metric]);
            const isEstimate = !exact && ['uniqueVisitors', 'conversionRate'].includes(metric);
            const before = change && `before: ${inFull(metric, previous[metric])}`;
            return [
                metric,
                {
                    value: (isEstimate ? '≈ ' : '') + value,
                    full,
                    change: change && { ...change, before },
                    chosen: metric === chosen,
                },
            ];
        }),
    );

export const FIGURES = [
    'uniqueVisitors',
    'visits',
    'pageviews',
    'bounceRate',
    'visitDuration',
    'leads',
    'conversionRate',
];

/** The rows of a card: [[name, percent, value, value in full, change or null], ...]; events have no
 *  percent. */
export async function rows(page, card) {
    const found = await page.locator(`[data-card=${card}] .rows > li`).evaluateAll((all) =>
        all.map((one) => {
            const part = (name) => one.querySelector(name);
            const value = part('.row-value');
            return [
                part('.row-name').textContent,
                part('.row-percent')?.textContent,
                value.textContent,
                value.title,
                part('.row-change') && (part('.row-change').textContent ?? ''),
            ];
        }),
    );
    return found.map(([...row]) => [...row.slice(0, 4), row[4] === null ? null : SQUEEZE(row[4])]);
}

export const isOfEvents = (dimension) => dimension === 'event' || dimension.startsWith('prop:');

function measureOf(dimension) {
    if (dimension === 'goal') return ['conversions', 'conversions'];
    return isOfEvents(dimension) ? ['events', 'events'] : ['visitors', 'uniqueVisitors'];
}

/** The same, as an answer of breakdown has it. */
export function rowsOf({ dimension, rows: given }, isCompared = false) {
    const [column, metric] = measureOf(dimension);
    return given.map((row) => {
        const part = dimension === 'goal' ? row.conversionRate : row.percent / 100;
        const change = changed(metric, row[column], row.previous?.[column]);
        return [
            named(dimension, row.value),
            column === 'events' ? undefined : percent(part),
            ...written(metric, row[column]),
            isCompared ? (change?.text ?? '') : null,
        ];
    });
}

/** The columns and rows of a table, as texts. */
export async function table(page, selector) {
    const found = await page
        .locator(`${selector} tr`)
        .evaluateAll((all) => all.map((line) => [...line.cells].map((cell) => cell.textContent)));
    return found.map((line) => line.map(SQUEEZE));
}

/** The lines of the details, without what opens them. */
export const lines = async (page) =>
    (await table(page, '.details-body tbody')).map((line) =>
        line.map((text) => text.replace(/^[▸▾] ?/, '')),
    );

/** What the address asks for, in the order of names. */
export const asked = (page) => Object.fromEntries(new URL(page.url()).searchParams);
