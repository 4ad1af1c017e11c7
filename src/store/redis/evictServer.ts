import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ServerEviction } from '../../presence/servers.js';
import type { ShardScripts } from './ShardScripts.js';
import { ENDINGS_PER_CALL } from './sweep.js';

/** How many sessions of a chat server one call of the method evicts at most. */
const MAX_EVICTED = 10_000;

/** See PresenceStore.evictServer and scripts/evictServer.lua. */
export async function evictServer(
  scripts: ShardScripts,
  serverAddr: string,
  reasonText: string,
): Promise<ServerEviction> {
  let evicted = 0;
  let failure: ImstateError | undefined;
  for (const [number, shard] of scripts.shards.entries()) {
    try {
      // Not as a change: sessions of other shards may have been evicted before.
      scripts.health.check(number);
      for (let more = 1; more === 1; ) {
        if (evicted >= MAX_EVICTED) return { evicted, more: true, failure: undefined };
        const args = [...scripts.settings(), serverAddr, ENDINGS_PER_CALL, reasonText];
        const [count, isMore] = await scripts.write<[number, number]>(shard, (redis) =>
          redis.imEvictServer(...shard.keys, ...args),
        );
        evicted += count;
        more = isMore;
      }
    } catch (error) {
      failure ??= error as ImstateError;
    }
  }
  if (failure && evicted === 0) throw failure;
  return { evicted, more: false, failure };
}
