/** A human-readable count; "-" if unknown. */
export function count(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en');
}

/** A human-readable rate, with a decimal only for small ones. */
export function perSecond(rate: number | undefined): string {
  if (rate === undefined) return '-';
  return rate >= 100 ? count(Math.round(rate)) : rate.toFixed(1);
}
