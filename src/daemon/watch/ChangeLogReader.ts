import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { ChangeLog } from '../../store/changeLog.js';
import type { ChangeLogListener } from './changeLogListener.js';
import { DeliveredPositions } from './deliveredPositions.js';
import { DeliverySlices } from './deliverySlices.js';
import { ShardLag } from './shardLag.js';
import { ShardReader } from './shardReader.js';

/** How often each shard is read without a notification, which may get lost. Milliseconds. */
const POLL_INTERVAL_MS = 500;

/**
 * Reads the change log of each shard, from when the first follower joins until the last has left. Each shard
 * is read by itself: one that does not answer lags, and delays no other.
 */
export class ChangeLogReader {
  readonly positions: DeliveredPositions;
  readonly lag: ShardLag;
  /** Resolves when reading has begun. */
  readonly started: Promise<void>;
  readonly #changeLog: ChangeLog;
  readonly #listener: ChangeLogListener;
  readonly #shards: ShardReader[];
  #isOver = false;
  #stopNotifications: () => void = () => {};
  #polls: NodeJS.Timeout | undefined;

  constructor(changeLog: ChangeLog, log: Logger, listener: ChangeLogListener) {
    this.#changeLog = changeLog;
    this.#listener = listener;
    this.positions = new DeliveredPositions(changeLog.shards);
    this.lag = new ShardLag(changeLog.shards, log, (shard) => listener.lagChanged(shard));
    const parts = {
      changeLog,
      listener,
      positions: this.positions,
      slices: new DeliverySlices(),
      lag: this.lag,
      isOver: () => this.#isOver,
    };
    this.#shards = Array.from({ length: changeLog.shards }, (_, shard) => new ShardReader(shard, parts));
    this.started = this.#start();
    this.started.catch((error) => this.#fail(error));
  }

  stop(): void {
    this.#isOver = true;
    this.#stopNotifications();
    clearInterval(this.#polls);
    this.positions.close();
  }

  /** Rejects if no shard answers. */
  async #start(): Promise<void> {
    // Subscribes before it reads, so that no later change is missed.
    this.#stopNotifications = this.#changeLog.onGrowth((shard) => void this.#shards[shard]?.read());
    const failures = await Promise.all(this.#shards.map((shard) => shard.read()));
    const [failure] = failures;
    if (failure !== undefined && !failures.includes(undefined)) throw failure;
    if (!this.#isOver) this.#polls = setInterval(() => this.#poll(), POLL_INTERVAL_MS);
  }

  #poll(): void {
    for (const shard of this.#shards) void shard.read();
    this.#listener.polled();
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
