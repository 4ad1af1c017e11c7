import { pad, widthOf } from '../output/width.js';
import { fill, wrap } from '../output/wrap.js';

/** A longer label has a line of its own, so that it takes no room from the texts of the others. */
const MAX_LABEL_COLUMNS = 30;
/** Texts that would be narrower stand below their labels. */
const MIN_TEXT_COLUMNS = 24;
const GAP = 2;

/** A label, such as a flag, and what it means. */
export type Row = readonly (string | undefined)[];

/** Wraps each line of a text by itself. oclif would break long words at the edge of the terminal. */
export function wrapLines(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => wrap(line, width).join('\n'))
    .join('\n');
}

/** Labels with their texts beside them, or below them on a narrow terminal. */
export function renderRows(rows: readonly Row[], width: number): string {
  const widths = rows.map(([label = '']) => widthOf(label)).filter((each) => each <= MAX_LABEL_COLUMNS);
  const column = Math.max(...widths, 0);
  const isNarrow = width - column - GAP < MIN_TEXT_COLUMNS;
  return rows.flatMap((row) => (isNarrow ? below(row, width) : beside(row, column, width))).join('\n');
}

function below([label = '', text = '']: Row, width: number): string[] {
  const indent = ' '.repeat(2 * GAP);
  return [label.trim(), ...wrapMeaning(text, width - indent.length).map((line) => indent + line)];
}

function beside([label = '', text = '']: Row, column: number, width: number): string[] {
  const lines = wrapMeaning(text, width - column - GAP);
  const indent = ' '.repeat(column + GAP);
  if (widthOf(label) > column) return [label, ...lines.map((line) => indent + line)];
  const [first = '', ...others] = lines;
  return [`${pad(label, column)}  ${first}`.trimEnd(), ...others.map((line) => indent + line)];
}

/**
 * A command that can be pasted: broken between its words, but not inside quotes, nor before the value of a
 * flag.
 */
export function wrapCommand(command: string, width: number): string {
  const words = command.match(/--\S+ (?:'[^']*'|"[^"]*"|(?![-(>|&])\S+)|(?:'[^']*'|"[^"]*"|\S)+/g) ?? [];
  // Room for the indent and the backslash.
  return fill(words, width - 6).join(' \\\n    ');
}

/** The words of a meaning; a note such as "[default: 5s]" is one of them, if it fits a line. */
function wrapMeaning(text: string, width: number): string[] {
  const words = text.match(/\[[^\]]*\]|\S+/g) ?? [];
  return fill(
    words.flatMap((word) => (widthOf(word) <= width ? [word] : word.split(' '))),
    width,
  );
}
