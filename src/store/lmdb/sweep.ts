import type { SessionRecord } from '../../presence/record.js';
import { drainOf, type End, endOf, type LeaseRecord, nextDeadline } from '../../presence/rules.js';
import type { EndCounts } from '../store.js';
import { endSome } from './endServer.js';
import { trimHistory } from './history.js';
import { noteSweep } from './sweepNote.js';
import type { DeadlineKey } from './tables.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** How many deadlines one sweep checks: of leases, and as many of devices and histories. */
const DEADLINES = 256;
/** How many sessions of chat servers it checks. */
const ENDINGS = 64;

/** See PresenceStore.sweep. */
export function sweep(tx: WriteTransaction, ended: EndCounts | undefined): boolean {
  tx.endCounts = ended;
  const lastOutage = noteSweep(tx);
  const due = tx.tables.deadlines.due(tx.now, DEADLINES);
  let left = ENDINGS;
  for (const key of due) {
    const [first, second] = key;
    // All leases are checked, even if enough sessions of the first have ended.
    if (first === '') left -= checkLease(tx, second, lastOutage, left);
    else if (second === '') trimHistory(tx.tables, tx.options, first, tx.now);
    else checkDevice(tx, key);
  }
  return left === 0 || due.length >= DEADLINES;
}

/** Ends the session if it is over, and removes the record after its retention. */
function checkDevice(tx: WriteTransaction, [userId, deviceId]: DeadlineKey): void {
  const { records, deadlines } = tx.tables;
  const record = tx.current(userId, deviceId);
  if (record && !record.online && record.removalTimeMs <= tx.now) {
    records.remove([userId, deviceId]);
    deadlines.set([userId, deviceId], undefined);
    return;
  }
  deadlines.set([userId, deviceId], record?.online ? nextDeadline(record) : record?.removalTimeMs);
}

/**
 * Loses a lease that ran out, and continues recording the ends of its sessions. Returns how many it checked.
 */
function checkLease(
  tx: WriteTransaction,
  serverAddr: string,
  lastOutage: number | undefined,
  limit: number,
): number {
  const { leases, deadlines } = tx.tables;
  const found = leases.get(serverAddr);
  if (!found) {
    deadlines.set(['', serverAddr], undefined);
    return 0;
  }
  const lease = { ...found };
  if (lease.lost === undefined) loseIfOver(tx, lease, lastOutage);
  const checked = lease.cursor === undefined ? 0 : endSessions(tx, serverAddr, lease, lease.cursor, limit);
  if (lease.lost !== undefined && lease.cursor === undefined) {
    leases.remove(serverAddr);
    deadlines.set(['', serverAddr], undefined);
  } else {
    leases.put(serverAddr, lease);
    deadlines.set(['', serverAddr], lease.cursor === undefined ? lease.expires : tx.now);
  }
  return checked;
}

/** After an outage a lease has its full duration again. */
function loseIfOver({ now }: WriteTransaction, lease: LeaseRecord, lastOutage: number | undefined): void {
  const expires = Math.max(lease.expires, lastOutage === undefined ? 0 : lastOutage + lease.ttl);
  const drain = drainOf(lease);
  lease.expires = Math.min(expires, now + Math.max(lease.ttl, drain?.grace ?? 0));
  if (lease.expires > now) return;
  if (drain && drain.grace > 0 && !drain.lapsed) {
    // The devices of a chat server that has drained are on their way to others.
    lease.drain = { ...drain, lapsed: true };
    lease.expires = now + drain.grace;
    return;
  }
  lease.lost = now;
  lease.cursor = [];
}

/** Ends sessions of a lease from the cursor on, and moves it. Returns how many it checked. */
function endSessions(
  tx: WriteTransaction,
  serverAddr: string,
  lease: LeaseRecord,
  cursor: readonly string[],
  limit: number,
): number {
  const part = endSome(tx, serverAddr, cursor, limit, (record) => serverEnd(tx, record, lease));
  lease.cursor = part.checked < limit ? undefined : part.cursor;
  return part.checked;
}

/** Whether a session of the chat server is over: by its lease, or because a resync did not include it. */
function serverEnd({ now }: WriteTransaction, record: SessionRecord, lease: LeaseRecord): End | undefined {
  const end = endOf(record, lease, now);
  // One that has logged out ends with its grace.
  if (end || lease.purge === undefined || record.lastSeenMs > lease.purge || record.graceEndMs > 0)
    return end;
  return { timeMs: lease.purged ?? now, reason: 'SERVER_LOST' };
}
