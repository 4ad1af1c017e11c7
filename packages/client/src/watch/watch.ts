import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { isUnimplemented } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import { backoffMs } from '../shared/backoff.js';
import { type ErrorCode, ImstateError } from '../shared/errors.js';
import { onAbort } from '../shared/onAbort.js';
import { readEvents } from './readWatch.js';
import { WatchedUsers } from './watchedUsers.js';
import type { WatchEvent, WatchOptions } from './watchMessages.js';
import { WatchStream } from './watchStream.js';

/** A daemon says something at least every 5 s. */
const MAX_SILENCE_MS = 15_000;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;
/** How many of the last changes are remembered, so that none is told twice. */
const REMEMBERED = 256;
/** No further try could change these. */
const FINAL = new Set<ErrorCode>(['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED']);
/**
 * Nor these, as long as no daemon has answered. Later one may be of another version, and all may be gone for
 * a while.
 */
const FINAL_AT_FIRST = new Set<ErrorCode>([
  'UNIMPLEMENTED',
  'NO_ENDPOINT',
  'REGISTRY_UNAVAILABLE',
  'TLS_FAILED',
  'RESOURCE_EXHAUSTED',
]);

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
  /** Undefined if it does not watch users. */
  readonly #users: WatchedUsers | undefined;
  readonly #events: AsyncGenerator<WatchEvent, void>;
  readonly #over = new AbortController();
  readonly #given = new Set<string>();
  #stream: WatchStream | undefined;
  #revision: string;
  /** True if something was told that does not hold any more once a change is missed. */
  #hasTold: boolean;
  #hasAnswered = false;
  /** Whether the stream that broke had answered. */
  #wasLetIn = false;
  /** When the first stream was opened. */
  #beganAt = 0;
  /** True from `disconnected` to `reconnected`. */
  #isAway = false;
  /** How often a stream failed since one lasted. */
  #failures = 0;
  #coalesced = { before: 0, onStream: 0 };
  #wake = () => {};
  #removeAbort = () => {};

  /**
   * Throws INVALID_ARGUMENT if the options do not fit together.
   *
   * @internal
   */
  constructor(channel: Channel, options: WatchOptions) {
    const { users, servers, everything, resumeRevision = '', signal } = options;
    if ([users, servers, everything].filter(Boolean).length !== 1) {
      const rule = 'a watch needs one of users, servers and everything';
      throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'start' });
    }
    this.#channel = channel;
    this.#options = options;
    this.#revision = resumeRevision;
    this.#hasTold = resumeRevision !== '';
    this.#users = users && new WatchedUsers(users, this.#hasTold);
    this.#events = this.#run();
    this.#removeAbort = onAbort(signal, this.close);
  }

  /**
   * The revision from which another watch can resume: that of the last event that the loop received. Empty
   * until the first snapshot is complete.
   */
  get revision(): string {
    return this.#revision;
  }

  /**
   * How many changes were skipped in favour of a newer one of the same device, see {@link
   * WatchOptions.coalesce}.
   */
  get coalesced(): number {
    return this.#coalesced.before + this.#coalesced.onStream;
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
    this.#over.abort();
    this.#stream?.cancel(new ImstateError('UNAVAILABLE', 'the watch is closed: make another'));
    this.#wake();
  };

  /** The events, for one `for await` loop. */
  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void> {
    return this.#events;
  }

  async *#run(): AsyncGenerator<WatchEvent, void> {
    const over = this.#over.signal;
    const forgetClosing = this.#channel.onClosing(this.close);
    try {
      while (!over.aborted) {
        const { generation } = this.#channel.legacyServers;
        try {
          yield* this.#follow();
        } catch (error) {
          if (over.aborted) break;
          if (isUnimplemented(error) && (await this.#channel.legacyServers.hasOthers(generation))) continue;
          if (!(error instanceof ImstateError) || this.#isFinal(error)) throw error;
          yield* this.#recover(error);
        }
      }
    } finally {
      forgetClosing();
      this.close();
    }
    this.#options.signal?.throwIfAborted();
  }

  /** Tells what one stream brings, until it breaks or the watch is over. */
  async *#follow(): AsyncGenerator<WatchEvent, void> {
    await this.#somebody();
    if (this.#over.signal.aborted) return;
    const openedAt = performance.now();
    this.#beganAt ||= openedAt;
    const stream = this.#open();
    this.#wasLetIn = false;
    try {
      for (;;) {
        const limitMs = this.#hasAnswered ? MAX_SILENCE_MS : this.#channel.timeouts.timeoutMs;
        const response = await stream.next(limitMs).catch((error: unknown) => {
          // Nothing has failed, and the next stream resumes at once.
          if (stream.isHandedOver && this.#revision !== '') return undefined;
          throw error;
        });
        if (response === undefined) return;
        this.#hasAnswered = true;
        this.#wasLetIn = true;
        this.#coalesced.onStream = response.coalesced;
        if (performance.now() - openedAt > MAX_BACKOFF_MS) this.#failures = 0;
        if (this.#isAway) {
          this.#isAway = false;
          yield { type: 'reconnected' };
        }
        for (const event of readEvents(response)) {
          if (this.#over.signal.aborted) return;
          if (this.#take(event, response.revision !== '')) yield event;
        }
        if (response.revision !== '') this.#revision = response.revision;
      }
    } finally {
      this.#coalesced = { before: this.coalesced, onStream: 0 };
      this.#stream = undefined;
      stream.cancel(new ImstateError('UNAVAILABLE', 'the stream is left'));
    }
  }

  /** Waits until there is a user to watch. */
  async #somebody(): Promise<void> {
    while (this.#users?.size === 0 && !this.#over.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Opens a stream that goes on where the last one broke, or begins anew. */
  #open(): WatchStream {
    const { servers = [], everything = false, initialState = true, coalesce = false } = this.#options;
    if (this.#users?.canResume === false) this.#revision = '';
    const isResumed = this.#revision !== '';
    const { userIds, updates } = this.#users?.begin(isResumed) ?? { userIds: [], updates: [] };
    const stream = new WatchStream(this.#channel, {
      userIds,
      serverAddrs: servers,
      everything,
      coalesce,
      initialState: initialState && !isResumed,
      resumeRevision: this.#revision,
    });
    for (const update of updates) stream.update(update);
    this.#stream = stream;
    return stream;
  }

  /**
   * Notes what an event says of the watch itself; false if it is not to be told. Nothing can be resumed
   * before the first snapshot is complete.
   */
  #take(event: WatchEvent, canBeResumed: boolean): boolean {
    if ('userId' in event && this.#users?.has(event.userId) === false) return false;
    if (event.type === 'snapshot' && this.#options.initialState === false) return false;
    if (event.type === 'change' && this.#isRepeated(event.revision)) return false;
    if (event.type === 'synced') this.#users?.sync();
    if ('revision' in event && canBeResumed) this.#revision = event.revision;
    if (event.type !== 'lagging' && event.type !== 'caughtUp') this.#hasTold = true;
    return true;
  }

  #isRepeated(revision: string): boolean {
    if (this.#given.has(revision)) return true;
    this.#given.add(revision);
    const [oldest] = this.#given.size > REMEMBERED ? this.#given : [];
    if (oldest !== undefined) this.#given.delete(oldest);
    return false;
  }

  #isFinal({ code }: ImstateError): boolean {
    // A credential that was good may have been followed by another.
    if (code === 'UNAUTHENTICATED' && this.#wasLetIn) return false;
    if (FINAL.has(code) || this.#channel.isClosed) return true;
    if (this.#hasAnswered || code === 'OUT_OF_RANGE') return false;
    return (
      FINAL_AT_FIRST.has(code) || performance.now() - this.#beganAt > this.#channel.timeouts.connectTimeoutMs
    );
  }

  /** Tells what a failure means, and waits before the next try. */
  async *#recover(error: ImstateError): AsyncGenerator<WatchEvent, void> {
    if (error.code === 'OUT_OF_RANGE') this.#revision = '';
    else if (this.#hasAnswered && !this.#isAway) {
      this.#isAway = true;
      yield { type: 'disconnected', error };
    }
    // A snapshot that broke off cannot be resumed either.
    if (this.#revision === '' && this.#hasTold) {
      this.#hasTold = false;
      this.#users?.forget();
      yield { type: 'lost', reason: error.message };
    }
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    // Rejects when the watch is closed meanwhile.
    await delay(waitMs, undefined, { signal: this.#over.signal }).catch(() => {});
  }

  #checkUsers(): WatchedUsers {
    if (this.#users !== undefined) return this.#users;
    const rule = 'only a watch of users takes others: make another watch';
    throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'update' });
  }
}
