import stringWidth from 'string-width';

/** Most texts: each character takes one column. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Columns of the text on a terminal: Chinese characters and emoji take two, colours none. */
export function widthOf(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text);
}

/** The text, padded with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/** The text, cut to `width` columns; a cut text ends with "…". */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = '';
  let left = width - 1;
  for (const letter of text) {
    left -= widthOf(letter);
    if (left < 0) break;
    shown += letter;
  }
  return width > 0 ? `${shown}…` : '';
}
