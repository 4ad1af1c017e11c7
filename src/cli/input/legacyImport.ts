import type { ImportOptions, ImportProblem } from '../../migration/legacyImport.js';
import { EXIT_BY_SIGNAL } from '../base/signals.js';
import {
  type ImportSummary,
  problemJson,
  problemLine,
  summaryJson,
  summaryLines,
} from '../output/importReport.js';
import { printable, printableJson } from '../output/printable.js';
import { Progress } from '../output/progress.js';

/** Invalid records are bad input. */
const EXIT_WITH_PROBLEMS = 2;

/** Source and destination of an import, and how to print it. */
export interface ImportRun extends Omit<ImportOptions, 'onProblem' | 'onKey'> {
  isJson: boolean;
}

/**
 * Runs an import: prints each record that is not imported, and the counts at the end, even if the import
 * fails. Resolves with the exit code; rejects with the error that stopped it.
 */
export async function runLegacyImport({ isJson, ...options }: ImportRun): Promise<number> {
  // It loads the Redis client.
  const { LegacyImport } = await import('../../migration/legacyImport.js');
  const progress = new Progress('hash', true, 'hashes');
  const print = (lines: string[], json: object) => {
    progress.end();
    for (const line of isJson ? [printableJson(json)] : lines.map(printable))
      process.stdout.write(`${line}\n`);
  };
  const onProblem = (problem: ImportProblem) => print([problemLine(problem)], problemJson(problem));
  const run = new LegacyImport({ ...options, onProblem, onKey: () => progress.add(1) });
  try {
    await run.run();
  } finally {
    const { counts, isComplete } = run;
    const summary: ImportSummary = { counts, isComplete, isApplied: options.daemons !== undefined };
    print(summaryLines(summary), summaryJson(summary));
  }
  if (options.stop.aborted) return EXIT_BY_SIGNAL;
  return run.counts.invalid > 0 ? EXIT_WITH_PROBLEMS : 0;
}
