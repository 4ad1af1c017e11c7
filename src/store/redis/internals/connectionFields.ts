import type { Redis } from 'ioredis';

/** The socket of a connection. */
export type RedisSocket = Redis['stream'];

/** Fields that ioredis does not document (`@ignore`). */
interface ConnectionFields {
  stream?: Partial<RedisSocket> | null;
  commandQueue?: { length?: unknown };
}

/**
 * Patch of ioredis: the functions of this file read fields of a connection that ioredis does not document.
 * - the queue of commands that Redis has not answered, to distinguish a frozen Redis from one that
 *   has nothing to answer.
 * - the socket: to close it, to see what it is connected to, and to see that WAIT follows its script on the
 *   same socket.
 *
 * - Upstream: https://github.com/redis/ioredis/issues/634 and https://github.com/redis/ioredis/pull/658 ask
 *   for a limit of such silence. Its option `socketTimeout` is one, but its timer also fires when the event
 *   loop of this process was held up.
 * - Tested with ioredis 6.0.0.
 * - Relies on: `commandQueue.length` and `stream` of a Redis.
 * - Fallback: `socketTimeout`; nothing leaves a master that Sentinels replaced; a wait for replicas fails.
 *
 * Returns how many commands Redis has not answered; undefined if ioredis hides it.
 */
export function unansweredCommands(redis: Redis): number | undefined {
  const length = fieldsOf(redis).commandQueue?.length;
  return typeof length === 'number' ? length : undefined;
}

/** The socket of a connection that is made; undefined if ioredis hides it. */
export function socketOf(redis: Redis): RedisSocket | undefined {
  const { stream } = fieldsOf(redis);
  if (typeof stream?.destroy !== 'function' || typeof stream.once !== 'function') return undefined;
  return stream as RedisSocket;
}

function fieldsOf(redis: Redis): ConnectionFields {
  return redis as ConnectionFields;
}
