import { ImstateError } from 'imstate-client/internal/shared/errors';

/**
 * Characters that control a terminal, reorder text, make two texts look the same, or take columns in some
 * terminals only: control characters (C0, DEL and C1, which has U+009B), line separators, bidirectional
 * controls, characters without a width (joiners, soft hyphens, variation selectors, tags), fillers, and skin
 * tones of emoji.
 */
const CHARACTERS =
  '[\\p{Cc}\\p{Bidi_Control}\\p{Default_Ignorable_Code_Point}\\p{Emoji_Modifier}\\u2028\\u2029\\ufff9-\\ufffb]';
const UNPRINTABLE = new RegExp(CHARACTERS, 'gu');
/** The same, or what our own lines contain: a colour, the end of a line. */
const UNPRINTABLE_OR_OWN = new RegExp(`\\p{Cc}\\[[\\d;]*m|${CHARACTERS}`, 'gu');

/**
 * Text from outside (IDs, names, errors of daemons) for a terminal: unprintable characters become escapes.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, toEscape);
}

/**
 * Whole lines for a terminal, which may contain text from outside. `hasColors` is true if colours are our
 * own.
 */
export function printableLines(text: string, hasColors: boolean): string {
  return text.replace(UNPRINTABLE_OR_OWN, (found) => {
    if (found === '\n' || (hasColors && found.length > 1 && found.startsWith('\x1b'))) return found;
    return printable(found);
  });
}

/** The value with each text as {@link printable} returns it, for responses of a daemon or a registry. */
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
  // Dates and similar objects contain no text.
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [printable(key), convert(each)]));
}

/** JSON of a value without unprintable characters. */
export function printableJson(value: unknown, indent?: number): string {
  return withEscapes(JSON.stringify(value, null, indent));
}

/** JSON with escapes for characters that JSON.stringify keeps: they occur only in strings. */
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
