import { expect, test } from 'vitest';
import { Pacing } from '../../../src/relay/targets/pacing.ts';

test('sends the first batch at once, and each later one after the time of the previous events', () => {
  const pacing = new Pacing(100);
  expect(pacing.reserve(50, 1_000)).toBe(0);
  expect(pacing.reserve(10, 1_000)).toBe(500);
  expect(pacing.reserve(10, 1_000)).toBe(600);
  expect(pacing.reserve(10, 1_650)).toBe(50);
});

test('saves up nothing while there is nothing to send', () => {
  const pacing = new Pacing(100);
  expect(pacing.reserve(50, 1_000)).toBe(0);
  expect(pacing.reserve(50, 60_000)).toBe(0);
  expect(pacing.reserve(50, 60_000)).toBe(500);
});
