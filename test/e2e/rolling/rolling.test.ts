import { expect, test } from 'vitest';
import { rollOut } from './rolling.ts';

// `npm run rolling` also checks how evenly the devices log in, which depends on how busy the machine is.
test('a rolling restart of three chat servers shows nobody as offline', {
  timeout: 180_000,
}, async () => {
  const options = { servers: 3, sessionsPerServer: 300, overMs: 8_000, log: () => {} };
  const { changes, drains } = await rollOut(options);
  const moved = drains.reduce((sum, { sessions }) => sum + sessions, 0);
  expect(changes).toEqual({ online: 0, offline: 0, moved });
  expect(moved).toBeGreaterThanOrEqual(900);
});
