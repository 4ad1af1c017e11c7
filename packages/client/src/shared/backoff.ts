/**
 * Milliseconds to wait before the next of `failures` tries: doubling from `firstMs` to `maxMs`, half of it at random.
 */
export function backoffMs(failures: number, firstMs = 200, maxMs = 5_000): number {
  const max = Math.min(firstMs * 2 ** Math.min(failures - 1, 10), maxMs);
  return max / 2 + (max / 2) * Math.random();
}
