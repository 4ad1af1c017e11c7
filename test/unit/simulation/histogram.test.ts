import { expect, test } from 'vitest';
import { Histogram } from '../../../src/simulation/histogram.ts';
import { Random } from '../../../src/simulation/random.ts';

test.each([0.5, 0.95, 0.99, 1])('estimates the quantile %d within 1 %%', (share) => {
  const random = new Random(1);
  const times = Array.from({ length: 10_000 }, () => random.exponential(20));
  const histogram = new Histogram();
  for (const ms of times) histogram.record(ms);
  const exact = times.sort((a, b) => a - b)[Math.ceil(share * times.length) - 1] as number;
  expect(Math.abs((histogram.quantile(share) as number) / exact - 1)).toBeLessThanOrEqual(0.0101);
  expect(histogram.count).toBe(10_000);
});

test('keeps the exact maximum, and no quantile exceeds it', () => {
  const histogram = new Histogram();
  histogram.record(3.001);
  expect(histogram.max).toBe(3.001);
  expect(histogram.quantile(0.99)).toBeLessThanOrEqual(3.001);
});

test('clamps times to its bounds', () => {
  const histogram = new Histogram();
  histogram.record(0);
  histogram.record(1e9);
  expect(histogram.quantile(0.5)).toBe(0.001 * 1.02 ** 0.5);
  expect(histogram.quantile(1)).toBeGreaterThan(3_600_000 * 0.99);
  expect(histogram.max).toBe(1e9);
});

test('has no quantile without times, also after a clear', () => {
  const histogram = new Histogram();
  histogram.record(1);
  histogram.clear();
  expect([histogram.count, histogram.max, histogram.quantile(0.5)]).toEqual([0, undefined, undefined]);
});
