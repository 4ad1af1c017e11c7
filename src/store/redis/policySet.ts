import { NO_POLICIES, type PolicySet } from '../../presence/policySet.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import type { Keyed } from './shards.js';

/** The key of the session policies. It is in no shard: they are about the whole store. */
export function policyKeys(keyPrefix: string): Keyed {
  return { keys: [1, `${keyPrefix}policies`] };
}

/** See PresenceStore.readPolicies and scripts/readPolicies.lua. */
export async function readPolicies(
  { redis }: ShardScripts,
  { keys }: Keyed,
  known: string,
): Promise<PolicySet | undefined> {
  const json = await redis.imReadPolicies(...keys, known).catch(rejectRead);
  if (json === null) return undefined;
  return json === '' ? NO_POLICIES : JSON.parse(json);
}

/** See PresenceStore.writePolicies and scripts/writePolicies.lua. */
export async function writePolicies(
  scripts: ShardScripts,
  keyed: Keyed,
  set: PolicySet,
  replaces: string,
): Promise<boolean> {
  const args = [replaces, set.id, JSON.stringify(set)];
  const replaced = await scripts.write<number>(keyed, (redis) =>
    redis.imWritePolicies(...keyed.keys, ...args),
  );
  return replaced === 1;
}
