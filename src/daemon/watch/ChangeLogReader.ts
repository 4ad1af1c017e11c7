import { setImmediate as nextTurn } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { type ChangeLog, type ChangeLogEntry, isBehind, type LogPosition } from '../../store/changeLog.js';
import type { ChangeDelivery } from './changeDelivery.js';
import { RevisionWriter } from './revision.js';

/** How often each shard is read without a notification, which may get lost. Milliseconds. */
const POLL_INTERVAL_MS = 500;
/** How many changes of a shard are read at once. */
const READ_AT_ONCE = 64;
/** How long changes are delivered before calls get their turn. Milliseconds. */
const TURN_MS = 2;
/** Before the log position of a shard is known. No change is at it or before it. */
const UNKNOWN: LogPosition = [0, 0];

/** Receives what a {@link ChangeLogReader} reads. */
export interface ChangeLogListener {
  /** Delivers a change. Returns what is left of that, for further turns; undefined if nothing is. */
  told(shard: number, entry: ChangeLogEntry, revision: () => string): ChangeDelivery | undefined;
  /** A page was passed on, the oldest change of which is of that time. Milliseconds since 1970. */
  toldSince(timeMs: number): void;
  /** Called at every poll. */
  looked(): void;
  /** A shard begins to lag, or has caught up. */
  lagChanged(shard: number): void;
  /** Changes of a shard are gone that had not been read. */
  lost(shard: number, error: ImstateError): void;
  /** No shard could be read at the start. */
  failed(error: ImstateError): void;
}

/** How the reading of one shard goes. */
interface ShardState {
  isReading: boolean;
  /** There may be something to read. */
  hasNews: boolean;
  /** When the shard was last read to its end. Milliseconds since 1970. */
  readAtMs: number;
  /** Set while the shard cannot be read: when it was last read to its end. */
  laggingSinceMs: number | undefined;
}

/**
 * Reads the change log of each shard, from when the first follower came until the last has left. Each shard goes by itself: one
 * that does not answer lags, and delays no other.
 */
export class ChangeLogReader {
  readonly places: LogPosition[];
  readonly started: Promise<void>;
  readonly #changeLog: ChangeLog;
  readonly #log: Logger;
  readonly #listener: ChangeLogListener;
  readonly #states: ShardState[];
  readonly #waiting = new Set<{ places: ReadonlyMap<number, LogPosition>; resolve: () => void }>();
  readonly #writer = new RevisionWriter();
  #isOver = false;
  #endNews: () => void = () => {};
  #polls: NodeJS.Timeout | undefined;
  #revision: string | undefined;
  /** How long changes were delivered in this turn of the event loop, those of all shards together. Milliseconds. */
  #spentMs = 0;
  /** True while a change of some shard is on its way to its followers. */
  #isDelivering = false;
  /** Resolves in the next turn of the event loop; there while somebody waits for it. */
  #turn: Promise<void> | undefined;

  constructor(changeLog: ChangeLog, log: Logger, listener: ChangeLogListener) {
    this.#changeLog = changeLog;
    this.#log = log;
    this.#listener = listener;
    this.places = Array.from({ length: changeLog.shards }, () => UNKNOWN);
    const readAtMs = Date.now();
    this.#states = this.places.map(() => ({
      isReading: false,
      hasNews: false,
      readAtMs,
      laggingSinceMs: undefined,
    }));
    this.started = this.#start();
    this.started.catch((error) => this.#fail(error));
  }

  readonly revision = (): string => {
    this.#revision ??= this.#writer.write(this.places);
    return this.#revision;
  };

  /** False until the log position of the shard is known: what is read of the shard before may lack changes. */
  isKnown(shard: number): boolean {
    return this.places[shard] !== UNKNOWN;
  }

  /** Since when changes of the shard may not have been passed on; undefined while it is up to date. Milliseconds since 1970. */
  laggingSinceMs(shard: number): number | undefined {
    return this.#states[shard]?.laggingSinceMs;
  }

  reach(places: ReadonlyMap<number, LogPosition>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ places, resolve });
      this.#settleWaiting();
    });
  }

  stop(): void {
    this.#isOver = true;
    this.#endNews();
    clearInterval(this.#polls);
    for (const { resolve } of this.#waiting) resolve();
  }

  /** Rejects if no shard answers. */
  async #start(): Promise<void> {
    // Notifications first: what happens from now on is not missed.
    this.#endNews = this.#changeLog.onNews((shard) => void this.#follow(shard));
    const shards = this.places.map((_, shard) => shard);
    const failures = await Promise.all(shards.map((shard) => this.#follow(shard)));
    const [failure] = failures;
    if (failure !== undefined && !failures.includes(undefined)) throw failure;
    if (!this.#isOver) this.#polls = setInterval(() => this.#poll(), POLL_INTERVAL_MS);
  }

  #poll(): void {
    for (const shard of this.places.keys()) void this.#follow(shard);
    this.#listener.looked();
  }

  /** Reads a shard to its end, unless that goes on already; resolves with why it failed. */
  async #follow(shard: number): Promise<unknown> {
    const state = this.#states[shard];
    if (state === undefined) return undefined;
    state.hasNews = true;
    if (state.isReading) return undefined;
    state.isReading = true;
    try {
      while (state.hasNews && !this.#isOver) {
        state.hasNews = false;
        await this.#readPage(shard, state);
      }
      this.#noteRead(shard, state);
      return undefined;
    } catch (error) {
      this.#noteLag(shard, state, error);
      return error;
    } finally {
      state.isReading = false;
    }
  }

  async #readPage(shard: number, state: ShardState): Promise<void> {
    if (!this.isKnown(shard)) {
      const { newest } = await this.#changeLog.ends(shard);
      this.places[shard] = newest;
      this.#revision = undefined;
      this.#settleWaiting();
      return;
    }
    const page = await this.#changeLog.read(shard, this.places[shard] as LogPosition, READ_AT_ONCE);
    if (this.#isOver) return;
    if (page === undefined) {
      this.#lose(shard);
      state.hasNews = true;
      return;
    }
    await this.#deliver(shard, page.entries);
    if (this.#isOver) return;
    this.#moveTo(shard, page.upTo);
    if (page.entries.length === READ_AT_ONCE) state.hasNews = true;
    this.#settleWaiting();
  }

  /** Lets calls have their turn, once for all shards. */
  #nextTurn(): Promise<void> {
    this.#turn ??= nextTurn().then(() => {
      this.#turn = undefined;
      this.#spentMs = 0;
    });
    return this.#turn;
  }

  /**
   * Delivers changes in order. Other shards have their turn between two changes, never within one, so that the revision of each change
   * covers those that were delivered before, and no others. Calls have theirs also while a change goes to very many followers.
   */
  async #deliver(shard: number, entries: readonly ChangeLogEntry[]): Promise<void> {
    for (const entry of entries) {
      while (this.#spentMs >= TURN_MS || this.#isDelivering) await this.#nextTurn();
      if (this.#isOver) return;
      const beganAt = performance.now();
      this.#moveTo(shard, entry.place);
      const left = this.#listener.told(shard, entry, this.revision);
      this.#spentMs += performance.now() - beganAt;
      if (left) await this.#deliverRest(left);
    }
    const [oldest] = entries;
    if (oldest) this.#listener.toldSince(oldest.change.timeMs);
  }

  async #deliverRest(delivery: ChangeDelivery): Promise<void> {
    this.#isDelivering = true;
    try {
      while (!delivery.isOver) {
        while (this.#spentMs >= TURN_MS) await this.#nextTurn();
        if (this.#isOver) return;
        const beganAt = performance.now();
        delivery.deliverUntil(beganAt + TURN_MS - this.#spentMs);
        this.#spentMs += performance.now() - beganAt;
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  #moveTo(shard: number, place: LogPosition): void {
    if (!isBehind(this.places[shard] as LogPosition, place)) return;
    this.places[shard] = place;
    this.#revision = undefined;
  }

  /** Goes on from the end of what is there now, for those whom the shard does not concern. */
  #lose(shard: number): void {
    this.places[shard] = UNKNOWN;
    this.#revision = undefined;
    this.#listener.lost(shard, gone());
    for (const each of this.#waiting) {
      if (!each.places.has(shard)) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }

  #noteRead(shard: number, state: ShardState): void {
    if (this.#isOver) return;
    state.readAtMs = Date.now();
    if (state.laggingSinceMs === undefined) return;
    state.laggingSinceMs = undefined;
    if (!this.isLagging) this.#log.info('watches are up to date again');
    this.#listener.lagChanged(shard);
  }

  #noteLag(shard: number, state: ShardState, error: unknown): void {
    if (this.#isOver || state.laggingSinceMs !== undefined) return;
    if (!this.isLagging) this.#log.warn(`watches wait for the store: ${messageOf(error)}; trying again`);
    state.laggingSinceMs = state.readAtMs;
    this.#listener.lagChanged(shard);
  }

  /** True while any shard lags. */
  get isLagging(): boolean {
    return this.#states.some(({ laggingSinceMs }) => laggingSinceMs !== undefined);
  }

  #settleWaiting(): void {
    for (const each of this.#waiting) {
      const isReached = [...each.places].every(
        ([shard, place]) => !isBehind(this.places[shard] as LogPosition, place),
      );
      if (!isReached) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#listener.failed(
      error instanceof ImstateError
        ? error
        : new ImstateError('INTERNAL', messageOf(error), { cause: error }),
    );
  }
}

function gone(): ImstateError {
  return new ImstateError(
    'OUT_OF_RANGE',
    'changes are gone that this watch had not received yet: the store has lost data; begin anew with a snapshot',
  );
}
