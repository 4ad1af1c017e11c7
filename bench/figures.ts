// Statistics over measured values.

/** The quantile `share` (0 to 1) of the values; NaN if there are none. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The median of the values; NaN if there are none. */
export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** Minimum, median and maximum. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** The spread of the values; NaN if there are none. */
export function spread(values: number[]): Spread {
  return { min: quantile(values, 0), median: median(values), max: quantile(values, 1) };
}

/** A number with three significant digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
