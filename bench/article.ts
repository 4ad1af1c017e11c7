// The article's layout and commands: a hash a device; EXISTS then HGETALL for a query, HSET then EXPIRE for a change.
import type { Redis } from 'ioredis';

/** How long a record stays without a change, in seconds. */
export const EXPIRE_SECONDS = 180;

/** The key of a device. */
export function keyOf(userId: string, deviceId: string): string {
  return `im:state:${userId}:${deviceId}`;
}

/** What stands in the hash of a device. */
export function fieldsOf(status: 0 | 1, serverAddr: string): string[] {
  return ['status', `${status}`, 'server_addr', serverAddr, 'time', `${Date.now()}`];
}

/** A change, as one call makes it. */
export async function change(redis: Redis, key: string, fields: string[]): Promise<void> {
  await redis.hset(key, ...fields);
  await redis.expire(key, EXPIRE_SECONDS);
}

/** A query, as one call makes it. */
export async function query(redis: Redis, key: string): Promise<Record<string, string> | undefined> {
  if ((await redis.exists(key)) === 0) return undefined;
  return redis.hgetall(key);
}
