import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Change } from '../../generated/imstate/v1/Change.js';
import type { UserSnapshot } from '../../generated/imstate/v1/UserSnapshot.js';
import type { WatchResponse } from '../../generated/imstate/v1/WatchResponse.js';
import type { WatchCounts } from '../observe/watchCounts.js';
import type { Link } from '../services/calls.js';

/** What is sent of a watch, in order. */
export type Outgoing =
  | { snapshot: UserSnapshot }
  | { change: Change; revision: string }
  | { synced: true; revision: string }
  | { progress: true; revision: string };

/** How a watch reaches its caller. */
export type WatchLink = Pick<Link<WatchResponse>, 'write' | 'drained' | 'end'>;

/** How many changes may wait for a caller that reads slowly. */
const MOST_WAITING = 10_000;
/** Below this a caller counts as one who has read most of what it was sent. */
const FEW_WAITING = 1_000;
/** How much one response carries at most. */
const MOST_IN_RESPONSE = 256;

/** What of one watch waits until its caller reads, up to a limit. */
export class Outbox {
  readonly #link: WatchLink;
  readonly #coalesces: boolean;
  readonly #counts: WatchCounts;
  readonly #waiting = new Map<string | number, Outgoing>();
  #count = 0;
  #coalesced = 0;
  #changes = 0;
  #addedAt = performance.now();
  #sentRevision = '';
  #isSending = false;
  #isClosed = false;

  constructor(link: WatchLink, coalesces: boolean, counts: WatchCounts) {
    this.#link = link;
    this.#counts = counts;
    this.#coalesces = coalesces;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many changes wait. */
  get changes(): number {
    return this.#changes;
  }

  /** For how long nothing was added. Milliseconds. */
  get idleMs(): number {
    return performance.now() - this.#addedAt;
  }

  /** The last revision that was sent; "" before there is one. */
  get sentRevision(): string {
    return this.#sentRevision;
  }

  /** Adds to the end; false if too many changes wait. What is read of a snapshot is for the watch to limit. */
  add(outgoing: Outgoing): boolean {
    this.#count += 1;
    this.#addedAt = performance.now();
    if ('change' in outgoing) {
      this.#counts.offered += 1;
      this.#changes += 1;
    }
    if (this.#coalesces && 'change' in outgoing) this.#addNewest(outgoing);
    else this.#waiting.set(this.#count, outgoing);
    if (!this.#isSending) {
      this.#isSending = true;
      // What comes in one turn goes into one response.
      setImmediate(() => void this.#send());
    }
    return !('change' in outgoing) || this.#waiting.size <= MOST_WAITING;
  }

  /** Resolves when the caller has read most of what it was sent, or the outbox is closed. */
  async calm(): Promise<void> {
    while (this.#waiting.size > FEW_WAITING && !this.#isClosed) {
      await this.#link.drained();
      // In between what waits is sent.
      await nextTurn();
    }
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#counts.left += this.#changes;
    this.#changes = 0;
    this.#waiting.clear();
  }

  async #send(): Promise<void> {
    for (let next = this.#take(); next; next = this.#take()) {
      this.#counts.sent += next.changes.length;
      if (next.revision) this.#sentRevision = next.revision;
      if (!this.#link.write(next)) await this.#link.drained();
    }
    this.#isSending = false;
  }

  /** Takes what goes into the next response; undefined if nothing waits. */
  #take(): (WatchResponse & { changes: Change[]; revision: string }) | undefined {
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
      if ('change' in outgoing) {
        response.changes.push(outgoing.change);
        this.#changes -= 1;
      }
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
      this.#counts.coalesced += 1;
      this.#changes -= 1;
      outgoing.change.wasOnline = earlier.change.wasOnline ?? false;
      outgoing.change.ended ??= earlier.change.ended ?? null;
    }
    this.#waiting.set(key, outgoing);
  }
}
