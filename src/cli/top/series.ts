/** No terminal is wider. */
const MAX_KEPT = 500;

/** Adds a value to a sparkline, and drops the oldest beyond the limit. */
export function push(series: number[], value: number): void {
  series.push(value);
  if (series.length > MAX_KEPT) series.shift();
}
