import { ImstateError } from 'imstate-client/internal/shared/errors';
import { Cluster } from 'ioredis';
import type { StoreHealth } from '../store.js';
import { askMaster, ownerOf } from './cluster.js';
import type { Connection } from './connection.js';
import { storeError } from './errors.js';
import type { Shard } from './shards.js';

/** The replies of the shards of a store. */
export interface ShardAnswers<Answer> {
  /** By the number of the shard: those that answered. */
  answers: Map<number, Answer>;
  /** True if other shards did not answer. */
  isPartial: boolean;
}

/** One master of a cluster: a key that it owns, and the shards that it owns. */
interface Master {
  key: string;
  shards: number[];
}

/**
 * Which shards of a Redis Cluster answered the last {@link probe} of their masters. Calls on all shards leave
 * out those that did not, and a call on one of them fails at once: otherwise each would wait for the timeout
 * of its master, and everything in the same batch or stream would wait too. A single Redis is simply asked:
 * nothing is ever left out.
 */
export class ShardHealth {
  readonly #redis: Connection;
  readonly #shards: readonly Shard[];
  readonly #failures = new Map<number, ImstateError>();
  readonly #fault: () => ImstateError | undefined;

  /** `fault` returns why no shard may be used at all, such as another layout; undefined if they may. */
  constructor(
    redis: Connection,
    shards: readonly Shard[],
    fault: () => ImstateError | undefined = () => undefined,
  ) {
    this.#redis = redis;
    this.#shards = shards;
    this.#fault = fault;
  }

  /** Why calls on the shard fail at once; undefined if it may be used and answered the last probe. */
  failureOf(shard: number, isChange = false): ImstateError | undefined {
    const fault = this.#fault();
    if (fault !== undefined) return fault;
    const failure = this.#failures.get(shard);
    if (failure === undefined) return undefined;
    const outcome = isChange ? '; nothing was changed' : '';
    const message = `shard ${shard} of the store does not answer${outcome}: try again when its Redis master is back`;
    return new ImstateError('STORE_UNAVAILABLE', message, { cause: failure });
  }

  /** Throws {@link failureOf}. */
  check(shard: number, isChange = false): void {
    const failure = this.failureOf(shard, isChange);
    if (failure !== undefined) throw failure;
  }

  /** Throws the failure of some shards, unless others answered: only a cluster can be partly available. */
  rejectUnlessPartial(answered: number, failure: ImstateError | undefined): void {
    if (failure !== undefined && (answered === 0 || !(this.#redis instanceof Cluster))) throw failure;
  }

  /**
   * Asks each shard by itself, all at the same time; rejects with the store's error if no other master
   * answered.
   */
  async askAll<Answer>(
    ask: (shard: Shard, number: number) => Promise<Answer>,
    isChange = false,
  ): Promise<ShardAnswers<Answer>> {
    const answers = new Map<number, Answer>();
    let failure: ImstateError | undefined;
    const askOne = async (shard: Shard, number: number) => {
      try {
        this.check(number, isChange);
        answers.set(number, await ask(shard, number));
      } catch (error) {
        failure ??= storeError(error, isChange);
      }
    };
    await Promise.all(this.#shards.map(askOne));
    this.rejectUnlessPartial(answers.size, failure);
    return { answers, isPartial: failure !== undefined };
  }

  /** True if no shard answered the last probe. */
  get isAway(): boolean {
    return this.#failures.size === this.#shards.length;
  }

  /** The health of a store that cannot be used at all. */
  allUnavailable(failure: ImstateError): StoreHealth {
    return { shards: this.#shards.length, unavailable: [...this.#shards.keys()], failure };
  }

  /** The result of the last probe. */
  get health(): StoreHealth {
    const unavailable = [...this.#failures.keys()].sort((a, b) => a - b);
    const [failure] = this.#failures.values();
    return { shards: this.#shards.length, unavailable, failure };
  }

  /**
   * Asks each master of a cluster once, however many shards it has. Resolves when each has answered or
   * failed; each result is in force at once. Resolves with whether the master of `key`, which belongs to no
   * shard, answers.
   */
  async probe(key: string): Promise<boolean> {
    const redis = this.#redis;
    if (!(redis instanceof Cluster)) return true;
    const owner = ownerOf(redis, key);
    const masters = new Map<string, Master>([[owner, { key, shards: [] }]]);
    for (const [shard, { keys }] of this.#shards.entries()) {
      const shardOwner = ownerOf(redis, keys[1]);
      const master = masters.get(shardOwner) ?? { key: keys[2], shards: [] };
      master.shards.push(shard);
      masters.set(shardOwner, master);
    }
    const answers = await Promise.all(
      [...masters].map(async ([name, master]) => ({ name, answers: await this.#ask(redis, master) })),
    );
    return answers.some(({ name, answers }) => name === owner && answers);
  }

  async #ask(redis: Cluster, { key, shards }: Master): Promise<boolean> {
    try {
      await askMaster(redis, key);
      for (const shard of shards) this.#failures.delete(shard);
      return true;
    } catch (error) {
      for (const shard of shards) this.#failures.set(shard, storeError(error, false));
      return false;
    }
  }
}
