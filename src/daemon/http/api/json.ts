import type {
  Timestamp,
  Timestamp__Output,
} from 'imstate-client/internal/generated/google/protobuf/Timestamp';
import type { Change } from 'imstate-client/internal/generated/imstate/v1/Change';
import type { ChatServer } from 'imstate-client/internal/generated/imstate/v1/ChatServer';
import type { Device } from 'imstate-client/internal/generated/imstate/v1/Device';
import type { Explanation } from 'imstate-client/internal/generated/imstate/v1/Explanation';
import type { GetUserResponse } from 'imstate-client/internal/generated/imstate/v1/GetUserResponse';
import type { HistoryEntry } from 'imstate-client/internal/generated/imstate/v1/HistoryEntry';
import type { Lease } from 'imstate-client/internal/generated/imstate/v1/Lease';
import type { UserSnapshot } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import { fromDuration } from 'imstate-client/internal/wire/duration';
import { endReasons, leaseStates } from 'imstate-client/internal/wire/enums';
import { fromTimestamp } from 'imstate-client/internal/wire/timestamp';

// The messages of the gRPC service in the shapes of docs/json.md, which commands print with --json. Every number fits: counts,
// and incarnations up to 2^48 - 1, are integers that JavaScript's numbers hold exactly.

/** A user, with why each device is so if that was asked for. */
export function userJson(
  { userId, online, devices = [], ...omitted }: GetUserResponse,
  explain: boolean,
): object {
  return {
    userId,
    online,
    ...omittedJson(omitted),
    devices: devices.map((device) => ({
      ...deviceJson(device),
      ...(explain && { explanation: explanationJson(device.explanation ?? {}) }),
    })),
  };
}

/** What the answer has no room for; usually nothing. */
function omittedJson(omitted: Pick<GetUserResponse, 'metadataOmitted' | 'devicesOmitted'>): object {
  const { metadataOmitted, devicesOmitted } = omitted;
  return { ...(metadataOmitted && { metadataOmitted }), ...(devicesOmitted && { devicesOmitted }) };
}

/** A device. */
export function deviceJson(device: Device): object {
  return {
    deviceId: device.deviceId,
    online: device.online,
    serverAddr: device.serverAddr,
    sessionId: device.sessionId || null,
    platform: device.platform || null,
    loginTime: timeJson(device.loginTime),
    lastSeen: timeJson(device.lastSeenTime),
    logoutTime: timeJson(device.logoutTime),
    reason: reasonJson(device.endReason),
    metadata: device.metadata ?? {},
  };
}

/** A session in the history. */
export function historyEntryJson(entry: HistoryEntry): object {
  return {
    deviceId: entry.deviceId,
    sessionId: entry.sessionId,
    serverAddr: entry.serverAddr,
    platform: entry.platform || null,
    loginTime: timeJson(entry.loginTime),
    endTime: timeJson(entry.endTime),
    reason: reasonJson(entry.endReason),
  };
}

/** A chat server. */
export function chatServerJson({ serverAddr, sessions, lease }: ChatServer): object {
  return { serverAddr, sessions, lease: leaseJson(lease) };
}

/** How a user stands when a watch begins. */
export function snapshotJson({ userId, devices = [], ...omitted }: UserSnapshot): object {
  return { userId, ...omittedJson(omitted), devices: devices.map(deviceJson) };
}

/** A change of a device. */
export function changeJson({ session, ended, ...change }: Change): object {
  return {
    userId: change.userId,
    deviceId: change.deviceId,
    wasOnline: change.wasOnline,
    online: change.online,
    userOnline: change.userOnline,
    session: session
      ? {
          sessionId: session.sessionId,
          serverAddr: session.serverAddr,
          platform: session.platform || null,
          loginTime: timeJson(session.loginTime),
        }
      : null,
    ended: ended
      ? { sessionId: ended.sessionId, serverAddr: ended.serverAddr, reason: reasonJson(ended.endReason) }
      : null,
    time: timeJson(change.time),
    revision: change.revision,
  };
}

function explanationJson(explanation: Explanation): object {
  return {
    ttlMs: durationJson(explanation.timeToLive),
    expireTime: timeJson(explanation.expireTime),
    graceEndTime: timeJson(explanation.graceEndTime),
    forgetTime: timeJson(explanation.forgetTime),
    lease: leaseJson(explanation.lease),
  };
}

function leaseJson(lease: Lease | null | undefined): object | null {
  if (!lease) return null;
  const { state, incarnation, timeToLive, expireTime } = lease;
  return {
    state: leaseStates.fromWire(state as number),
    incarnation,
    ttlMs: durationJson(timeToLive),
    expireTime: timeJson(expireTime),
  };
}

function timeJson(time: Timestamp | null | undefined): string | null {
  return fromTimestamp(time as Timestamp__Output | null | undefined)?.toISOString() ?? null;
}

function durationJson(duration: Lease['timeToLive']): number | null {
  return fromDuration(duration as Parameters<typeof fromDuration>[0]) ?? null;
}

function reasonJson(reason: Device['endReason']): string | null {
  return endReasons.fromWire(reason as number) ?? null;
}
