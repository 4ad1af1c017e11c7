import { expect, test } from 'vitest';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import {
  printable,
  printableJson,
  printableLines,
  printableValue,
} from '../../../../src/cli/output/printable.ts';

const HOSTILE = 'a\x1b[2J\x9b2J\u202eb\u2066\u2028\x00\x7f\r\nc';
const ESCAPED = 'a\\u001b[2J\\u009b2J\\u202eb\\u2066\\u2028\\u0000\\u007f\\r\\nc';

test('escapes only characters that control a terminal or reorder text', () => {
  expect(printable(HOSTILE)).toBe(ESCAPED);
  expect(printable(ESCAPED)).toBe(ESCAPED);
  const plain = 'Ünïcode 用户 שלום e\u0301 🫠 🇩🇪';
  expect(printable(plain)).toBe(plain);
});

test.each([
  ['zero width space', 'a\u200bb', 'a\\u200bb'],
  ['joiner', '👩\u200d👧', '👩\\u200d👧'],
  ['non-joiner', 'a\u200cb', 'a\\u200cb'],
  ['word joiner', 'a\u2060b', 'a\\u2060b'],
  ['byte order mark', '\ufeffa', '\\ufeffa'],
  ['soft hyphen', 'a\u00adb', 'a\\u00adb'],
  ['variation selector', '❤\ufe0f', '❤\\ufe0f'],
  ['skin colour', '👍🏽', '👍\\ud83c\\udffd'],
  ['tag', 'a\u{e0041}', 'a\\udb40\\udc41'],
  ['Hangul filler', 'a\u3164', 'a\\u3164'],
  ['Arabic letter mark', 'a\u061cb', 'a\\u061cb'],
  ['annotation anchor', 'a\ufff9b', 'a\\ufff9b'],
])('escapes a %s, which would make the text look like another', (_, text, escaped) => {
  expect(printable(text)).toBe(escaped);
  expect(printableLines(`${text}\n`, true)).toBe(`${escaped}\n`);
  expect(JSON.parse(printableJson(text))).toBe(text);
  expect(printableJson(text)).toContain(escaped.slice(escaped.indexOf('\\')));
});

test('keeps newlines, and the colours of imstate itself', () => {
  const lines = '\x1b[31mred\x1b[0m\nnext\x1b]0;title\x07\x9b31m';
  expect(printableLines(lines, true)).toBe('\x1b[31mred\x1b[0m\nnext\\u001b]0;title\\u0007\\u009b31m');
  expect(printableLines(lines, false)).toBe('\\u001b[31mred\\u001b[0m\nnext\\u001b]0;title\\u0007\\u009b31m');
});

test('escapes all strings of a value, including keys, maps and error messages', () => {
  const time = new Date(0);
  const value = { [HOSTILE]: [HOSTILE, { time, none: undefined, n: 1 }], map: new Map([[HOSTILE, HOSTILE]]) };
  expect(printableValue(value)).toEqual({
    [ESCAPED]: [ESCAPED, { time, none: undefined, n: 1 }],
    map: new Map([[ESCAPED, ESCAPED]]),
  });
  const error = printableValue(new ImstateError('INTERNAL', HOSTILE));
  expect([error.code, error.message]).toEqual(['INTERNAL', ESCAPED]);
});

test('prints JSON of the same value without characters that control a terminal', () => {
  const value = { [HOSTILE]: [HOSTILE, '用户'] };
  for (const indent of [undefined, 2]) {
    const json = printableJson(value, indent);
    expect(JSON.parse(json)).toEqual(value);
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
    expect(json).toContain('用户');
  }
});
