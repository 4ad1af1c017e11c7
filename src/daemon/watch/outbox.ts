import type { WatchCounts } from '../observability/watchCounts.js';
import type { ClosedHolder, Shared, WatchBacklog } from './backlog.js';
import type { DeliveryQueue, Sender } from './deliveryQueue.js';
import { type ChangeFeed, type FeedReader, MAX_WAITING_CHANGES } from './feed.js';
import type { Outgoing } from './outgoing.js';
import { OutgoingQueue } from './outgoingQueue.js';
import type { WatchMessage } from './watchMessage.js';
import type { WatchSink } from './watchSink.js';

/** What the outboxes of a daemon share. */
export interface OutboxParts {
  readonly counts: WatchCounts;
  readonly backlog: WatchBacklog;
  readonly deliveries: DeliveryQueue;
  readonly feed: ChangeFeed;
}

/** Below these, a caller has read most of what was sent. */
const DRAINED_ENTRIES = 1_000;
const DRAINED_BYTES = 64 * 1024;

/**
 * What waits on one watch until its caller reads, up to a limit. One message at a time is given to the
 * network.
 */
export class Outbox implements Sender, FeedReader, ClosedHolder {
  /** The position of the next change in the feed; see {@link followFeed}. */
  position = 0;
  /** Called when too many changes wait. */
  readonly overflow: () => void;
  readonly #sink: WatchSink;
  readonly #parts: OutboxParts;
  readonly #queue: OutgoingQueue;
  #followsFeed = false;
  #addedAt = performance.now();
  #sentRevision = '';
  /** True while it is in the queue of deliveries, or a message is given to the network. */
  #isBusy = false;
  #inFlight: Shared | undefined;
  #isClosed = false;
  #onDrained: () => void = () => {};
  #onRevision: () => void = () => {};

  constructor(sink: WatchSink, coalesces: boolean, parts: OutboxParts, overflow: () => void) {
    this.#sink = sink;
    this.#parts = parts;
    this.#queue = new OutgoingQueue(coalesces, parts.backlog, parts.counts);
    this.overflow = overflow;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#queue.size + this.#feedSize;
  }

  /** How many changes wait. */
  get changes(): number {
    return this.#queue.changes + this.#feedSize;
  }

  /** Bytes that wait, also at the network. */
  get bytes(): number {
    const ofFeed = this.#followsFeed ? this.#parts.feed.bytesFrom(this.position) : 0;
    return this.#queue.bytes + ofFeed + (this.#inFlight?.size ?? 0);
  }

  /** For how long nothing was added. Milliseconds. */
  get idleMs(): number {
    return performance.now() - this.#addedAt;
  }

  /** The latest revision that was sent; "" before there is one. */
  get sentRevision(): string {
    return this.#sentRevision;
  }

  /** Adds an entry; false if too many changes wait. The watch itself limits what it reads of a snapshot. */
  add(outgoing: Outgoing): boolean {
    this.#addedAt = performance.now();
    this.#queue.add(outgoing);
    this.#schedule();
    return !('change' in outgoing) || this.#queue.changes <= MAX_WAITING_CHANGES;
  }

  /** Sends, after what waits, the changes of the feed from now on. */
  followFeed(): void {
    if (this.#followsFeed) return;
    this.#followsFeed = true;
    this.position = this.#parts.feed.end;
    this.#parts.feed.join(this);
    if (!this.#isBusy) this.#parts.feed.rest(this);
  }

  /** See {@link FeedReader}. */
  wake(): void {
    this.#addedAt = performance.now();
    this.#schedule();
  }

  /** Resolves when the caller has read most of what it was sent, or the outbox is closed. */
  async drained(): Promise<void> {
    while (!this.#isClosed && (this.#queue.size > DRAINED_ENTRIES || this.bytes > DRAINED_BYTES)) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
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

  /** Sends one message; see {@link Sender}. Entries that are added in one turn share a message. */
  deliver(): number {
    const message = this.#isClosed ? undefined : this.#take();
    if (message === undefined) {
      this.#rest();
      return 0;
    }
    const { counts, backlog } = this.#parts;
    counts.sent += message.changes.length;
    if (message.revision) this.#sentRevision = message.revision;
    const inFlight = this.#sink.send(message, () => this.#onTaken(inFlight));
    this.#inFlight = inFlight;
    backlog.hold(inFlight);
    if (message.revision) this.#onRevision();
    return inFlight.size;
  }

  /** Sends nothing more. What the network was given is kept until {@link releaseInFlight}. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#inFlight) this.#parts.backlog.holdClosed(this.#inFlight, this);
    this.#parts.counts.left += this.changes;
    this.#queue.clear();
    this.#parts.feed.leave(this);
    this.#followsFeed = false;
    this.#onDrained();
    this.#onRevision();
  }

  /** The network holds nothing of the stream any more. */
  releaseInFlight(): void {
    const { backlog } = this.#parts;
    if (this.#inFlight && this.#isClosed) backlog.releaseClosed(this.#inFlight, this);
    else if (this.#inFlight) backlog.release(this.#inFlight);
    this.#inFlight = undefined;
  }

  /** See {@link ClosedHolder}. */
  cut(): void {
    this.#sink.reset();
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
    this.#onDrained();
    if (this.size > 0) this.#parts.deliveries.push(this);
    else this.#rest();
  }

  #rest(): void {
    this.#isBusy = false;
    if (this.#followsFeed) this.#parts.feed.rest(this);
  }

  /** Removes the next message; undefined if nothing waits. */
  #take(): WatchMessage | undefined {
    if (this.#queue.size > 0) return this.#queue.take();
    if (this.#feedSize === 0) return undefined;
    const message = this.#parts.feed.messageAt(this.position);
    this.position += message.changes.length;
    return message;
  }
}
