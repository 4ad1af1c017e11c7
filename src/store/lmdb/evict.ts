import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { End } from '../../presence/rules.js';
import { WORK } from '../work.js';
import { someDevices } from './devices.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.evictSession. */
export function evictSession(
  tx: WriteTransaction,
  { userId, deviceId, sessionId }: SessionRef,
  reasonText: string,
): boolean {
  const current = tx.current(userId, deviceId);
  if (!current?.online) return false;
  if (sessionId !== '' && current.sessionId !== sessionId) return false;
  tx.end(userId, current, { timeMs: tx.now, reason: 'EVICTED', text: reasonText });
  return true;
}

/**
 * Ends sessions of the user after a device, as many as fit into one write transaction; returns how many it
 * evicted, and the device after which to continue: undefined if these are all. Sessions that are over already
 * end as they would have ended.
 */
export function evictDevices(
  tx: WriteTransaction,
  userId: string,
  reasonText: string,
  after: string | undefined,
): { evicted: number; next: string | undefined } {
  const { records, hasMore } = someDevices(tx, userId, after);
  const online = records.filter((record) => record.online);
  const some = online.slice(0, WORK.ends);
  const evicted: End = { timeMs: tx.now, reason: 'EVICTED', text: reasonText };
  let count = 0;
  for (const record of some) {
    const over = tx.endOf(record);
    if (over === undefined) count += 1;
    tx.end(userId, record, over ?? evicted);
  }
  tx.work.done += some.length * WORK.end;
  const isCut = some.length < online.length;
  const last = isCut ? some.at(-1) : hasMore ? records.at(-1) : undefined;
  return { evicted: count, next: last?.deviceId };
}
