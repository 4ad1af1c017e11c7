import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Finding, ok, warning } from './check.js';

const DAY_MS = 86_400_000;
/** Enough time to renew a certificate. */
const WARNING_MS = 21 * DAY_MS;

/**
 * Checks how long certificates, at least one, are valid. Throws BAD_CERTIFICATE if one has expired. `validTo`
 * has the format of Node.js.
 */
export function expiry(good: string, certificates: { of: string; validTo: string }[]): Finding {
  const ends = certificates.map(({ of, validTo }) => ({ of, at: Date.parse(validTo) }));
  const first = ends.reduce((one, other) => (other.at < one.at ? other : one));
  const day = new Date(first.at).toISOString().slice(0, 10);
  const leftMs = first.at - Date.now();
  if (leftMs <= 0) {
    throw new ImstateError('BAD_CERTIFICATE', `${first.of} expired on ${day}: renew it`);
  }
  if (leftMs > WARNING_MS) return ok(`${good}, valid until ${day}`);
  return warning(`${first.of} expires on ${day}, ${inDays(leftMs)}: renew it`);
}

function inDays(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  if (days === 0) return 'within a day';
  return days === 1 ? 'in 1 day' : `in ${days} days`;
}
