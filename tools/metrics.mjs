// metrics.mjs -- doc/METRICS.md, from the file that the dashboard explains its labels with.
//
//     node tools/metrics.mjs > doc/METRICS.md
import { readFileSync } from 'node:fs';

const { metrics, dimensions } = JSON.parse(
  readFileSync(new URL('../web/dashboard/metrics.json', import.meta.url), 'utf8'),
);
const cell = (text) => text.replaceAll('|', '\\|');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;
const table = (heads, rows) =>
  [row(...heads), `|${'---|'.repeat(heads.length)}`, ...rows].join('\n');

console.log(`# What the numbers mean

The dashboard explains its labels with the same words: both are made from
\`web/dashboard/metrics.json\` (\`node tools/metrics.mjs\`). Names are those of the API's answers
and parameters. Days are the site's own days; rates are 0 to 1, durations are in seconds.

## Figures

${table(
  ['name', 'in the dashboard', 'what it counts', 'formula'],
  Object.entries(metrics).map(([name, { label, explain, formula }]) =>
    row(`\`${name}\``, label.en, explain.en, formula.en),
  ),
)}

## Dimensions

${table(
  ['name', 'in the dashboard', 'what its values are'],
  Object.entries(dimensions).map(([name, { label, explain }]) =>
    row(name === 'prop' ? '`prop:NAME`' : `\`${name}\``, label.en, explain.en),
  ),
)}`);
