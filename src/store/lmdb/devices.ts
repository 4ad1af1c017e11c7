import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import type { End } from '../../presence/rules.js';
import type { Login } from '../../presence/sessions.js';
import { WORK } from '../work.js';
import { LAST, type RecordKey, under } from './tables.js';
import type { WriteTransaction } from './WriteTransaction.js';

/**
 * The first devices of a user after a device (all if undefined), the bytes of their records, and whether
 * there are more.
 */
export function someDevices(
  tx: WriteTransaction,
  userId: string,
  after?: string,
): { records: SessionRecord[]; bytes: number; hasMore: boolean } {
  const start = (after === undefined ? [userId] : [userId, after]) as RecordKey;
  const range = { start, end: [userId, LAST] as RecordKey, exclusiveStart: true, limit: WORK.part + 1 };
  let bytes = 0;
  const records = [...tx.tables.records.getRange(range)].map(({ key, value }) => {
    bytes += value.length;
    return unpackRecord(key[1], value);
  });
  tx.work.done += records.length;
  return { records: records.slice(0, WORK.part), bytes, hasMore: records.length > WORK.part };
}

/**
 * The user's other sessions that last and that the policy ends, after a device: as many as one write
 * transaction ends. `next` is the device after which to continue; undefined if these are all.
 */
export function othersToReplace(
  tx: WriteTransaction,
  { userId, deviceId, platform, policy }: Pick<Login, 'userId' | 'deviceId' | 'platform' | 'policy'>,
  after: string | undefined,
): { others: SessionRecord[]; next: string | undefined } {
  if (policy === 'KEEP_ALL') return { others: [], next: undefined };
  const { records, hasMore } = someDevices(tx, userId, after);
  const others: SessionRecord[] = [];
  for (const other of records) {
    if (!other.online || other.deviceId === deviceId) continue;
    if (policy !== 'REPLACE_ALL' && other.platform !== platform) continue;
    if (tx.endOf(other) !== undefined) continue;
    if (others.length === WORK.ends) return { others, next: others.at(-1)?.deviceId };
    others.push(other);
  }
  return { others, next: hasMore ? records.at(-1)?.deviceId : undefined };
}

/**
 * Whether the user may have one more device online. Devices whose session is over, and those that the login
 * ends, do not count. See redis/scripts/devices.lua.
 */
export function hasRoom(tx: WriteTransaction, { userId, deviceId, platform, policy }: Login): boolean {
  const { maxDevices } = tx.options;
  const online = tx.tables.users.get(userId) ?? 0;
  if (online < maxDevices || policy === 'REPLACE_ALL') return true;
  const isKnown = policy === 'KEEP_ALL' && tx.work.full.get(userId) === online;
  if (isKnown) return false;
  const free = someDevices(tx, userId).records.filter(
    (other) =>
      other.online &&
      other.deviceId !== deviceId &&
      ((policy !== 'KEEP_ALL' && other.platform === platform) || tx.endOf(other) !== undefined),
  );
  if (online - free.length < maxDevices) return true;
  if (policy === 'KEEP_ALL') tx.work.full.set(userId, online);
  return false;
}

/**
 * A record of a device that is offline, and when it is to be removed; with its end if that is not recorded
 * yet.
 */
interface OfflineRecord {
  record: SessionRecord;
  end: End | undefined;
  removalTimeMs: number;
}

/**
 * Removes the user's oldest offline records if there are too many records: more than necessary, so that the
 * next logins need not check again.
 */
export function dropOldest(tx: WriteTransaction, userId: string): void {
  const { maxDevices } = tx.options;
  const range = { ...under<RecordKey>(userId), limit: maxDevices + 1 };
  if (tx.tables.records.getKeysCount(range) <= maxDevices) return;
  const { records } = someDevices(tx, userId);
  const offline = records
    .flatMap((record) => offlineRecord(tx, record) ?? [])
    .sort((a, b) => a.removalTimeMs - b.removalTimeMs || (a.record.deviceId < b.record.deviceId ? -1 : 1));
  const isSeen = ({ removalTimeMs }: OfflineRecord) => removalTimeMs > tx.now;
  const seen = records.length - offline.filter((each) => !isSeen(each)).length;
  let surplus = seen > maxDevices ? Math.max(seen - maxDevices, Math.floor(maxDevices / 8)) : 0;
  for (const each of offline.slice(0, WORK.ends)) {
    if (isSeen(each) && surplus-- <= 0) break;
    if (each.end) {
      tx.end(userId, each.record, each.end);
      tx.work.done += WORK.end;
    }
    tx.tables.records.remove([userId, each.record.deviceId]);
    tx.tables.deadlines.set([userId, each.record.deviceId], undefined);
    tx.work.done += 1;
  }
}

function offlineRecord(tx: WriteTransaction, record: SessionRecord): OfflineRecord | undefined {
  if (!record.online) return { record, end: undefined, removalTimeMs: record.removalTimeMs };
  const end = tx.endOf(record);
  return end && { record, end, removalTimeMs: end.timeMs + tx.options.retentionMs };
}
