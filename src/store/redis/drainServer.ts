import type { ServerDrain, ServerDrainResult } from '../../presence/servers.js';
import type { ShardScripts } from './ShardScripts.js';

/** The reply of scripts/drainServer.lua. */
type DrainReply = [hasLease: number, sessions: number, deadlineMs: number];

/** See PresenceStore.drainServer. Each shard has its own lease, and its own drain. */
export async function drainServer(
  scripts: ShardScripts,
  { serverAddr, drain }: ServerDrain,
): Promise<ServerDrainResult> {
  const args = [serverAddr, drain?.overMs ?? '', drain?.graceMs ?? ''];
  const { answers, isPartial } = await scripts.health.askAll(
    (shard) =>
      scripts.write<DrainReply>(shard, (redis) =>
        redis.imDrainServer(...shard.keys, ...scripts.settings(), ...args),
      ),
    true,
  );
  const replies = [...answers.values()];
  const hasLease = replies.some(([has]) => has === 1);
  return {
    hasLease,
    sessions: replies.reduce((sum, [, sessions]) => sum + sessions, 0),
    deadlineMs: Math.max(...replies.map(([, , deadlineMs]) => deadlineMs)),
    // A shard that lost its data has no lease until the next keep-alive.
    isPartial: isPartial || (hasLease && replies.some(([has]) => has === 0)),
  };
}
