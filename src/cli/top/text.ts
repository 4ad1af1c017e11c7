import { printable } from '../output/printable.js';
import { colors } from '../output/style.js';
import { cut, pad, widthOf } from '../output/width.js';

/** How a part of a line looks. */
export type Paint = 'plain' | 'bold' | 'green' | 'yellow' | 'red' | 'gray' | 'cyan';

/** A part of a line. */
export type Part = string | [text: string, paint: Paint];

const BARS = '▁▂▃▄▅▆▇█';

/** A line of at most so many columns; one that was cut ends with "…". */
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

/** The text in just so many columns, cut with "…". */
export function cell(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  return pad(cut(printable(text), width), width, align);
}

/** How many columns these parts take. */
export function widthOfParts(parts: Part[]): number {
  const texts = parts.map((part) => (typeof part === 'string' ? part : part[0]));
  return widthOf(printable(texts.join('')));
}

/** Bars for the last `width` values: from the least to the greatest of them, or from 0 if there is no difference. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const [least, max] = [Math.min(...shown), Math.max(...shown)];
  const barOf = (value: number) => {
    if (max === least) return max === 0 ? BARS[0] : BARS[3];
    return BARS[Math.round(((value - least) / (max - least)) * (BARS.length - 1))];
  };
  return shown.map(barOf).join('');
}
