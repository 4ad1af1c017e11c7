import { isoDate } from './i18n.js';

const MAX_NAME_LENGTH = 80;

/** Saves a text as a file of the browser. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The name of a file, such as `imstate-history-alice-2026-01-31.csv`. */
export function fileName(parts, extension) {
  const name = ['imstate', ...parts].join('-').replace(/[^\p{L}\p{N}._-]+/gu, '_');
  return `${[...name].slice(0, MAX_NAME_LENGTH).join('')}-${isoDate(new Date())}.${extension}`;
}
