import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import { lastSeenOf, newestLoginFirst, readRecord } from '../../presence/rules.js';
import type { Session } from '../../presence/sessions.js';
import type { UserQuery, UserRead } from '../operations.js';
import type { ReadBudget } from '../reads.js';
import type { StoreOptions } from '../store.js';
import { someDevices } from './devices.js';
import { lastEnd } from './history.js';
import type { Tables } from './tables.js';
import { Unfinished } from './Unfinished.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** What a read needs of a {@link WriteTransaction}. */
export type Reading = Pick<WriteTransaction, 'tables' | 'now'> & {
  options: Pick<StoreOptions, 'retentionMs'>;
};

/** See PresenceStore.getDevice. */
export function readDevice(reading: Reading, userId: string, deviceId: string): Session | undefined {
  const packed = reading.tables.records.get([userId, deviceId]);
  return packed && toReadable(reading, unpackRecord(deviceId, packed));
}

/** How far the read of a user with very many records has come. */
interface Progress {
  /** The last device that it has read. */
  after: string | undefined;
  sessions: Session[];
}

/** See PresenceStore.getUser. Throws if the budget is used up. */
export function readUser(
  tx: WriteTransaction,
  query: UserQuery,
  budget: ReadBudget,
  progress: Progress = { after: undefined, sessions: [] },
): UserRead | Unfinished {
  if (budget.rejection) throw budget.rejection;
  const { records, bytes, hasMore } = someDevices(tx, query.userId, progress.after);
  const found = records.flatMap((record) => toReadable(tx, record) ?? []);
  budget.spend(found.length, bytes);
  const sessions = [...progress.sessions, ...found];
  if (!hasMore)
    return { sessions: sessions.sort(newestLoginFirst), lastSeenMs: lastSeen(tx, query, sessions) };
  const next = { after: records.at(-1)?.deviceId, sessions };
  return new Unfinished((nextTx) => readUser(nextTx, query, budget, next));
}

function lastSeen(
  { tables, options, now }: WriteTransaction,
  { userId, includeLastSeen = false }: UserQuery,
  sessions: readonly Session[],
): number | undefined {
  return includeLastSeen ? lastSeenOf(sessions, lastEnd(tables, options, userId, now), now) : undefined;
}

/** What readers see of a record. */
export function toReadable({ tables, now, options }: Reading, record: SessionRecord): Session | undefined {
  return readRecord(record, leaseOf(tables, record), now, options.retentionMs);
}

function leaseOf({ leases }: Tables, { incarnation, serverAddr }: SessionRecord) {
  return incarnation > 0 ? leases.get(serverAddr) : undefined;
}
