import { DEFAULT_LEASE_MS, type LeaseRecord } from '../../presence/rules.js';
import type { KeepAlive, KeepAliveResult } from '../../presence/servers.js';
import { noteFirstLease } from './sweepNote.js';
import type { Step } from './WriteTransaction.js';

/** See PresenceStore.keepServerAlive. */
export function keepServerAlive(
  step: Step,
  { serverAddr, incarnation, ttlMs, resynced }: KeepAlive,
): KeepAliveResult {
  const lease = claimLease(step, serverAddr, incarnation, ttlMs);
  if (lease.incarnation > incarnation) {
    return { incarnation: lease.incarnation, resyncToken: '', hasEnded: false, isPartial: false };
  }
  Object.assign(lease, { ttl: ttlMs, expires: step.now + ttlMs });
  if (lease.resync !== undefined && String(lease.resync) === resynced) {
    lease.purge = Math.max(lease.purge ?? 0, lease.resync - 1);
    lease.purged = step.now;
    lease.resync = undefined;
    endSessionsOf(step, serverAddr, lease);
  }
  saveLease(step, serverAddr, lease);
  const resyncToken = lease.resync === undefined ? '' : String(lease.resync);
  return { incarnation, resyncToken, hasEnded: lease.cursor !== undefined, isPartial: false };
}

/**
 * The lease of a chat server's incarnation, made or taken over if need be; the caller saves it. The lease of a greater
 * incarnation comes as it is.
 */
export function claimLease(
  step: Step,
  serverAddr: string,
  incarnation: number,
  ttlMs: number | undefined,
): LeaseRecord {
  const { now, tables } = step;
  const lease = tables.leases.get(serverAddr);
  if (!lease) {
    const ttl = ttlMs ?? DEFAULT_LEASE_MS;
    noteFirstLease(step);
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
  endSessionsOf(step, serverAddr, claimed);
  step.work.full.clear();
  return claimed;
}

/** Writes a lease down, and sees to it that the sweep looks at it in time. */
export function saveLease({ tables }: Step, serverAddr: string, lease: LeaseRecord): void {
  tables.leases.put(serverAddr, lease);
  const lookAt = tables.deadlines.get(['', serverAddr]) ?? Infinity;
  if (lease.expires < lookAt) tables.deadlines.set(['', serverAddr], lease.expires);
}

/** Begins to write down the ends of a lease's sessions: the sweep goes on with it. */
function endSessionsOf({ tables, now }: Step, serverAddr: string, lease: LeaseRecord): void {
  lease.cursor = [];
  tables.deadlines.set(['', serverAddr], now);
}
