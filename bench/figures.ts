// What benches make of the times that they measured.

/** The value below which `share` (0 to 1) of the values lie; NaN of none. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** What a table says of times in milliseconds. */
export function spreadMs(values: number[]): { p50Ms: number; p99Ms: number; maxMs: number } {
  const figure = (share: number) => Number(quantile(values, share).toFixed(2));
  return { p50Ms: figure(0.5), p99Ms: figure(0.99), maxMs: figure(1) };
}
