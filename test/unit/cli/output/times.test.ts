import { expect, test } from 'vitest';
import { relativeTime } from '../../../../src/cli/output/times.ts';

const UNITS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const;
const COUNTS = {
  second: [0, 1, 2, 59],
  minute: [1, 2, 59],
  hour: [1, 23],
  day: [1, 2, 365, 999, 1_000, 3_650],
};

test('formats a relative time as Intl does', () => {
  const now = new Date();
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, counts] of Object.entries(COUNTS) as [keyof typeof UNITS, number[]][]) {
    for (const count of counts.flatMap((some) => [some, -some])) {
      const time = new Date(now.getTime() + count * UNITS[unit] * 1_000);
      expect(relativeTime(time, now)).toBe(format.format(count, unit));
    }
  }
});

test('rounds down to whole units', () => {
  const now = new Date();
  expect(relativeTime(new Date(now.getTime() - 119_000), now)).toBe('1 minute ago');
  expect(relativeTime(new Date(now.getTime() - 47 * 3_600_000), now)).toBe('yesterday');
  expect(relativeTime(new Date(now.getTime() + 499), now)).toBe('now');
});
