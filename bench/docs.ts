// Puts the figures of runs into the documents: each block between "<!-- bench PART -->" and "<!-- end -->" becomes the table of a
// part, and "<!-- plan -->" the plan. Takes the files that runs have written; the newest figure of a row counts.
//
//   npm run bench:docs -- bench-results.json bench-results.growth.json
import { readFileSync, writeFileSync } from 'node:fs';
import { planOf } from './plan.ts';
import { describe, markdownOf, type Report } from './report.ts';
import { Results } from './results.ts';

const DOCUMENTS = ['docs/performance.md', 'docs/scale.md'];
const BLOCK = /(<!-- (?:bench (\w+)|plan) -->\n)[\s\S]*?(<!-- end -->)/g;

const files = process.argv.slice(2);
const reports = (files.length > 0 ? files : ['bench-results.json']).map(
  (file) => JSON.parse(readFileSync(file, 'utf8')) as Report,
);
const results = new Results(reports);

for (const document of DOCUMENTS) {
  const text = readFileSync(document, 'utf8');
  writeFileSync(document, text.replace(BLOCK, replaceBlock));
}

function replaceBlock(block: string, begin: string, part: string | undefined, end: string): string {
  if (part === undefined)
    return results.has('shards', 'wire', 'told', 'bytes', 'apply', 'batch', 'daemons')
      ? `${begin}\n${planOf(results)}\n${end}`
      : block;
  const report = results.reportOf(part);
  if (report === undefined) return block;
  const rows = results.rowsOf(part);
  return `${begin}\n${describe(report)}\n\n${markdownOf(rows)}\n${end}`;
}
