import { type Finding, ok, warning } from './check.js';
import type { Master } from './redisNodes.js';

/** More than a network delays an answer, less than anybody overlooks. */
const MAX_MS = 2_000;

/**
 * Compares the clocks of Redis with that of this machine. Presence goes by Redis's alone, but certificates and JWTs are judged by this
 * one, and commands print times seen from here.
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
  const told = offsets
    .map(({ addr, ms }) => `${addr} is ${Math.abs(ms)} ms ${ms < 0 ? 'behind' : 'ahead of'} this machine`)
    .join(', ');
  if (offsets.every(({ ms }) => Math.abs(ms) <= MAX_MS)) return ok(told);
  return warning(`${told}: set both clocks by NTP, for sessions end by that of Redis`);
}
