import type { WatchBacklog } from './backlog.js';
import type { PublishedChange } from './publishedChange.js';
import { WatchMessage } from './watchMessage.js';

/** How many changes may wait for a slow reader. */
export const MAX_WAITING_CHANGES = 10_000;
/** The limits of one message. */
export const MAX_MESSAGE_ENTRIES = 256;
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** After how many changes the feed drops those that nobody needs any more. */
const CHECK_EVERY = 256;
/** How many messages are kept for other watches at the same position. */
const MAX_KEPT_MESSAGES = 16;

/** A watch that reads the feed. */
export interface FeedReader {
  /** The position of the change that it reads next. */
  readonly position: number;
  /** There is something to read again. */
  wake(): void;
  /** More changes wait for it than the feed keeps. */
  overflow(): void;
}

/**
 * The changes that all watches of everything send, kept once for all of them. Each watch has a position in
 * it, and watches at the same position send the same message.
 */
export class ChangeFeed {
  readonly #backlog: WatchBacklog;
  readonly #readers = new Set<FeedReader>();
  /** Readers that have read everything. */
  readonly #idle = new Set<FeedReader>();
  readonly #messages = new Map<number, WatchMessage>();
  #changes: PublishedChange[] = [];
  /** The position of the first change. */
  #start = 0;
  #bytes = 0;

  constructor(backlog: WatchBacklog) {
    this.#backlog = backlog;
    backlog.onPressure(() => this.#check());
  }

  /** The position of the next change. */
  get end(): number {
    return this.#start + this.#changes.length;
  }

  /** The bytes of the changes from a position on, estimated. */
  bytesFrom(position: number): number {
    return this.#changes.length === 0 ? 0 : (this.#bytes * (this.end - position)) / this.#changes.length;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** The reader's position must be the end. */
  join(reader: FeedReader): void {
    this.#readers.add(reader);
  }

  leave(reader: FeedReader): void {
    this.#idle.delete(reader);
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#trimTo(this.end);
  }

  /** The reader has read everything: the next change wakes it. */
  rest(reader: FeedReader): void {
    this.#idle.add(reader);
  }

  append(change: PublishedChange): void {
    this.#changes.push(change);
    this.#bytes += change.size;
    this.#backlog.hold(change);
    this.#messages.clear();
    for (const reader of this.#idle) reader.wake();
    this.#idle.clear();
    if (this.end % CHECK_EVERY === 0) this.#check();
  }

  /** The message with the changes from a position on, as many as fit. */
  messageAt(position: number): WatchMessage {
    const known = this.#messages.get(position);
    if (known) return known;
    const message = new WatchMessage();
    let bytes = 0;
    for (let at = position - this.#start; at < this.#changes.length; at++) {
      const change = this.#changes[at] as PublishedChange;
      bytes += change.bytes.length;
      if (bytes > MAX_MESSAGE_BYTES && message.changes.length > 0) break;
      message.changes.push(change);
      message.revision = change.revision;
      if (message.changes.length === MAX_MESSAGE_ENTRIES) break;
    }
    this.#keep(position, message);
    return message;
  }

  #keep(position: number, message: WatchMessage): void {
    const [oldest] = this.#messages.size < MAX_KEPT_MESSAGES ? [] : this.#messages.keys();
    if (oldest !== undefined) this.#messages.delete(oldest);
    this.#messages.set(position, message);
  }

  /** Drops what everybody has read, and readers that are too far behind. */
  #check(): void {
    let first = this.end;
    for (const reader of [...this.#readers]) {
      if (this.end - reader.position > MAX_WAITING_CHANGES) reader.overflow();
      else first = Math.min(first, reader.position);
    }
    this.#trimTo(first);
  }

  #trimTo(position: number): void {
    const count = position - this.#start;
    if (count <= 0) return;
    for (const change of this.#changes.splice(0, count)) {
      this.#bytes -= change.size;
      this.#backlog.release(change);
    }
    this.#start = position;
    this.#messages.clear();
  }
}
