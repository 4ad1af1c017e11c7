// How rows are printed and written.
import Table from 'cli-table3';
import { type Spread, short } from './figures.ts';
import type { Machine } from './machine.ts';
import type { Goal, Row } from './part.ts';

/** A run of the bench: what is written as JSON. */
export interface Report {
  machine: Machine;
  startedAt: string;
  /** The options of each part that was run. */
  options: Record<string, Record<string, string>>;
  rows: (Row & { part: string })[];
}

const HEAD = [
  'part',
  'what',
  'unit',
  'measured',
  'reference',
  'ratio: min / median / max',
  'goal',
  'reached',
];

/** The report as a table for people. */
export function tableOf(report: Report): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const row of report.rows) table.push([row.part, ...cellsOf(row)]);
  return `${describe(report)}\n${table.toString()}`;
}

/** Rows of one part as a table in Markdown. */
export function markdownOf(rows: Row[]): string {
  const lines = [HEAD.slice(1), HEAD.slice(1).map(() => '---'), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** Where and when a run was made. */
export function describe({ machine, startedAt }: Report): string {
  const { cpu, cores, memoryGiB, kernel, node, redis, unaryLoad } = machine;
  return (
    `${startedAt.slice(0, 10)}, ${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}, Redis ${redis}; ` +
    `unary calls by ${unaryLoad}; medians`
  );
}

function cellsOf({ row, unit, value, reference, ratio, goal, reached }: Row): string[] {
  const verdict = reached === undefined ? '' : reached ? 'yes' : 'NO';
  const beside = reference ? `${short(reference.value.median)} ${reference.name}` : '';
  return [row, unit, short(value.median), beside, ratio ? textOf(ratio) : '', goalText(goal), verdict];
}

function textOf({ min, median, max }: Spread): string {
  return [min, median, max].map(short).join(' / ');
}

function goalText(goal: Goal | undefined): string {
  if (goal === undefined) return '';
  const { figure, atLeast, atMost } = goal;
  const bound =
    atLeast === undefined ? `≤ ${atMost?.toLocaleString('en')}` : `≥ ${atLeast.toLocaleString('en')}`;
  return figure === 'ratio' ? `ratio ${bound}` : bound;
}
