import { ImstateError } from 'imstate-client/internal/shared/errors';
import { Redis } from 'ioredis';
import { type Connection, storeError } from './connection.js';
import { leaveReplica } from './replica.js';
import { describeRedisUrl } from './url.js';

/** Version of the keys and records in Redis: raised by a change that an older imstate could not read. */
const LAYOUT_VERSION = 1;
/** More shards bound more masters of a cluster, but make a batch cost more script calls. */
export const DEFAULT_SHARDS = 16;

interface LayoutOptions {
  url: string;
  keyPrefix: string;
  /** How many shards to make at first use; later, what the store must have. Undefined takes what is there. */
  shards: number | undefined;
}

/** What stands in Redis. */
interface Layout {
  shards: number;
  /** See PresenceStore.identity. */
  identity: string | undefined;
}

/** What this process has used so far. */
interface Known {
  /** 0 for none. */
  shards: number;
  /** Written into a Redis that has none. */
  identity: string;
}

/** The key of the layout. */
export function layoutKey({ keyPrefix }: Pick<LayoutOptions, 'keyPrefix'>): string {
  return `${keyPrefix}layout`;
}

/**
 * Claims the layout in Redis, at first use or after it was flushed; resolves with it once it is the one that this
 * version can use. What stands in Redis wins, so that all daemons of one store have the same identity.
 */
export async function claimLayout(redis: Connection, options: LayoutOptions, known: Known): Promise<Layout> {
  const wanted = options.shards ?? (known.shards || DEFAULT_SHARDS);
  const key = layoutKey(options);
  if (redis instanceof Redis) await selectDatabase(redis, options.url);
  const args = [LAYOUT_VERSION, wanted, known.identity];
  const [version, shards, role, identity] = await redis.imLayout(1, key, ...args).catch((error) => {
    throw storeError(error, false);
  });
  if (role === 'slave' && redis instanceof Redis) leaveReplica(redis);
  const mustBe = options.shards ?? (known.shards || Number(shards));
  checkLayout({ version, shards }, mustBe);
  return { shards: mustBe, identity: identity ?? undefined };
}

/** Throws LAYOUT_MISMATCH unless this imstate can use what stands in Redis with so many shards. */
export function checkLayout(
  { version, shards }: { version: string | undefined; shards: string | undefined },
  mustBe: number,
): void {
  if (version !== String(LAYOUT_VERSION)) {
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the store holds layout version ${version} and this imstate needs ${LAYOUT_VERSION}: ` +
        'use the imstate that wrote it, or another --key-prefix or database',
    );
  }
  if (Number(shards) !== mustBe) {
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the store was made with ${shards} shards and cannot be used with ${mustBe}: ` +
        `leave --shards out or say --shards ${shards}, or use another --key-prefix or database`,
    );
  }
}

async function selectDatabase(redis: Redis, url: string): Promise<void> {
  await redis.select(redis.options.db as number).catch((error) => {
    throw error.name === 'ReplyError' ? refusedDatabase(redis, url, error) : storeError(error, false);
  });
}

/** Redis refused the database of the URL; ioredis goes on in database 0. */
export function refusedDatabase(redis: Redis, url: string, error: Error): ImstateError {
  const { db } = redis.options;
  const message = `Redis at ${describeRedisUrl(url)} refused its database ${db} (${error.message}): choose another in --redis`;
  return new ImstateError('BAD_URL', message, { cause: error });
}
