import type { StoreIds } from 'imstate-client/internal/registry/storeIds';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { connectOnce, makeConnection } from '../store/redis/connection.js';
import type { OnClose } from './check.js';
import { type Finding, ok, skipped } from './check.js';
import type { DoctorOptions } from './options.js';

const REMEDY =
  'they serve different sessions; correct --redis or --key-prefix of those with the wrong store, and restart them';

/** Checks that all daemons of the registry, and a daemon with these settings, share a store. */
export async function judgeStores(
  { addrs, stores }: { addrs: string[]; stores: StoreIds },
  options: DoctorOptions,
  onClose: OnClose,
): Promise<Finding> {
  const [first] = stores.values();
  if (first === undefined) return skipped('no daemon publishes the identity of its store');
  if ([...stores.values()].some((storeId) => storeId !== first)) {
    const each = [...stores].map(([addr, storeId]) => `${addr} uses store ${storeId}`).join(', ');
    throw new ImstateError(
      'STORE_MISMATCH',
      `daemons of one registry use different stores: ${each}: ${REMEDY}`,
    );
  }
  const own = await ownStore(options, onClose);
  if (own !== undefined && own !== first) {
    const message = `the daemons use store ${first}, and --redis is store ${own}: correct --redis or --key-prefix`;
    throw new ImstateError('STORE_MISMATCH', message);
  }
  const silent = addrs.filter((addr) => !stores.has(addr));
  const unknown =
    silent.length > 0 ? `; unknown of ${silent.join(', ')} (an older version, or etcd denies it)` : '';
  return ok(`all use store ${first}${unknown}`);
}

/**
 * The identity of the Redis in the options; undefined without one, or if it fails, which another check
 * reports.
 */
async function ownStore(
  { redis: url, redisTls, keyPrefix }: DoctorOptions,
  onClose: OnClose,
): Promise<string | undefined> {
  if (url === undefined) return undefined;
  try {
    const redis = makeConnection(url, redisTls);
    onClose(() => redis.disconnect());
    redis.on('error', () => {});
    await connectOnce(redis);
    return (await redis.hget(`${keyPrefix}layout`, 'id')) ?? undefined;
  } catch {
    return undefined;
  }
}
