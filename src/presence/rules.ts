import { LEASE_TTL_MS } from 'imstate-client/internal/defaults';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { EndReason, Lease } from 'imstate-client/internal/shared/session';
import { type HistoryIp, keptDetails } from './details.js';
import type { SessionRecord } from './record.js';
import type { KeepAlive } from './servers.js';
import type { PastSession, ReplacedSession, Session } from './sessions.js';

/** How long a lease lasts that a login began, and not its chat server. Milliseconds. */
export const DEFAULT_LEASE_MS = LEASE_TTL_MS.default;
/** How many sessions of a user that ended are kept at least, and searched for a late repeat of a login. */
export const REMEMBERED_SESSIONS = 32;
/** How long they are kept for that alone, if there is to be no history. Milliseconds. */
export const REMEMBERED_MS = 3_600_000;
/** How many entries of a history are searched for the last end: a sweep may record an earlier end later. */
export const LAST_SEEN_ENTRIES = 8;
/**
 * After how long without a sweep leases get their whole time again: nobody could keep them alive.
 * Milliseconds.
 */
export const OUTAGE_MS = 3_000;

/**
 * The lease of a chat server as it is stored; scripts/leases.lua explains each field. Times in milliseconds.
 */
export interface LeaseRecord {
  incarnation: number;
  ttl: number;
  expires: number;
  since: number;
  lost?: number | undefined;
  purge?: number | undefined;
  purged?: number | undefined;
  resync?: number | undefined;
  /** Cursor at which recording the ends continues; each store has its own. */
  cursor?: readonly string[] | undefined;
  drain?: DrainRecord | undefined;
}

/** The drain of an incarnation of a chat server as it is stored. Times in milliseconds. */
export interface DrainRecord {
  incarnation: number;
  deadline: number;
  grace: number;
  /** The time of the first keep-alive since, and how many sessions there were; scripts/leases.lua explains both. */
  begun?: number | undefined;
  sessions?: number | undefined;
  /** True once the lease has run out and lasts for the grace. */
  lapsed?: boolean | undefined;
}

/** The drain of a lease; undefined if its chat server does not drain. A restart begins without one. */
export function drainOf(lease: LeaseRecord | undefined): DrainRecord | undefined {
  if (lease?.drain?.incarnation !== lease?.incarnation || lease?.lost !== undefined) return undefined;
  return lease?.drain;
}

/** An end of a session. */
export interface End {
  timeMs: number;
  reason: EndReason;
  /** The reason text of an eviction. */
  text?: string | undefined;
}

/**
 * When and why a session that its record shows as online is over at `now`; undefined while it lasts. Of two
 * ends at the same time, the one that readers saw first counts: only a sweep loses a lease. Same rule: over()
 * in src/store/redis/scripts/leases.lua.
 */
export function endOf(record: SessionRecord, lease: LeaseRecord | undefined, now: number): End | undefined {
  const expireTimeMs = record.ttlMs > 0 ? record.lastSeenMs + record.ttlMs : Infinity;
  const graceEndMs = record.graceEndMs || Infinity;
  const lostTimeMs = leaseEnd(record, lease) ?? Infinity;
  const timeMs = Math.min(expireTimeMs, graceEndMs, lostTimeMs);
  if (timeMs > now) return undefined;
  const reason = timeMs === expireTimeMs ? 'EXPIRED' : timeMs === graceEndMs ? 'LOGOUT' : 'SERVER_LOST';
  return { timeMs, reason };
}

function leaseEnd(record: SessionRecord, lease: LeaseRecord | undefined): number | undefined {
  if (record.incarnation === 0) return undefined;
  if (lease === undefined) return record.lastSeenMs;
  if (record.incarnation < lease.incarnation) return lease.since;
  if (lease.lost !== undefined) return lease.lost;
  return lease.purge !== undefined && record.lastSeenMs <= lease.purge ? lease.purged : undefined;
}

/** When a session that lasts must be checked again; undefined if never. Milliseconds since 1970. */
export function nextDeadline({ ttlMs, lastSeenMs, graceEndMs }: SessionRecord): number | undefined {
  const expireTimeMs = ttlMs > 0 ? lastSeenMs + ttlMs : Infinity;
  const first = Math.min(expireTimeMs, graceEndMs || Infinity);
  return first === Infinity ? undefined : first;
}

/**
 * The record of a session that ended. Field by field, here and below: a spread takes several times as long,
 * and every read comes here.
 */
export function endedRecord(record: SessionRecord, end: End, retentionMs: number): SessionRecord {
  return {
    deviceId: record.deviceId,
    sessionId: record.sessionId,
    serverAddr: record.serverAddr,
    platform: record.platform,
    metadata: record.metadata,
    details: record.details,
    online: false,
    loginTimeMs: record.loginTimeMs,
    lastSeenMs: record.lastSeenMs,
    logoutTimeMs: end.timeMs,
    endReason: end.reason,
    reasonText: end.text ?? '',
    ttlMs: 0,
    graceEndMs: 0,
    removalTimeMs: end.timeMs + retentionMs,
    incarnation: 0,
  };
}

/** What readers see of a record at `now`: undefined if the device is offline and its retention over. */
export function readRecord(
  record: SessionRecord,
  lease: LeaseRecord | undefined,
  now: number,
  retentionMs: number,
): Session | undefined {
  const end = record.online ? endOf(record, lease, now) : undefined;
  const current = end ? endedRecord(record, end, retentionMs) : record;
  return current.online || current.removalTimeMs > now ? toSession(current, lease) : undefined;
}

/** A record as callers of the store see it. */
export function toSession(record: SessionRecord, lease: LeaseRecord | undefined): Session {
  return {
    deviceId: record.deviceId,
    sessionId: record.sessionId,
    serverAddr: record.serverAddr,
    platform: record.platform,
    metadata: record.metadata,
    details: record.details,
    online: record.online,
    loginTimeMs: record.loginTimeMs,
    lastSeenMs: record.lastSeenMs,
    logoutTimeMs: record.logoutTimeMs,
    endReason: record.endReason,
    reasonText: record.reasonText,
    ttlMs: record.ttlMs,
    graceEndMs: record.graceEndMs,
    removalTimeMs: record.removalTimeMs,
    lease: record.incarnation > 0 && lease ? readLease(lease) : undefined,
  };
}

/** A session that another login ended, as the response names it. */
export function replacedSession({ deviceId, sessionId, serverAddr }: SessionRecord): ReplacedSession {
  return { deviceId, sessionId, serverAddr };
}

/** What readers see of a lease. */
export function readLease(lease: LeaseRecord): Lease {
  const { incarnation, ttl, expires } = lease;
  const drainDeadlineMs = drainOf(lease)?.deadline;
  return { state: stateOf(lease), incarnation, ttlMs: ttl, expireTimeMs: expires, drainDeadlineMs };
}

function stateOf(lease: LeaseRecord): Lease['state'] {
  if (lease.lost !== undefined) return 'LOST';
  if (drainOf(lease)) return 'DRAINING';
  return lease.resync !== undefined ? 'RESYNC' : 'ALIVE';
}

/** The session as the history keeps it. */
export function pastSession(record: SessionRecord, end: End, historyIp: HistoryIp): PastSession {
  const { deviceId, sessionId, serverAddr, platform, loginTimeMs } = record;
  return {
    deviceId,
    sessionId,
    serverAddr,
    platform,
    loginTimeMs,
    endTimeMs: end.timeMs,
    endReason: end.reason,
    details: keptDetails(record.details, historyIp),
    reasonText: end.text ?? '',
  };
}

/**
 * True if a session that ended for this reason may start again when it is resent, unless the device has
 * another one by then: it ended by accident.
 */
export function mayRestart(reason: EndReason): boolean {
  return reason === 'EXPIRED' || reason === 'SERVER_LOST';
}

/** Why a keep-alive is rejected: the lease belongs to a greater incarnation. */
export function superseded({ serverAddr, incarnation }: KeepAlive, newer: number): ImstateError {
  return new ImstateError(
    'SUPERSEDED',
    `incarnation ${newer} of chat server ${serverAddr} supersedes ${incarnation}, whose sessions have ended: ` +
      'stop this process; its next start needs a greater incarnation',
  );
}

/** Why a login is rejected: the user may have no more devices online. */
export function tooManyDevices(maxDevices: number): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    `the user has ${maxDevices} devices online, the limit (--max-devices), and nothing was changed: log a device out, or raise the limit`,
  );
}

/** Why a user of a request is not read: those before have more devices than one answer carries. */
export function tooMuchToRead(): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    'the users have too many devices for one answer: ask for fewer users at once',
  );
}

/**
 * When a user was last online: now while a device is, otherwise the last end of the sessions and the history;
 * undefined if none is known. `lastEndMs` is that of the history, 0 for none. Milliseconds since 1970.
 */
export function lastSeenOf(sessions: readonly Session[], lastEndMs: number, now: number): number | undefined {
  if (sessions.some(({ online }) => online)) return now;
  return Math.max(lastEndMs, ...sessions.map(({ logoutTimeMs = 0 }) => logoutTimeMs)) || undefined;
}

/** Order of a user's sessions: newest login first, the device id as the tie-breaker. */
export function newestLoginFirst(a: Session, b: Session): number {
  return b.loginTimeMs - a.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1);
}
