import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { pad, widthOf } from './width.js';

/** True where people look on: tables and colour are for a terminal, and NO_COLOR turns both off. */
function isFancy(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

/** Colours for stdout; they do nothing where stdout is not fancy. */
export function colors(): ChalkInstance {
  return new Chalk(isFancy() ? {} : { level: 0 });
}

/** The lines of a cell on a terminal, which are columns of their own elsewhere. */
export type Cell = (string | undefined)[];

/**
 * A table on a terminal: with a column for each title where that is wide enough, else with the titles of a cell below each other, else a
 * block of lines for each row. Without colour aligned columns, a line a row, where "-" stands for nothing; and blocks on a terminal that is too narrow for them.
 */
export function renderTable(head: string[][], rows: Cell[][]): string {
  if (!isFancy()) {
    const columns = renderColumns(head, rows);
    return fits(columns) ? columns : renderBlocks(head, rows);
  }
  const flat = renderGrid(
    head.flat().map((title) => [title]),
    rows.map((row) => row.flatMap((cell, i) => fill(cell, head[i]?.length ?? 1).map((text) => [text]))),
  );
  if (fits(flat)) return flat;
  const stacked = renderGrid(head, rows);
  return fits(stacked) ? stacked : renderBlocks(head, rows);
}

/** Anything fits where stdout is no terminal. */
function fits(text: string): boolean {
  const max = process.stdout.columns || Infinity;
  return text.split('\n').every((line) => widthOf(line) <= max);
}

function renderGrid(head: string[][], rows: Cell[][]): string {
  const { bold } = colors();
  const table = new Table({
    head: head.map((titles) => titles.map((title) => bold(title)).join('\n')),
    style: { head: [], border: ['gray'] },
  });
  table.push(...rows.map((row) => row.map((cell) => cell.filter(Boolean).join('\n'))));
  return table.toString();
}

function renderBlocks(head: string[][], rows: Cell[][]): string {
  const { bold } = colors();
  const titles = head.flat();
  const width = Math.max(...titles.map((title) => title.length));
  const blocks = rows.map((row) => {
    const texts = row.flatMap((cell, i) => fill(cell, head[i]?.length ?? 1));
    const lines = titles.map((title, i) => texts[i] !== '-' && `${bold(title.padEnd(width))}  ${texts[i]}`);
    return lines.filter(Boolean).join('\n');
  });
  return blocks.join('\n\n');
}

function renderColumns(head: string[][], rows: Cell[][]): string {
  const lines = [
    head.flat(),
    ...rows.map((row) => row.flatMap((cell, i) => fill(cell, head[i]?.length ?? 1))),
  ];
  const widths = head
    .flat()
    .map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] as string))));
  return lines
    .map((line) =>
      line
        .map((text, i) => pad(text, widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function fill(cell: Cell, columns: number): string[] {
  return Array.from({ length: columns }, (_, i) => cell[i] || '-');
}
