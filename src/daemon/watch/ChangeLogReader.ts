import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ImstateError, messageOf } from '../../errors.js';
import { isBehind, type Ledger, type LedgerEntry, type Place } from '../../store/ledger.js';
import { RevisionWriter } from './revision.js';

/** How often the ledger is read without a ring of its bell, which may get lost. Milliseconds. */
const LOOK_MS = 500;
/** How many changes of a shard are read at once, and are told before calls get their turn: under a millisecond. */
const READ_AT_ONCE = 64;

export interface ChangeLogListener {
  told(shard: number, entry: LedgerEntry, revision: () => string): void;
  /** A page was told, the oldest change of which is of that time. Milliseconds since 1970. */
  toldSince(timeMs: number): void;
  looked(): void;
  failed(error: ImstateError): void;
}

/** One time of reading the ledger, from when the first follower came until the last has left. */
export class ChangeLogReader {
  readonly places: Place[] = [];
  readonly started: Promise<void>;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #listener: ChangeLogListener;
  readonly #news = new Set<number>();
  readonly #waiting = new Set<{ places: ReadonlyMap<number, Place>; resolve: () => void }>();
  readonly #writer = new RevisionWriter();
  #wake: () => void = () => {};
  #isOver = false;
  #endNews: () => void = () => {};
  #revision: string | undefined;
  #toldInTurn = 0;

  constructor(ledger: Ledger, log: Logger, listener: ChangeLogListener) {
    this.#ledger = ledger;
    this.#log = log;
    this.#listener = listener;
    this.started = this.#start();
    this.started.catch((error) => this.#fail(error));
  }

  readonly revision = (): string => {
    this.#revision ??= this.#writer.write(this.places);
    return this.#revision;
  };

  reach(places: ReadonlyMap<number, Place>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ places, resolve });
      this.#settleWaiting();
    });
  }

  stop(): void {
    this.#isOver = true;
    this.#endNews();
    this.#wake();
    for (const { resolve } of this.#waiting) resolve();
  }

  async #start(): Promise<void> {
    // The bell first: what happens from now on is not missed.
    this.#endNews = this.#ledger.onNews((shard) => {
      this.#news.add(shard);
      this.#wake();
    });
    const ends = await this.#ledger.ends();
    this.places.push(...ends.map(({ newest }) => newest));
    void this.#loop();
  }

  async #loop(): Promise<void> {
    let hasFailed = false;
    let lookedAt = -LOOK_MS;
    while (!this.#isOver) {
      const isLook = performance.now() - lookedAt >= LOOK_MS;
      const shards = isLook ? this.places.map((_, shard) => shard) : [...this.#news];
      this.#news.clear();
      try {
        await this.#readAll(shards);
        hasFailed = false;
        if (isLook) lookedAt = performance.now();
        if (isLook && !this.#isOver) this.#listener.looked();
      } catch (error) {
        if (!hasFailed) this.#log.warn(`watches wait for the store: ${messageOf(error)}; trying again`);
        hasFailed = true;
        await delay(LOOK_MS, undefined, { ref: false });
      }
      if (this.#news.size > 0 || this.#isOver) continue;
      await this.#rest();
    }
  }

  /** Resolves at news, or when it is time to look. */
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Tells what is new in some shards, a page of each; those that have more are left in the news. */
  async #readAll(shards: readonly number[]): Promise<void> {
    const { places } = this;
    const pages = await Promise.all(
      shards.map((shard) => this.#ledger.read(shard, places[shard] as Place, READ_AT_ONCE)),
    );
    for (const [i, page] of pages.entries()) {
      if (this.#isOver) return;
      if (page === undefined) {
        this.#fail(gone());
        return;
      }
      const shard = shards[i] as number;
      this.#tellAll(shard, page.entries);
      this.#moveTo(shard, page.upTo);
      if (page.entries.length === READ_AT_ONCE) this.#news.add(shard);
      if (this.#toldInTurn < READ_AT_ONCE) continue;
      this.#toldInTurn = 0;
      this.#settleWaiting();
      await nextTurn();
    }
    this.#settleWaiting();
  }

  #tellAll(shard: number, entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      this.#moveTo(shard, entry.place);
      this.#listener.told(shard, entry, this.revision);
    }
    const [oldest] = entries;
    if (oldest) this.#listener.toldSince(oldest.change.timeMs);
    this.#toldInTurn += entries.length;
  }

  #moveTo(shard: number, place: Place): void {
    if (!isBehind(this.places[shard] as Place, place)) return;
    this.places[shard] = place;
    this.#revision = undefined;
  }

  #settleWaiting(): void {
    for (const each of this.#waiting) {
      const isReached = [...each.places].every(
        ([shard, place]) => !isBehind(this.places[shard] as Place, place),
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
    'changes are gone that this watch had not been told yet: the store has lost data; begin anew with initial_state',
  );
}
