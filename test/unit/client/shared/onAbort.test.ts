import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../../../../packages/client/src/shared/onAbort.ts';

test('all actions of a signal are called once, with one listener', () => {
  const stop = new AbortController();
  const called: number[] = [];
  const action = (i: number) => () => void called.push(i);
  for (let i = 0; i < 50; i++) onAbort(stop.signal, action(i));
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  stop.abort();
  stop.abort();
  expect(called).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('a removed action is not called, and without actions there is no listener', () => {
  const stop = new AbortController();
  let called = 0;
  const removes = [1, 2].map(() => onAbort(stop.signal, () => (called += 1)));
  for (const remove of removes) remove();
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  stop.abort();
  expect(called).toBe(0);
});

test('removing an action twice does not affect later ones', () => {
  const stop = new AbortController();
  let called = 0;
  const remove = onAbort(stop.signal, () => (called += 1));
  remove();
  onAbort(stop.signal, () => (called += 10));
  remove();
  stop.abort();
  expect(called).toBe(10);
});

test('an aborted signal calls the action at once, and no signal never', () => {
  let called = 0;
  onAbort(AbortSignal.abort(), () => (called += 1))();
  onAbort(undefined, () => (called += 10))();
  expect(called).toBe(1);
});
