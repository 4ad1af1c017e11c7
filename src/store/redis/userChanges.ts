import { CHANGES_PER_PART, type UserChanges } from '../changeLog.js';
import { readEntry } from './changes.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import { type Shard, shardOf } from './shards.js';

/** How many entries one script call looks at. */
const ENTRIES_PER_CALL = 1_000;

/** See PresenceStore.listChanges and scripts/userChanges.lua. */
export async function listChanges(
  scripts: ShardScripts,
  userId: string,
  after: string | undefined,
): Promise<UserChanges> {
  const { redis, health, shards } = scripts;
  const number = shardOf(userId, shards.length);
  health.check(number);
  const { keys } = shards[number] as Shard;
  const args = [scripts.now(), userId, after ?? '', ENTRIES_PER_CALL, CHANGES_PER_PART];
  const reply = await redis.imUserChangesBuffer(...keys, ...args).catch(rejectRead);
  const [next, ...found] = reply as [Buffer, ...[Buffer, Buffer[]][]];
  const entries = found.flatMap(
    ([id, [, member, , change]]) => readEntry(id, member as Buffer, change as Buffer) ?? [],
  );
  return { entries, next: String(next) || undefined };
}
