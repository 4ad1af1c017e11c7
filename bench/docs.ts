// Writes the results of runs into docs/: a page for each part, the plan, the charts, and the summaries in
// docs/performance.md and docs/scale.md. Pages of parts without results stay as they are. If several files
// have results of a part, the newest ones count.
//
//   npm run bench:docs -- bench-results.json bench-results.growth.json
import { readFileSync, writeFileSync } from 'node:fs';
import { CHARTS } from './charts.ts';
import { parts } from './parts/index.ts';
import { planPage } from './plan/page.ts';
import { unitCosts } from './plan/unitCosts.ts';
import { pageOf, type Report, replaceBlock } from './report.ts';
import { Results } from './results.ts';
import { PERFORMANCE, planSummaryOf, SCALE, summaryOf } from './summary.ts';
import { BENCHMARKS, rowsOfPage } from './tables.ts';

const files = process.argv.slice(2);
const reports = (files.length > 0 ? files : ['bench-results.json']).map(
  (file) => JSON.parse(readFileSync(file, 'utf8')) as Report,
);
const results = new Results(reports);

for (const part of parts) {
  const report = results.reportOf(part.name);
  if (report !== undefined) writePage(part.name, pageOf(part, report, results.rowsOf(part.name)));
}
if (results.has('shards', 'wire', 'delivery', 'bytes', 'apply', 'batch', 'daemons')) {
  writePage('plan', planPage(unitCosts(results)));
}
for (const [name, draw] of Object.entries(CHARTS)) {
  writeFileSync(`${BENCHMARKS}/${name}.svg`, draw(rowsOfPage));
}
update('docs/performance.md', 'summary', summaryOf(PERFORMANCE, rowsOfPage));
update('docs/scale.md', 'summary', summaryOf(SCALE, rowsOfPage));
update('docs/scale.md', 'plan', planSummaryOf(rowsOfPage('plan')));

function writePage(name: string, text: string): void {
  writeFileSync(`${BENCHMARKS}/${name}.md`, text);
}

function update(page: string, block: string, content: string): void {
  writeFileSync(page, replaceBlock(readFileSync(page, 'utf8'), block, content));
}
