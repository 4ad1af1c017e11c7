import type { ChatServer__Output } from '../generated/imstate/v1/ChatServer.js';
import type { Device__Output } from '../generated/imstate/v1/Device.js';
import type { EndedSession__Output } from '../generated/imstate/v1/EndedSession.js';
import type { Explanation__Output } from '../generated/imstate/v1/Explanation.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import type { HistoryEntry__Output } from '../generated/imstate/v1/HistoryEntry.js';
import type { Lease__Output } from '../generated/imstate/v1/Lease.js';
import type { ReplacingLogin__Output } from '../generated/imstate/v1/ReplacingLogin.js';
import type { LoginDetails } from '../shared/session.js';
import { fromDuration } from '../wire/duration.js';
import { endReasons, leaseStates } from '../wire/enums.js';
import { fromTimestamp } from '../wire/timestamp.js';
import type { ChatServer, HistoryEntry } from './listings.js';
import type {
  DeviceState,
  EndedSession,
  Explanation,
  LeaseState,
  ReplacingLogin,
  SessionDetails,
  UserState,
} from './messages.js';

/** A device in a response. */
export function readDevice(device: Device__Output): DeviceState {
  return {
    deviceId: device.deviceId,
    online: device.online,
    sessionId: device.sessionId,
    serverAddr: device.serverAddr,
    platform: device.platform || undefined,
    loginTime: fromTimestamp(device.loginTime),
    lastSeen: fromTimestamp(device.lastSeenTime),
    logoutTime: fromTimestamp(device.logoutTime),
    reason: endReasons.fromWire(device.endReason),
    reasonText: device.reasonText || undefined,
    metadata: device.metadata,
    ...readDetails(device),
    explanation: device.explanation ? readExplanation(device.explanation) : undefined,
  };
}

/** The details of a session in a response. */
export function readDetails({ clientIp, label, appVersion }: LoginDetails): SessionDetails {
  return {
    clientIp: clientIp || undefined,
    label: label || undefined,
    appVersion: appVersion || undefined,
  };
}

/** A user in a response. */
export function readUser(response: GetUserResponse__Output): UserState {
  const { userId, online, devices, metadataOmitted, devicesOmitted, lastSeenTime } = response;
  const user: UserState = { userId, online, devices: devices.map(readDevice) };
  if (metadataOmitted) user.metadataOmitted = true;
  if (devicesOmitted > 0) user.devicesOmitted = devicesOmitted;
  if (lastSeenTime) user.lastSeen = fromTimestamp(lastSeenTime);
  return user;
}

/** A session of the history in a response. */
export function readHistoryEntry({
  platform,
  loginTime,
  endTime,
  endReason,
  reasonText,
  ...entry
}: HistoryEntry__Output): HistoryEntry {
  return {
    ...entry,
    ...readDetails(entry),
    reasonText: reasonText || undefined,
    platform: platform || undefined,
    loginTime: fromTimestamp(loginTime),
    endTime: fromTimestamp(endTime),
    reason: endReasons.fromWire(endReason),
  };
}

/** A chat server in a response. */
export function readChatServer({ lease, ...server }: ChatServer__Output): ChatServer {
  return { ...server, lease: readLease(lease) };
}

/** An ended session in a response. */
export function readEnded(ended: EndedSession__Output): EndedSession {
  const { userId, deviceId, sessionId, serverAddr, endReason, reasonText, by } = ended;
  return {
    userId,
    deviceId,
    sessionId,
    serverAddr,
    reason: endReasons.fromWire(endReason),
    reasonText: reasonText || undefined,
    by: by ? readReplacingLogin(by) : undefined,
  };
}

function readReplacingLogin({
  deviceId,
  sessionId,
  serverAddr,
  ...login
}: ReplacingLogin__Output): ReplacingLogin {
  return {
    deviceId,
    sessionId,
    serverAddr,
    platform: login.platform || undefined,
    loginTime: fromTimestamp(login.loginTime),
    ...readDetails(login),
  };
}

/** A lease in a response; undefined if there is none. */
function readLease(lease: Lease__Output | null): LeaseState | undefined {
  const state = lease ? leaseStates.fromWire(lease.state) : undefined;
  if (lease === null || state === undefined) return undefined;
  return {
    state,
    incarnation: lease.incarnation,
    ttlMs: fromDuration(lease.timeToLive) ?? 0,
    expireTime: fromTimestamp(lease.expireTime),
    drainDeadline: fromTimestamp(lease.drainDeadline),
  };
}

function readExplanation(explanation: Explanation__Output): Explanation {
  return {
    ttlMs: fromDuration(explanation.timeToLive),
    expireTime: fromTimestamp(explanation.expireTime),
    graceEndTime: fromTimestamp(explanation.graceEndTime),
    forgetTime: fromTimestamp(explanation.forgetTime),
    lease: readLease(explanation.lease),
  };
}
