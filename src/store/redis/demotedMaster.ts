import type { Redis } from 'ioredis';

/** Not at every check: until then the connection still answers reads. */
const MIN_INTERVAL_MS = 5_000;
const leftAt = new WeakMap<Redis, number>();

/**
 * Reconnects. A master that became a replica keeps its connections and rejects all changes forever; the
 * address may lead to the new master by now.
 */
export function leaveDemotedMaster(redis: Redis): void {
  const now = performance.now();
  if (now - (leftAt.get(redis) ?? -MIN_INTERVAL_MS) < MIN_INTERVAL_MS) return;
  leftAt.set(redis, now);
  redis.disconnect(true);
}
