/** A count for people; "-" if it is not known. */
export function count(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en');
}

/** A rate for people: a decimal only where it tells something. */
export function perSecond(rate: number | undefined): string {
  if (rate === undefined) return '-';
  return rate >= 100 ? count(Math.round(rate)) : rate.toFixed(1);
}
