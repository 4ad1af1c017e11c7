import { setImmediate as nextTurn } from 'node:timers/promises';
import { unpackRecord } from '../../presence/record.js';
import { newestLoginFirst, toSession } from '../../presence/rules.js';
import type { Session } from '../../presence/sessions.js';
import type { ChangeLog, ChangeLogEntry, LogPosition, SnapshotPart } from '../changeLog.js';
import { readChange } from './changes.js';
import { LAST, type RecordKey, type SessionKey, type StoredChange, type Tables, under } from './tables.js';

/** How many sessions are read before other work takes its turn. */
const READ_AT_ONCE = 256;

/** The table of changes: one shard, whose positions are the numbers of its entries. See ChangeLog. */
export class LmdbChangeLog implements ChangeLog {
  readonly shards = 1;
  readonly #tables: () => Tables;
  readonly #listeners = new Set<(shard: number) => void>();
  /** How many sessions of single users were read in this turn of the event loop. */
  #readInTurn = 0;
  /** Resolves in the next turn of the event loop; undefined if nobody waits for it. */
  #turn: Promise<void> | undefined;

  constructor(tables: () => Tables) {
    this.#tables = tables;
  }

  shardOf(): number {
    return 0;
  }

  partOf(): string {
    return 'all';
  }

  changeId(shard: number, { position, change }: ChangeLogEntry): string {
    return `${shard}-${position[0]}-${change.timeMs}`;
  }

  async ends(): Promise<{ oldest: LogPosition; newest: LogPosition }> {
    const { changes } = this.#tables();
    const [oldest = 0] = changes.getKeys({ limit: 1 });
    return { oldest: [oldest, 0], newest: newestPosition(this.#tables()) };
  }

  /** By bisection: the numbers have no gaps. */
  async positionBefore(_shard: number, timeMs: number): Promise<LogPosition | undefined> {
    const { changes } = this.#tables();
    const [oldest = 1] = changes.getKeys({ limit: 1 });
    let before = oldest - 1;
    let after = newestChange(this.#tables()) + 1;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      // Of an erased change the time is unknown: read it too.
      if ((changes.get(middle)?.timeMs ?? timeMs) < timeMs) before = middle;
      else after = middle;
    }
    return before >= oldest || before === 0 ? [before, 0] : undefined;
  }

  async countAfter(
    _shard: number,
    position: LogPosition,
    max: number,
  ): Promise<{ changes: number; oldestMs: number | undefined } | undefined> {
    const { changes } = this.#tables();
    if (!this.#has(position)) return undefined;
    const newest = newestChange(this.#tables());
    const count = Math.min(max, Math.max(0, newest - position[0]));
    const first = count === 0 ? undefined : changes.get(position[0] + 1);
    return { changes: count, oldestMs: first?.timeMs };
  }

  /** Before the first change, nothing can be gone. */
  #has([position]: LogPosition): boolean {
    return this.#tables().changes.doesExist(position) || (position === 0 && !isTrimmed(this.#tables()));
  }

  async read(
    _shard: number,
    after: LogPosition,
    limit: number,
  ): Promise<{ entries: ChangeLogEntry[]; upTo: LogPosition } | undefined> {
    const { changes } = this.#tables();
    if (!this.#has(after)) return undefined;
    const found = [...changes.getRange({ start: after[0] + 1, limit })];
    const last = found.at(-1)?.key;
    return { entries: entriesOf(found), upTo: last === undefined ? after : [last, 0] };
  }

  onGrowth(listener: (shard: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Notifies the listeners, once a change is on disk. */
  notify(): void {
    for (const listener of this.#listeners) listener(0);
  }

  async readUser(userId: string): Promise<{ sessions: Session[]; position: LogPosition }> {
    while (this.#readInTurn >= READ_AT_ONCE) await this.#nextTurn();
    const tables = this.#tables();
    const sessions = [...tables.records.getRange(under<RecordKey>(userId))].flatMap(({ key, value }) => {
      const record = unpackRecord(key[1], value);
      return record.online ? [toSession(record, tables.leases.get(record.serverAddr))] : [];
    });
    this.#readInTurn += 1 + sessions.length;
    // Resets the count even if nobody waits for the turn.
    void this.#nextTurn();
    return { sessions: sessions.sort(newestLoginFirst), position: newestPosition(tables) };
  }

  #nextTurn(): Promise<void> {
    this.#turn ??= nextTurn().then(() => {
      this.#turn = undefined;
      this.#readInTurn = 0;
    });
    return this.#turn;
  }

  /** One part: everything at one instant, which a read transaction preserves. */
  async *snapshot(_shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart> {
    const tables = this.#tables();
    const transaction = tables.root.useReadTransaction();
    try {
      const position = newestPosition(tables);
      const ranges = serverAddrs?.map((addr) => under<SessionKey>(addr)) ?? [
        { start: [] as unknown as SessionKey, end: [LAST] as unknown as SessionKey },
      ];
      const users = new Map<string, Session[]>();
      let read = 0;
      for (const range of ranges) {
        for (const [serverAddr, userId, deviceId] of tables.sessions.getKeys({ ...range, transaction })) {
          const packed = tables.records.get([userId, deviceId], { transaction }) as Buffer;
          const lease = tables.leases.get(serverAddr, { transaction });
          const session = toSession(unpackRecord(deviceId, packed), lease);
          const known = users.get(userId);
          if (known) known.push(session);
          else users.set(userId, [session]);
          read += 1;
          if (read % READ_AT_ONCE === 0) await nextTurn();
        }
      }
      const found = [...users].map(([userId, sessions]) => ({ userId, sessions }));
      yield { part: 'all', shard: 0, position, users: found };
    } finally {
      transaction.done();
    }
  }
}

/** The changes that were not erased. */
export function entriesOf(found: { key: number; value: StoredChange | null }[]): ChangeLogEntry[] {
  return found.flatMap(({ key, value }) =>
    value === null ? [] : [{ position: [key, 0] as const, change: readChange(value) }],
  );
}

/** The number of the newest change; 0 if there is none. */
export function newestChange({ changes }: Tables): number {
  const [newest = 0] = changes.getKeys({ reverse: true, limit: 1 });
  return newest;
}

function newestPosition(tables: Tables): LogPosition {
  return [newestChange(tables), 0];
}

function isTrimmed({ changes }: Tables): boolean {
  const [oldest = 1] = changes.getKeys({ limit: 1 });
  return oldest > 1;
}
