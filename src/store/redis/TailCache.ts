import type { ChangeLogEntry, LogPosition } from '../changeLog.js';
import type { Message } from './changes.js';

/** How many entries wait for their reader at most: one who lags reads pages out of Redis as well. */
const MAX_WAITING = 256;

/**
 * What messages have brought of one shard's change log: a place, and the entries that follow it without a gap.
 *
 * It shows the change log as truly as a read of Redis at the time of the messages would have. Each message names the newest entry
 * before its own, and one that does not follow on begins another chain, so what was lost on the way, or was written by an
 * older imstate, makes no hole in it. Redis may lose data after it has sent them (a flush, a restart, a fail-over), as it may after
 * a read: then the entry at which the reader has arrived is not there when it next asks, and that is what tells it. It asks for
 * sure, because a chain that comes to its end gives nothing and one does not go on with what is written after a loss: the newest
 * entry before that is another, or none.
 */
export class TailCache {
  #after: LogPosition = [0, 0];
  #entries: ChangeLogEntry[] = [];

  /** Adds what a message brought. */
  add({ after, entries }: Message): void {
    // In an empty change log nobody has a place: who thinks so must ask Redis, and hear that changes are gone.
    if (after === undefined) {
      this.clear();
      return;
    }
    const end = this.#entries.at(-1)?.place ?? this.#after;
    if (isSame(end, after) && this.#entries.length < MAX_WAITING) {
      for (const entry of entries) this.#entries.push(entry);
    } else {
      this.#after = after;
      this.#entries = entries;
    }
  }

  /** The entries behind a place, up to `limit`; none if it knows none. Those up to the place are given up. */
  take(after: LogPosition, limit: number): ChangeLogEntry[] {
    if (!isSame(this.#after, after)) {
      const at = this.#entries.findIndex(({ place }) => isSame(place, after));
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
