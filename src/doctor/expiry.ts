import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Finding, ok, warning } from './check.js';

const DAY_MS = 86_400_000;
/** Time enough to have another certificate made. */
const SOON_MS = 21 * DAY_MS;

/**
 * Judges until when certificates, at least one, are valid; throws BAD_CERTIFICATE if one is no more. `validTo` is what Node.js has
 * it as.
 */
export function expiry(good: string, certificates: { of: string; validTo: string }[]): Finding {
  const ends = certificates.map(({ of, validTo }) => ({ of, at: Date.parse(validTo) }));
  const first = ends.reduce((one, other) => (other.at < one.at ? other : one));
  const day = new Date(first.at).toISOString().slice(0, 10);
  const leftMs = first.at - Date.now();
  if (leftMs <= 0) {
    throw new ImstateError('BAD_CERTIFICATE', `${first.of} expired on ${day}: have a new one made`);
  }
  if (leftMs > SOON_MS) return ok(`${good}, valid until ${day}`);
  return warning(`${first.of} expires on ${day}, ${inDays(leftMs)}: have a new one made`);
}

function inDays(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  if (days === 0) return 'within a day';
  return days === 1 ? 'in 1 day' : `in ${days} days`;
}
