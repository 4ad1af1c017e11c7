import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import type { End } from '../../presence/rules.js';
import type { Login } from '../../presence/sessions.js';
import { WORK } from '../work.js';
import { LAST, type RecordKey, under } from './tables.js';
import type { Step } from './WriteTransaction.js';

/** The first devices of a user behind one, the bytes of their records, and whether there are more. Behind undefined: from the first on. */
export function someDevices(
  step: Step,
  userId: string,
  behind?: string,
): { records: SessionRecord[]; bytes: number; hasMore: boolean } {
  const start = (behind === undefined ? [userId] : [userId, behind]) as RecordKey;
  const range = { start, end: [userId, LAST] as RecordKey, exclusiveStart: true, limit: WORK.part + 1 };
  let bytes = 0;
  const records = [...step.tables.records.getRange(range)].map(({ key, value }) => {
    bytes += value.length;
    return unpackRecord(key[1], value);
  });
  step.work.done += records.length;
  return { records: records.slice(0, WORK.part), bytes, hasMore: records.length > WORK.part };
}

/**
 * The user's other sessions that last and that the policy ends, behind a device: as many as one step ends. `next` is the device
 * behind which to go on; undefined if these are all.
 */
export function othersToReplace(
  step: Step,
  { userId, deviceId, platform, policy }: Pick<Login, 'userId' | 'deviceId' | 'platform' | 'policy'>,
  behind: string | undefined,
): { others: SessionRecord[]; next: string | undefined } {
  if (policy === 'KEEP_ALL') return { others: [], next: undefined };
  const { records, hasMore } = someDevices(step, userId, behind);
  const others: SessionRecord[] = [];
  for (const other of records) {
    if (!other.online || other.deviceId === deviceId) continue;
    if (policy !== 'REPLACE_ALL' && other.platform !== platform) continue;
    if (step.endOf(other) !== undefined) continue;
    if (others.length === WORK.ends) return { others, next: others.at(-1)?.deviceId };
    others.push(other);
  }
  return { others, next: hasMore ? records.at(-1)?.deviceId : undefined };
}

/**
 * Whether the user may have one more device online. Those do not count that are over, and those that the login ends; see
 * redis/scripts/devices.lua.
 */
export function hasRoom(step: Step, { userId, deviceId, platform, policy }: Login): boolean {
  const { maxDevices } = step.options;
  const online = step.tables.users.get(userId) ?? 0;
  if (online < maxDevices || policy === 'REPLACE_ALL') return true;
  const isKnown = policy === 'KEEP_ALL' && step.work.full.get(userId) === online;
  if (isKnown) return false;
  const free = someDevices(step, userId).records.filter(
    (other) =>
      other.online &&
      other.deviceId !== deviceId &&
      ((policy !== 'KEEP_ALL' && other.platform === platform) || step.endOf(other) !== undefined),
  );
  if (online - free.length < maxDevices) return true;
  if (policy === 'KEEP_ALL') step.work.full.set(userId, online);
  return false;
}

/** A record of a device that is offline, and when it is to be removed; with its end if that is not written down yet. */
interface OfflineRecord {
  record: SessionRecord;
  end: End | undefined;
  removalTimeMs: number;
}

/**
 * Removes the oldest records of devices that are offline if the user has more records than may be: some more than need be, so
 * that the next logins need not look again.
 */
export function dropOldest(step: Step, userId: string): void {
  const { maxDevices } = step.options;
  const range = { ...under<RecordKey>(userId), limit: maxDevices + 1 };
  if (step.tables.records.getKeysCount(range) <= maxDevices) return;
  const { records } = someDevices(step, userId);
  const offline = records
    .flatMap((record) => offlineRecord(step, record) ?? [])
    .sort((a, b) => a.removalTimeMs - b.removalTimeMs || (a.record.deviceId < b.record.deviceId ? -1 : 1));
  const isSeen = ({ removalTimeMs }: OfflineRecord) => removalTimeMs > step.now;
  const seen = records.length - offline.filter((each) => !isSeen(each)).length;
  let surplus = seen > maxDevices ? Math.max(seen - maxDevices, Math.floor(maxDevices / 8)) : 0;
  for (const each of offline.slice(0, WORK.ends)) {
    if (isSeen(each) && surplus-- <= 0) break;
    if (each.end) {
      step.end(userId, each.record, each.end);
      step.work.done += WORK.end;
    }
    step.tables.records.remove([userId, each.record.deviceId]);
    step.tables.deadlines.set([userId, each.record.deviceId], undefined);
    step.work.done += 1;
  }
}

function offlineRecord(step: Step, record: SessionRecord): OfflineRecord | undefined {
  if (!record.online) return { record, end: undefined, removalTimeMs: record.removalTimeMs };
  const end = step.endOf(record);
  return end && { record, end, removalTimeMs: end.timeMs + step.options.retentionMs };
}
