// Reads the tables of generated pages, from which the summaries and charts are made.
import { readFileSync } from 'node:fs';

/** The cells of a row by column. */
export type TableRow = Readonly<Record<string, string>>;

/** Where the generated pages and charts are. */
export const BENCHMARKS = 'docs/benchmarks';

/** The rows of a generated page. */
export function rowsOfPage(name: string): TableRow[] {
  return tableRows(readFileSync(`${BENCHMARKS}/${name}.md`, 'utf8'));
}

/** The rows of all tables of a Markdown text. */
export function tableRows(markdown: string): TableRow[] {
  const rows: TableRow[] = [];
  let head: string[] | undefined;
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) head = undefined;
    else if (head === undefined) head = cellsOf(line);
    else if (!/^[|\s-]+$/.test(line)) rows.push(rowOf(head, cellsOf(line)));
  }
  return rows;
}

/** The number with which a cell begins; NaN if there is none. */
export function numberIn(cell: string | undefined): number {
  return Number.parseFloat((cell ?? '').replaceAll(',', ''));
}

/** A Markdown table. */
export function markdownTable(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function rowOf(head: string[], cells: string[]): TableRow {
  return Object.fromEntries(head.map((column, i) => [column, cells[i] ?? '']));
}
