import { ImstateError } from 'imstate-client/internal/shared/errors';
import { Redis } from 'ioredis';
import { DEFAULT_SHARDS } from '../../presence/defaults.js';
import type { Connection } from './connection.js';
import { leaveDemotedMaster } from './demotedMaster.js';
import { storeError } from './errors.js';
import { describeRedisUrl } from './url.js';

/** Version of the keys and records in Redis: increased by a change that an older imstate cannot read. */
const LAYOUT_VERSION = 1;

interface LayoutOptions {
  url: string;
  keyPrefix: string;
  /**
   * How many shards to create at first use; later, how many the store must have. Undefined accepts any
   * number.
   */
  shards: number | undefined;
}

/** The layout in Redis. */
interface Layout {
  shards: number;
  /** See PresenceStore.identity. */
  identity: string | undefined;
}

/** What this process has used so far. */
interface Known {
  /** 0 for none. */
  shards: number;
  /** Written into a Redis without an identity. */
  identity: string;
}

/** The key of the layout. */
export function layoutKey({ keyPrefix }: Pick<LayoutOptions, 'keyPrefix'>): string {
  return `${keyPrefix}layout`;
}

/**
 * Claims the layout in Redis, at first use or after it was flushed; rejects with LAYOUT_MISMATCH unless this
 * version can use the one in force. What is in Redis wins, so that all daemons of a store have the same
 * identity.
 */
export async function claimLayout(redis: Connection, options: LayoutOptions, known: Known): Promise<Layout> {
  const wanted = options.shards ?? (known.shards || DEFAULT_SHARDS);
  const key = layoutKey(options);
  if (redis instanceof Redis) await selectDatabase(redis, options.url);
  const args = [LAYOUT_VERSION, wanted, known.identity];
  const [version, shards, role, identity] = await redis.imLayout(1, key, ...args).catch((error) => {
    throw storeError(error, false);
  });
  if (role === 'slave' && redis instanceof Redis) leaveDemotedMaster(redis);
  const mustBe = options.shards ?? (known.shards || Number(shards));
  checkLayout({ version, shards }, mustBe);
  return { shards: mustBe, identity: identity ?? undefined };
}

/** Throws LAYOUT_MISMATCH unless this version can use the layout in Redis with `mustBe` shards. */
export function checkLayout(
  { version, shards }: { version: string | undefined; shards: string | undefined },
  mustBe: number,
): void {
  if (version !== String(LAYOUT_VERSION)) {
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the store holds layout version ${version} and this imstate needs ${LAYOUT_VERSION}: ` +
        'use the imstate that wrote it, or another --key-prefix or database',
      { field: '--key-prefix' },
    );
  }
  if (Number(shards) !== mustBe) {
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the store was made with ${shards} shards and cannot be used with ${mustBe}: ` +
        `omit --shards or set --shards ${shards}, or use another --key-prefix or database`,
      { field: '--shards' },
    );
  }
}

async function selectDatabase(redis: Redis, url: string): Promise<void> {
  await redis.select(redis.options.db as number).catch((error) => {
    throw error.name === 'ReplyError' ? refusedDatabase(redis, url, error) : storeError(error, false);
  });
}

/** Redis refused the database of the URL; ioredis would continue in database 0. */
export function refusedDatabase(redis: Redis, url: string, error: Error): ImstateError {
  const { db } = redis.options;
  const message = `Redis at ${describeRedisUrl(url)} refused its database ${db} (${error.message}): choose another in --redis`;
  return new ImstateError('BAD_URL', message, { cause: error, field: '--redis' });
}
