import { DEFAULT_LEASE_MS, type LeaseRecord } from '../../presence/rules.js';
import { noteFirstLease } from './sweepNote.js';
import type { WriteTransaction } from './WriteTransaction.js';

/**
 * The lease of an incarnation of a chat server, created or taken over if necessary; the caller saves it. A
 * lease that belongs to a greater incarnation is returned unchanged.
 */
export function claimLease(
  tx: WriteTransaction,
  serverAddr: string,
  incarnation: number,
  ttlMs: number | undefined,
): LeaseRecord {
  const { now, tables } = tx;
  const lease = tables.leases.get(serverAddr);
  if (!lease) {
    const ttl = ttlMs ?? DEFAULT_LEASE_MS;
    noteFirstLease(tx);
    return { incarnation, ttl, expires: now + ttl, since: now, resync: now };
  }
  const isLost = lease.lost !== undefined;
  if (incarnation < lease.incarnation || (incarnation === lease.incarnation && !isLost)) return { ...lease };
  const ttl = ttlMs ?? lease.ttl;
  const claimed: LeaseRecord = { ...lease, incarnation, lost: undefined, ttl, expires: now + ttl };
  if (incarnation > lease.incarnation) {
    claimed.since = lease.lost ?? now;
  } else {
    claimed.purge = Math.max(lease.purge ?? 0, lease.lost ?? 0);
    claimed.purged = lease.lost;
    claimed.resync = now;
  }
  endSessionsOf(tx, serverAddr, claimed);
  tx.work.full.clear();
  return claimed;
}

/** Writes a lease, and makes sure that the sweep checks it in time. */
export function saveLease({ tables }: WriteTransaction, serverAddr: string, lease: LeaseRecord): void {
  tables.leases.put(serverAddr, lease);
  const deadline = tables.deadlines.get(['', serverAddr]) ?? Infinity;
  if (lease.expires < deadline) tables.deadlines.set(['', serverAddr], lease.expires);
}

/** Starts recording the ends of the sessions of a lease; the sweep continues it. */
export function endSessionsOf(
  { tables, now }: WriteTransaction,
  serverAddr: string,
  lease: LeaseRecord,
): void {
  lease.cursor = [];
  tables.deadlines.set(['', serverAddr], now);
}
