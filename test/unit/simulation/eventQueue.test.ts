import { expect, test } from 'vitest';
import { EventQueue } from '../../../src/simulation/eventQueue.ts';
import { Random } from '../../../src/simulation/random.ts';

test('returns the earliest event first, and events of the same time in the order of addition', () => {
  const random = new Random(1);
  const events = new EventQueue<number>();
  const all = Array.from({ length: 2_000 }, (_, item) => ({ atMs: random.between(0, 100), item }));
  for (const { atMs, item } of all) events.add(atMs, item);
  const taken = all.map(() => events.take());
  const expected = all.toSorted((a, b) => a.atMs - b.atMs || a.item - b.item);
  expect(taken.map((entry) => [entry?.atMs, entry?.item])).toEqual(
    expected.map(({ atMs, item }) => [atMs, item]),
  );
  expect(events.take()).toBeUndefined();
});
