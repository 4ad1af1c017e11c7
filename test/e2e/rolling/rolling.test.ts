import { expect, test } from 'vitest';
import { rollOut } from './rolling.ts';

test('a rolling restart of three chat servers shows nobody as offline, and devices log in evenly', {
  timeout: 180_000,
}, async () => {
  const options = { servers: 3, sessionsPerServer: 300, overMs: 12_000, log: () => {} };
  const { changes, drains } = await rollOut(options);
  const moved = drains.reduce((sum, { sessions }) => sum + sessions, 0);
  expect(changes).toEqual({ online: 0, offline: 0, moved });
  expect(moved).toBeGreaterThanOrEqual(900);
  expect(Math.max(...drains.map(({ peak }) => peak))).toBeLessThanOrEqual(1.2);
});
