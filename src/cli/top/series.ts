/** No terminal is wider. */
const MAX_KEPT = 500;

/** Adds a value to those that a sparkline shows; the oldest goes when they are too many. */
export function push(series: number[], value: number): void {
  series.push(value);
  if (series.length > MAX_KEPT) series.shift();
}
