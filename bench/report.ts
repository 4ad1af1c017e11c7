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
export function tableOf({ machine, rows }: Report): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const { part, row, unit, value, reference, ratio, goal, reached } of rows) {
    const verdict = reached === undefined ? '' : reached ? 'yes' : 'NO';
    const beside = reference ? `${short(reference.value.median)} ${reference.name}` : '';
    table.push([
      part,
      row,
      unit,
      short(value.median),
      beside,
      ratio ? textOf(ratio) : '',
      goalText(goal),
      verdict,
    ]);
  }
  return `${describe(machine)}\n${table.toString()}`;
}

function describe(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, redis, unaryLoad } = machine;
  return (
    `${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}, Redis ${redis}; ` +
    `unary calls by ${unaryLoad}; medians`
  );
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
