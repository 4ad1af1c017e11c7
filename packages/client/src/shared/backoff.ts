/**
 * Milliseconds to wait after so many failures in a row: doubles from `firstMs` to `maxMs`, and half of it is
 * random.
 */
export function backoffMs(failures: number, firstMs = 200, maxMs = 5_000): number {
  const max = Math.min(firstMs * 2 ** Math.min(failures - 1, 10), maxMs);
  return max / 2 + (max / 2) * Math.random();
}
