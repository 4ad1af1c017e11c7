import { expect, test } from 'vitest';
import { EventFactory } from '../../../src/relay/events.ts';
import { batchEvents } from '../../../src/relay/targets/eventBatches.ts';

const factory = new EventFactory('a1b2c3d4-0000-4000-8000-000000000000');

test('fills batches up to the limit in bytes, in order', () => {
  const events = Array.from({ length: 7 }, (_, i) => factory.snapshotBegun(`${i}`, 'ä'.repeat(50)));
  const [size = 0] = events.map((event) => Buffer.byteLength(JSON.stringify(event)));
  const three = 3 * size + '[,,]'.length;
  expect(batchEvents(events, three).map((batch) => batch.events)).toEqual([3, 3, 1]);
  expect(batchEvents(events, three - 1).map((batch) => batch.events)).toEqual([2, 2, 2, 1]);
  const batches = batchEvents(events, three);
  expect(batches.every(({ body }) => Buffer.byteLength(body) <= three)).toBe(true);
  expect(batches.flatMap(({ body }) => JSON.parse(body))).toEqual(JSON.parse(JSON.stringify(events)));
});

test('puts an event that exceeds the limit into a batch of its own', () => {
  const events = ['small', 'large'.repeat(100), 'small'].map((reason, i) =>
    factory.snapshotBegun(`${i}`, reason),
  );
  expect(batchEvents(events, 400).map((batch) => batch.events)).toEqual([1, 1, 1]);
});

test('makes no batch of no events', () => {
  expect(batchEvents([], 400)).toEqual([]);
});
