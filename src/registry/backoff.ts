/** Milliseconds to wait before the next of `failures` tries: doubling from 200 ms to 5 s, half of it at random. */
export function backoffMs(failures: number): number {
  const most = Math.min(200 * 2 ** Math.min(failures - 1, 10), 5_000);
  return most / 2 + (most / 2) * Math.random();
}
