import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { pad, widthOf } from './width.js';

/** True on a terminal: tables and colours are for terminals, and NO_COLOR turns both off. */
function isFancy(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

/** Colours for stdout; without effect if stdout has none. */
export function colors(): ChalkInstance {
  return new Chalk(isFancy() ? {} : { level: 0 });
}

/** The lines of a cell on a terminal; elsewhere each is a column. */
export type Cell = (string | undefined)[];

/**
 * A table. On a terminal it has a column per title if that fits, otherwise the titles of a cell below each
 * other, otherwise a block of lines per row. Without colours it has aligned columns, one line per row, where
 * "-" is an empty cell, or blocks on a terminal that is too narrow.
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

/** Anything fits if stdout is not a terminal. */
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
  table.push(...rows.map((row) => row.map(stack)));
  return table.toString();
}

/** The lines of a cell, each below its title. */
function stack(cell: Cell): string {
  const last = cell.findLastIndex(Boolean);
  return fill(cell, last + 1).join('\n');
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
