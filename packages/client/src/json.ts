import type { AuditRecord } from './calls/audit.js';
import type { ChatServer, HistoryEntry } from './calls/listings.js';
import { isPolicyIgnored } from './calls/loginPolicy.js';
import type {
  DeviceState,
  EndedSession,
  Explanation,
  LeaseState,
  OnlineRequest,
  OnlineResult,
  SessionDetails,
  UserState,
} from './calls/messages.js';
import type { LoginValidation, ValidateLoginRequest } from './calls/policies.js';
import type { Relay } from './calls/relays.js';
import type { RoutedSession, RouteResult } from './calls/routes.js';
import type { UserExport } from './calls/userData.js';
import type { ImstateError } from './shared/errors.js';
import type { SessionPolicy } from './shared/policy.js';
import type { Change, SessionBegin, WatchEvent } from './watch/watchMessages.js';

// Presence in the shapes of docs/json.md, for commands and for the HTTP API. JavaScript represents every
// number exactly: counts, and incarnations up to 2^48 - 1, are integers.

/** A user: with `explain` each device has the reason for its state, with `lastSeen` the user has that time. */
export function userJson(user: UserState, { explain, lastSeen }: { explain: boolean; lastSeen: boolean }) {
  const { userId, online, devices } = user;
  const toJson = explain ? explainedDeviceJson : deviceJson;
  const seen = lastSeen && { lastSeen: timeJson(user.lastSeen) };
  return { userId, online, ...seen, ...omittedJson(user), devices: devices.map(toJson) };
}

/** What the response has no room for; usually nothing. */
function omittedJson({ metadataOmitted, devicesOmitted }: Omitted): Omitted {
  return { ...(metadataOmitted && { metadataOmitted }), ...(devicesOmitted && { devicesOmitted }) };
}

type Omitted = Pick<UserState, 'metadataOmitted' | 'devicesOmitted'>;

/** A device. */
export function deviceJson(device: DeviceState) {
  return {
    deviceId: device.deviceId,
    online: device.online,
    serverAddr: device.serverAddr,
    sessionId: device.sessionId || null,
    platform: device.platform ?? null,
    loginTime: timeJson(device.loginTime),
    lastSeen: timeJson(device.lastSeen),
    logoutTime: timeJson(device.logoutTime),
    reason: device.reason ?? null,
    reasonText: device.reasonText ?? null,
    ...detailsJson(device),
    metadata: device.metadata,
  };
}

function detailsJson({ clientIp, label, appVersion }: SessionDetails) {
  return { clientIp: clientIp ?? null, label: label ?? null, appVersion: appVersion ?? null };
}

function explainedDeviceJson(device: DeviceState) {
  return { ...deviceJson(device), explanation: explanationJson(device.explanation) };
}

function explanationJson(explanation: Explanation | undefined) {
  if (explanation === undefined) return null;
  return {
    ttlMs: explanation.ttlMs ?? null,
    expireTime: timeJson(explanation.expireTime),
    graceEndTime: timeJson(explanation.graceEndTime),
    forgetTime: timeJson(explanation.forgetTime),
    lease: leaseJson(explanation.lease),
  };
}

function leaseJson(lease: LeaseState | undefined) {
  if (lease === undefined) return null;
  const { state, incarnation, ttlMs, expireTime, drainDeadline } = lease;
  return {
    state,
    incarnation,
    ttlMs,
    expireTime: timeJson(expireTime),
    drainDeadline: timeJson(drainDeadline),
  };
}

/** Where to deliver messages. */
export function routeJson({ servers, offline, unavailable }: RouteResult) {
  return {
    servers: servers.map(({ serverAddr, draining, sessions }) => ({
      serverAddr,
      draining,
      sessions: sessions.map(routedSessionJson),
    })),
    offline,
    unavailable,
  };
}

function routedSessionJson({ userId, deviceId, sessionId, platform, inGrace }: RoutedSession) {
  return { userId, deviceId, sessionId, platform: platform ?? null, inGrace };
}

/** The result of a login. */
export function loginJson(request: OnlineRequest, result: OnlineResult) {
  const { userId, deviceId, serverAddr } = request;
  const { sessionId, loginTime, replaced, replacedOmitted, endReason, policy, rejected, detailsStored } =
    result;
  return {
    userId,
    deviceId,
    sessionId: sessionId ?? null,
    serverAddr,
    loginTime: timeJson(loginTime),
    replaced: replaced.map((ended) => ({ deviceId: ended.deviceId, ...endedJson(ended) })),
    ...(replacedOmitted > 0 && { replacedOmitted }),
    endReason: endReason ?? null,
    policy: policy ?? null,
    rejected,
    ...(rejected && rejectionJson(result)),
    ...(isPolicyIgnored(request, result) && { policyIgnored: true }),
    ...(detailsStored !== undefined && { detailsStored }),
  };
}

/** A session policy; with its version and author if it is stored or a preset. */
export function policyJson(policy: SessionPolicy & { version: number; author?: string | undefined }) {
  const { name, version, author, platforms, classes, limits, exclusive } = policy;
  return { name, version, author: author || null, platforms, classes, limits, exclusive };
}

/** What a policy would decide about a login; `platformClass` is that of the login, if the policy has classes. */
export function decisionJson(
  { userId, deviceId, platform }: Pick<ValidateLoginRequest, 'userId' | 'deviceId' | 'platform'>,
  decision: LoginValidation,
  platformClass: string | undefined,
) {
  const { rejected, replaced, replacedOmitted, policy } = decision;
  return {
    userId,
    deviceId: deviceId || null,
    platform: platform || null,
    policy: policy ?? 'keep-all',
    class: platformClass ?? null,
    rejected,
    replaced: replaced.map((ended) => ({ deviceId: ended.deviceId, ...endedJson(ended) })),
    ...(replacedOmitted > 0 && { replacedOmitted }),
    ...rejectionJson(decision),
  };
}

function rejectionJson({ conflicts, conflictsOmitted, limit }: Rejection) {
  return {
    conflicts: conflicts.map(deviceJson),
    ...(conflictsOmitted > 0 && { conflictsOmitted }),
    limit: limit ?? null,
  };
}

type Rejection = Pick<LoginValidation, 'conflicts' | 'conflictsOmitted' | 'limit'>;

/** A session in the history. */
export function historyEntryJson(entry: HistoryEntry) {
  return {
    deviceId: entry.deviceId,
    sessionId: entry.sessionId,
    serverAddr: entry.serverAddr,
    platform: entry.platform ?? null,
    loginTime: timeJson(entry.loginTime),
    endTime: timeJson(entry.endTime),
    reason: entry.reason ?? null,
    reasonText: entry.reasonText ?? null,
    ...detailsJson(entry),
  };
}

/** An administrative act. */
export function auditRecordJson({ identity, target, ...record }: AuditRecord) {
  return {
    id: record.id,
    time: timeJson(record.time),
    action: record.action,
    outcome: record.outcome ?? null,
    code: record.code ?? null,
    detail: record.detail ?? null,
    omitted: record.omitted,
    identity: { kind: identity.kind ?? null, name: identity.name },
    role: record.role ?? null,
    source: record.source ?? null,
    via: record.via ?? null,
    target: {
      type: target.type,
      userId: target.userId ?? null,
      deviceId: target.deviceId ?? null,
      sessionId: target.sessionId ?? null,
      serverAddr: target.serverAddr ?? null,
      name: target.name ?? null,
    },
    requestId: record.requestId ?? null,
    daemon: record.daemon,
  };
}

/** Everything that is kept of a user. */
export function userExportJson({ userId, devices, history, changes, audit }: UserExport) {
  return {
    userId,
    devices: devices.map(explainedDeviceJson),
    history: history.map(historyEntryJson),
    changes: changes.map((change) => {
      const { changeId: _id, revision: _revision, ...shown } = changeJson(change);
      return shown;
    }),
    audit: audit.map(auditRecordJson),
  };
}

/** A chat server. */
export function chatServerJson({ serverAddr, sessions, lease }: ChatServer) {
  return { serverAddr, sessions, lease: leaseJson(lease) };
}

/** An event of a watch; `omitted` is what a snapshot has no room for. */
export function watchEventJson(event: WatchEvent, omitted: Omitted = {}): object {
  const { type } = event;
  switch (type) {
    case 'snapshot': {
      const { userId, devices } = event;
      return { type, userId, ...omittedJson(omitted), devices: devices.map(deviceJson) };
    }
    case 'change':
      return { type, ...changeJson(event) };
    case 'lagging':
      return { type, since: timeJson(event.since) };
    case 'disconnected':
      return { type, error: faultJson(event.error) };
    default:
      return event;
  }
}

/** A change of a device. */
export function changeJson({ session, ended, time, ...change }: Change) {
  return {
    userId: change.userId,
    deviceId: change.deviceId,
    wasOnline: change.wasOnline,
    online: change.online,
    userOnline: change.userOnline,
    devicesOnline: change.devicesOnline ?? null,
    moved: change.moved,
    session: session ? sessionJson(session) : null,
    ended: ended ? endedJson(ended) : null,
    time: timeJson(time),
    changeId: change.changeId ?? null,
    revision: change.revision,
  };
}

/** A session that is current. */
export function sessionJson(session: SessionBegin) {
  const { sessionId, serverAddr, platform, loginTime } = session;
  return {
    sessionId,
    serverAddr,
    platform: platform ?? null,
    loginTime: timeJson(loginTime),
    ...detailsJson(session),
  };
}

function endedJson({ sessionId, serverAddr, reason, reasonText, by }: EndedSession) {
  return {
    sessionId,
    serverAddr,
    reason: reason ?? null,
    reasonText: reasonText ?? null,
    by: by ? { deviceId: by.deviceId, ...sessionJson(by) } : null,
  };
}

/** An error; JSON leaves `field` out where it is undefined. */
export function faultJson({ code, message, field }: ImstateError) {
  return { code, message, field };
}

/** ISO 8601 in UTC; an absent time is null. */
function timeJson(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}

/** A relay. */
export function relayJson(relay: Relay) {
  return {
    name: relay.name,
    target: relay.target,
    state: relay.state,
    holder: relay.holder ?? null,
    revision: relay.revision,
    deliveredTime: timeJson(relay.deliveredTime),
    delivered: relay.delivered,
    failed: relay.failed,
    snapshots: relay.snapshots,
    lastError: relay.lastError ?? null,
    lagChanges: relay.lagChanges ?? null,
    lagMs: relay.lagMs ?? null,
    isBehindLog: relay.isBehindLog,
    createTime: timeJson(relay.createTime),
  };
}
