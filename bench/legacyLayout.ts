// The Redis layout of the legacy Go server for pb.UserStatus, as a reference: one hash per device, EXISTS and
// HGETALL for a query, HSET and EXPIRE for a change.
import type { Redis } from 'ioredis';

/** Expiry of a record, in seconds. */
export const EXPIRE_SECONDS = 180;

/** The key of a device. */
export function keyOf(userId: string, deviceId: string): string {
  return `im:state:${userId}:${deviceId}`;
}

/** The fields of the hash of a device. */
export function fieldsOf(status: 0 | 1, serverAddr: string): string[] {
  return ['status', `${status}`, 'server_addr', serverAddr, 'time', `${Date.now()}`];
}

/** The commands of a login or logout. */
export async function change(redis: Redis, key: string, fields: string[]): Promise<void> {
  await redis.hset(key, ...fields);
  await redis.expire(key, EXPIRE_SECONDS);
}

/** The commands of a query. */
export async function query(redis: Redis, key: string): Promise<Record<string, string> | undefined> {
  if ((await redis.exists(key)) === 0) return undefined;
  return redis.hgetall(key);
}
