import { DEFAULT_SHARDS } from '../presence/defaults.js';
import type { Connection } from '../store/redis/connection.js';
import { storeError } from '../store/redis/errors.js';
import { checkLayout } from '../store/redis/layout.js';
import { type Finding, ok, warning } from './check.js';

interface LayoutOptions {
  keyPrefix: string;
  shards: number | undefined;
}

/** Reads the layout in Redis, without creating one. Throws LAYOUT_MISMATCH if it cannot be used. */
export async function judgeLayout(
  redis: Connection,
  masters: number,
  { keyPrefix, shards: wanted }: LayoutOptions,
): Promise<Finding> {
  const key = `${keyPrefix}layout`;
  const [version, shards, identity] = await redis.hmget(key, 'version', 'shards', 'id').catch((error) => {
    throw storeError(error, false);
  });
  if (!version && !shards)
    return ok(`there is no ${key} yet: the first imstate serve creates ${wanted ?? DEFAULT_SHARDS} shards`);
  checkLayout({ version: version ?? 'unknown', shards: shards ?? 'unknown' }, wanted ?? Number(shards));
  const message = `feature level ${version}, ${shards} shards, identity ${identity ?? 'none yet'}`;
  if (Number(shards) >= masters) return ok(message);
  return warning(
    `${message} on ${masters} masters, some of which have none: start with an empty store and more --shards`,
  );
}
