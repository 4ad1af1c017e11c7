import { DRAIN_DEFAULTS, LEASE_TTL_MS } from 'imstate-client/internal/defaults';
import type { DrainServerRequest__Output } from 'imstate-client/internal/generated/imstate/v1/DrainServerRequest';
import type { EvictRequest__Output } from 'imstate-client/internal/generated/imstate/v1/EvictRequest';
import type { GetUserRequest__Output } from 'imstate-client/internal/generated/imstate/v1/GetUserRequest';
import type { KeepServerAliveRequest__Output } from 'imstate-client/internal/generated/imstate/v1/KeepServerAliveRequest';
import type { ListAuditRequest__Output } from 'imstate-client/internal/generated/imstate/v1/ListAuditRequest';
import type { OfflineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OfflineRequest';
import type { OnlineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineRequest';
import type { SessionRef__Output } from 'imstate-client/internal/generated/imstate/v1/SessionRef';
import type { WatchStart__Output } from 'imstate-client/internal/generated/imstate/v1/WatchStart';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import { makeSessionId } from 'imstate-client/internal/shared/sessionId';
import { fromDuration } from 'imstate-client/internal/wire/duration';
import { auditOutcomes } from 'imstate-client/internal/wire/enums';
import { fromTimestamp } from 'imstate-client/internal/wire/timestamp';
import { LIMITS } from '../../presence/limits.js';
import type { KeepAlive, ServerDrain } from '../../presence/servers.js';
import type { Login, LoginTrial, Logout } from '../../presence/sessions.js';
import {
  broken,
  checkDetails,
  checkDuration,
  checkId,
  checkIncarnation,
  checkMetadata,
  checkOptionalId,
  checkPlatform,
  checkReasonText,
  checkServerAddr,
  checkServerName,
} from '../../presence/validate.js';
import type { AuditFilter } from '../audit/listAudit.js';
import type { EvictTarget } from '../presence.js';
import { MAX_WATCHED_USERS, type WatchTarget } from './watchTarget.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const TIME_TO_LIVE = { min: SECOND, max: 30 * 24 * HOUR, absent: 0 };
const GRACE = { min: 0, max: HOUR, absent: 0 };
const DRAIN_OVER = { min: 0, max: HOUR, absent: DRAIN_DEFAULTS.overMs };
const DRAIN_GRACE = { min: 0, max: HOUR, absent: DRAIN_DEFAULTS.graceMs };
const LEASE = { min: LEASE_TTL_MS.min, max: LEASE_TTL_MS.max, absent: LEASE_TTL_MS.default };

/** Reads and checks the request of Online; `policy` is the one that it chooses. */
export function readLogin(request: OnlineRequest__Output, policy: SessionPolicy): Login {
  const { userId, deviceId, serverAddr, sessionId, platform, metadata, serverIncarnation } = request;
  checkId('user_id', userId);
  checkId('device_id', deviceId);
  checkServerAddr('server_addr', serverAddr);
  checkOptionalId('session_id', sessionId);
  checkPlatform('platform', platform);
  checkMetadata('metadata', metadata);
  checkIncarnation('server_incarnation', serverIncarnation, 0);
  const details = checkDetails(request);
  return {
    userId,
    deviceId,
    serverAddr,
    platform,
    metadata,
    details,
    policy,
    sessionId: sessionId || makeSessionId(),
    isNewSessionId: sessionId === '',
    ttlMs: checkDuration('time_to_live', fromDuration(request.timeToLive), TIME_TO_LIVE),
    incarnation: serverIncarnation,
    resentLoginTimeMs: readLoginTime(request),
  };
}

/** Reads and checks the request of Online with validate_only. What a policy does not consider is ignored. */
export function readTrial(
  { userId, deviceId, sessionId, platform }: OnlineRequest__Output,
  policy: SessionPolicy,
): LoginTrial {
  checkId('user_id', userId);
  checkOptionalId('device_id', deviceId);
  checkOptionalId('session_id', sessionId);
  checkPlatform('platform', platform);
  return { userId, deviceId, sessionId, platform, policy };
}

function readLoginTime({ loginTime, sessionId }: OnlineRequest__Output): number {
  const ms = fromTimestamp(loginTime)?.getTime();
  if (ms === undefined) return 0;
  if (!(ms > 0)) throw broken('login_time', 'must be the login_time of a response to Online');
  if (sessionId === '') throw broken('session_id', 'must be given with login_time: it names what is resent');
  return Math.floor(ms);
}

/** Reads and checks the request of Offline. */
export function readLogout({ userId, deviceId, sessionId, grace }: OfflineRequest__Output): Logout {
  checkId('user_id', userId);
  checkId('device_id', deviceId);
  checkOptionalId('session_id', sessionId);
  const graceMs = checkDuration('grace', fromDuration(grace), GRACE);
  return { userId, deviceId, sessionId: sessionId || undefined, graceMs };
}

/**
 * Reads and checks a message of KeepServerAlive. `streamAddr` is the address in the first message of the
 * stream, '' before it.
 */
export function readKeepAlive(request: KeepServerAliveRequest__Output, streamAddr: string): KeepAlive {
  const { serverAddr, incarnation, resynced } = request;
  checkServerAddr('server_addr', serverAddr);
  if (streamAddr !== '' && serverAddr !== streamAddr) {
    throw broken(
      'server_addr',
      `must stay the same in a stream, which began with ${streamAddr}: open another stream`,
    );
  }
  checkIncarnation('incarnation', incarnation, 1);
  const ttlMs = checkDuration('time_to_live', fromDuration(request.timeToLive), LEASE);
  return { serverAddr, incarnation, ttlMs, resynced };
}

/** Reads and checks the request of DrainServer. */
export function readDrain(request: DrainServerRequest__Output): ServerDrain {
  const { serverAddr, cancel } = request;
  checkServerAddr('server_addr', serverAddr);
  const overMs = checkDuration('over', fromDuration(request.over), DRAIN_OVER);
  const graceMs = checkDuration('grace', fromDuration(request.grace), DRAIN_GRACE);
  return { serverAddr, drain: cancel ? undefined : { overMs, graceMs } };
}

/** Checks that there are some, and not too many for one call. */
function checkCount(field: string, items: readonly unknown[], max: number): void {
  const rule = `must be 1 to ${shown(max)}`;
  if (items.length === 0) throw broken(field, `${rule}: name at least one`);
  if (items.length > max) throw broken(field, `${rule}; these are ${items.length}: send several calls`);
}

/** Reads and checks the sessions of a heartbeat. */
export function readSessions(sessions: SessionRef__Output[]): SessionRef[] {
  checkCount('sessions', sessions, LIMITS.heartbeatSessions.max);
  return sessions.map((session, i) => readSession(`sessions[${i}]`, session));
}

/** Reads and checks a session. */
export function readSession(field: string, { userId, deviceId, sessionId }: SessionRef__Output): SessionRef {
  checkId(`${field}.user_id`, userId);
  checkId(`${field}.device_id`, deviceId);
  checkId(`${field}.session_id`, sessionId);
  return { userId, deviceId, sessionId };
}

/** Which user to read, or which of its devices. */
export interface GetUser {
  userId: string;
  deviceId: string | undefined;
  includeLastSeen: boolean;
}

/** Reads and checks the request of GetUser. */
export function readGetUser({ userId, deviceId, includeLastSeen }: GetUserRequest__Output): GetUser {
  checkId('user_id', userId);
  checkOptionalId('device_id', deviceId);
  if (includeLastSeen && deviceId !== '')
    throw broken('include_last_seen', 'is of a user: it cannot be combined with device_id');
  return { userId, deviceId: deviceId || undefined, includeLastSeen };
}

/** Checks the users of a batch. */
export function readBatch(userIds: string[]): string[] {
  checkCount('user_ids', userIds, LIMITS.batchUsers.max);
  return checkUsers('user_ids', userIds);
}

/** Reads and checks whose sessions to evict, and why. */
export function readEviction(request: EvictRequest__Output): { target: EvictTarget; reasonText: string } {
  const { reasonText } = request;
  const target = readEvictTarget(request);
  checkReasonText('reason_text', reasonText);
  return { target, reasonText };
}

function readEvictTarget({ serverAddr, userId, session, device }: EvictRequest__Output): EvictTarget {
  if (serverAddr) {
    checkServerName('server_addr', serverAddr);
    return { serverAddr };
  }
  if (userId) {
    checkId('user_id', userId);
    return { userId };
  }
  if (session) return { session: readSession('session', session) };
  if (device) {
    checkId('device.user_id', device.userId);
    checkId('device.device_id', device.deviceId);
    return { device: { userId: device.userId, deviceId: device.deviceId } };
  }
  throw broken('target', 'must be given: server_addr, user_id, session or device');
}

/** Reads and checks which records of the audit trail to list. */
export function readAuditFilter(request: ListAuditRequest__Output): AuditFilter {
  const { since, identity, action, userId } = request;
  checkOptionalId('user_id', userId);
  const outcome = auditOutcomes.fromWire(request.outcome);
  if (outcome === 'UNKNOWN') throw broken('outcome', `${request.outcome} is not an AuditOutcome`);
  return {
    sinceMs: fromTimestamp(since)?.getTime(),
    identity: identity || undefined,
    action: action || undefined,
    userId: userId || undefined,
    outcome,
  };
}

/** Reads and checks what a watch follows. */
export function readWatchTarget(start: WatchStart__Output): WatchTarget {
  const { userIds, serverAddrs, everything, initialState, resumeRevision, resumeTime, coalesce } = start;
  const named = [userIds.length > 0, serverAddrs.length > 0, everything].filter(Boolean).length;
  if (named !== 1) {
    throw broken('start', 'must name one of user_ids, server_addrs and everything');
  }
  if (initialState && resumeRevision !== '') {
    throw broken('initial_state', 'cannot be combined with resume_revision');
  }
  if (resumeTime && (initialState || resumeRevision !== '')) {
    throw broken('resume_time', 'cannot be combined with initial_state and resume_revision');
  }
  if (serverAddrs.length > LIMITS.watchedServers.max) {
    throw broken(
      'server_addrs',
      `must be at most ${shown(LIMITS.watchedServers.max)}; these are ${serverAddrs.length}: watch everything, or open several`,
    );
  }
  for (const [i, addr] of serverAddrs.entries()) checkServerName(`server_addrs[${i}]`, addr);
  return {
    userIds: userIds.length > 0 ? new Set(readUsers('user_ids', userIds)) : undefined,
    serverAddrs: serverAddrs.length > 0 ? new Set(serverAddrs) : undefined,
    initialState,
    resumeRevision,
    resumeTimeMs: fromTimestamp(resumeTime)?.getTime(),
    coalesce,
  };
}

/** Checks the users of a watch. */
export function readUsers(field: string, userIds: string[]): string[] {
  if (userIds.length > MAX_WATCHED_USERS) {
    throw broken(
      field,
      `must be at most ${shown(MAX_WATCHED_USERS)}; these are ${userIds.length}: open several watches`,
    );
  }
  return checkUsers(field, userIds);
}

function checkUsers(field: string, userIds: string[]): string[] {
  for (const [i, userId] of userIds.entries()) checkId(`${field}[${i}]`, userId);
  return userIds;
}

/** A limit as messages name it: 1,000. */
function shown(limit: number): string {
  return limit.toLocaleString('en');
}
