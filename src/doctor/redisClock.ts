import { type Finding, ok, warning } from './check.js';
import type { Master } from './redisNodes.js';

/** More than the delay of a network. */
const MAX_OFFSET_MS = 2_000;

/**
 * Compares the clocks of Redis with that of this machine. Presence uses only the clock of Redis, but
 * certificates and JWTs are checked by this one, and commands print times relative to it.
 */
export async function judgeClock(masters: Master[]): Promise<Finding> {
  const offsets = await Promise.all(
    masters.map(async ({ addr, redis }) => {
      const sentAt = Date.now();
      const [seconds, micros] = await redis.time();
      const middle = (sentAt + Date.now()) / 2;
      return { addr, ms: Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - middle) };
    }),
  );
  const message = offsets
    .map(({ addr, ms }) => `${addr} is ${Math.abs(ms)} ms ${ms < 0 ? 'behind' : 'ahead of'} this machine`)
    .join(', ');
  if (offsets.every(({ ms }) => Math.abs(ms) <= MAX_OFFSET_MS)) return ok(message);
  return warning(`${message}: synchronize both clocks by NTP, because sessions end by that of Redis`);
}
