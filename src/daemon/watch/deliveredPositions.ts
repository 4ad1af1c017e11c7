import { isBehind, type LogPosition } from '../../store/changeLog.js';
import { RevisionWriter } from './revision.js';

/** Before the log position of a shard is known. No change is at it or before it. */
const UNKNOWN: LogPosition = [0, 0];

/** Somebody who waits until changes are delivered. */
interface Waiter {
  readonly positions: ReadonlyMap<number, LogPosition>;
  resolve(): void;
}

/** The log position of each shard up to which changes were delivered. */
export class DeliveredPositions {
  readonly byShard: LogPosition[];
  readonly #waiters = new Set<Waiter>();
  readonly #writer = new RevisionWriter();
  #revision: string | undefined;

  constructor(shards: number) {
    this.byShard = Array.from({ length: shards }, () => UNKNOWN);
  }

  /** The positions as a revision. */
  readonly revision = (): string => {
    this.#revision ??= this.#writer.write(this.byShard);
    return this.#revision;
  };

  of(shard: number): LogPosition {
    return this.byShard[shard] ?? UNKNOWN;
  }

  isKnown(shard: number): boolean {
    return this.byShard[shard] !== UNKNOWN;
  }

  /** The position of the shard is known from now on. */
  begin(shard: number, position: LogPosition): void {
    this.#set(shard, position);
    this.settle();
  }

  /** Changes up to the position are being delivered; {@link settle} follows when they are. */
  advance(shard: number, position: LogPosition): void {
    if (isBehind(this.of(shard), position)) this.#set(shard, position);
  }

  /** The position of the shard is unknown again. Nobody waits for it any longer. */
  lose(shard: number): void {
    this.#set(shard, UNKNOWN);
    for (const waiter of this.#waiters) if (waiter.positions.has(shard)) this.#release(waiter);
  }

  /** Resolves once changes up to the positions, of some shards, were delivered. */
  reach(positions: ReadonlyMap<number, LogPosition>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add({ positions, resolve });
      this.settle();
    });
  }

  /** Releases those whose positions are reached. */
  settle(): void {
    for (const waiter of this.#waiters) if (this.#isReached(waiter)) this.#release(waiter);
  }

  /** Releases everybody who waits. */
  close(): void {
    for (const waiter of this.#waiters) this.#release(waiter);
  }

  #set(shard: number, position: LogPosition): void {
    this.byShard[shard] = position;
    this.#revision = undefined;
  }

  #isReached({ positions }: Waiter): boolean {
    for (const [shard, position] of positions) if (isBehind(this.of(shard), position)) return false;
    return true;
  }

  #release(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    waiter.resolve();
  }
}
