import type { UserSnapshot__Output } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import type { WatchCounts } from '../observability/watchCounts.js';
import type { ClosedHolder, Shared, WatchBacklog } from './backlog.js';
import type { DeliveryQueue, Sender } from './delivery.js';
import {
  type ChangeFeed,
  type FeedReader,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_ENTRIES,
  MAX_WAITING_CHANGES,
} from './feed.js';
import type { PublishedChange } from './publishedChange.js';
import { WatchMessage } from './watchMessage.js';

/** What is sent of a watch, in order. */
export type Outgoing =
  | { snapshot: UserSnapshot__Output; size: number }
  | { change: PublishedChange; revision: string }
  | { synced: true; revision: string }
  | { progress: true; revision: string }
  /** Since when the watch lags, in milliseconds since 1970; undefined once it has caught up. */
  | { lag: number | undefined };

/** How a watch reaches its caller. */
export interface WatchSink {
  /**
   * Sends a message and calls `onTaken`, later, once the network has taken it: never if the caller is gone. Returns what is kept in
   * memory until then.
   */
  send(message: WatchMessage, onTaken: () => void): Shared;
  /** Ends the stream with an error. */
  end(error: unknown): void;
  /** Resets a stream that has ended: what the network has of it is dropped, and its status with that. */
  reset(): void;
}

/** What the outboxes of a daemon share. */
export interface OutboxParts {
  readonly counts: WatchCounts;
  readonly backlog: WatchBacklog;
  readonly deliveries: DeliveryQueue;
  readonly feed: ChangeFeed;
}

/** An entry that waits, without what it refers to. Bytes, as measured. */
export const ENTRY_BYTES = 120;
/** Below these a caller counts as one who has read most of what it was sent. */
const CALM_ENTRIES = 1_000;
const CALM_BYTES = 64 * 1024;

/** What of one watch waits until its caller reads, up to a limit. One message at a time is given to the network. */
export class Outbox implements Sender, FeedReader, ClosedHolder {
  /** Where it reads the feed, once it does. */
  position = 0;
  /** Called when too many changes wait. */
  readonly overflow: () => void;
  readonly #link: WatchSink;
  readonly #coalesces: boolean;
  readonly #parts: OutboxParts;
  readonly #waiting = new Map<string | number, Outgoing>();
  #followsFeed = false;
  #count = 0;
  #coalesced = 0;
  #changes = 0;
  #bytes = 0;
  #addedAt = performance.now();
  #sentRevision = '';
  /** True while it is in the queue of deliveries, or a message is given to the network. */
  #isBusy = false;
  #inFlight: Shared | undefined;
  #isClosed = false;
  #onCalm: () => void = () => {};
  #onRevision: () => void = () => {};

  constructor(link: WatchSink, coalesces: boolean, parts: OutboxParts, overflow: () => void) {
    this.#link = link;
    this.#coalesces = coalesces;
    this.#parts = parts;
    this.overflow = overflow;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#waiting.size + this.#feedSize;
  }

  /** How many changes wait. */
  get changes(): number {
    return this.#changes + this.#feedSize;
  }

  /** Bytes that wait, also at the network. */
  get bytes(): number {
    const ofFeed = this.#followsFeed ? this.#parts.feed.bytesFrom(this.position) : 0;
    return this.#bytes + ofFeed + (this.#inFlight?.size ?? 0);
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
    const isChange = 'change' in outgoing;
    if (isChange) {
      this.#parts.counts.offered += 1;
      this.#changes += 1;
    }
    if (this.#coalesces && isChange) this.#addNewest(outgoing);
    else this.#put(this.#count, outgoing);
    this.#schedule();
    return !isChange || this.#waiting.size <= MAX_WAITING_CHANGES;
  }

  /** Sends, behind what waits, the changes of the feed from now on. */
  followFeed(): void {
    if (this.#followsFeed) return;
    this.#followsFeed = true;
    this.position = this.#parts.feed.end;
    this.#parts.feed.join(this);
    if (!this.#isBusy) this.#parts.feed.rest(this);
  }

  wake(): void {
    this.#addedAt = performance.now();
    this.#schedule();
  }

  /** Resolves when the caller has read most of what it was sent, or the outbox is closed. */
  async calm(): Promise<void> {
    while (!this.#isClosed && (this.#waiting.size > CALM_ENTRIES || this.bytes > CALM_BYTES)) {
      await new Promise<void>((resolve) => {
        this.#onCalm = resolve;
      });
    }
  }

  /** Resolves once a revision was sent, or the outbox is closed. */
  async revisionSent(): Promise<void> {
    if (this.#isClosed || this.#sentRevision !== '') return;
    await new Promise<void>((resolve) => {
      this.#onRevision = resolve;
    });
  }

  /** Sends one message; see {@link Sender}. What comes in one turn goes into one. */
  deliver(): number {
    const message = this.#isClosed ? undefined : this.#take();
    if (message === undefined) {
      this.#rest();
      return 0;
    }
    const { counts, backlog } = this.#parts;
    counts.sent += message.changes.length;
    if (message.revision) this.#sentRevision = message.revision;
    const inFlight = this.#link.send(message, () => this.#onTaken(inFlight));
    this.#inFlight = inFlight;
    backlog.hold(inFlight);
    if (message.revision) this.#onRevision();
    return inFlight.size;
  }

  /** Sends nothing more. What the network has been given is kept until {@link releaseInFlight}. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#inFlight) this.#parts.backlog.holdClosed(this.#inFlight, this);
    this.#parts.counts.left += this.changes;
    for (const [key, outgoing] of this.#waiting) this.#remove(key, outgoing);
    this.#parts.feed.leave(this);
    this.#followsFeed = false;
    this.#onCalm();
    this.#onRevision();
  }

  /** Nothing of the stream is left at the network. */
  releaseInFlight(): void {
    const { backlog } = this.#parts;
    if (this.#inFlight && this.#isClosed) backlog.releaseClosed(this.#inFlight, this);
    else if (this.#inFlight) backlog.release(this.#inFlight);
    this.#inFlight = undefined;
  }

  /** See {@link ClosedHolder}. */
  cut(): void {
    this.#link.reset();
    this.releaseInFlight();
  }

  get #feedSize(): number {
    return this.#followsFeed ? this.#parts.feed.end - this.position : 0;
  }

  #schedule(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#parts.deliveries.push(this);
  }

  #onTaken(message: Shared): void {
    if (this.#inFlight !== message) return;
    this.releaseInFlight();
    if (this.#isClosed) return;
    this.#onCalm();
    if (this.size > 0) this.#parts.deliveries.push(this);
    else this.#rest();
  }

  #rest(): void {
    this.#isBusy = false;
    if (this.#followsFeed) this.#parts.feed.rest(this);
  }

  /** Takes what goes into the next message; undefined if nothing waits. */
  #take(): WatchMessage | undefined {
    if (this.#waiting.size > 0) return this.#takeWaiting();
    if (this.#feedSize === 0) return undefined;
    const message = this.#parts.feed.messageAt(this.position);
    this.position += message.changes.length;
    return message;
  }

  #takeWaiting(): WatchMessage {
    const message = new WatchMessage();
    let bytes = 0;
    let entries = 0;
    for (const [key, outgoing] of this.#waiting) {
      // A message is in the order snapshot, synced, changes.
      const isEarlier =
        ('snapshot' in outgoing && (message.synced || message.changes.length > 0)) ||
        // The caller counts them: one for its start, and one for each update.
        ('synced' in outgoing && (message.synced || message.changes.length > 0)) ||
        // It has no revision: it must not take that of others away.
        ('lag' in outgoing && entries > 0);
      if (isEarlier || entries === MAX_MESSAGE_ENTRIES || bytes > MAX_MESSAGE_BYTES) break;
      bytes += this.#remove(key, outgoing);
      entries += 1;
      if ('snapshot' in outgoing) message.snapshot.push(outgoing.snapshot);
      else if ('lag' in outgoing) {
        message.lag(outgoing.lag);
        break;
      } else message.revision = outgoing.revision;
      if ('change' in outgoing) message.changes.push(outgoing.change);
      if ('synced' in outgoing) message.synced = true;
    }
    message.coalesced = this.#coalesced;
    return message;
  }

  #put(key: string | number, outgoing: Outgoing): void {
    this.#waiting.set(key, outgoing);
    this.#bytes += sizeOf(outgoing);
    const { backlog } = this.#parts;
    if ('change' in outgoing) {
      backlog.add(ENTRY_BYTES);
      backlog.hold(outgoing.change);
    } else backlog.add(sizeOf(outgoing));
  }

  /** Returns the bytes of what it removes. */
  #remove(key: string | number, outgoing: Outgoing): number {
    this.#waiting.delete(key);
    const bytes = sizeOf(outgoing);
    this.#bytes -= bytes;
    const { backlog } = this.#parts;
    if ('change' in outgoing) {
      this.#changes -= 1;
      backlog.add(-ENTRY_BYTES);
      backlog.release(outgoing.change);
    } else backlog.add(-bytes);
    return bytes;
  }

  /** Puts the newest change of a device behind all others, in the place of one that waits. */
  #addNewest(newest: { change: PublishedChange; revision: string }): void {
    const key = newest.change.deviceKey;
    const earlier = this.#waiting.get(key);
    if (!earlier || !('change' in earlier)) {
      this.#put(key, newest);
      return;
    }
    this.#remove(key, earlier);
    this.#coalesced += 1;
    this.#parts.counts.coalesced += 1;
    this.#put(key, { change: newest.change.replacing(earlier.change), revision: newest.revision });
  }
}

function sizeOf(outgoing: Outgoing): number {
  if ('change' in outgoing) return ENTRY_BYTES + outgoing.change.size;
  if ('lag' in outgoing) return ENTRY_BYTES;
  return ENTRY_BYTES + ('snapshot' in outgoing ? outgoing.size : outgoing.revision.length);
}
