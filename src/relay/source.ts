import { randomUUID } from 'node:crypto';
import type { Change, Client, WatchEvent } from 'imstate-client';
import type { EventFactory } from './events.js';
import { includesUser, ofTypes, type RelayFilter } from './filter.js';
import { OnlineUsers, type OnlineUsersClient } from './onlineUsers.js';
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

/** The calls that a source makes. */
export type SourceClient = OnlineUsersClient & Pick<Client, 'watch'>;

/** Events that can be delivered at once. */
export interface Batch {
  events: RelayEvent[];
  revision: string;
  time: Date | undefined;
  snapshots: number;
}

/**
 * Reads the changes since a revision, in order, as events. If changes are gone, it reads snapshots of all users that
 * are online instead, and says so.
 */
export class RelaySource {
  readonly #filter: RelayFilter;
  readonly #factory: EventFactory;
  readonly #items: SourceItem[] = [];
  readonly #closed = new AbortController();
  #waiting = 0;
  /** Why changes are missing; undefined unless snapshots have to follow. */
  #lostReason: string | undefined;
  #failure: unknown;
  #isOver = false;
  #wake = () => {};
  #resume = () => {};

  constructor(filter: RelayFilter, factory: EventFactory) {
    this.#filter = filter;
    this.#factory = factory;
  }

  /** Begins to read. */
  start(client: SourceClient, resumeRevision: string): void {
    const { servers } = this.#filter;
    const scope = servers === undefined ? ({ everything: true } as const) : { servers };
    const watch = client.watch({ ...scope, resumeRevision, initialState: false });
    const { signal } = this.#closed;
    signal.addEventListener('abort', watch.close, { once: true });
    void this.#read(watch, new OnlineUsers(client, this.#filter, signal));
  }

  /**
   * The next events, in order, up to `max`; those that have arrived, at least one item. Rejects with the error that
   * ended the watch, or if the signal aborts.
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

  async #read(
    watch: AsyncIterable<WatchEvent> & { readonly revision: string },
    onlineUsers: OnlineUsers,
  ): Promise<void> {
    try {
      for await (const event of watch) {
        if (event.type === 'lost') this.#lostReason = event.reason;
        else if (event.type === 'synced' && this.#lostReason !== undefined)
          await this.#addSnapshots(onlineUsers, watch.revision);
        else if (event.type === 'change') await this.#addChange(event, watch.revision);
        else if (event.type === 'synced' || event.type === 'progress')
          await this.#add({ revision: watch.revision });
      }
      this.#failure = new Error('the watch has ended');
    } catch (error) {
      this.#failure = error;
    }
    this.#isOver = true;
    this.#wake();
  }

  async #addChange(change: Change, revision: string): Promise<void> {
    if (!includesUser(this.#filter, change)) return this.#add({ revision });
    return this.#add({
      events: ofTypes(this.#filter, this.#factory.ofChange(change)),
      revision,
      time: change.time,
    });
  }

  /**
   * Reads who is online after changes were lost. The changes since `revision` follow, so that what changes meanwhile is
   * delivered, too: some of it again.
   */
  async #addSnapshots(onlineUsers: OnlineUsers, revision: string): Promise<void> {
    const id = randomUUID();
    let number = 0;
    await this.#add({ events: [this.#factory.snapshotBegun(id, this.#lostReason ?? '')] });
    for await (const user of onlineUsers) {
      number += 1;
      await this.#add({ events: [this.#factory.snapshot(id, number, user)] });
    }
    this.#lostReason = undefined;
    await this.#add({ events: [this.#factory.snapshotEnded(id, number)], revision, endsSnapshot: true });
  }

  /** Adds an item, and waits while too many events wait. */
  async #add({ events = [], revision = '', time, endsSnapshot = false }: Partial<SourceItem>): Promise<void> {
    this.#items.push({ events, revision, time, endsSnapshot });
    this.#waiting += events.length + 1;
    this.#wake();
    while (this.#waiting > MAX_WAITING && !this.#closed.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
  }
}
