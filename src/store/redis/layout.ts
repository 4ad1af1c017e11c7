import { ImstateError } from 'imstate-client/internal/shared/errors';
import { Redis } from 'ioredis';
import { DEFAULT_SHARDS } from '../../presence/defaults.js';
import { FEATURE_LEVELS, levelFault } from '../featureLevel.js';
import type { Connection } from './connection.js';
import { leaveDemotedMaster } from './demotedMaster.js';
import { storeError } from './errors.js';
import { describeRedisUrl } from './url.js';

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
export interface Layout {
  shards: number;
  /** See PresenceStore.identity. */
  identity: string | undefined;
  /** See PresenceStore.featureLevel. */
  featureLevel: number;
  /** The feature level before, which was lower if this claim raised it. */
  previousLevel: number;
}

/** What this process has used so far. */
interface Known {
  /** 0 for none. */
  shards: number;
  /** Written into a Redis without an identity. */
  identity: string;
  /** A store of this identity gets at least this feature level; 0 for any. */
  featureLevel: number;
}

/** The key of the layout. */
export function layoutKey({ keyPrefix }: Pick<LayoutOptions, 'keyPrefix'>): string {
  return `${keyPrefix}layout`;
}

/**
 * Claims the layout in Redis, at first use or after it was flushed; rejects with LAYOUT_MISMATCH unless this
 * version can use the one in force. What is in Redis wins, so that all daemons of a store have the same
 * identity. Only a feature level that is lower than the known one is raised again: a Redis that lost it, in a
 * failover or to an older daemon that claimed it after a flush, may hold records of the known level.
 */
export async function claimLayout(redis: Connection, options: LayoutOptions, known: Known): Promise<Layout> {
  const wanted = options.shards ?? (known.shards || DEFAULT_SHARDS);
  const key = layoutKey(options);
  if (redis instanceof Redis) await selectDatabase(redis, options.url);
  const args = [known.featureLevel || FEATURE_LEVELS.max, wanted, known.identity, known.featureLevel];
  const [version, shards, role, identity, before] = await redis.imLayout(1, key, ...args).catch((error) => {
    throw storeError(error, false);
  });
  if (role === 'slave' && redis instanceof Redis) leaveDemotedMaster(redis);
  const mustBe = options.shards ?? (known.shards || Number(shards));
  checkLayout({ version, shards }, mustBe);
  return {
    shards: mustBe,
    identity: identity ?? undefined,
    featureLevel: Number(version),
    previousLevel: Number(before),
  };
}

/** Throws LAYOUT_MISMATCH unless this version can use the layout in Redis with `mustBe` shards. */
export function checkLayout(
  { version, shards }: { version: string | undefined; shards: string | undefined },
  mustBe: number,
): void {
  const fault = levelFault(Number(version));
  if (fault !== undefined) {
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the store has feature level ${fault}, or use another --key-prefix or database`,
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

/** The error of a store whose feature level was not raised. */
export function notRaised(): ImstateError {
  return new ImstateError(
    'STORE_UNAVAILABLE',
    'Redis rejected the new feature level, and nothing was changed: run imstate doctor, then try again',
  );
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
