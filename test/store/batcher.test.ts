import { expect, test } from 'vitest';
import { Batcher } from '../../src/store/batcher.ts';

/** Carries nothing out: each item's answer is the item itself. A step leaves what is behind the first `maxWork` items. */
function batcher(maxItems: number, maxWork = maxItems) {
  const steps: number[][] = [];
  const send = async (items: number[]) => {
    steps.push(items);
    return { answers: items.slice(0, maxWork), rest: items.slice(maxWork) };
  };
  return { steps, batcher: new Batcher<number>({ shards: 1, maxItems, shardOf: () => 0, send }) };
}

test('what comes in one turn of the event loop is one step', async () => {
  const { steps, batcher: items } = batcher(10);
  const answers = [items.add([1]), items.add([2, 3])];
  expect(steps).toEqual([]);
  expect(await Promise.all(answers)).toEqual([[1], [2, 3]]);
  expect(steps).toEqual([[1, 2, 3]]);
});

test('a step that is full does not wait for the end of the turn, and the rest keep their order', async () => {
  const { steps, batcher: items } = batcher(3);
  const answers = [items.add([1, 2]), items.add([3, 4, 5, 6, 7])];
  expect(steps).toEqual([[1, 2, 3]]);
  expect(await Promise.all(answers)).toEqual([
    [1, 2],
    [3, 4, 5, 6, 7],
  ]);
  expect(steps).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

test('what a step leaves is carried out next, before what came later, and answered in its place', async () => {
  const { steps, batcher: items } = batcher(4, 2);
  const answers = [items.add([1, 2, 3]), items.add([4, 5])];
  expect(await Promise.all(answers)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(steps).toEqual([[1, 2, 3, 4], [3, 4, 5], [5]]);
  expect(items.isIdle(0)).toBe(true);
});

test('the event loop turns between steps that leave something, and the order stays', async () => {
  const { steps, batcher: items } = batcher(9, 1);
  const turns: number[] = [];
  const turn = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns.push(steps.length);
      if (steps.length < 9) turn();
    });
  turn();
  expect(await items.add([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.length).toBeGreaterThan(4);
  expect(new Set(turns).size).toBe(turns.length);
});
