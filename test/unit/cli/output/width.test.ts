import { expect, test } from 'vitest';
import { cut, pad, widthOf } from '../../../../src/cli/output/width.ts';

test('counts two columns for a Chinese character, one for a letter, none for a colour', () => {
  expect([widthOf('手机'), widthOf('phone'), widthOf('\x1b[31mred\x1b[39m')]).toEqual([4, 5, 3]);
});

test.each([
  ['🫠', 2],
  ['🪿', 2],
  ['🛝', 2],
  ['🇩🇪', 2],
  ['e\u0301', 1],
  ['שָׁ', 1],
  ['ก็', 1],
  ['ｆｕｌｌ', 8],
])('counts for %s %i columns', (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

test('pads a text on either side, and leaves a wider one unchanged', () => {
  expect([pad('手机', 6), pad('手机', 6, 'right'), pad('手机', 3)]).toEqual(['手机  ', '  手机', '手机']);
});

test('truncates a text at a whole letter', () => {
  expect([cut('手机', 4), cut('手机号', 4), cut('phone', 4), cut('phone', 0)]).toEqual([
    '手机',
    '手…',
    'pho…',
    '',
  ]);
});
