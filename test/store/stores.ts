import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { open } from 'lmdb';
import { inject } from 'vitest';
import { EmbeddedStore } from '../../src/store/embedded/EmbeddedStore.ts';
import { RedisStore } from '../../src/store/redis/RedisStore.ts';
import { temporaryFolder } from '../support/servers.ts';
import type { MakeStore } from './contract.ts';

/** A Redis store under a prefix of its own on the shared server. */
export const makeRedisStore: MakeStore = async ({ retentionMs }) => {
  const url = inject('redisUrl');
  const keyPrefix = `test-${randomUUID()}:`;
  let now = 0;
  const store = new RedisStore({ url, keyPrefix, shards: undefined, retentionMs, clock: () => now });
  const redis = new Redis(url);
  const keys = () => redis.keys(`${keyPrefix}*`);
  return {
    store,
    setClock: (ms) => {
      now = ms;
    },
    countEntries: async () => (await keys()).length,
    remove: async () => {
      await store.close();
      const left = await keys();
      if (left.length > 0) await redis.del(left);
      redis.disconnect();
    },
  };
};

/** An embedded store in a folder of its own. */
export const makeEmbeddedStore: MakeStore = async ({ retentionMs }) => {
  const folder = await temporaryFolder();
  let now = 0;
  const store = new EmbeddedStore({ dataDir: folder.path, retentionMs, clock: () => now });
  return {
    store,
    setClock: (ms) => {
      now = ms;
    },
    countEntries: async () => {
      const root = open({ path: join(folder.path, 'presence.lmdb') });
      const counts = ['records', 'deadlines'].map((name) =>
        root.openDB({ name, encoding: 'binary' }).getCount(),
      );
      await root.close();
      return counts.reduce((sum, count) => sum + count, 0);
    },
    remove: async () => {
      await store.close();
      await folder.remove();
    },
  };
};
