import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import type { SessionRecord } from '../../presence/record.js';
import { type End, pastSession, REMEMBERED_SESSIONS } from '../../presence/rules.js';
import type { PastSession } from '../../presence/sessions.js';
import type { StoreOptions } from '../store.js';
import { type HistoryKey, type Tables, under } from './tables.js';

/** See PresenceStore.getHistory. */
export function readHistory(
  { history }: Tables,
  { historyLimit, historyRetentionMs }: StoreOptions,
  userId: string,
  now: number,
): PastSession[] {
  const oldestMs = now - historyRetentionMs;
  return [...history.getRange({ ...newestFirst(userId), limit: historyLimit })]
    .map(({ value }) => value)
    .filter(({ endTimeMs }) => endTimeMs > oldestMs);
}

/** Adds a session that ended to the history, and removes the oldest entries beyond the limit. */
export function addToHistory(
  { history, deadlines }: Tables,
  { historyLimit, historyRetentionMs }: StoreOptions,
  userId: string,
  record: SessionRecord,
  end: End,
): void {
  const [newest] = history.getKeys({ ...newestFirst(userId), limit: 1 });
  const number = (newest?.[1] ?? 0) + 1;
  history.put([userId, number], pastSession(record, end));
  const tooOld = {
    start: [userId] as unknown as HistoryKey,
    end: [userId, number - Math.max(historyLimit, REMEMBERED_SESSIONS) + 1] as HistoryKey,
  };
  for (const key of [...history.getKeys(tooOld)]) history.remove(key);
  if (newest === undefined) deadlines.set([userId, ''], end.timeMs + historyRetentionMs);
}

/**
 * Why a session of the device ended, if it is among the user's last ones, and whether another session of the
 * device has ended since.
 */
export function pastEnd(
  { history }: Tables,
  { userId, deviceId, sessionId }: SessionRef,
): { reason: EndReason; hasLater: boolean } | undefined {
  let hasLater = false;
  for (const { value } of history.getRange({ ...newestFirst(userId), limit: REMEMBERED_SESSIONS })) {
    if (value.deviceId !== deviceId) continue;
    if (value.sessionId === sessionId) return { reason: value.endReason, hasLater };
    hasLater = true;
  }
  return undefined;
}

/** Removes entries after their retention, and sets the deadline of the next. */
export function trimHistory(
  { history, deadlines }: Tables,
  { historyRetentionMs }: StoreOptions,
  userId: string,
  now: number,
): void {
  for (const { key, value } of [...history.getRange(under<HistoryKey>(userId))]) {
    const removalTimeMs = value.endTimeMs + historyRetentionMs;
    if (removalTimeMs > now) {
      deadlines.set([userId, ''], removalTimeMs);
      return;
    }
    history.remove(key);
  }
  deadlines.set([userId, ''], undefined);
}

/** The range of a user's history. */
function newestFirst(userId: string): { start: HistoryKey; end: HistoryKey; reverse: true } {
  const { start, end } = under<HistoryKey>(userId);
  return { start: end, end: start, reverse: true };
}
