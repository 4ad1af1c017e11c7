import { expect, test } from 'vitest';
import { mapInOrder } from '../../../../src/cli/input/mapInOrder.ts';

/** Items whose results the test controls. */
function controlled(count: number) {
  const done: ((result: string) => void)[] = [];
  const map = (item: number) => new Promise<string>((resolve) => done.splice(item, 1, resolve));
  async function* items() {
    for (let i = 0; i < count; i++) yield i;
  }
  return { map, items: items(), started: () => done.length, finish: (i: number) => done[i]?.(`r${i}`) };
}

async function settle() {
  await new Promise((resolve) => setImmediate(resolve));
}

test('yields results in the order of the items, and limits concurrency', async () => {
  const { map, items, started, finish } = controlled(4);
  const results = mapInOrder(items, 2, map);
  const first = results.next();
  await settle();
  expect(started()).toBe(2);
  finish(1);
  await settle();
  expect(started()).toBe(2);
  finish(0);
  expect(await first).toEqual({ done: false, value: 'r0' });
  expect(await results.next()).toEqual({ done: false, value: 'r1' });
  const third = results.next();
  await settle();
  expect(started()).toBe(4);
  finish(3);
  finish(2);
  expect(await third).toEqual({ done: false, value: 'r2' });
  expect(await results.next()).toEqual({ done: false, value: 'r3' });
  expect(await results.next()).toEqual({ done: true, value: undefined });
});

test('yields a result before the next item arrives', async () => {
  async function* slow() {
    yield 1;
    await new Promise(() => {});
  }
  const results = mapInOrder(slow(), 2, async (item) => item * 10);
  expect(await results.next()).toEqual({ done: false, value: 10 });
});

test('yields the results before a failing item, then the failure', async () => {
  async function* broken() {
    yield 1;
    throw new Error('broken');
  }
  const results = mapInOrder(broken(), 2, async (item) => item * 10);
  expect(await results.next()).toEqual({ done: false, value: 10 });
  await expect(results.next()).rejects.toThrow('broken');
});
