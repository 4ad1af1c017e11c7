import type { EndReason } from 'imstate-client/internal/shared/session';
import { hasDetails, NO_DETAILS } from '../../presence/details.js';
import type { SessionRecord } from '../../presence/record.js';
import type { BegunSession, Change, EndedSession, ReplacingLogin } from '../changeLog.js';
import type { StoredBegin, StoredChange, StoredEnd, Tables } from './tables.js';

/** A change of a device: at least one session, the one that is current now or the one that ended. */
export interface DeviceChange {
  wasOnline: boolean;
  began: SessionRecord | undefined;
  ended: SessionRecord | undefined;
  timeMs: number;
  /** Why `ended` ended. */
  reason: EndReason;
  /** The reason text of an eviction; '' for none. */
  reasonText: string;
  /** The login of another device that replaced `ended`. */
  by: ReplacingLogin | undefined;
}

/** The session that a login began, as changes name it. */
export function begunSession(record: SessionRecord): BegunSession {
  const { loginTimeMs, sessionId, serverAddr, platform, details } = record;
  return { loginTimeMs, sessionId, serverAddr, platform, details };
}

/** Appends a change of a device to the change log, and drops the oldest entries beyond `limit`. */
export function noteChange(tables: Tables, limit: number, userId: string, change: DeviceChange): void {
  const { wasOnline, began, ended, timeMs } = change;
  const { deviceId } = (began ?? ended) as SessionRecord;
  const entry: StoredChange = {
    userId,
    deviceId,
    wasOnline,
    timeMs,
    began: began && withoutEmpty(begunSession(began)),
    ended: ended && endedSession(ended, change),
    devicesOnline: tables.users.get(userId) ?? 0,
  };
  const { changes } = tables;
  const [newest = 0] = changes.getKeys({ reverse: true, limit: 1 });
  changes.put(newest + 1, entry);
  for (const key of [...changes.getKeys({ end: newest + 2 - limit })]) changes.remove(key);
}

/** JSON leaves out what is undefined. */
function withoutEmpty<Session extends BegunSession>(session: Session): StoredBegin<Session> {
  return { ...session, details: hasDetails(session.details) ? session.details : undefined };
}

function endedSession(
  { sessionId, serverAddr, platform }: SessionRecord,
  { reason, reasonText, by }: DeviceChange,
): StoredEnd {
  return {
    reason,
    sessionId,
    serverAddr,
    platform,
    reasonText: reasonText || undefined,
    by: by && withoutEmpty(by),
  };
}

/** The change of an entry. */
export function readChange({ began, ended, ...change }: StoredChange): Change {
  return { ...change, began: began && withDetails(began), ended: ended && readEnded(ended) };
}

function withDetails<Session extends BegunSession>(session: StoredBegin<Session>): Session {
  return { ...session, details: session.details ?? NO_DETAILS } as Session;
}

function readEnded({ reasonText = '', by, ...ended }: StoredEnd): EndedSession {
  return { ...ended, reasonText, by: by && withDetails(by) };
}
