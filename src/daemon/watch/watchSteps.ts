import { ImstateError } from 'imstate-client/internal/shared/errors';
import { isBehind, type LogPosition } from '../../store/changeLog.js';

/** When parts that could not be read are read again. Milliseconds. */
const RETRY_MS = 500;

/** The log positions up to which a step has read, by shard. */
export class ReachedPositions {
  readonly byShard = new Map<number, LogPosition>();

  add(shard: number, position: LogPosition): void {
    const before = this.byShard.get(shard);
    if (before === undefined || isBehind(before, position)) this.byShard.set(shard, position);
  }
}

/**
 * Reads parts of a step, such as users or shards, and adds the positions that it reaches. Returns the parts
 * that it could not read.
 */
export type ReadParts<Part> = (
  parts: readonly Part[],
  reached: ReachedPositions,
) => Promise<UnreadParts<Part>>;

/** Parts that could not be read, because their shard does not answer. */
export class UnreadParts<Part> {
  readonly parts: Part[] = [];
  /** The error of the first of them. */
  failure: unknown;

  /** Throws the error, unless the shard does not answer. */
  add(part: Part, error: unknown): void {
    if (!(error instanceof ImstateError) || error.code !== 'STORE_UNAVAILABLE') throw error;
    this.failure ??= error;
    this.parts.push(part);
  }
}

/** The watch that the steps belong to. */
export interface StepTarget {
  readonly isOver: boolean;
  /** A step is complete, and so are all before it. Called once per step. */
  synced(): void;
  fail(error: unknown): void;
}

/**
 * The steps of a watch: its start, then its updates, one after the other. Parts of an unavailable shard are
 * read later.
 */
export class WatchSteps {
  readonly #watch: StepTarget;
  readonly #reach: (positions: ReadonlyMap<number, LogPosition>) => Promise<void>;
  #last = Promise.resolve();
  /** How many steps wait for shards that do not answer. */
  #incomplete = 0;
  /** How many steps are complete that `synced` was not called for. */
  #unsynced = 0;

  /** `reach` resolves once the changes up to the positions were delivered, so the revision covers them. */
  constructor(watch: StepTarget, reach: (positions: ReadonlyMap<number, LogPosition>) => Promise<void>) {
    this.#watch = watch;
    this.#reach = reach;
  }

  /** Runs the first step at once. */
  begin(step: () => Promise<void>): void {
    this.#last = step().catch((error) => this.#watch.fail(error));
  }

  /** Runs a step after all others. */
  add(step: () => Promise<void>): void {
    this.#last = this.#last.then(step).catch((error) => this.#watch.fail(error));
  }

  /** Resolves when the steps so far are done, except for parts that are read later. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /**
   * Reads the parts of a step and finishes the step. Parts of an unavailable shard are read again later, and
   * other steps do not wait for them. With `needsOne` it rejects if no part can be read.
   */
  async read<Part>(parts: Iterable<Part>, read: ReadParts<Part>, needsOne: boolean): Promise<void> {
    const all = [...parts];
    const reached = new ReachedPositions();
    const { parts: unread, failure } = await read(all, reached);
    if (needsOne && unread.length > 0 && unread.length === all.length && failure) throw failure;
    if (unread.length === 0) {
      await this.#finishAt(reached);
      return;
    }
    this.#incomplete += 1;
    this.#readLater(unread, read, reached);
  }

  /** A step is complete. `synced` is called in the order of the steps. */
  finish(): void {
    this.#unsynced += 1;
    if (this.#incomplete > 0) return;
    for (; this.#unsynced > 0; this.#unsynced -= 1) this.#watch.synced();
  }

  async #finishAt(reached: ReachedPositions): Promise<void> {
    await this.#reach(reached.byShard);
    this.finish();
  }

  #readLater<Part>(parts: readonly Part[], read: ReadParts<Part>, reached: ReachedPositions): void {
    const readAgain = async () => {
      if (this.#watch.isOver) return;
      const { parts: unread } = await read(parts, reached);
      if (unread.length > 0) {
        this.#readLater(unread, read, reached);
        return;
      }
      this.#incomplete -= 1;
      await this.#finishAt(reached);
    };
    setTimeout(() => this.add(readAgain), RETRY_MS).unref();
  }
}
