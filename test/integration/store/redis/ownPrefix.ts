import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, inject } from 'vitest';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';

const OPTIONS = {
  retentionMs: 1_000,
  historyLimit: 100,
  historyRetentionMs: 60_000,
  historyIp: 'prefix' as const,
  changeLimit: 1_000,
  auditLimit: 100,
  maxDevices: 1_000,
};

/** Stores on the shared Redis, under a separate prefix for each test. */
export interface OwnPrefix {
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** Creates a store that is closed after the test; by default on the shared Redis. */
  makeStore(options?: { url?: string; shards?: number; prefix?: string }): RedisStore;
}

/** Gives each test of the file a separate prefix. */
export function eachWithOwnPrefix(): OwnPrefix {
  let redis: Redis;
  let keyPrefix: string;
  const stores: RedisStore[] = [];
  beforeEach(() => {
    redis = new Redis(inject('redisUrl'));
    keyPrefix = `test-${randomUUID()}:`;
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    redis.disconnect();
  });
  return {
    get redis() {
      return redis;
    },
    get keyPrefix() {
      return keyPrefix;
    },
    makeStore: ({ url = inject('redisUrl'), shards, prefix = keyPrefix } = {}) => {
      const store = new RedisStore({ url, keyPrefix: prefix, shards, ...OPTIONS });
      stores.push(store);
      return store;
    },
  };
}
