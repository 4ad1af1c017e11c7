import { drainOf } from '../../presence/rules.js';
import type { KeepAlive, KeepAliveResult } from '../../presence/servers.js';
import { claimLease, endSessionsOf, saveLease } from './claimLease.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.keepServerAlive. */
export function keepServerAlive(
  tx: WriteTransaction,
  { serverAddr, incarnation, ttlMs, resynced }: KeepAlive,
): KeepAliveResult {
  const lease = claimLease(tx, serverAddr, incarnation, ttlMs);
  if (lease.incarnation > incarnation) {
    return {
      incarnation: lease.incarnation,
      resyncToken: '',
      hasEnded: false,
      drain: undefined,
      isPartial: false,
    };
  }
  lease.ttl = ttlMs;
  lease.expires = tx.now + ttlMs;
  if (lease.resync !== undefined && String(lease.resync) === resynced) {
    lease.purge = Math.max(lease.purge ?? 0, lease.resync - 1);
    lease.purged = tx.now;
    lease.resync = undefined;
    endSessionsOf(tx, serverAddr, lease);
  }
  const drain = drainOf(lease);
  if (drain) lease.drain = { ...drain, lapsed: undefined };
  saveLease(tx, serverAddr, lease);
  const resyncToken = lease.resync === undefined ? '' : String(lease.resync);
  return {
    incarnation,
    resyncToken,
    hasEnded: lease.cursor !== undefined,
    drain: drain && {
      remainingMs: Math.max(0, drain.deadline - tx.now),
      sessions: tx.tables.counters.get(`s:${serverAddr}`) ?? 0,
    },
    isPartial: false,
  };
}
