import type { EndReason } from 'imstate-client/internal/shared/session';
import type { SessionRecord } from '../../presence/record.js';
import type { Change } from '../changeLog.js';
import type { Tables } from './tables.js';

/** A change of a device: at least one session, the one that is current now or the one that ended. */
export interface DeviceChange {
  wasOnline: boolean;
  began: SessionRecord | undefined;
  ended: SessionRecord | undefined;
  timeMs: number;
  /** Why `ended` ended. */
  reason: EndReason;
}

/** Appends a change of a device to the change log, and drops the oldest entries beyond `limit`. */
export function noteChange(tables: Tables, limit: number, userId: string, change: DeviceChange): void {
  const { wasOnline, began, ended, timeMs, reason } = change;
  const { deviceId } = (began ?? ended) as SessionRecord;
  const entry: Change = {
    userId,
    deviceId,
    wasOnline,
    timeMs,
    began: began && {
      loginTimeMs: began.loginTimeMs,
      sessionId: began.sessionId,
      serverAddr: began.serverAddr,
      platform: began.platform,
    },
    ended: ended && {
      reason,
      sessionId: ended.sessionId,
      serverAddr: ended.serverAddr,
      platform: ended.platform,
    },
    devicesOnline: tables.users.get(userId) ?? 0,
  };
  const { changes } = tables;
  const [newest = 0] = changes.getKeys({ reverse: true, limit: 1 });
  changes.put(newest + 1, entry);
  for (const key of [...changes.getKeys({ end: newest + 2 - limit })]) changes.remove(key);
}
