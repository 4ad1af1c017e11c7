import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ChangeLog, ChangeLogEntry } from '../../store/changeLog.js';
import type { ChangeLogListener } from './changeLogListener.js';
import type { DeliveredPositions } from './deliveredPositions.js';
import type { DeliverySlices } from './deliverySlices.js';
import type { ShardLag } from './shardLag.js';

/** How many changes of a shard are read at once. */
const MAX_PAGE_ENTRIES = 64;

/** What the readers of all shards share. */
export interface ShardReaderParts {
  readonly changeLog: ChangeLog;
  readonly listener: ChangeLogListener;
  readonly positions: DeliveredPositions;
  readonly slices: DeliverySlices;
  readonly lag: ShardLag;
  /** True once nobody follows the change log any more. */
  isOver(): boolean;
}

/** Reads the change log of one shard, and delivers its changes in order. */
export class ShardReader {
  readonly #shard: number;
  readonly #parts: ShardReaderParts;
  #isReading = false;
  /** True if the change log may have grown since it was read. */
  #mayHaveGrown = false;

  constructor(shard: number, parts: ShardReaderParts) {
    this.#shard = shard;
    this.#parts = parts;
  }

  /** Reads the shard to its end, unless it is being read already. Resolves with the error if that fails. */
  async read(): Promise<unknown> {
    this.#mayHaveGrown = true;
    if (this.#isReading) return undefined;
    const { lag, isOver } = this.#parts;
    this.#isReading = true;
    try {
      while (this.#mayHaveGrown && !isOver()) {
        this.#mayHaveGrown = false;
        await this.#readPage();
      }
      if (!isOver()) lag.noteRead(this.#shard);
      return undefined;
    } catch (error) {
      if (!isOver()) lag.noteFailure(this.#shard, error);
      return error;
    } finally {
      this.#isReading = false;
    }
  }

  async #readPage(): Promise<void> {
    const { changeLog, positions, isOver } = this.#parts;
    if (!positions.isKnown(this.#shard)) {
      const { newest } = await changeLog.ends(this.#shard);
      positions.begin(this.#shard, newest);
      return;
    }
    const page = await changeLog.read(this.#shard, positions.of(this.#shard), MAX_PAGE_ENTRIES);
    if (isOver()) return;
    if (page === undefined) {
      this.#loseChanges();
      return;
    }
    await this.#deliver(page.entries);
    if (isOver()) return;
    positions.advance(this.#shard, page.upTo);
    if (page.entries.length === MAX_PAGE_ENTRIES) this.#mayHaveGrown = true;
    positions.settle();
  }

  /**
   * Delivers changes in order. Other shards have their turn between two changes, never within one, so the
   * revision of each change covers exactly the changes that were delivered before it. Calls have their turn
   * also while a change is delivered to very many followers.
   */
  async #deliver(entries: readonly ChangeLogEntry[]): Promise<void> {
    const { listener, positions, slices, isOver } = this.#parts;
    for (const entry of entries) {
      while (!slices.hasTime) await slices.nextTurn();
      if (isOver()) return;
      const startedAt = performance.now();
      positions.advance(this.#shard, entry.position);
      const rest = listener.deliver(this.#shard, entry, positions.revision);
      slices.spendSince(startedAt);
      if (rest) await slices.finish(rest, isOver);
    }
    const [oldest] = entries;
    if (oldest) listener.pageDelivered(oldest.change.timeMs);
  }

  /** Continues from the present end of the change log, for followers that the shard does not concern. */
  #loseChanges(): void {
    const { listener, positions } = this.#parts;
    positions.lose(this.#shard);
    listener.changesLost(this.#shard, changesLost());
    this.#mayHaveGrown = true;
  }
}

function changesLost(): ImstateError {
  return new ImstateError(
    'OUT_OF_RANGE',
    'changes were lost before this watch received them, because the store lost data: start again with a snapshot',
  );
}
