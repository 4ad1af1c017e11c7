import { newPseudonymKey } from '../pseudonym.js';
import type { ShardScripts } from './ShardScripts.js';

/** Reads the key of pseudonyms, `im:audit:key`, which is created at first use. See PresenceStore.pseudonymOf. */
export function readPseudonymKey(scripts: ShardScripts, keyPrefix: string): Promise<string> {
  const key = `${keyPrefix}audit:key`;
  return scripts.write<string>({ keys: [1, key] }, (redis) =>
    redis.imPseudonymKey(1, key, newPseudonymKey()),
  );
}
