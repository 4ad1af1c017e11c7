import { type DrainRecord, drainOf, type LeaseRecord } from '../../presence/rules.js';
import type { DrainProgress, KeepAlive, KeepAliveResult } from '../../presence/servers.js';
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
  lease.drain = continuedDrain(tx, serverAddr, lease);
  saveLease(tx, serverAddr, lease);
  const resyncToken = lease.resync === undefined ? '' : String(lease.resync);
  return {
    incarnation,
    resyncToken,
    hasEnded: lease.cursor !== undefined,
    drain: lease.drain && progressOf(lease.drain, tx.now),
    isPartial: false,
  };
}

/** The drain of the lease, of which the chat server knows now; undefined if there is none. */
function continuedDrain(
  { tables, now }: WriteTransaction,
  serverAddr: string,
  lease: LeaseRecord,
): DrainRecord | undefined {
  const drain = drainOf(lease);
  if (!drain) return undefined;
  const { begun = now, sessions = tables.counters.get(`s:${serverAddr}`) ?? 0 } = drain;
  return { ...drain, begun, sessions, lapsed: undefined };
}

function progressOf({ deadline, begun = 0, sessions = 0 }: DrainRecord, now: number): DrainProgress {
  return { remainingMs: Math.max(0, deadline - now), windowMs: Math.max(0, deadline - begun), sessions };
}
