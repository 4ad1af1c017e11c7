import { expect, test } from 'vitest';
import type { ChangeLogEntry, LogPosition } from '../../../../src/store/changeLog.ts';
import { TailCache } from '../../../../src/store/redis/TailCache.ts';

test('returns the entries after a log position, page by page', () => {
  const cache = new TailCache();
  cache.add(message(0, 1, 2));
  cache.add(message(2, 3, 4, 5));
  expect(take(cache, 0, 3)).toEqual([1, 2, 3]);
  expect(take(cache, 3, 3)).toEqual([4, 5]);
  expect(take(cache, 5, 3)).toEqual([]);
  cache.add(message(5, 6));
  expect(take(cache, 5, 3)).toEqual([6]);
});

test('returns a page again, but not the entries before it', () => {
  const cache = new TailCache();
  cache.add(message(0, 1, 2, 3));
  expect(take(cache, 1, 1)).toEqual([2]);
  expect(take(cache, 1, 2)).toEqual([2, 3]);
  expect(take(cache, 0, 3)).toEqual([]);
});

test('starts anew at a message that does not follow the last one', () => {
  const cache = new TailCache();
  cache.add(message(0, 1, 2));
  cache.add(message(3, 4, 5));
  expect(take(cache, 0, 9)).toEqual([]);
  expect(take(cache, 2, 9)).toEqual([]);
  expect(take(cache, 3, 9)).toEqual([4, 5]);
});

test('returns nothing after the first changes of an empty change log', () => {
  const cache = new TailCache();
  cache.add(message(0, 1));
  cache.add({ shard: 0, after: undefined, entries: [entry(2)] });
  for (const after of [0, 1, 2]) expect(take(cache, after, 9)).toEqual([]);
  expect(cache.take([0, 0], 9)).toEqual([]);
});

test('limits its entries if nobody reads them', () => {
  const cache = new TailCache();
  for (let i = 0; i < 1_000; i++) cache.add(message(i, i + 1));
  expect(take(cache, 0, 1_000)).toEqual([]);
  expect(take(cache, 999, 1_000)).toEqual([1_000]);
});

function message(after: number, ...numbers: number[]) {
  return { shard: 0, after: positionOf(after), entries: numbers.map(entry) };
}

function entry(number: number): ChangeLogEntry {
  const change = { userId: 'alice', deviceId: 'phone', wasOnline: false, began: undefined, ended: undefined };
  return { position: positionOf(number), change: { ...change, devicesOnline: 0, timeMs: number } };
}

function take(cache: TailCache, after: number, limit: number): number[] {
  return cache.take(positionOf(after), limit).map(({ change }) => change.timeMs);
}

function positionOf(number: number): LogPosition {
  return [1_700_000_000_000, number];
}
