import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import { hasDetails, NO_DETAILS } from '../../presence/details.js';
import type { SessionRecord } from '../../presence/record.js';
import { type End, LAST_SEEN_ENTRIES, pastSession, REMEMBERED_SESSIONS } from '../../presence/rules.js';
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
    .map(({ value: { details = NO_DETAILS, reasonText = '', ...session } }) => ({
      ...session,
      details,
      reasonText,
    }))
    .filter(({ endTimeMs }) => endTimeMs > oldestMs);
}

/** When the user's last session ended; 0 if the history has none. Milliseconds since 1970. */
export function lastEnd(
  { history }: Tables,
  { historyLimit, historyRetentionMs }: StoreOptions,
  userId: string,
  now: number,
): number {
  if (historyLimit === 0) return 0;
  const ends = [...history.getRange({ ...newestFirst(userId), limit: LAST_SEEN_ENTRIES })]
    .map(({ value }) => value.endTimeMs)
    .filter((endTimeMs) => endTimeMs > now - historyRetentionMs);
  return Math.max(0, ...ends);
}

/** Adds a session that ended to the history, and removes the oldest entries beyond the limit. */
export function addToHistory(
  { history, deadlines }: Tables,
  { historyLimit, historyRetentionMs, historyIp }: StoreOptions,
  userId: string,
  record: SessionRecord,
  end: End,
): void {
  const [newest] = history.getKeys({ ...newestFirst(userId), limit: 1 });
  const number = (newest?.[1] ?? 0) + 1;
  const { details, reasonText, ...session } = pastSession(record, end, historyIp);
  // JSON leaves out what is undefined.
  const isKept = historyLimit > 0;
  history.put([userId, number], {
    ...session,
    details: isKept && hasDetails(details) ? details : undefined,
    reasonText: reasonText || undefined,
  });
  const tooOld = {
    start: [userId] as unknown as HistoryKey,
    end: [userId, number - Math.max(historyLimit, REMEMBERED_SESSIONS) + 1] as HistoryKey,
  };
  for (const key of [...history.getKeys(tooOld)]) history.remove(key);
  if (newest === undefined) deadlines.set([userId, ''], end.timeMs + historyRetentionMs);
}

/**
 * Why a session of the device ended, if it is among the user's last ones, with the reason text of an
 * eviction, and whether another session of the device has ended since.
 */
export function pastEnd(
  { history }: Tables,
  { userId, deviceId, sessionId }: SessionRef,
): { reason: EndReason; reasonText: string; hasLater: boolean } | undefined {
  let hasLater = false;
  for (const { value } of history.getRange({ ...newestFirst(userId), limit: REMEMBERED_SESSIONS })) {
    if (value.deviceId !== deviceId) continue;
    if (value.sessionId === sessionId) {
      const { endReason: reason, reasonText = '' } = value;
      return { reason, reasonText, hasLater };
    }
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
