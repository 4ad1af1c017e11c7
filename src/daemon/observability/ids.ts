import { createHmac, randomBytes } from 'node:crypto';

/** How an id is written into the log. */
export type WriteId = (id: string) => string;

/**
 * Ids of users and devices as the log shows them: as they are, or masked. A masked id is the same throughout one run of the daemon, so
 * that one user can be followed; the key is kept nowhere, so nobody can find the id by trying all there may be.
 */
export function idsOfLog(show: boolean): WriteId {
  if (show) return (id) => id;
  const key = randomBytes(32);
  return (id) => `~${createHmac('sha256', key).update(id).digest('hex').slice(0, 10)}`;
}
