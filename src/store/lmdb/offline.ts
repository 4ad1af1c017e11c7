import { packRecord } from '../../presence/record.js';
import { drainOf, nextDeadline } from '../../presence/rules.js';
import type { Logout } from '../../presence/sessions.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.offline. */
export function offline(tx: WriteTransaction, { userId, deviceId, sessionId, ...logout }: Logout): boolean {
  const current = tx.current(userId, deviceId);
  if (!current?.online) return false;
  if (sessionId !== undefined && current.sessionId !== sessionId) return false;
  const drain = drainOf(tx.tables.leases.get(current.serverAddr));
  const graceMs = Math.max(logout.graceMs, drain?.grace ?? 0);
  const seen = { ...current, lastSeenMs: Math.max(tx.now, current.lastSeenMs) };
  // It leaves the lease: a restart of the chat server must not end it before its grace is over, and neither must a
  // repeated logout.
  if (drain) seen.incarnation = 0;
  if (graceMs === 0) {
    tx.end(userId, seen, { timeMs: tx.now, reason: 'LOGOUT' });
    return true;
  }
  const graceEndMs = tx.now + graceMs;
  if (current.graceEndMs > 0 && current.graceEndMs <= graceEndMs) return true;
  const record = { ...seen, graceEndMs };
  tx.tables.records.put([userId, deviceId], packRecord(record));
  tx.tables.deadlines.set([userId, deviceId], nextDeadline(record));
  return true;
}
