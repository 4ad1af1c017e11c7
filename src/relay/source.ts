import { randomUUID } from 'node:crypto';
import type { Client, WatchEvent } from 'imstate-client';
import type { EventFactory } from './events.js';
import { includesUser, ofTypes, type RelayFilter } from './filter.js';
import type { RelayEvent } from './target.js';

/** How many events are read ahead of the target: a slow target slows the watch, and memory is bounded. */
const MAX_WAITING = 2_000;

/** What one event of the watch led to. */
export interface SourceItem {
  events: RelayEvent[];
  /** Where to resume once the events are acknowledged; '' within a snapshot. */
  revision: string;
  /** When the change happened. */
  time: Date | undefined;
  /** Whether it completes a snapshot. */
  endsSnapshot: boolean;
}

/** Events that can be delivered at once. */
export interface Batch {
  events: RelayEvent[];
  revision: string;
  time: Date | undefined;
  snapshots: number;
}

/**
 * Reads the changes since a revision, in order, as events. If changes are gone, it reads snapshots of all users that are
 * online instead, and says so.
 */
export class RelaySource {
  readonly #filter: RelayFilter;
  readonly #factory: EventFactory;
  readonly #items: SourceItem[] = [];
  readonly #closed = new AbortController();
  #waiting = 0;
  #snapshot: { id: string; number: number } | undefined;
  #failure: unknown;
  #isOver = false;
  #wake = () => {};
  #resume = () => {};

  constructor(filter: RelayFilter, factory: EventFactory) {
    this.#filter = filter;
    this.#factory = factory;
  }

  /** Begins to read. */
  start(client: Pick<Client, 'watch'>, resumeRevision: string): void {
    const { servers } = this.#filter;
    const scope = servers === undefined ? ({ everything: true } as const) : { servers };
    const watch = client.watch({ ...scope, resumeRevision });
    this.#closed.signal.addEventListener('abort', watch.close, { once: true });
    void this.#read(watch);
  }

  /**
   * The next events, in order, up to `max`; those that have arrived, at least one item. Rejects with the error that ended
   * the watch, or if the signal aborts.
   */
  async next(max: number, signal: AbortSignal): Promise<Batch> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (this.#items.length === 0) {
        signal.throwIfAborted();
        if (this.#isOver) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
    return this.#take(max);
  }

  close(): void {
    this.#closed.abort();
    this.#resume();
  }

  #take(max: number): Batch {
    const batch: Batch = { events: [], revision: '', time: undefined, snapshots: 0 };
    for (let item = this.#items[0]; item; item = this.#items[0]) {
      if (batch.events.length > 0 && batch.events.length + item.events.length > max) break;
      this.#items.shift();
      this.#waiting -= item.events.length + 1;
      batch.events.push(...item.events);
      // Within a snapshot nothing can be resumed.
      batch.revision = item.revision;
      batch.time = item.time ?? batch.time;
      if (item.endsSnapshot) batch.snapshots += 1;
    }
    this.#resume();
    return batch;
  }

  async #read(watch: AsyncIterable<WatchEvent> & { readonly revision: string }): Promise<void> {
    try {
      for await (const event of watch) {
        const item = this.#itemOf(event, watch.revision);
        if (item === undefined) continue;
        this.#items.push(item);
        this.#waiting += item.events.length + 1;
        this.#wake();
        while (this.#waiting > MAX_WAITING && !this.#closed.signal.aborted) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        }
      }
      this.#failure = new Error('the watch has ended');
    } catch (error) {
      this.#failure = error;
    }
    this.#isOver = true;
    this.#wake();
  }

  /** Undefined for what delivers nothing and does not advance. */
  #itemOf(event: WatchEvent, revision: string): SourceItem | undefined {
    const item = { events: [] as RelayEvent[], revision, time: undefined, endsSnapshot: false };
    switch (event.type) {
      case 'change': {
        if (!includesUser(this.#filter, event)) return item;
        return { ...item, events: ofTypes(this.#filter, this.#factory.ofChange(event)), time: event.time };
      }
      case 'lost':
        this.#snapshot = { id: randomUUID(), number: 0 };
        return { ...item, events: [this.#factory.snapshotBegun(this.#snapshot.id, event.reason)] };
      case 'snapshot':
        return { ...item, events: this.#snapshotOf(event) };
      case 'synced':
        return { ...item, ...this.#endSnapshot() };
      case 'progress':
        return item;
      default:
        return undefined;
    }
  }

  #snapshotOf(event: WatchEvent & { type: 'snapshot' }): RelayEvent[] {
    if (this.#snapshot === undefined || event.devices.length === 0 || !includesUser(this.#filter, event))
      return [];
    this.#snapshot.number += 1;
    const { id, number } = this.#snapshot;
    return [this.#factory.snapshot(id, number, event.userId, event.devices)];
  }

  #endSnapshot(): Pick<SourceItem, 'events' | 'endsSnapshot'> {
    if (this.#snapshot === undefined) return { events: [], endsSnapshot: false };
    const { id, number } = this.#snapshot;
    this.#snapshot = undefined;
    return { events: [this.#factory.snapshotEnded(id, number)], endsSnapshot: true };
  }
}
