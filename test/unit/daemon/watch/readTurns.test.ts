import { expect, test } from 'vitest';
import { ReadTurns } from '../../../../src/daemon/watch/readTurns.ts';

/** Reads that wait until they are released. */
function blockedReads(turns: ReadTurns, shard: number, count: number) {
  let [now, max] = [0, 0];
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const read = async () => {
    now += 1;
    max = Math.max(max, now);
    await released;
    now -= 1;
  };
  const all = Promise.all(Array.from({ length: count }, () => turns.run(shard, read)));
  return { release: () => release(), all, max: () => max };
}

test('limits concurrent reads of a shard without blocking other shards', async () => {
  const turns = new ReadTurns(4);
  const stuck = blockedReads(turns, 0, 50);
  expect(await turns.run(1, async () => 'read')).toBe('read');
  stuck.release();
  await stuck.all;
  expect(stuck.max()).toBe(4);
});

test('starts the next read after one fails', async () => {
  const turns = new ReadTurns(4);
  const failing = () => Promise.reject(new Error('away'));
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => turns.run(0, failing)));
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  expect(await turns.run(0, async () => 'read')).toBe('read');
});
