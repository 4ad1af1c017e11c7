import type { ChangeLogEntry, LogPosition } from '../changeLog.js';
import type { Message } from './changes.js';

/** Maximum entries kept; a reader further behind reads pages from Redis. */
const MAX_WAITING = 256;

/**
 * What messages have delivered of one shard's change log: a position, and the entries that follow it without
 * a gap.
 *
 * It shows the change log as a read of Redis at the time of the messages would have. Each message names the
 * newest entry before its own, and one that does not continue the tail starts another, so what was lost on
 * the way, or was written by an older imstate, leaves no gap. Redis may lose data after it has sent them (a
 * flush, a restart, a failover), as it may after a read: then the entry at the reader's position is gone when
 * the reader next asks Redis. It does ask, because a tail that has come to its end returns nothing, and no
 * tail continues with what is written after a loss: the newest entry before that is another, or there is
 * none.
 */
export class TailCache {
  #after: LogPosition = [0, 0];
  #entries: ChangeLogEntry[] = [];

  /** Adds what a message delivered. */
  add({ after, entries }: Message): void {
    // An empty change log has no position: a reader that has one must ask Redis, and learn that changes are
    // gone.
    if (after === undefined) {
      this.clear();
      return;
    }
    const end = this.#entries.at(-1)?.position ?? this.#after;
    if (isSame(end, after) && this.#entries.length < MAX_WAITING) {
      for (const entry of entries) this.#entries.push(entry);
    } else {
      this.#after = after;
      this.#entries = entries;
    }
  }

  /** The entries after a position, up to `limit`; none if it knows none. Drops those up to the position. */
  take(after: LogPosition, limit: number): ChangeLogEntry[] {
    if (!isSame(this.#after, after)) {
      const at = this.#entries.findIndex(({ position }) => isSame(position, after));
      if (at === -1) return [];
      this.#after = after;
      this.#entries.splice(0, at + 1);
    }
    return this.#entries.slice(0, limit);
  }

  clear(): void {
    this.#after = [0, 0];
    this.#entries = [];
  }
}

function isSame([a, b]: LogPosition, [c, d]: LogPosition): boolean {
  return a === c && b === d;
}
