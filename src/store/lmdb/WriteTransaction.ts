import { packRecord, type SessionRecord, unpackRecord } from '../../presence/record.js';
import { type End, endedRecord, endOf } from '../../presence/rules.js';
import type { ReplacingLogin } from '../changeLog.js';
import type { EndCounts, StoreOptions } from '../store.js';
import { noteChange } from './changes.js';
import { removeSession } from './counters.js';
import { addToHistory } from './history.js';
import type { DeadlineKey, Tables } from './tables.js';

/** What the operations of one write transaction have done together. */
export class TransactionWork {
  /** In the unit of WORK. */
  done = 0;
  /** Users who have as many devices online as allowed, and how many are recorded. */
  readonly full = new Map<string, number>();
}

/**
 * One operation in a write transaction of the embedded store, at one instant: the record of a session
 * together with its indexes, counters, history and change. redis/scripts/sessions.lua does the same.
 */
export class WriteTransaction {
  readonly tables: Tables;
  readonly options: StoreOptions;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly work: TransactionWork;
  /** The ends of sessions are added to it. */
  endCounts: EndCounts | undefined;

  constructor(tables: Tables, options: StoreOptions, now: number, work: TransactionWork) {
    this.tables = tables;
    this.options = options;
    this.now = now;
    this.work = work;
  }

  /** The device's record, with `online` as it is at this instant. Ends the session if it is over. */
  current(userId: string, deviceId: string): SessionRecord | undefined {
    const packed = this.tables.records.get([userId, deviceId]);
    const record = packed && unpackRecord(deviceId, packed);
    const end = record?.online ? this.endOf(record) : undefined;
    return record && end ? this.end(userId, record, end) : record;
  }

  /** When and why a session that is recorded as online is over; undefined while it lasts. */
  endOf(record: SessionRecord): End | undefined {
    const lease = record.incarnation > 0 ? this.tables.leases.get(record.serverAddr) : undefined;
    return endOf(record, lease, this.now);
  }

  /**
   * Ends a session that is online, and keeps its record for the retention. `by` is the login of another
   * device that replaced it.
   */
  end(userId: string, record: SessionRecord, end: End, by?: ReplacingLogin): SessionRecord {
    removeSession(this.tables, userId, record);
    addToHistory(this.tables, this.options, userId, record, end);
    noteChange(this.tables, this.options.changeLimit, userId, {
      wasOnline: true,
      began: undefined,
      ended: record,
      timeMs: end.timeMs,
      reason: end.reason,
      reasonText: end.text ?? '',
      by,
    });
    if (this.endCounts) this.endCounts[end.reason] += 1;
    const ended = endedRecord(record, end, this.options.retentionMs);
    const key: DeadlineKey = [userId, record.deviceId];
    const isOver = ended.removalTimeMs <= this.now;
    this.tables.deadlines.set(key, isOver ? undefined : ended.removalTimeMs);
    if (isOver) this.tables.records.remove(key);
    else this.tables.records.put(key, packRecord(ended));
    return ended;
  }
}
