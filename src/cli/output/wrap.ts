import { widthOf } from './width.js';

/** The text in lines of at most `width` columns, broken between words. */
export function wrap(text: string, width: number): string[] {
  return fill(text.split(/\s+/).filter(Boolean), width);
}

/** The words in lines of at most `width` columns. A word is broken only if it is longer than a line. */
export function fill(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.flatMap((each) => piecesOf(each, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width || line === '') {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/**
 * A word that is longer than a line in pieces that fit: broken after a comma, bar or slash, or else anywhere.
 */
function piecesOf(word: string, width: number): string[] {
  if (widthOf(word) <= width) return [word];
  const parts = word.split(/(?<=[,|/])/).flatMap((part) => (widthOf(part) <= width ? [part] : [...part]));
  const pieces: string[] = [];
  let piece = '';
  for (const part of parts) {
    if (piece !== '' && widthOf(piece + part) > width) {
      pieces.push(piece);
      piece = '';
    }
    piece += part;
  }
  return [...pieces, piece];
}
