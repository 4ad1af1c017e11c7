import type { Redis } from 'ioredis';

/** Reads are answered meanwhile, so not at every look. */
const LEAST_PAUSE_MS = 5_000;
const leftAt = new WeakMap<Redis, number>();

/**
 * Connects anew. A master that was made a replica keeps its connections and refuses all changes, for ever: the address may lead to
 * the new master by now.
 */
export function leaveReplica(redis: Redis): void {
  const now = performance.now();
  if (now - (leftAt.get(redis) ?? -LEAST_PAUSE_MS) < LEAST_PAUSE_MS) return;
  leftAt.set(redis, now);
  redis.disconnect(true);
}
