import { expect, test } from 'vitest';
import { maxDuplicates, race } from './race.ts';

test('a relay delivers each change in order while its processes, its target and daemons fail', {
  timeout: 300_000,
}, async () => {
  const report = await race({ changes: 6_000, log: () => {} });
  expect(report).toMatchObject({ received: report.changes, wrongUsers: [] });
  expect(report.duplicates).toBeLessThanOrEqual(maxDuplicates(report));
});
