import { newPseudonymKey } from '../pseudonym.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';

/** Reads the key of pseudonyms, `im:audit:key`, which is created at first use. See PresenceStore.pseudonymOf. */
export async function readPseudonymKey(scripts: ShardScripts, keyPrefix: string): Promise<string> {
  const key = `${keyPrefix}audit:key`;
  const known = await scripts.redis.get(key).catch(rejectRead);
  if (known !== null) return known;
  await scripts.write({ keys: [1, key] }, (redis) => redis.set(key, newPseudonymKey(), 'NX'));
  return (await scripts.redis.get(key).catch(rejectRead)) as string;
}
