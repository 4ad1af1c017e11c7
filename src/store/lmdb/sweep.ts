import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import { type End, endOf, type LeaseRecord, nextDeadline } from '../../presence/rules.js';
import type { ServerEviction } from '../../presence/servers.js';
import { noteSweep } from './sweepNote.js';
import { type HistoryKey, LAST, type LookKey, type SessionKey, under } from './tables.js';
import type { Step } from './WriteTransaction.js';

/** Bounds on the work of one sweep. */
export interface SweepLimits {
  /** How many things that are due to look at. */
  deadlines: number;
  /** How many sessions of chat servers to look at. */
  endings: number;
}

/** See PresenceStore.sweep. */
export function sweep(step: Step, limits: SweepLimits): boolean {
  const lastOutage = noteSweep(step);
  const due = step.tables.deadlines.due(step.now, limits.deadlines);
  let left = limits.endings;
  for (const key of due) {
    // All leases are judged, also when enough sessions of the first have ended.
    if (key[0] === '') left -= lookAtLease(step, key[1], lastOutage, left);
    else if (key[1] === '') trimHistory(step, key[0]);
    else lookAtDevice(step, key);
  }
  return left === 0 || due.length >= limits.deadlines;
}

/** See PresenceStore.evictServer. */
export function evictServer(step: Step, serverAddr: string, limit: number): ServerEviction {
  let evicted = 0;
  const eviction = (record: SessionRecord): End => {
    const end = step.endOf(record);
    if (end) return end;
    evicted += 1;
    return { timeMs: step.now, reason: 'EVICTED' };
  };
  const { looked } = endSome(step, serverAddr, [], limit, eviction);
  return { evicted, more: looked === limit, failure: undefined };
}

function lookAtDevice(step: Step, [userId, deviceId]: LookKey): void {
  const { records, deadlines } = step.tables;
  const record = step.current(userId, deviceId);
  if (record && !record.online && record.removalTimeMs <= step.now) {
    records.remove([userId, deviceId]);
    deadlines.set([userId, deviceId], undefined);
    return;
  }
  deadlines.set([userId, deviceId], record?.online ? nextDeadline(record) : record?.removalTimeMs);
}

/** Removes what is past the retention of the history, and notes when the next will be. */
function trimHistory({ tables: { history, deadlines }, options, now }: Step, userId: string): void {
  for (const { key, value } of [...history.getRange(under<HistoryKey>(userId))]) {
    const removalTimeMs = value.endTimeMs + options.historyRetentionMs;
    if (removalTimeMs > now) {
      deadlines.set([userId, ''], removalTimeMs);
      return;
    }
    history.remove(key);
  }
  deadlines.set([userId, ''], undefined);
}

/** Loses a lease that ran out, and goes on with writing down the ends. Returns how many sessions it looked at. */
function lookAtLease(step: Step, serverAddr: string, lastOutage: number | undefined, limit: number): number {
  const { leases, deadlines } = step.tables;
  const found = leases.get(serverAddr);
  if (!found) {
    deadlines.set(['', serverAddr], undefined);
    return 0;
  }
  const lease = { ...found };
  if (lease.lost === undefined) {
    const expires = Math.max(lease.expires, lastOutage === undefined ? 0 : lastOutage + lease.ttl);
    lease.expires = Math.min(expires, step.now + lease.ttl);
    if (lease.expires <= step.now) Object.assign(lease, { lost: step.now, cursor: [] });
    leases.put(serverAddr, lease);
  }
  let looked = 0;
  if (lease.cursor !== undefined) {
    const ends = (record: SessionRecord) => serverEnd(step, record, lease);
    const part = endSome(step, serverAddr, lease.cursor, limit, ends);
    lease.cursor = part.looked < limit ? undefined : part.cursor;
    looked = part.looked;
  }
  if (lease.lost !== undefined && lease.cursor === undefined) {
    leases.remove(serverAddr);
    deadlines.set(['', serverAddr], undefined);
  } else {
    leases.put(serverAddr, lease);
    deadlines.set(['', serverAddr], lease.cursor === undefined ? lease.expires : step.now);
  }
  return looked;
}

/** Whether a session of the chat server is over: by its lease, or because a resync did not bring it. */
function serverEnd({ now }: Step, record: SessionRecord, lease: LeaseRecord): End | undefined {
  const end = endOf(record, lease, now);
  if (end || lease.purge === undefined || record.lastSeenMs > lease.purge) return end;
  return { timeMs: lease.purged ?? now, reason: 'SERVER_LOST' };
}

/**
 * Looks at up to `limit` sessions of a chat server behind the cursor, and ends those for which `ends` gives an end.
 */
function endSome(
  step: Step,
  serverAddr: string,
  cursor: readonly string[],
  limit: number,
  ends: (record: SessionRecord) => End | undefined,
): { looked: number; cursor: readonly string[] } {
  const { sessions, records } = step.tables;
  const range = {
    start: [serverAddr, ...cursor] as unknown as SessionKey,
    end: [serverAddr, LAST] as unknown as SessionKey,
  };
  const keys = limit === 0 ? [] : [...sessions.getKeys({ ...range, exclusiveStart: true, limit })];
  for (const [, userId, deviceId] of keys) {
    const record = unpackRecord(deviceId, records.get([userId, deviceId]) as Buffer);
    const end = ends(record);
    if (end) step.end(userId, record, end);
  }
  return { looked: keys.length, cursor: keys.at(-1)?.slice(1) ?? cursor };
}
