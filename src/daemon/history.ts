import type { EndReason } from 'imstate-client/internal/shared/session';
import type { PastSession, Session } from '../presence/sessions.js';
import { formatPageToken, parsePageToken } from '../store/pageToken.js';

/** A session of a user, from its login to its end. */
export interface HistoryEntry extends Omit<PastSession, 'endTimeMs' | 'endReason'> {
  /** Undefined while it lasts. Milliseconds since 1970. */
  endTimeMs: number | undefined;
  /** Undefined while it lasts. */
  endReason: EndReason | undefined;
}

/** Which page of a history to make. */
export interface HistoryPage {
  /** Only sessions of this device. */
  deviceId: string | undefined;
  limit: number;
  /** `next` of the page before; undefined for the first. */
  after: string | undefined;
}

/** The entry behind which a page begins: its end (0 while it lasts), login, device and session. */
const PLACE: [endTimeMs: number, loginTimeMs: number, deviceId: string, sessionId: string] = [0, 0, '', ''];

/** A page of a user's sessions: those of `devices` that last, then the past ones, newest first. */
export function pageOfHistory(
  devices: Session[],
  past: PastSession[],
  { deviceId, limit, after }: HistoryPage,
): { entries: HistoryEntry[]; next: string | undefined } {
  const all = [...openEntries(devices, past), ...past]
    .filter((entry) => deviceId === undefined || entry.deviceId === deviceId)
    .sort(newestFirst);
  const rest = after === undefined ? all : behind(all, parsePageToken(after, PLACE));
  const entries = rest.slice(0, limit);
  const last = rest.length > limit ? entries.at(-1) : undefined;
  return { entries, next: last && formatPageToken(placeOf(last)) };
}

/**
 * What lasts, and what ended by its time or its lease and is not in the history yet. A session in the history that ended
 * after it was last heard of here is the same; one that ended before has begun anew since.
 */
function openEntries(devices: Session[], past: PastSession[]): HistoryEntry[] {
  const isPast = ({ deviceId, sessionId, lastSeenMs }: Session) =>
    past.some(
      (entry) =>
        entry.deviceId === deviceId && entry.sessionId === sessionId && entry.endTimeMs >= lastSeenMs,
    );
  return devices
    .filter((session) => !isPast(session))
    .map(({ deviceId, sessionId, serverAddr, platform, loginTimeMs, logoutTimeMs, endReason }) => ({
      deviceId,
      sessionId,
      serverAddr,
      platform,
      loginTimeMs,
      endReason,
      endTimeMs: logoutTimeMs,
    }));
}

/** Those that last, newest login first; then newest end first, which may not be the order in which ends were written down. */
function newestFirst(a: HistoryEntry, b: HistoryEntry): number {
  if (a.endTimeMs === undefined && b.endTimeMs === undefined) return b.loginTimeMs - a.loginTimeMs;
  return (b.endTimeMs ?? Infinity) - (a.endTimeMs ?? Infinity);
}

function placeOf({ endTimeMs, loginTimeMs, deviceId, sessionId }: HistoryEntry): typeof PLACE {
  return [endTimeMs ?? 0, loginTimeMs, deviceId, sessionId];
}

/** The entries behind a place; if its entry is gone or has ended meanwhile, those that are older. */
function behind(all: HistoryEntry[], place: typeof PLACE): HistoryEntry[] {
  const key = formatPageToken(place);
  const at = all.findIndex((entry) => formatPageToken(placeOf(entry)) === key);
  if (at >= 0) return all.slice(at + 1);
  const [endTimeMs, loginTimeMs] = place;
  return all.filter((entry) =>
    entry.endTimeMs === undefined
      ? endTimeMs === 0 && entry.loginTimeMs < loginTimeMs
      : endTimeMs === 0 || entry.endTimeMs < endTimeMs,
  );
}
