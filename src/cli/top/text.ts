import { printable } from '../output/printable.js';
import { colors } from '../output/style.js';
import { cut, pad, widthOf } from '../output/width.js';

/** The style of a part of a line. */
export type Paint = 'plain' | 'bold' | 'green' | 'yellow' | 'red' | 'gray' | 'cyan';

/** A part of a line. */
export type Part = string | [text: string, paint: Paint];

const BARS = '▁▂▃▄▅▆▇█';

/** A line of at most `width` columns; a cut line ends with "…". */
export function fit(parts: Part[], width: number): string {
  const paints = colors();
  let left = width;
  let line = '';
  for (const part of parts) {
    const [text, paint] = typeof part === 'string' ? ([part, 'plain'] as const) : part;
    const shown = cut(printable(text), left);
    left -= widthOf(shown);
    line += paint === 'plain' ? shown : paints[paint](shown);
  }
  return line;
}

/** The text in exactly `width` columns, cut with "…". */
export function cell(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  return pad(cut(printable(text), width), width, align);
}

/** The columns that these parts take. */
export function widthOfParts(parts: Part[]): number {
  const texts = parts.map((part) => (typeof part === 'string' ? part : part[0]));
  return widthOf(printable(texts.join('')));
}

/** Bars for the last `width` values, from the lowest to the highest, or from 0 if all are equal. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const [least, max] = [Math.min(...shown), Math.max(...shown)];
  const barOf = (value: number) => {
    if (max === least) return max === 0 ? BARS[0] : BARS[3];
    return BARS[Math.round(((value - least) / (max - least)) * (BARS.length - 1))];
  };
  return shown.map(barOf).join('');
}
