import type { Change__Output as WireChange } from 'imstate-client/internal/generated/imstate/v1/Change';
import type { ChatServer__Output as WireChatServer } from 'imstate-client/internal/generated/imstate/v1/ChatServer';
import type { Device__Output as Device } from 'imstate-client/internal/generated/imstate/v1/Device';
import type { DrainServerResponse__Output as DrainServerResponse } from 'imstate-client/internal/generated/imstate/v1/DrainServerResponse';
import type {
  EndedSession,
  EndedSession__Output,
} from 'imstate-client/internal/generated/imstate/v1/EndedSession';
import type { Explanation__Output as Explanation } from 'imstate-client/internal/generated/imstate/v1/Explanation';
import type { GetStatsResponse__Output as GetStatsResponse } from 'imstate-client/internal/generated/imstate/v1/GetStatsResponse';
import type { GetUserResponse__Output as GetUserResponse } from 'imstate-client/internal/generated/imstate/v1/GetUserResponse';
import type { HistoryEntry__Output as WireHistoryEntry } from 'imstate-client/internal/generated/imstate/v1/HistoryEntry';
import type { Lease__Output as WireLease } from 'imstate-client/internal/generated/imstate/v1/Lease';
import type { ReplacingLogin__Output as ReplacingLogin } from 'imstate-client/internal/generated/imstate/v1/ReplacingLogin';
import type { ServerDrain__Output as WireServerDrain } from 'imstate-client/internal/generated/imstate/v1/ServerDrain';
import type { SessionBegin__Output as SessionBegin } from 'imstate-client/internal/generated/imstate/v1/SessionBegin';
import type { UserSnapshot__Output as UserSnapshot } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import type { Lease, SessionRef } from 'imstate-client/internal/shared/session';
import { toDuration } from 'imstate-client/internal/wire/duration';
import { endReasons, leaseStates } from 'imstate-client/internal/wire/enums';
import { toTimestamp } from 'imstate-client/internal/wire/timestamp';
import type { Stats } from '../../presence/listings.js';
import {
  type ChatServer,
  type DrainProgress,
  drainPace,
  type ServerDrainResult,
} from '../../presence/servers.js';
import type { Ended, ReplacedSession, Session } from '../../presence/sessions.js';
import type { BegunSession, Change, EndedSession as EndedInChange, UserAt } from '../../store/changeLog.js';
import type { HistoryEntry } from '../history.js';
import { type Shown, showUser } from './answerSize.js';

const NO_METADATA = {};

/** The device of a session, with why it is so if that was asked for. */
export function toDevice(session: Session, explain = false, metadataOmitted = false): Device {
  return {
    deviceId: session.deviceId,
    online: session.online,
    sessionId: session.sessionId,
    serverAddr: session.serverAddr,
    platform: session.platform,
    loginTime: toTimestamp(session.loginTimeMs),
    lastSeenTime: toTimestamp(session.lastSeenMs),
    logoutTime: toTimestamp(session.logoutTimeMs),
    endReason: endReasons.toWire(session.endReason),
    metadata: metadataOmitted ? NO_METADATA : session.metadata,
    explanation: explain ? toExplanation(session) : null,
    clientIp: session.details.clientIp,
    label: session.details.label,
    appVersion: session.details.appVersion,
    reasonText: session.reasonText,
  };
}

function toExplanation({ ttlMs, lastSeenMs, graceEndMs, removalTimeMs, lease }: Session): Explanation {
  return {
    timeToLive: ttlMs > 0 ? toDuration(ttlMs) : null,
    expireTime: ttlMs > 0 ? toTimestamp(lastSeenMs + ttlMs) : null,
    graceEndTime: graceEndMs > 0 ? toTimestamp(graceEndMs) : null,
    forgetTime: removalTimeMs > 0 ? toTimestamp(removalTimeMs) : null,
    lease: toLease(lease),
  };
}

/** The state of a user when a watch begins. */
export function toUserSnapshot({ userId, sessions }: UserAt): UserSnapshot {
  const { metadataOmitted, devicesOmitted, ...shown } = showUser(sessions);
  const devices = shown.sessions.map((session) => toDevice(session, false, metadataOmitted));
  return { userId, devices, metadataOmitted, devicesOmitted };
}

/** A change of a device, with its ID and its revision; '' for none. */
export function toChange(
  { began, ended, ...change }: Change,
  { changeId, revision }: { changeId: string; revision: string },
): WireChange {
  const { userId, deviceId, wasOnline, devicesOnline, timeMs } = change;
  return {
    userId,
    deviceId,
    wasOnline,
    online: began !== undefined,
    userOnline: devicesOnline > 0,
    session: began ? toSessionBegin(began) : null,
    ended: ended
      ? {
          userId,
          deviceId,
          sessionId: ended.sessionId,
          serverAddr: ended.serverAddr,
          endReason: endReasons.toWire(ended.reason),
          reasonText: ended.reasonText,
          by: toReplacingLogin(deviceId, began, ended),
        }
      : null,
    time: toTimestamp(timeMs),
    revision,
    moved: hasMoved(change, began, ended),
    changeId,
    devicesOnline,
  };
}

/** Whether a device was online and still is, at another chat server. */
function hasMoved(
  { wasOnline }: Pick<Change, 'wasOnline'>,
  began: BegunSession | undefined,
  ended: EndedInChange | undefined,
): boolean {
  return wasOnline && began !== undefined && ended !== undefined && began.serverAddr !== ended.serverAddr;
}

function toSessionBegin(session: BegunSession): SessionBegin {
  const { sessionId, serverAddr, platform, loginTimeMs, details } = session;
  return { sessionId, serverAddr, platform, loginTime: toTimestamp(loginTimeMs), ...details };
}

/** The login that replaced a session of the device: the device's own, or that of another device. */
function toReplacingLogin(
  deviceId: string,
  began: BegunSession | undefined,
  { reason, by }: EndedInChange,
): ReplacingLogin | null {
  if (by) return { deviceId: by.deviceId, ...toSessionBegin(by) };
  return began && reason === 'REPLACED' ? { deviceId, ...toSessionBegin(began) } : null;
}

/** A session of the user that another login ended. */
export function toReplaced(userId: string, session: ReplacedSession): EndedSession__Output {
  const { deviceId, sessionId, serverAddr } = session;
  const endReason = endReasons.toWire('REPLACED');
  return { userId, deviceId, sessionId, serverAddr, endReason, reasonText: '', by: null };
}

/** A session that a heartbeat found to be over. */
export function toEnded(
  { userId, deviceId, sessionId }: SessionRef,
  { reason, reasonText }: Ended,
): EndedSession {
  return { userId, deviceId, sessionId, endReason: endReasons.toWire(reason), reasonText };
}

/** A session in the history. */
export function toHistoryEntry({
  loginTimeMs,
  endTimeMs,
  endReason,
  details,
  ...entry
}: HistoryEntry): WireHistoryEntry {
  return {
    ...entry,
    ...details,
    loginTime: toTimestamp(loginTimeMs),
    endTime: toTimestamp(endTimeMs),
    endReason: endReasons.toWire(endReason),
  };
}

/** A chat server. */
export function toChatServer({ serverAddr, sessions, lease }: ChatServer): WireChatServer {
  return { serverAddr, sessions, lease: toLease(lease) };
}

function toLease(lease: Lease | undefined): WireLease | null {
  if (lease === undefined) return null;
  const { state, incarnation, ttlMs, expireTimeMs, drainDeadlineMs } = lease;
  return {
    state: leaseStates.toWire(state),
    incarnation,
    timeToLive: toDuration(ttlMs),
    expireTime: toTimestamp(expireTimeMs),
    drainDeadline: toTimestamp(drainDeadlineMs),
  };
}

/** The response to DrainServer. */
export function toDrainServerResponse({
  sessions,
  deadlineMs,
  isPartial,
}: ServerDrainResult): DrainServerResponse {
  return { sessions, deadline: toTimestamp(deadlineMs || undefined), partial: isPartial };
}

/** How a chat server has to drain, as keep-alive responses say it; null if it does not. */
export function toServerDrain(progress: DrainProgress | undefined): WireServerDrain | null {
  if (progress === undefined) return null;
  return { remaining: toDuration(progress.remainingMs), sessionsPerSecond: drainPace(progress) };
}

/** The response to GetUser. */
export function toGetUserResponse(userId: string, shown: Shown, explain: boolean): GetUserResponse {
  const { sessions, metadataOmitted, devicesOmitted, lastSeenMs } = shown;
  return {
    userId,
    online: sessions.some(({ online }) => online),
    devices: sessions.map((session) => toDevice(session, explain, metadataOmitted)),
    metadataOmitted,
    devicesOmitted,
    lastSeenTime: toTimestamp(lastSeenMs),
  };
}

/** The counters of what is online. Its JSON is that of the HTTP API and of `imstate stats --json`. */
export function toStats(stats: Stats): GetStatsResponse {
  return {
    usersOnline: stats.users,
    devicesOnline: stats.devices,
    devicesByPlatform: Object.fromEntries(stats.byPlatform),
    devicesByServer: Object.fromEntries(stats.byServer),
    devicesOnOtherServers: stats.devicesOnOtherServers,
    partial: stats.isPartial,
  };
}
