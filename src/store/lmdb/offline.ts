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
  const isBound = current.incarnation > 0 || current.ttlMs > 0;
  if (drain) {
    // Only the grace ends it from now on: neither a restart of the chat server, nor a time to live that nobody renews,
    // nor a repeated logout.
    seen.incarnation = 0;
    seen.ttlMs = 0;
  }
  if (graceMs === 0) {
    tx.end(userId, seen, { timeMs: tx.now, reason: 'LOGOUT' });
    return true;
  }
  const isInGrace = current.graceEndMs > 0 && current.graceEndMs <= tx.now + graceMs;
  if (isInGrace && (!drain || !isBound)) return true;
  const graceEndMs = isInGrace ? current.graceEndMs : tx.now + graceMs;
  const record = { ...seen, graceEndMs };
  tx.tables.records.put([userId, deviceId], packRecord(record));
  tx.tables.deadlines.set([userId, deviceId], nextDeadline(record));
  return true;
}
