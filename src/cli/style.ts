import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';

/** True where people look on: tables and colour are for a terminal, and NO_COLOR turns both off. */
function isFancy(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

/** Colours for stdout; they do nothing where stdout is not fancy. */
export function colors(): ChalkInstance {
  return new Chalk(isFancy() ? {} : { level: 0 });
}

/** A table on a terminal; elsewhere aligned columns, a line a row. A cell may have several lines. */
export function renderTable(head: string[], rows: string[][]): string {
  if (!isFancy()) return renderColumns([head, ...rows]);
  const { bold } = colors();
  const table = new Table({ head: head.map((text) => bold(text)), style: { head: [], border: ['gray'] } });
  table.push(...rows);
  return table.toString();
}

function renderColumns(rows: string[][]): string {
  const lines = rows.map((row) => row.map((cell) => cell.replaceAll('\n', ' ')));
  const widths = lines.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 0)),
    [],
  );
  return lines
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
