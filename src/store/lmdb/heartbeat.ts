import type { SessionRef } from 'imstate-client/internal/shared/session';
import { packRecord } from '../../presence/record.js';
import type { Ended } from '../../presence/sessions.js';
import { pastEnd } from './history.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.heartbeat. The deadline stays: the sweep moves it when it gets there. */
export function heartbeat(tx: WriteTransaction, session: SessionRef): Ended | undefined {
  const { userId, deviceId, sessionId } = session;
  const current = tx.current(userId, deviceId);
  if (current?.sessionId !== sessionId) {
    const { reason, reasonText = '' } = pastEnd(tx.tables, session) ?? {};
    return { reason, reasonText };
  }
  if (!current.online) return { reason: current.endReason, reasonText: current.reasonText };
  if (tx.now > current.lastSeenMs) {
    tx.tables.records.put([userId, deviceId], packRecord({ ...current, lastSeenMs: tx.now }));
  }
  return undefined;
}
