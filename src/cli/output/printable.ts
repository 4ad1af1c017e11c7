import { ImstateError } from 'imstate-client/internal/shared/errors';

/**
 * What a terminal obeys, what makes it show a text in another order than it stands, and what makes two different texts look the same or
 * takes columns in some terminals only: control characters (C0, DEL and C1, which has U+009B), line separators, the controls of
 * bidirectional text, characters without a width (joiners, soft hyphens, variation selectors, tags), fillers, and the skin colours of emoji.
 */
const CHARACTERS =
  '[\\p{Cc}\\p{Bidi_Control}\\p{Default_Ignorable_Code_Point}\\p{Emoji_Modifier}\\u2028\\u2029\\ufff9-\\ufffb]';
const UNPRINTABLE = new RegExp(CHARACTERS, 'gu');
/** The same, or what lines of our own have beside it: a colour, the end of a line. */
const UNPRINTABLE_OR_OWN = new RegExp(`\\p{Cc}\\[[\\d;]*m|${CHARACTERS}`, 'gu');

/** Text from outside (ids, names, errors of daemons) for a terminal: what is not printable as escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, toEscape);
}

/** Whole lines for a terminal, in which text from outside may have been overlooked. `hasColors` is true if colours are our own. */
export function printableLines(text: string, hasColors: boolean): string {
  return text.replace(UNPRINTABLE_OR_OWN, (found) => {
    if (found === '\n' || (hasColors && found.length > 1 && found.startsWith('\x1b'))) return found;
    return printable(found);
  });
}

/** The value with each text in it as {@link printable} makes it: what a daemon or a registry answered, to be shown. */
export function printableValue<Value>(value: Value): Value {
  return convert(value) as Value;
}

function convert(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(convert);
  if (value instanceof ImstateError) {
    return new ImstateError(value.code, printable(value.message), { cause: value.cause, field: value.field });
  }
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [convert(key), convert(each)]));
  if (typeof value !== 'object' || value === null) return value;
  // Dates and the like have no text of their own.
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [printable(key), convert(each)]));
}

/** JSON of the same value in which nothing is unprintable. */
export function printableJson(value: unknown, indent?: number): string {
  return withEscapes(JSON.stringify(value, null, indent));
}

/** JSON text with escapes for what JSON.stringify leaves as it is: such characters occur in its strings only. */
export function withEscapes(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : unicodeEscape(character),
  );
}

function toEscape(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1);
  return escaped === character ? unicodeEscape(character) : escaped;
}

function unicodeEscape(character: string): string {
  // Beyond U+FFFF JSON has two escapes for a character.
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
