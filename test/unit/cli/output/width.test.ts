import { expect, test } from 'vitest';
import { cut, pad, widthOf } from '../../../../src/cli/output/width.ts';

test('a Chinese character takes two columns, a letter one, and a colour none', () => {
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
])('%s takes %i columns', (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

test('a text is padded to columns on either side, and one that is wider stays as it is', () => {
  expect([pad('手机', 6), pad('手机', 6, 'right'), pad('手机', 3)]).toEqual(['手机  ', '  手机', '手机']);
});

test('a text is cut at a whole letter', () => {
  expect([cut('手机', 4), cut('手机号', 4), cut('phone', 4), cut('phone', 0)]).toEqual([
    '手机',
    '手…',
    'pho…',
    '',
  ]);
});
