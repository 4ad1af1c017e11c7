import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import type { End } from '../../presence/rules.js';
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

/** The sessions on the user's other devices that last. There are at most about `maxDevices`. */
export function countedSessions(tx: WriteTransaction, userId: string, deviceId: string): SessionRecord[] {
  const records = [...tx.tables.records.getRange(under<RecordKey>(userId))];
  tx.work.done += records.length;
  return records
    .filter(({ key }) => key[1] !== deviceId)
    .map(({ key, value }) => unpackRecord(key[1], value))
    .filter((record) => record.online && tx.endOf(record) === undefined);
}

/**
 * Whether the user may have one more device online. Devices whose session is over do not count. See
 * redis/scripts/devices.lua.
 */
export function hasRoom(tx: WriteTransaction, userId: string): boolean {
  const { maxDevices } = tx.options;
  const online = tx.tables.users.get(userId) ?? 0;
  if (online < maxDevices) return true;
  if (tx.work.full.get(userId) === online) return false;
  const over = someDevices(tx, userId).records.filter(
    (other) => other.online && tx.endOf(other) !== undefined,
  );
  if (online - over.length < maxDevices) return true;
  tx.work.full.set(userId, online);
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
