import { packRecord, type SessionRecord, unpackRecord } from '../record.js';
import { mayBeginAnew, nextDeadline, replacedSession } from '../rules.js';
import type { Ended, EndReason, Login, LoginResult, Logout, ReplacedSession, SessionRef } from '../store.js';
import { claimLease, saveLease } from './leases.js';
import type { Step } from './step.js';
import { under } from './tables.js';

/** See PresenceStore.online. */
export function online(step: Step, login: Login): LoginResult {
  const { userId, deviceId, sessionId } = login;
  // First of all: a greater incarnation ends the sessions of the one before, and this device's may be one of them.
  const bond = joinLease(step, login);
  if (bond === undefined) return { loginTimeMs: 0, replaced: [], endReason: 'SERVER_LOST' };
  const current = step.current(userId, deviceId);
  const { tooLate, beginsAnew } = judgeLogin(step, login, current);
  if (tooLate !== undefined) {
    return { loginTimeMs: 0, replaced: [], endReason: tooLate };
  }
  const now = step.now;
  const before = current?.online ? current : undefined;
  const isRefresh = before?.sessionId === sessionId;
  const record: SessionRecord = {
    ...{ deviceId, sessionId, serverAddr: login.serverAddr, platform: login.platform },
    ...{ metadata: login.metadata, online: true, ttlMs: login.ttlMs },
    ...{ logoutTimeMs: undefined, endReason: undefined, forgetTimeMs: 0 },
    // A refresh may be a repeat that comes late: it does not call a logout off.
    graceEndMs: isRefresh ? before.graceEndMs : 0,
    ...bond,
    loginTimeMs: isRefresh ? before.loginTimeMs : Math.min(login.resentLoginTimeMs || now, now),
  };
  const replaced: ReplacedSession[] = [];
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
  // Sent again, or late, it would end sessions that came after it.
  const mayReplace = !isRefresh && !beginsAnew && login.resentLoginTimeMs === 0;
  if (mayReplace) replaced.push(...replaceOthers(step, login));
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

/** Ends a session of the user, or all of them; returns how many. */
export function evict(step: Step, userId: string, session?: SessionRef): number {
  const deviceIds = session
    ? [session.deviceId]
    : [...step.tables.records.getKeys(under<[string, string]>(userId))].map(([, deviceId]) => deviceId);
  const evicted = deviceIds.filter((deviceId) => {
    const current = step.current(userId, deviceId);
    if (!current?.online || (session && session.sessionId !== current.sessionId)) return false;
    step.end(userId, current, { timeMs: step.now, reason: 'EVICTED' });
    return true;
  });
  return evicted.length;
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

function replaceOthers(step: Step, { userId, deviceId, platform, policy }: Login): ReplacedSession[] {
  if (policy === 'KEEP_ALL') return [];
  const others = [...step.tables.records.getRange(under<[string, string]>(userId))]
    .map(({ key, value }) => unpackRecord(key[1], value))
    .filter((other) => other.online && other.deviceId !== deviceId)
    .filter((other) => policy === 'REPLACE_ALL' || other.platform === platform)
    .filter((other) => step.endOf(other) === undefined);
  for (const other of others) step.end(userId, other, { timeMs: step.now, reason: 'REPLACED' });
  return others.map(replacedSession);
}
