import { expect, test } from 'vitest';
import { wrap } from '../../../../src/cli/output/wrap.ts';

test.each([
  ['one two three', 7, ['one two', 'three']],
  ['', 7, []],
  ['上线 下线 上线', 9, ['上线 下线', '上线']],
  ['see {"userId","deviceId"}', 14, ['see {"userId",', '"deviceId"}']],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
])('wrap(%j, %d) breaks between words, within one only if it is longer than a line', (text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});
