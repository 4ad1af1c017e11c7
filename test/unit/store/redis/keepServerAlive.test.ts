import { expect, test } from 'vitest';
import { mergeKeepAlives, parseResyncToken } from '../../../../src/store/redis/keepServerAlive.ts';

test('a resync token names the shards that request a resync, in order', () => {
  const replies = new Map<number, [string, number, number]>([
    [2, ['7', 3_000, 0]],
    [0, ['7', 1_000, 0]],
    [1, ['7', 0, 0]],
  ]);
  const result = mergeKeepAlives(replies, false);
  expect(result).toEqual({ incarnation: 7, resyncToken: '0:1000,2:3000', hasEnded: false, isPartial: false });
  expect(parseResyncToken(result.resyncToken)).toEqual(
    new Map([
      ['0', '1000'],
      ['2', '3000'],
    ]),
  );
});

test('the greatest incarnation of all shards counts, and an end in any of them', () => {
  const replies = new Map<number, [string, number, number]>([
    [0, ['7', 0, 0]],
    [1, ['9', 0, 1]],
  ]);
  expect(mergeKeepAlives(replies, true)).toEqual({
    incarnation: 9,
    resyncToken: '',
    hasEnded: true,
    isPartial: true,
  });
});
