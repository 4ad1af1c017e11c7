import { expect, test } from 'vitest';
import { parseRetryAfter, responseFailure } from '../../../src/relay/targets/webhookFailures.ts';

const NOW = Date.parse('2026-11-23T08:00:00Z');

test.each([
  ['0', 0],
  ['120', 120_000],
  ['3600', 3_600_000],
  ['86400', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  ['Mon, 23 Nov 2026 08:00:30 GMT', 30_000],
  ['Mon, 23 Nov 2026 07:00:00 GMT', 0],
  ['Tue, 24 Nov 2026 08:00:00 GMT', 3_600_000],
])('reads Retry-After: %s', (value, pauseMs) => {
  expect(parseRetryAfter(value, NOW)).toBe(pauseMs);
});

test.each([undefined, '', '-1', '1.5', 'soon', 'version 2', 'Mon, what GMT'])(
  'ignores Retry-After: %s',
  (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  },
);

test('reads the first of several Retry-After', () => {
  expect(responseFailure('receiver.example', 503, ['7', '9']).retryAfterMs).toBe(7_000);
});
