import { afterEach, expect, test, vi } from 'vitest';
import { Progress } from '../../../../src/cli/output/progress.ts';

const { isTTY } = process.stderr;

/** What a counter of sessions writes to this kind of terminal. */
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
])('of %d it shows "%s", and leaves the line empty', (amount, shown) => {
  const text = written('xterm', amount);
  expect(text).toContain(`\r\x1b[K${shown}, `);
  expect(text.endsWith('/s\r\x1b[K')).toBe(true);
});

test('it writes nothing to a terminal that cannot write over a line', () => {
  expect(written('dumb', 1)).toBe('');
});
