/**
 * Milliseconds to wait before the next of `failures` tries: doubling from `firstMs` to `mostMs`, half of it at random.
 */
export function backoffMs(failures: number, firstMs = 200, mostMs = 5_000): number {
  const most = Math.min(firstMs * 2 ** Math.min(failures - 1, 10), mostMs);
  return most / 2 + (most / 2) * Math.random();
}
