import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import { packRecord, type SessionRecord, unpackRecord } from '../../presence/record.js';
import { type End, endedRecord, endOf, pastSession, REMEMBERED_SESSIONS } from '../../presence/rules.js';
import { MAX_PLATFORMS, OTHER_PLATFORM } from '../../presence/stats.js';
import type { Change } from '../changeLog.js';
import type { EndCounts, StoreOptions } from '../store.js';
import { noteChange } from './LmdbChangeLog.js';
import { type HistoryKey, type LookKey, type Tables, under } from './tables.js';

/** What the operations of one write transaction have done. */
export class StepWork {
  /** See WORK. */
  done = 0;
  /** Users who were found to have as many devices online as they may, and how many are recorded. */
  readonly full = new Map<string, number>();
}

/**
 * What changes of the embedded store share: the record of a session together with its indexes, counters and history,
 * at one instant, inside a transaction of the caller's. redis/scripts/sessions.lua does the same.
 */
export class Step {
  readonly tables: Tables;
  readonly options: StoreOptions;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** To which the ends of sessions are added. */
  readonly #ended: EndCounts | undefined;
  readonly work: StepWork;

  constructor(tables: Tables, options: StoreOptions, now: number, work: StepWork, ended?: EndCounts) {
    this.#ended = ended;
    this.work = work;
    this.tables = tables;
    this.options = options;
    this.now = now;
  }

  /** The device's record, with `online` as it is at this instant. Ends what is over. */
  current(userId: string, deviceId: string): SessionRecord | undefined {
    const packed = this.tables.records.get([userId, deviceId]);
    const record = packed && unpackRecord(deviceId, packed);
    const end = record?.online ? this.endOf(record) : undefined;
    return record && end ? this.end(userId, record, end) : record;
  }

  /** When and why a session that its record shows as online is over; undefined while it lasts. */
  endOf(record: SessionRecord): End | undefined {
    const lease = record.incarnation > 0 ? this.tables.leases.get(record.serverAddr) : undefined;
    return endOf(record, lease, this.now);
  }

  /** Ends a session that is online, and keeps its record for the retention. */
  end(userId: string, record: SessionRecord, end: End): SessionRecord {
    this.unindex(userId, record);
    this.remember(userId, record, end);
    this.note(userId, { ended: record, ...end });
    if (this.#ended) this.#ended[end.reason] += 1;
    const ended = endedRecord(record, end, this.options.retentionMs);
    const key: LookKey = [userId, record.deviceId];
    const isOver = ended.removalTimeMs <= this.now;
    this.tables.deadlines.set(key, isOver ? undefined : ended.removalTimeMs);
    if (isOver) this.tables.records.remove(key);
    else this.tables.records.put(key, packRecord(ended));
    return ended;
  }

  /** Writes a change of a device into the change log: what is current now, and what ended. */
  note(
    userId: string,
    change: { wasOnline?: boolean; began?: SessionRecord; ended?: SessionRecord | undefined } & End,
  ): void {
    const { began, ended, timeMs, reason, wasOnline = true } = change;
    const texts = ({ sessionId, serverAddr, platform }: SessionRecord) => ({
      sessionId,
      serverAddr,
      platform,
    });
    const { deviceId } = (began ?? ended) as SessionRecord;
    const entry: Change = {
      userId,
      deviceId,
      wasOnline,
      timeMs,
      began: began && { loginTimeMs: began.loginTimeMs, ...texts(began) },
      ended: ended && { reason, ...texts(ended) },
      devicesOnline: this.tables.users.get(userId) ?? 0,
    };
    noteChange(this.tables, entry, this.options.changeLimit);
  }

  /** Puts a session into the index of its chat server, and counts it. */
  index(userId: string, { serverAddr, platform, deviceId }: SessionRecord): void {
    const isNamed = this.#countsByName(platform);
    this.tables.sessions.put([serverAddr, userId, deviceId], isNamed);
    this.#count(userId, serverAddr, isNamed ? platform : OTHER_PLATFORM, 1);
  }

  /** Undoes index(). */
  unindex(userId: string, { serverAddr, platform, deviceId }: SessionRecord): void {
    const isNamed = this.tables.sessions.get([serverAddr, userId, deviceId]) ?? true;
    this.tables.sessions.remove([serverAddr, userId, deviceId]);
    this.#count(userId, serverAddr, isNamed ? platform : OTHER_PLATFORM, -1);
  }

  /** Whether a session that begins is counted under its platform: if there is a counter, or room for one. */
  #countsByName(platform: string): boolean {
    const { counters } = this.tables;
    if (platform === '' || counters.doesExist(`p:${platform}`)) return true;
    const others = counters.doesExist(`p:${OTHER_PLATFORM}`) ? 1 : 0;
    const range = { start: 'p:', exclusiveStart: true, end: 'p;', limit: MAX_PLATFORMS + others };
    return counters.getKeysCount(range) - others < MAX_PLATFORMS;
  }

  #count(userId: string, serverAddr: string, platform: string, by: 1 | -1): void {
    const { counters, users } = this.tables;
    const add = (name: string) => {
      const value = (counters.get(name) ?? 0) + by;
      if (value === 0) counters.remove(name);
      else counters.put(name, value);
    };
    for (const name of ['devices', `p:${platform}`, `s:${serverAddr}`]) add(name);
    const online = (users.get(userId) ?? 0) + by;
    if (online === 0) users.remove(userId);
    else users.put(userId, online);
    if (online === 0 || (online === 1 && by === 1)) add('users');
  }

  /** Puts a session that ended into the history. */
  remember(userId: string, record: SessionRecord, end: End): void {
    const { history, deadlines } = this.tables;
    const [newest] = history.getKeys({ ...this.historyOf(userId), limit: 1 });
    const number = (newest?.[1] ?? 0) + 1;
    history.put([userId, number], pastSession(record, end));
    const tooOld = {
      start: [userId] as unknown as HistoryKey,
      end: [userId, number - Math.max(this.options.historyLimit, REMEMBERED_SESSIONS) + 1] as HistoryKey,
    };
    for (const key of [...history.getKeys(tooOld)]) history.remove(key);
    if (newest === undefined) deadlines.set([userId, ''], end.timeMs + this.options.historyRetentionMs);
  }

  /** The range of a user's history, newest first. */
  historyOf(userId: string): { start: HistoryKey; end: HistoryKey; reverse: true } {
    const { start, end } = under<HistoryKey>(userId);
    return { start: end, end: start, reverse: true };
  }

  /**
   * Why a session of the device ended, if that is among the user's last ones, and whether another session of the device has
   * ended since.
   */
  pastEnd({ userId, deviceId, sessionId }: SessionRef): { reason: EndReason; hasLater: boolean } | undefined {
    const range = { ...this.historyOf(userId), limit: REMEMBERED_SESSIONS };
    let hasLater = false;
    for (const { value } of this.tables.history.getRange(range)) {
      if (value.deviceId !== deviceId) continue;
      if (value.sessionId === sessionId) return { reason: value.endReason, hasLater };
      hasLater = true;
    }
    return undefined;
  }
}
