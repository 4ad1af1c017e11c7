import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { END_REASONS } from '../../presence/record.js';
import { OUTAGE_MS } from '../../presence/rules.js';
import type { EndCounts } from '../store.js';
import { storeError } from './errors.js';
import type { ShardScripts } from './ShardScripts.js';

/**
 * Bounds of one script call, about a millisecond of Redis. Calls follow each other for seconds when a large
 * chat server is lost, and readers wait for one of them: `npm run bench:sweep`.
 */
const DEADLINES_PER_CALL = 128;
export const ENDINGS_PER_CALL = 64;

/**
 * See PresenceStore.sweep and scripts/sweep.lua. One shard after the other, so that no other call waits for
 * more than one script. Shards that do not answer are left out: it rejects only if nothing is left to do in
 * the others. It does not wait for replicas: nobody relies on it, and what is lost is swept again.
 */
export async function sweep(scripts: ShardScripts, ended?: EndCounts): Promise<boolean> {
  let hasMore = false;
  let failure: ImstateError | undefined;
  for (const [number, { keys }] of scripts.shards.entries()) {
    if (scripts.health.failureOf(number)) continue;
    const args = [...scripts.settings(), DEADLINES_PER_CALL, ENDINGS_PER_CALL, OUTAGE_MS];
    try {
      const [more, ...counts] = await scripts.redis.imSweep(...keys, ...args);
      if (more === 1) hasMore = true;
      if (ended) addCounts(ended, counts);
    } catch (error) {
      failure ??= storeError(error, false);
    }
  }
  if (failure && !hasMore) throw failure;
  return hasMore;
}

/** Adds the counts of scripts/sweep.lua, which are in the order of END_REASONS without the first. */
export function addCounts(ended: EndCounts, counts: readonly number[]): void {
  for (const [i, count] of counts.entries()) {
    const reason = END_REASONS[i + 1];
    if (reason !== undefined) ended[reason] += count;
  }
}
