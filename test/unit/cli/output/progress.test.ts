import { afterEach, expect, test, vi } from 'vitest';
import { Progress } from '../../../../src/cli/output/progress.ts';

const { isTTY } = process.stderr;

/** The output of a counter of sessions on this kind of terminal. */
function written(term: string, amount: number): string {
  vi.stubEnv('TERM', term);
  process.stderr.isTTY = true;
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const progress = new Progress('session', true);
  progress.add(amount);
  progress.end();
  return write.mock.calls.join('');
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.stderr.isTTY = isTTY;
});

test.each([
  [1, '1 session'],
  [2_000, '2,000 sessions'],
])('shows %d as "%s", and clears the line at the end', (amount, shown) => {
  const text = written('xterm', amount);
  expect(text).toContain(`\r\x1b[K${shown}, `);
  expect(text.endsWith('/s\r\x1b[K')).toBe(true);
});

test('writes nothing to a terminal that cannot overwrite a line', () => {
  expect(written('dumb', 1)).toBe('');
});
