import type { Change } from '../../generated/imstate/v1/Change.js';
import type { UserSnapshot } from '../../generated/imstate/v1/UserSnapshot.js';
import type { WatchResponse } from '../../generated/imstate/v1/WatchResponse.js';

/** What waits to be sent, in order. */
export type Outgoing =
  | { snapshot: UserSnapshot }
  | { change: Change; revision: string }
  | { synced: true; revision: string }
  | { progress: true; revision: string };

/** How much one response carries at most. */
const MOST_IN_RESPONSE = 256;

/** What of one watch waits until its caller reads, up to a limit. */
export class Outbox {
  readonly #limit: number;
  readonly #coalesces: boolean;
  readonly #waiting = new Map<string | number, Outgoing>();
  #count = 0;
  #coalesced = 0;

  constructor(limit: number, coalesces: boolean) {
    this.#limit = limit;
    this.#coalesces = coalesces;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many changes were left out for newer ones of their device. */
  get coalesced(): number {
    return this.#coalesced;
  }

  /** Adds to the end; false if that are too many changes. What is read of a snapshot is for the watch to limit. */
  add(outgoing: Outgoing): boolean {
    this.#count += 1;
    if (this.#coalesces && 'change' in outgoing) this.#addNewest(outgoing);
    else this.#waiting.set(this.#count, outgoing);
    return !('change' in outgoing) || this.#waiting.size <= this.#limit;
  }

  /** Takes what goes into the next response; undefined if nothing waits. */
  take(): WatchResponse | undefined {
    if (this.#waiting.size === 0) return undefined;
    const response = { snapshot: [] as UserSnapshot[], changes: [] as Change[], synced: false, revision: '' };
    let left = MOST_IN_RESPONSE;
    for (const [key, outgoing] of this.#waiting) {
      // A response is in the order snapshot, synced, changes.
      const isEarlier =
        ('snapshot' in outgoing && (response.synced || response.changes.length > 0)) ||
        ('synced' in outgoing && response.changes.length > 0);
      if (isEarlier || left === 0) break;
      this.#waiting.delete(key);
      left -= 1;
      if ('snapshot' in outgoing) response.snapshot.push(outgoing.snapshot);
      else response.revision = outgoing.revision;
      if ('change' in outgoing) response.changes.push(outgoing.change);
      if ('synced' in outgoing) response.synced = true;
    }
    return { ...response, coalesced: this.#coalesced };
  }

  /** Puts the newest change of a device behind all others, in the place of one that waits. */
  #addNewest(outgoing: { change: Change; revision: string }): void {
    const key = `${outgoing.change.userId}\0${outgoing.change.deviceId}`;
    const earlier = this.#waiting.get(key);
    if (earlier && 'change' in earlier) {
      this.#waiting.delete(key);
      this.#coalesced += 1;
      outgoing.change.wasOnline = earlier.change.wasOnline ?? false;
      outgoing.change.ended ??= earlier.change.ended ?? null;
    }
    this.#waiting.set(key, outgoing);
  }
}
