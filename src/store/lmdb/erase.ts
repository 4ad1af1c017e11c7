import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import type { Erasure } from '../erasure.js';
import {
  type DeadlineKey,
  type HistoryKey,
  type RecordKey,
  type SessionKey,
  type Tables,
  under,
} from './tables.js';

/** How many entries one write transaction looks at. */
const ENTRIES_PER_TRANSACTION = 1_000;

/** How far an erasure has come: the last key of the part that it has looked at; undefined at the beginning. */
export interface ErasePosition {
  part: 'records' | 'sessions' | 'changes';
  after: SessionKey | number | undefined;
}

/** What a part of an erasure has found, and where to continue; undefined if that was the last part. */
export interface ErasedPart extends Pick<Erasure, 'records' | 'changes' | 'devicesOnline'> {
  next: ErasePosition | undefined;
}

export const ERASE_BEGINNING: ErasePosition = { part: 'records', after: undefined };

/**
 * Finds what is kept of a user in a bounded part of the tables, and removes it if `removes`; see
 * PresenceStore.eraseUser. Devices that are online stay, and so do changes after `lastChange`.
 */
export function erasePart(
  tables: Tables,
  userId: string,
  { part, after }: ErasePosition,
  lastChange: number,
  removes: boolean,
): ErasedPart {
  if (part === 'records') return eraseRecords(tables, userId, removes);
  if (part === 'sessions') return eraseSessions(tables, userId, after as SessionKey | undefined, removes);
  return eraseChanges(tables, userId, (after ?? 0) as number, lastChange, removes);
}

/** The devices of a user are limited, and so is the history. */
function eraseRecords(tables: Tables, userId: string, removes: boolean): ErasedPart {
  const { records, history, deadlines, users } = tables;
  let [found, devicesOnline] = [0, 0];
  for (const { key, value } of [...records.getRange(under<RecordKey>(userId))]) {
    if (isOnline(unpackRecord(key[1], value))) devicesOnline += 1;
    else {
      found += 1;
      if (removes) records.remove(key);
    }
  }
  for (const key of [...history.getKeys(under<HistoryKey>(userId))]) {
    found += 1;
    if (removes) history.remove(key);
  }
  for (const key of deadlines.keysOf(userId)) {
    if (isOfOnline(tables, key)) continue;
    found += 1;
    if (removes) deadlines.set(key, undefined);
  }
  if (removes && devicesOnline === 0) users.remove(userId);
  return { records: found, changes: 0, devicesOnline, next: { part: 'sessions', after: undefined } };
}

function isOnline({ online }: SessionRecord): boolean {
  return online;
}

/** Whether the deadline is that of a device that is online. */
function isOfOnline({ records }: Tables, [userId, deviceId]: DeadlineKey): boolean {
  const packed = deviceId === '' ? undefined : records.get([userId, deviceId]);
  return packed !== undefined && isOnline(unpackRecord(deviceId, packed));
}

function eraseSessions(
  tables: Tables,
  userId: string,
  after: SessionKey | undefined,
  removes: boolean,
): ErasedPart {
  const { sessions } = tables;
  const start = (after ?? []) as SessionKey;
  const keys = [...sessions.getKeys({ start, exclusiveStart: true, limit: ENTRIES_PER_TRANSACTION })];
  const obsolete = keys.filter(([, user, device]) => user === userId && !isOfOnline(tables, [user, device]));
  if (removes) for (const key of obsolete) sessions.remove(key);
  const last = keys.length === ENTRIES_PER_TRANSACTION ? keys.at(-1) : undefined;
  const next: ErasePosition = last
    ? { part: 'sessions', after: last }
    : { part: 'changes', after: undefined };
  return { records: obsolete.length, changes: 0, devicesOnline: 0, next };
}

function eraseChanges(
  { changes }: Tables,
  userId: string,
  after: number,
  lastChange: number,
  removes: boolean,
): ErasedPart {
  const range = { start: after + 1, end: lastChange + 1, limit: ENTRIES_PER_TRANSACTION };
  const entries = [...changes.getRange(range)];
  const ofUser = entries.filter(({ value }) => value?.userId === userId);
  // The position stays: watches that resume there go on.
  if (removes) for (const { key } of ofUser) changes.put(key, null);
  const last = entries.length === ENTRIES_PER_TRANSACTION ? entries.at(-1)?.key : undefined;
  const next: ErasePosition | undefined = last === undefined ? undefined : { part: 'changes', after: last };
  return { records: 0, changes: ofUser.length, devicesOnline: 0, next };
}
