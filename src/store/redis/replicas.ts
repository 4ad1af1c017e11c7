import { setImmediate as turn } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { Cluster, type Redis } from 'ioredis';
import { toMaster } from './cluster.js';
import type { Connection } from './connection.js';
import { type RedisSocket, socketOf } from './internals/connectionFields.js';
import type { Keyed } from './shards.js';

/**
 * Less than the silence after which a connection is dropped, see silentConnection.ts: Redis sends nothing
 * else meanwhile.
 */
const WAIT_MS = 500;

/** The reply of a script, and, if too few replicas have the change, why it is not safe yet. */
export interface Written<Answer> {
  answer: Answer;
  notReplicated: ImstateError | undefined;
}

/**
 * Sends scripts, and waits until enough replicas have what they wrote (WAIT). WAIT blocks everything else on
 * the connection, so there is one at a time, for all that was written before it.
 *
 * WAIT is about what its own connection has written: after a failover another connection would report
 * success. So each must follow its script on the same socket, and in a cluster scripts are sent to the node
 * itself.
 */
export class Replicas {
  readonly #redis: Connection;
  readonly #count: number;
  /** Who waits for the next WAIT, by socket; exists while one is in flight. */
  readonly #waiting = new WeakMap<RedisSocket, ((notReplicated: ImstateError | undefined) => void)[]>();

  /** With a count of 0 it does not wait. */
  constructor(redis: Connection, count: number) {
    this.#redis = redis;
    this.#count = count;
  }

  /** Sends a script that changes the keys; rejects with the error of ioredis. */
  async write<Answer>(
    { keys: [, key] }: Keyed,
    send: (redis: Connection) => Promise<unknown>,
  ): Promise<Written<Answer>> {
    const redis = this.#redis;
    if (this.#count === 0) return { answer: (await send(redis)) as Answer, notReplicated: undefined };
    const { answer, node } =
      redis instanceof Cluster
        ? await toMaster(redis, key, send)
        : { answer: await send(redis), node: redis };
    // The reply has just been read from it.
    const socket = socketOf(node);
    const reason = socket === undefined ? notReplicated(LOST) : await this.#confirmed(node, socket);
    return { answer: answer as Answer, notReplicated: reason };
  }

  #confirmed(node: Redis, stream: RedisSocket): Promise<ImstateError | undefined> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(stream);
      if (waiting) waiting.push(resolve);
      else {
        this.#waiting.set(stream, [resolve]);
        void this.#waitOn(node, stream);
      }
    });
  }

  async #waitOn(node: Redis, stream: RedisSocket): Promise<void> {
    // The replies of other shards are read in the same turn.
    await turn();
    for (let waiting = this.#take(stream); waiting.length > 0; waiting = this.#take(stream)) {
      const reason = await this.#ask(node, stream);
      for (const resolve of waiting) resolve(reason === undefined ? undefined : notReplicated(reason));
    }
    this.#waiting.delete(stream);
  }

  #take(stream: RedisSocket): ((notReplicated: ImstateError | undefined) => void)[] {
    return this.#waiting.get(stream)?.splice(0) ?? [];
  }

  /** Why it is unknown whether enough replicas have what was written on the socket; undefined if they do. */
  async #ask(node: Redis, stream: RedisSocket): Promise<string | undefined> {
    if (socketOf(node) !== stream) return LOST;
    try {
      const have = await node.wait(this.#count, WAIT_MS);
      if (have >= this.#count) return undefined;
      return `only ${have} of ${this.#count} replicas had it within ${WAIT_MS} ms`;
    } catch (error) {
      return error instanceof Error && error.name === 'ReplyError' ? messageOf(error) : LOST;
    }
  }
}

const LOST = 'the connection to Redis was lost before its replicas had it';

function notReplicated(reason: string): ImstateError {
  return new ImstateError(
    'STORE_UNAVAILABLE',
    `the change was made, but it may be lost if the master of Redis fails now: ${reason}; with its session id it may be repeated`,
  );
}
