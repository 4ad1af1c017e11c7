import type { EndReason } from 'imstate-client/internal/shared/session';
import { packRecord, type SessionRecord } from '../../presence/record.js';
import { mayRestart, nextDeadline, replacedSession, tooManyDevices } from '../../presence/rules.js';
import type { Login, LoginResult, ReplacedSession } from '../../presence/sessions.js';
import { WORK } from '../work.js';
import { begunSession, noteChange } from './changes.js';
import { claimLease, saveLease } from './claimLease.js';
import { addSession, removeSession } from './counters.js';
import { decide, fits } from './decide.js';
import { dropOldest } from './devices.js';
import { addToHistory, pastEnd } from './history.js';
import { Unfinished } from './Unfinished.js';
import type { WriteTransaction } from './WriteTransaction.js';

/**
 * See PresenceStore.online. A login that ends more sessions than a write transaction may ends some of them, and
 * decides anew in the next one; it takes effect together with the last of them. `replaced` are those that have
 * ended already.
 */
export function online(
  tx: WriteTransaction,
  login: Login,
  replaced: ReplacedSession[] = [],
): LoginResult | Unfinished {
  const { userId, deviceId } = login;
  // First: a greater incarnation ends the sessions of the previous one, and this device's may be one of them.
  const binding = joinLease(tx, login);
  if (binding === undefined) return nothingChanged('SERVER_LOST', replaced);
  const current = tx.current(userId, deviceId);
  const { tooLate, startsAnew } = judgeLogin(tx, login, current);
  if (tooLate !== undefined) return nothingChanged(tooLate, replaced);
  const before = current?.online ? current : undefined;
  const isRefresh = before?.sessionId === login.sessionId;
  // A resent or late login would end sessions that came after it.
  const mayReplace = !isRefresh && !startsAnew && login.resentLoginTimeMs === 0;
  const decision = mayReplace ? decide(tx, login) : undefined;
  if (decision?.rejection) return { ...nothingChanged(undefined, replaced), rejection: decision.rejection };
  if (!before && !fits(tx, login.userId, decision)) throw tooManyDevices(tx.options.maxDevices);
  const others = decision?.ended ?? [];
  const record = makeRecord(login, binding, isRefresh ? before : undefined, tx.now);
  const ends = endsOf(others.length);
  if (ends < others.length) {
    const ended = replaceOthers(tx, userId, others.slice(0, ends), record);
    return new Unfinished((nextTx) => online(nextTx, login, [...replaced, ...ended]));
  }
  if (before && !isRefresh) replaced.push(replacedSession(before));
  write(tx, userId, record, before);
  replaced.push(...replaceOthers(tx, userId, others, record));
  if (!before) dropOldest(tx, userId);
  return { loginTimeMs: record.loginTimeMs, replaced, endReason: undefined, rejection: undefined };
}

/** How many of so many sessions one transaction ends: see ends_of in redis/scripts/online.lua. */
function endsOf(count: number): number {
  const part = Math.ceil(count / WORK.loginEndsDivisor);
  return Math.min(count, WORK.maxLoginEnds, Math.max(WORK.ends, part));
}

/** Nothing was changed but the sessions that have ended already. */
function nothingChanged(endReason: EndReason | undefined, replaced: ReplacedSession[]): LoginResult {
  return { loginTimeMs: 0, replaced, endReason, rejection: undefined };
}

/** The lease and the last sighting of a session. */
type Binding = Pick<SessionRecord, 'incarnation' | 'lastSeenMs'>;

/** The record of a login; `refreshed` is the session that it refreshes. */
function makeRecord(
  login: Login,
  { incarnation, lastSeenMs }: Binding,
  refreshed: SessionRecord | undefined,
  now: number,
): SessionRecord {
  // A refresh may be a late repeat, which does not cancel a logout.
  const loggedOut = refreshed && refreshed.graceEndMs > 0 ? refreshed : undefined;
  return {
    deviceId: login.deviceId,
    sessionId: login.sessionId,
    serverAddr: login.serverAddr,
    platform: login.platform,
    metadata: login.metadata,
    details: login.details,
    online: true,
    ttlMs: loggedOut?.ttlMs ?? login.ttlMs,
    logoutTimeMs: undefined,
    endReason: undefined,
    reasonText: '',
    removalTimeMs: 0,
    graceEndMs: loggedOut?.graceEndMs ?? 0,
    incarnation: loggedOut?.incarnation ?? incarnation,
    lastSeenMs,
    loginTimeMs: refreshed?.loginTimeMs ?? Math.min(login.resentLoginTimeMs || now, now),
  };
}

/** Writes the record instead of the one `before`, which is online and may be of the same session. */
function write(
  tx: WriteTransaction,
  userId: string,
  record: SessionRecord,
  before: SessionRecord | undefined,
): void {
  const { tables, options, now } = tx;
  const isRefresh = before?.sessionId === record.sessionId;
  if (before) {
    removeSession(tables, userId, before);
    if (!isRefresh) addToHistory(tables, options, userId, before, { timeMs: now, reason: 'REPLACED' });
  }
  tables.records.put([userId, record.deviceId], packRecord(record));
  tables.deadlines.set([userId, record.deviceId], nextDeadline(record));
  addSession(tables, userId, record);
  const isSame = isRefresh && before.serverAddr === record.serverAddr && before.platform === record.platform;
  if (isSame) return;
  noteChange(tables, options.changeLimit, userId, {
    wasOnline: before !== undefined,
    began: record,
    ended: isRefresh ? undefined : before,
    timeMs: now,
    reason: 'REPLACED',
    reasonText: '',
    by: undefined,
  });
}

/**
 * Why the login comes too late to change anything (undefined if it does not), and whether its session had
 * ended and starts anew.
 */
function judgeLogin(
  { tables }: WriteTransaction,
  login: Login,
  current: SessionRecord | undefined,
): { tooLate?: EndReason | undefined; startsAnew?: boolean } {
  const isCurrent = current?.sessionId === login.sessionId;
  if (isCurrent && current?.online) return {};
  if (!isCurrent && login.resentLoginTimeMs > 0 && current && current.loginTimeMs > login.resentLoginTimeMs)
    return { tooLate: 'REPLACED' };
  if (login.isNewSessionId) return {};
  const past = isCurrent ? { reason: current?.endReason, hasLater: false } : pastEnd(tables, login);
  if (past?.reason === undefined) return {};
  if (!mayRestart(past.reason)) return { tooLate: past.reason };
  // Not after a session that came later.
  return past.hasLater || current?.online ? { tooLate: 'REPLACED' } : { startsAnew: true };
}

/**
 * Binds the session to the lease of its chat server, if there is one; undefined if it belongs to a greater
 * incarnation.
 */
function joinLease(tx: WriteTransaction, { serverAddr, incarnation }: Login): Binding | undefined {
  const { now, tables } = tx;
  const lease =
    incarnation > 0 ? claimLease(tx, serverAddr, incarnation, undefined) : tables.leases.get(serverAddr);
  if (!lease || lease.lost !== undefined) return { incarnation: 0, lastSeenMs: now };
  if (incarnation > 0 && incarnation < lease.incarnation) return undefined;
  if (incarnation > 0) saveLease(tx, serverAddr, lease);
  return { incarnation: lease.incarnation, lastSeenMs: Math.max(now, (lease.purge ?? 0) + 1) };
}

/** Ends the others, which `login` replaces. */
function replaceOthers(
  tx: WriteTransaction,
  userId: string,
  others: SessionRecord[],
  login: SessionRecord,
): ReplacedSession[] {
  const by = { deviceId: login.deviceId, ...begunSession(login) };
  for (const other of others) tx.end(userId, other, { timeMs: tx.now, reason: 'REPLACED' }, by);
  tx.work.done += others.length * WORK.end;
  return others.map(replacedSession);
}
