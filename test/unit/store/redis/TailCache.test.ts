import { expect, test } from 'vitest';
import type { ChangeLogEntry, LogPosition } from '../../../../src/store/changeLog.ts';
import { TailCache } from '../../../../src/store/redis/TailCache.ts';

test('a chain gives what follows a place in it, page by page', () => {
  const chain = new TailCache();
  chain.add(message(0, 1, 2));
  chain.add(message(2, 3, 4, 5));
  expect(take(chain, 0, 3)).toEqual([1, 2, 3]);
  expect(take(chain, 3, 3)).toEqual([4, 5]);
  expect(take(chain, 5, 3)).toEqual([]);
  chain.add(message(5, 6));
  expect(take(chain, 5, 3)).toEqual([6]);
});

test('a page may be taken again, but not what is before it', () => {
  const chain = new TailCache();
  chain.add(message(0, 1, 2, 3));
  expect(take(chain, 1, 1)).toEqual([2]);
  expect(take(chain, 1, 2)).toEqual([2, 3]);
  expect(take(chain, 0, 3)).toEqual([]);
});

test('a message that does not follow on begins another chain: nothing is given across the gap', () => {
  const chain = new TailCache();
  chain.add(message(0, 1, 2));
  chain.add(message(3, 4, 5));
  expect(take(chain, 0, 9)).toEqual([]);
  expect(take(chain, 2, 9)).toEqual([]);
  expect(take(chain, 3, 9)).toEqual([4, 5]);
});

test('the first changes of an empty change log follow on nothing', () => {
  const chain = new TailCache();
  chain.add(message(0, 1));
  chain.add({ shard: 0, after: undefined, entries: [entry(2)] });
  for (const after of [0, 1, 2]) expect(take(chain, after, 9)).toEqual([]);
  expect(chain.take([0, 0], 9)).toEqual([]);
});

test('a chain that nobody reads does not grow for ever', () => {
  const chain = new TailCache();
  for (let i = 0; i < 1_000; i++) chain.add(message(i, i + 1));
  expect(take(chain, 0, 1_000)).toEqual([]);
  expect(take(chain, 999, 1_000)).toEqual([1_000]);
});

function message(after: number, ...numbers: number[]) {
  return { shard: 0, after: place(after), entries: numbers.map(entry) };
}

function entry(number: number): ChangeLogEntry {
  const change = { userId: 'alice', deviceId: 'phone', wasOnline: false, began: undefined, ended: undefined };
  return { place: place(number), change: { ...change, devicesOnline: 0, timeMs: number } };
}

function take(chain: TailCache, after: number, limit: number): number[] {
  return chain.take(place(after), limit).map(({ change }) => change.timeMs);
}

function place(number: number): LogPosition {
  return [1_700_000_000_000, number];
}
