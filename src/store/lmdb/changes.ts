import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import { packRecord, type SessionRecord } from '../../presence/record.js';
import { mayBeginAnew, nextDeadline, replacedSession, tooManyDevices } from '../../presence/rules.js';
import type { Ended, Login, LoginResult, Logout, ReplacedSession } from '../../presence/sessions.js';
import { WORK } from '../work.js';
import { dropOldest, hasRoom, othersToReplace } from './devices.js';
import { claimLease, saveLease } from './leases.js';
import type { Step } from './WriteTransaction.js';

/** How a login goes on that ends very many sessions. */
export interface Replacing {
  /** The device behind which to go on. */
  behind: string;
  replaced: ReplacedSession[];
}

/**
 * See PresenceStore.online. One that ends more sessions than a write transaction may ends some, and gives where to go on: it is
 * carried out with the last of them.
 */
export function online(step: Step, login: Login, so?: Replacing): LoginResult | { goOn: Replacing } {
  const { userId, deviceId, sessionId } = login;
  const replaced = so?.replaced ?? [];
  // First of all: a greater incarnation ends the sessions of the one before, and this device's may be one of them.
  const bond = joinLease(step, login);
  if (bond === undefined) return { loginTimeMs: 0, replaced, endReason: 'SERVER_LOST' };
  const current = step.current(userId, deviceId);
  const { tooLate, beginsAnew } = judgeLogin(step, login, current);
  if (tooLate !== undefined) return { loginTimeMs: 0, replaced, endReason: tooLate };
  const now = step.now;
  const before = current?.online ? current : undefined;
  const isRefresh = before?.sessionId === sessionId;
  // Sent again, or late, it would end sessions that came after it.
  const mayReplace = !isRefresh && !beginsAnew && login.resentLoginTimeMs === 0;
  const ending: Login = mayReplace ? login : { ...login, policy: 'KEEP_ALL' };
  if (!before && !hasRoom(step, ending)) throw tooManyDevices(step.options.maxDevices);
  const { others, next } = othersToReplace(step, ending, so?.behind);
  if (next !== undefined) {
    return { goOn: { behind: next, replaced: [...replaced, ...replaceOthers(step, userId, others)] } };
  }
  const record: SessionRecord = {
    deviceId,
    sessionId,
    serverAddr: login.serverAddr,
    platform: login.platform,
    metadata: login.metadata,
    online: true,
    ttlMs: login.ttlMs,
    logoutTimeMs: undefined,
    endReason: undefined,
    removalTimeMs: 0,
    // A refresh may be a repeat that comes late: it does not call a logout off.
    graceEndMs: isRefresh ? before.graceEndMs : 0,
    ...bond,
    loginTimeMs: isRefresh ? before.loginTimeMs : Math.min(login.resentLoginTimeMs || now, now),
  };
  if (before) {
    step.unindex(userId, before);
    if (!isRefresh) {
      step.remember(userId, before, { timeMs: now, reason: 'REPLACED' });
      replaced.push(replacedSession(before));
    }
  }
  step.tables.records.put([userId, deviceId], packRecord(record));
  step.tables.deadlines.set([userId, deviceId], nextDeadline(record));
  step.index(userId, record);
  const moves = isRefresh && (before.serverAddr !== record.serverAddr || before.platform !== record.platform);
  if (moves || !isRefresh) {
    const ended = isRefresh ? undefined : before;
    step.note(userId, {
      wasOnline: before !== undefined,
      began: record,
      ended,
      timeMs: now,
      reason: 'REPLACED',
    });
  }
  replaced.push(...replaceOthers(step, userId, others));
  if (!before) dropOldest(step, userId);
  return { loginTimeMs: record.loginTimeMs, replaced, endReason: undefined };
}

/** See PresenceStore.offline. */
export function offline(step: Step, { userId, deviceId, sessionId, graceMs }: Logout): boolean {
  const current = step.current(userId, deviceId);
  if (!current?.online) return false;
  if (sessionId !== undefined && current.sessionId !== sessionId) return false;
  const heard = { ...current, lastSeenMs: Math.max(step.now, current.lastSeenMs) };
  if (graceMs === 0) {
    step.end(userId, heard, { timeMs: step.now, reason: 'LOGOUT' });
    return true;
  }
  const graceEndMs = step.now + graceMs;
  if (current.graceEndMs > 0 && current.graceEndMs <= graceEndMs) return true;
  const record = { ...heard, graceEndMs };
  step.tables.records.put([userId, deviceId], packRecord(record));
  step.tables.deadlines.set([userId, deviceId], nextDeadline(record));
  return true;
}

/** See PresenceStore.heartbeat. */
export function heartbeat(step: Step, { userId, deviceId, sessionId }: SessionRef): Ended | undefined {
  const current = step.current(userId, deviceId);
  if (current?.sessionId !== sessionId)
    return step.pastEnd({ userId, deviceId, sessionId })?.reason ?? 'UNKNOWN';
  if (!current.online) return current.endReason;
  if (step.now > current.lastSeenMs) {
    step.tables.records.put([userId, deviceId], packRecord({ ...current, lastSeenMs: step.now }));
  }
  return undefined;
}

/** See PresenceStore.evictSession. */
export function evictSession(step: Step, { userId, deviceId, sessionId }: SessionRef): boolean {
  const current = step.current(userId, deviceId);
  if (!current?.online || current.sessionId !== sessionId) return false;
  step.end(userId, current, { timeMs: step.now, reason: 'EVICTED' });
  return true;
}

/** Ends sessions of the user that last, behind a device; returns how many, and where to go on: undefined if these are all. */
export function evictDevices(
  step: Step,
  userId: string,
  behind: string | undefined,
): { evicted: number; next: string | undefined } {
  const login = { userId, deviceId: '', platform: '', policy: 'REPLACE_ALL' } as const;
  const { others, next } = othersToReplace(step, login, behind);
  for (const other of others) step.end(userId, other, { timeMs: step.now, reason: 'EVICTED' });
  step.work.done += others.length * WORK.end;
  return { evicted: others.length, next };
}

/**
 * Why the login comes too late to change anything (undefined if it does not), and whether its session had ended before and
 * begins anew.
 */
function judgeLogin(
  step: Step,
  login: Login,
  current: SessionRecord | undefined,
): { tooLate?: EndReason | undefined; beginsAnew?: boolean } {
  const isCurrent = current?.sessionId === login.sessionId;
  if (isCurrent && current?.online) return {};
  if (!isCurrent && login.resentLoginTimeMs > 0 && current && current.loginTimeMs > login.resentLoginTimeMs)
    return { tooLate: 'REPLACED' };
  if (login.isNewSessionId) return {};
  const past = isCurrent ? { reason: current?.endReason, hasLater: false } : step.pastEnd(login);
  if (past?.reason === undefined) return {};
  if (!mayBeginAnew(past.reason)) return { tooLate: past.reason };
  // Not after a session that came after it.
  return past.hasLater || current?.online ? { tooLate: 'REPLACED' } : { beginsAnew: true };
}

/** What binds the session to the lease of its chat server, if there is one; undefined if that is a greater incarnation's. */
function joinLease(
  step: Step,
  { serverAddr, incarnation }: Login,
): Pick<SessionRecord, 'incarnation' | 'lastSeenMs'> | undefined {
  const { now, tables } = step;
  const lease =
    incarnation > 0 ? claimLease(step, serverAddr, incarnation, undefined) : tables.leases.get(serverAddr);
  if (!lease || lease.lost !== undefined) return { incarnation: 0, lastSeenMs: now };
  if (incarnation > 0 && incarnation < lease.incarnation) return undefined;
  if (incarnation > 0) saveLease(step, serverAddr, lease);
  return { incarnation: lease.incarnation, lastSeenMs: Math.max(now, (lease.purge ?? 0) + 1) };
}

function replaceOthers(step: Step, userId: string, others: SessionRecord[]): ReplacedSession[] {
  for (const other of others) step.end(userId, other, { timeMs: step.now, reason: 'REPLACED' });
  step.work.done += others.length * WORK.end;
  return others.map(replacedSession);
}
