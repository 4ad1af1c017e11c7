import { createHmac, randomBytes } from 'node:crypto';

/** Formats an ID for the log. */
export type WriteId = (id: string) => string;

/**
 * Formats IDs of users and devices for the log: unmasked, or masked. A masked ID stays the same while the
 * daemon runs, so that one user can be followed. The key is stored nowhere, so nobody can find the ID by
 * trying all possible ones.
 */
export function idsOfLog(show: boolean): WriteId {
  if (show) return (id) => id;
  const key = randomBytes(32);
  return (id) => `~${createHmac('sha256', key).update(id).digest('hex').slice(0, 10)}`;
}
