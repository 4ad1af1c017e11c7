import { Batcher } from '../batcher.js';
import { Leases } from './answers.js';
import { type Connection, storeError } from './connection.js';
import type { Operation } from './operations.js';
import type { Replicas } from './replicas.js';
import { type Shard, shardOf } from './shards.js';

/** How many operations one script call carries at most: a millisecond or two of Redis. */
const MOST_OPERATIONS = 128;

/** Control characters occur in no operation, but for those that end its parts. */
const END_OF_OPERATION = '\x1e';

/** What {@link Batches} work with. */
export interface BatchesOptions {
  redis: Connection;
  replicas: Replicas;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The arguments that scripts of a shard begin with; the first is the time. */
  settings(): (string | number)[];
}

/**
 * Operations on users, a script call a batch and shard: see scripts/apply.lua. Those of one user are carried out in the order in
 * which they came.
 */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #batcher: Batcher<Operation<unknown>, unknown>;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#batcher = new Batcher(options.shards.length, MOST_OPERATIONS, (shard, operations) =>
      this.#send(options.shards[shard] as Shard, operations),
    );
  }

  /** Carries the operation out. */
  apply<Result>(operation: Operation<Result>): Promise<Result> {
    const shard = shardOf(operation.userId, this.#options.shards.length);
    return this.#batcher.add(shard, operation) as Promise<Result>;
  }

  async #send(shard: Shard, operations: Operation<unknown>[]): Promise<unknown[]> {
    const { redis, replicas, settings, retentionMs } = this.#options;
    let texts = '';
    for (const { text } of operations) texts += text + END_OF_OPERATION;
    const send = (to: Connection) => to.imApplyBuffer(...shard.keys, ...settings(), texts);
    const isWrite = operations.some(({ isChange }) => isChange);
    let reply: unknown;
    let unsafe: Error | undefined;
    try {
      if (isWrite) ({ answer: reply, unsafe } = await replicas.write(shard, send));
      else reply = await send(redis);
    } catch (error) {
      return operations.map(({ isChange }) => storeError(error, isChange));
    }
    const [now, leases, ...answers] = reply as [number, Buffer[], ...unknown[]];
    const context = { now, leases: new Leases(leases), retentionMs };
    return operations.map(({ isChange, result }, i) => {
      const answer = answers[i];
      if (answer instanceof Error) return storeError(answer, isChange);
      if (isChange && unsafe) return unsafe;
      try {
        return result(answer, context);
      } catch (error) {
        return new Error('a session in Redis cannot be read', { cause: error });
      }
    });
  }
}
