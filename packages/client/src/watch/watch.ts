import { setTimeout as delay } from 'node:timers/promises';
import { isUnimplemented } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { WatchResponse__Output } from '../generated/imstate/v1/WatchResponse.js';
import { ImstateError } from '../shared/errors.js';
import { onAbort } from '../shared/onAbort.js';
import { toTimestamp } from '../wire/timestamp.js';
import { readEvents } from './readWatch.js';
import { WatchedUsers } from './watchedUsers.js';
import type { WatchEvent, WatchOptions } from './watchMessages.js';
import { WatchState } from './watchState.js';
import { WatchStream } from './watchStream.js';

/** A daemon sends something at least every 5 s. */
const MAX_SILENCE_MS = 15_000;

/**
 * A watch, created by `client.watch()`. Iterate it, once, to receive its events. It ends with `close()`, or
 * when you leave the loop. When a stream breaks, the watch opens another one, round robin on another daemon,
 * and resumes after the last event that the loop received. A slow loop slows the daemon down, so few events
 * wait in memory.
 *
 * The iteration rejects with an {@link ImstateError} if no daemon responds at the start (`NO_ENDPOINT`,
 * `REGISTRY_UNAVAILABLE`, `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `TLS_FAILED`, `RESOURCE_EXHAUSTED`), and for
 * what a retry cannot fix: `INVALID_ARGUMENT`, `UNIMPLEMENTED`, `UNAUTHENTICATED`, `PERMISSION_DENIED`.
 *
 * @example
 * ```ts
 * for await (const event of client.watch({ users: ['alice', 'bob'] })) {
 *   if (event.type === 'snapshot') show(event.userId, event.devices.length > 0);
 *   if (event.type === 'change') show(event.userId, event.userOnline);
 * }
 * ```
 */
export class Watch implements AsyncIterable<WatchEvent> {
  readonly #channel: Channel;
  readonly #options: WatchOptions;
  /** Undefined for another scope than users. */
  readonly #users: WatchedUsers | undefined;
  readonly #state: WatchState;
  readonly #events: AsyncGenerator<WatchEvent, void>;
  readonly #closed = new AbortController();
  #stream: WatchStream | undefined;
  /** Ends the wait for a first user. */
  #wake = () => {};
  #removeAbort = () => {};

  /**
   * Throws INVALID_ARGUMENT if the options do not fit together.
   *
   * @internal
   */
  constructor(channel: Channel, options: WatchOptions) {
    const { users, servers, everything, resumeRevision = '', resumeTime, signal } = options;
    const initialState = resumeTime === undefined && (options.initialState ?? true);
    if ([users, servers, everything].filter(Boolean).length !== 1) {
      const rule = 'a watch needs one of users, servers and everything';
      throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'start' });
    }
    if (resumeTime && (resumeRevision !== '' || options.initialState)) {
      const rule = 'resumeTime cannot be combined with resumeRevision and initialState';
      throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'resume_time' });
    }
    this.#channel = channel;
    this.#options = { ...options, initialState };
    this.#users = users && new WatchedUsers(users, resumeRevision !== '' || resumeTime !== undefined);
    this.#state = new WatchState({
      users: this.#users,
      resumeRevision,
      resumesAtTime: resumeTime !== undefined,
      hasSnapshots: initialState,
      connectTimeoutMs: channel.timeouts.connectTimeoutMs,
    });
    this.#events = this.#run();
    this.#removeAbort = onAbort(signal, this.close);
  }

  /**
   * The revision from which another watch can resume: that of the last event that the loop received. Empty
   * until the first snapshot is complete.
   */
  get revision(): string {
    return this.#state.revision;
  }

  /**
   * How many changes were skipped in favour of a newer one of the same device, see {@link
   * WatchOptions.coalesce}.
   */
  get coalesced(): number {
    return this.#state.coalesced;
  }

  /**
   * Watches further users. With `initialState` their snapshots follow, then `synced`. Throws
   * `INVALID_ARGUMENT` if the watch has too many users, or another scope than users.
   */
  add(userIds: Iterable<string>): void {
    const users = this.#checkUsers();
    const added = users.add(userIds);
    if (this.#stream) for (const update of users.toAdd(added)) this.#stream.update(update);
    this.#wake();
  }

  /**
   * Stops watching these users: no further event is about them. Throws `INVALID_ARGUMENT` like {@link
   * Watch.add}.
   */
  remove(userIds: Iterable<string>): void {
    const users = this.#checkUsers();
    const removed = users.remove(userIds);
    if (this.#stream) for (const update of users.toRemove(removed)) this.#stream.update(update);
  }

  /** Ends the watch and its iteration. Safe to call twice. */
  readonly close = (): void => {
    this.#removeAbort();
    this.#closed.abort();
    this.#stream?.cancel(new ImstateError('UNAVAILABLE', 'the watch is closed: make another'));
    this.#wake();
  };

  /** The events, for one `for await` loop. */
  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void> {
    return this.#events;
  }

  async *#run(): AsyncGenerator<WatchEvent, void> {
    const { signal } = this.#closed;
    const removeClosing = this.#channel.onClosing(this.close);
    try {
      while (!signal.aborted) {
        const { generation } = this.#channel.legacyServers;
        try {
          yield* this.#followStream();
        } catch (error) {
          if (signal.aborted) break;
          if (isUnimplemented(error) && (await this.#channel.legacyServers.hasOthers(generation))) continue;
          if (!(error instanceof ImstateError) || this.#isFinal(error)) throw error;
          yield* this.#state.recover(error);
          // Rejects if the watch is closed meanwhile.
          await delay(this.#state.nextBackoffMs(), undefined, { signal }).catch(() => {});
        }
      }
    } finally {
      removeClosing();
      this.close();
    }
    this.#options.signal?.throwIfAborted();
  }

  /** Delivers the events of one stream, until it breaks or the watch is closed. */
  async *#followStream(): AsyncGenerator<WatchEvent, void> {
    await this.#firstUser();
    if (this.#closed.signal.aborted) return;
    const stream = this.#open();
    try {
      for (;;) {
        const response = await this.#next(stream);
        if (response === undefined) return;
        if (this.#state.beginResponse(response)) yield { type: 'reconnected' };
        for (const event of readEvents(response)) {
          if (this.#closed.signal.aborted) return;
          if (this.#state.apply(event, response)) yield event;
        }
        this.#state.endResponse(response);
      }
    } finally {
      this.#state.endStream();
      this.#stream = undefined;
      stream.cancel(new ImstateError('UNAVAILABLE', 'the stream is left'));
    }
  }

  /** The next response; undefined if another stream should resume at once, because nothing has failed. */
  async #next(stream: WatchStream): Promise<WatchResponse__Output | undefined> {
    const limitMs = this.#state.hasResponse ? MAX_SILENCE_MS : this.#channel.timeouts.timeoutMs;
    try {
      return await stream.next(limitMs);
    } catch (error) {
      if (stream.isHandedOver && this.#state.revision !== '') return undefined;
      throw error;
    }
  }

  /** Waits until there is a user to watch. */
  async #firstUser(): Promise<void> {
    while (this.#users?.size === 0 && !this.#closed.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Opens a stream that resumes after the last event, or starts again. */
  #open(): WatchStream {
    const { servers = [], everything = false, initialState = true, coalesce = false } = this.#options;
    const resumes = this.#state.beginStream();
    const resumeTime = this.#state.resumesAtTime ? toTimestamp(this.#options.resumeTime?.getTime()) : null;
    const { userIds, updates } = this.#users?.begin(resumes) ?? { userIds: [], updates: [] };
    const stream = new WatchStream(this.#channel, {
      userIds,
      serverAddrs: servers,
      everything,
      coalesce,
      initialState: initialState && !resumes,
      resumeRevision: this.#state.revision,
      resumeTime,
    });
    for (const update of updates) stream.update(update);
    this.#stream = stream;
    return stream;
  }

  #isFinal(error: ImstateError): boolean {
    return this.#channel.isClosed || this.#state.isFinal(error);
  }

  #checkUsers(): WatchedUsers {
    if (this.#users !== undefined) return this.#users;
    const rule = 'only a watch of users can change its users: make another watch';
    throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'update' });
  }
}
