import { type ChangeLogEntry, isBehind, type LogPosition } from '../../store/changeLog.js';
import type { WatchBacklog } from './backlog.js';
import { ENTRY_BYTES } from './outgoing.js';
import type { PublishedChange } from './publishedChange.js';

/** A change that waits for the snapshot of its user. */
export interface WaitingChange {
  shard: number;
  entry: ChangeLogEntry;
  published: PublishedChange;
}

/**
 * Up to which log position each user, or each part of everybody, is known to a watch, and the changes that
 * arrive while a snapshot is read. A key is a user ID, or the name of a part.
 */
export class SnapshotProgress {
  readonly #backlog: WatchBacklog;
  /** Undefined while the snapshot is being read. */
  readonly #known = new Map<string, LogPosition | undefined>();
  readonly #waiting = new Map<string, WaitingChange[]>();
  #expectsAll: boolean;
  #count = 0;
  #bytes = 0;

  /** With `expectsAll`, a snapshot of every possible key is expected until {@link finish}. */
  constructor(backlog: WatchBacklog, expectsAll: boolean) {
    this.#backlog = backlog;
    this.#expectsAll = expectsAll;
  }

  /** How many changes wait. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the changes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A snapshot of the key will be read. */
  expect(key: string): void {
    this.#known.set(key, undefined);
  }

  /** The key is known up to a position. */
  know(key: string, position: LogPosition | undefined): void {
    this.#known.set(key, position);
  }

  /** The key is no longer watched. */
  remove(key: string): void {
    this.#known.delete(key);
    this.take(key);
  }

  isPending(key: string): boolean {
    if (this.#known.has(key)) return this.#known.get(key) === undefined;
    return this.#expectsAll;
  }

  /** True if the snapshot of the key includes the change at the position. */
  includes(key: string, position: LogPosition): boolean {
    const known = this.#known.get(key);
    return known !== undefined && !isBehind(known, position);
  }

  /** Keeps a change until the snapshot of its key has been read. */
  keep(key: string, change: WaitingChange): void {
    const waiting = this.#waiting.get(key);
    if (waiting) waiting.push(change);
    else this.#waiting.set(key, [change]);
    this.#count += 1;
    this.#bytes += ENTRY_BYTES + change.published.size;
    this.#backlog.add(ENTRY_BYTES);
    this.#backlog.hold(change.published);
  }

  /** Removes the changes that wait for a key, and returns them in order. */
  take(key: string): WaitingChange[] {
    const changes = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    this.#count -= changes.length;
    for (const { published } of changes) {
      this.#bytes -= ENTRY_BYTES + published.size;
      this.#backlog.add(-ENTRY_BYTES);
      this.#backlog.release(published);
    }
    return changes;
  }

  /**
   * All changes up to the known positions were delivered. Only keys that an update is still reading are kept.
   */
  finish(): void {
    this.#expectsAll = false;
    for (const [key, position] of this.#known) if (position !== undefined) this.#known.delete(key);
  }

  /** Removes all changes that wait. */
  clear(): void {
    for (const key of [...this.#waiting.keys()]) this.take(key);
  }
}
