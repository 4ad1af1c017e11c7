import type { ImportCounts, ImportProblem } from '../../migration/legacyImport.js';
import { errorJson } from './report.js';

/** The result of an import. */
export interface ImportSummary {
  counts: ImportCounts;
  /** False for a dry run. */
  isApplied: boolean;
  /** Whether all keys were read. */
  isComplete: boolean;
}

/** A record that was not imported, as a line. */
export function problemLine({ key, error }: ImportProblem): string {
  return `not imported: ${JSON.stringify(key)}: ${error.message}`;
}

/** The same as --json prints it. */
export function problemJson({ key, error }: ImportProblem): object {
  return { type: 'problem', key, ...errorJson(error) };
}

/** The counts as lines. */
export function summaryLines({ counts, isApplied, isComplete }: ImportSummary): string[] {
  const { keys, online, offline, invalid, other, imported, unchanged } = counts;
  const applied = [
    `  imported       ${number(imported)}`,
    `  left alone     ${number(unchanged)}, logged in or out at a daemon since`,
  ];
  return [
    `hashes read      ${number(keys)}${isComplete ? '' : ', not all: run it again'}`,
    `online           ${number(online)}${isApplied ? '' : ', which --apply logs in: this was a dry run'}`,
    ...(isApplied ? applied : []),
    `offline          ${number(offline)}, not imported`,
    `not importable   ${number(invalid)}`,
    `of others        ${number(other)}, ignored`,
  ];
}

function number(amount: number): string {
  return amount.toLocaleString('en');
}

/** The same as --json prints it. */
export function summaryJson({ counts, isApplied, isComplete }: ImportSummary): object {
  return { type: 'summary', applied: isApplied, complete: isComplete, ...counts };
}
