import type { EndReason } from 'imstate-client/internal/shared/session';
import { keptDetails } from '../presence/details.js';
import type { PastSession, Session } from '../presence/sessions.js';
import { formatPageToken, parsePageToken } from '../store/pageToken.js';
import type { StoreOptions } from '../store/store.js';

/** A session of a user, from its login to its end. */
export interface HistoryEntry extends Omit<PastSession, 'endTimeMs' | 'endReason'> {
  /** Undefined while the session lasts. Milliseconds since 1970. */
  endTimeMs: number | undefined;
  /** Undefined while the session lasts. */
  endReason: EndReason | undefined;
}

/** What a history may hold. */
export type HistoryRules = Pick<StoreOptions, 'historyLimit' | 'historyIp'>;

/** Which page of a history to return. */
export interface HistoryPage {
  /** Only sessions of this device. */
  deviceId: string | undefined;
  limit: number;
  /** `next` of the previous page; undefined for the first page. */
  after: string | undefined;
}

/** The entry after which a page begins: its end (0 while it lasts), login, device and session. */
const TOKEN: [endTimeMs: number, loginTimeMs: number, deviceId: string, sessionId: string] = [0, 0, '', ''];

/** A page of the sessions of a user: those of `devices` that last, then past ones, newest first. */
export function pageOfHistory(
  devices: Session[],
  past: PastSession[],
  { deviceId, limit, after }: HistoryPage,
  rules: HistoryRules,
): { entries: HistoryEntry[]; next: string | undefined } {
  const all = [...openEntries(devices, past, rules), ...past]
    .filter((entry) => deviceId === undefined || entry.deviceId === deviceId)
    .sort(newestFirst);
  const rest = after === undefined ? all : behind(all, parsePageToken(after, TOKEN));
  const entries = rest.slice(0, limit);
  const last = rest.length > limit ? entries.at(-1) : undefined;
  return { entries, next: last && formatPageToken(tokenOf(last)) };
}

/**
 * Sessions that last, and those whose TTL or lease has ended without an entry in the history yet. An entry of
 * the history that ended after the last sign of the session is the same session; one that ended before is an
 * earlier session. A session that has ended is subject to the rules of the history, although its record is kept.
 */
function openEntries(
  devices: Session[],
  past: PastSession[],
  { historyLimit, historyIp }: HistoryRules,
): HistoryEntry[] {
  const isPast = ({ deviceId, sessionId, lastSeenMs }: Session) =>
    past.some(
      (entry) =>
        entry.deviceId === deviceId && entry.sessionId === sessionId && entry.endTimeMs >= lastSeenMs,
    );
  return devices
    .filter((session) => !isPast(session) && (session.online || historyLimit > 0))
    .map((session) => ({
      deviceId: session.deviceId,
      sessionId: session.sessionId,
      serverAddr: session.serverAddr,
      platform: session.platform,
      loginTimeMs: session.loginTimeMs,
      endReason: session.endReason,
      endTimeMs: session.logoutTimeMs,
      details: session.online ? session.details : keptDetails(session.details, historyIp),
      reasonText: session.reasonText,
    }));
}

/**
 * Sessions that last, newest login first. Then past ones, newest end first, which may not be the order in the
 * store.
 */
function newestFirst(a: HistoryEntry, b: HistoryEntry): number {
  if (a.endTimeMs === undefined && b.endTimeMs === undefined) return b.loginTimeMs - a.loginTimeMs;
  return (b.endTimeMs ?? Infinity) - (a.endTimeMs ?? Infinity);
}

function tokenOf({ endTimeMs, loginTimeMs, deviceId, sessionId }: HistoryEntry): typeof TOKEN {
  return [endTimeMs ?? 0, loginTimeMs, deviceId, sessionId];
}

/**
 * The entries after a page token. If the entry of the token is gone or has ended meanwhile, those that are
 * older.
 */
function behind(all: HistoryEntry[], token: typeof TOKEN): HistoryEntry[] {
  const key = formatPageToken(token);
  const at = all.findIndex((entry) => formatPageToken(tokenOf(entry)) === key);
  if (at >= 0) return all.slice(at + 1);
  const [endTimeMs, loginTimeMs] = token;
  return all.filter((entry) =>
    entry.endTimeMs === undefined
      ? endTimeMs === 0 && entry.loginTimeMs < loginTimeMs
      : endTimeMs === 0 || entry.endTimeMs < endTimeMs,
  );
}
