import type { Database, RootDatabase } from 'lmdb';
import type { StoredAuditRecord } from '../../presence/audit.js';
import type { LeaseRecord } from '../../presence/rules.js';
import type { PastSession } from '../../presence/sessions.js';
import type { BegunSession, Change, EndedSession, ReplacingLogin } from '../changeLog.js';

/** A device of a user. */
export type RecordKey = [userId: string, deviceId: string];
/** A device at its chat server. */
export type SessionKey = [serverAddr: string, userId: string, deviceId: string];
/** A session that ended, by its number for the user. */
export type HistoryKey = [userId: string, number: number];
/**
 * What has a deadline: a device, the history of a user ([user, '']), or the lease of a chat server (['',
 * server]).
 */
export type DeadlineKey = [first: string, second: string];

/**
 * An entry of the history. Most have neither details nor a reason text, and those that versions before 0.2.0
 * wrote have none.
 */
interface StoredPastSession extends Omit<PastSession, 'details' | 'reasonText'> {
  details?: PastSession['details'] | undefined;
  reasonText?: string | undefined;
}

/** A session that began, without empty details. */
export type StoredBegin<Session extends BegunSession> = Omit<Session, 'details'> & {
  details?: Session['details'] | undefined;
};
/** A session that ended, without an empty reason text. */
export type StoredEnd = Omit<EndedSession, 'reasonText' | 'by'> & {
  reasonText?: string | undefined;
  by?: StoredBegin<ReplacingLogin> | undefined;
};

/** A change as it is stored: what is empty is left out, as in those that versions before 0.2.0 wrote. */
export type StoredChange = Omit<Change, 'began' | 'ended'> & {
  began?: StoredBegin<BegunSession> | undefined;
  ended?: StoredEnd | undefined;
};

/** Sorts after every text. */
export const LAST = Buffer.of(0xff) as unknown as string;

/** When the leases were last swept, and when a sweep was last overdue. Milliseconds since 1970. */
export interface SweepNote {
  swept: number;
  outage?: number | undefined;
}

/** The tables of the embedded store in its LMDB file. */
export interface Tables {
  root: RootDatabase;
  /** Packed sessions, see record.ts. */
  records: Database<Buffer, RecordKey>;
  /**
   * The sessions of a chat server that are online; true if the session counts under its platform, otherwise
   * false.
   */
  sessions: Database<boolean, SessionKey>;
  /** How many devices are online, of each user that has any. */
  users: Database<number, string>;
  /** What is online: users, devices, p:<platform>, s:<server>. */
  counters: Database<number, string>;
  leases: Database<LeaseRecord, string>;
  history: Database<StoredPastSession, HistoryKey>;
  /** The change log: changes by number; null where a change was erased. */
  changes: Database<StoredChange | null, number>;
  deadlines: Deadlines;
  /** What administrators did, by number. */
  audit: Database<StoredAuditRecord, number>;
}

/** Opens the tables. */
export function openTables(root: RootDatabase): Tables {
  return {
    root,
    records: root.openDB({ name: 'records', encoding: 'binary' }),
    sessions: root.openDB({ name: 'sessions', encoding: 'json' }),
    users: root.openDB({ name: 'users', encoding: 'json' }),
    counters: root.openDB({ name: 'counters', encoding: 'json' }),
    leases: root.openDB({ name: 'leases', encoding: 'json' }),
    history: root.openDB({ name: 'history', encoding: 'json' }),
    changes: root.openDB({ name: 'changes', encoding: 'json' }),
    deadlines: new Deadlines(root),
    audit: root.openDB({ name: 'audit', encoding: 'json' }),
  };
}

/** Leases come before everything else, so that no ghost lasts longer because many records are due. */
const LEASES_FIRST_MS = -1e15;

/** The deadlines: one per key, in the order of time. */
class Deadlines {
  readonly #byKey: Database<number, DeadlineKey>;
  readonly #byTime: Database<boolean, TimeKey>;

  constructor(root: RootDatabase) {
    this.#byKey = root.openDB({ name: 'deadlines', encoding: 'json' });
    this.#byTime = root.openDB({ name: 'deadlines by time', encoding: 'json' });
  }

  /** Sets the time, in milliseconds since 1970; undefined removes it. */
  set(key: DeadlineKey, timeMs: number | undefined): void {
    const before = this.#byKey.get(key);
    if (before === timeMs) return;
    if (before !== undefined) this.#byTime.remove(timeKeyOf(key, before));
    if (timeMs === undefined) {
      this.#byKey.remove(key);
      return;
    }
    this.#byTime.put(timeKeyOf(key, timeMs), true);
    this.#byKey.put(key, timeMs);
  }

  /** The keys of a user. */
  keysOf(userId: string): DeadlineKey[] {
    return [...this.#byKey.getKeys(under<DeadlineKey>(userId))];
  }

  /** The deadline of a key. */
  get(key: DeadlineKey): number | undefined {
    return this.#byKey.get(key);
  }

  /** What is due at `now`, leases first, then the earliest: at most `limit` leases, and as many others. */
  due(now: number, limit: number): DeadlineKey[] {
    return [...this.#between(LEASES_FIRST_MS, LEASES_FIRST_MS + now, limit), ...this.#between(0, now, limit)];
  }

  #between(fromMs: number, toMs: number, limit: number): DeadlineKey[] {
    const range = { start: [fromMs] as unknown as TimeKey, end: [toMs + 1] as unknown as TimeKey };
    return [...this.#byTime.getKeys({ ...range, limit })].map(([, first, second]) => [first, second]);
  }
}

type TimeKey = [timeMs: number, ...DeadlineKey];

function timeKeyOf(key: DeadlineKey, timeMs: number): TimeKey {
  return [key[0] === '' ? LEASES_FIRST_MS + timeMs : timeMs, ...key];
}

/** The keys that begin with these texts. */
export function under<Key>(...texts: string[]): { start: Key; end: Key } {
  return { start: texts as Key, end: [...texts, LAST] as Key };
}
