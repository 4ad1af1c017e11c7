import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { End } from '../../presence/rules.js';
import { WORK } from '../work.js';
import { othersToReplace } from './devices.js';
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
 * Ends sessions of the user after a device, as many as fit into one write transaction; returns how many, and
 * the device after which to continue: undefined if these are all.
 */
export function evictDevices(
  tx: WriteTransaction,
  userId: string,
  reasonText: string,
  after: string | undefined,
): { evicted: number; next: string | undefined } {
  const everything = { userId, deviceId: '', platform: '', policy: 'REPLACE_ALL' } as const;
  const { others, next } = othersToReplace(tx, everything, after);
  const end: End = { timeMs: tx.now, reason: 'EVICTED', text: reasonText };
  for (const other of others) tx.end(userId, other, end);
  tx.work.done += others.length * WORK.end;
  return { evicted: others.length, next };
}
