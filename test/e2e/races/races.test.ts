import { expect, test } from 'vitest';
import { runRace } from './race.ts';

test('the state matches the actual connections after races and faults', { timeout: 600_000 }, async () => {
  const seed = Number(process.env.RACE_SEED ?? Date.now() % 1_000_000);
  console.error(`race with RACE_SEED=${seed}`);
  const { wrong } = await runRace({ seed, operations: 4_000, quietEvery: 4_000, log: console.error });
  expect(wrong).toEqual([]);
});
