import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { open } from 'lmdb';
import { inject } from 'vitest';
import { LmdbStore } from '../../../src/store/lmdb/LmdbStore.ts';
import { RedisStore } from '../../../src/store/redis/RedisStore.ts';
import { temporaryDirectory } from '../../support/servers.ts';
import type { MakeStore } from './contract/underTest.ts';

/** A Redis store under a separate prefix on the shared server. */
export const makeRedisStore: MakeStore = async (options) => {
  const url = inject('redisUrl');
  const keyPrefix = `test-${randomUUID()}:`;
  let now = 0;
  const make = () => new RedisStore({ url, keyPrefix, shards: undefined, ...options, clock: () => now });
  let store = make();
  const redis = new Redis(url);
  const keys = () => redis.keys(`${keyPrefix}*`);
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store.close();
      store = make();
      await store.open();
    },
    another: make,
    setClock: (ms) => {
      now = ms;
    },
    countEntries: async () => {
      const otherKeys = (await keys()).filter((key) => !key.endsWith('}:e'));
      const ttls = await Promise.all(otherKeys.map((key) => redis.pttl(key)));
      return ttls.filter((ttl) => ttl < 0).length;
    },
    dump: () => dumpRedis(url, `${keyPrefix}*`),
    remove: async () => {
      await store.close();
      const left = await keys();
      if (left.length > 0) await redis.del(left);
      redis.disconnect();
    },
  };
};

/** The names and contents of the keys of a Redis. */
export async function dumpRedis(url: string, pattern = '*'): Promise<Buffer> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys(pattern);
    const contents = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    return Buffer.concat([...keys.map((key) => Buffer.from(key)), ...contents.flatMap((each) => each ?? [])]);
  } finally {
    redis.disconnect();
  }
}

const TABLES = [
  'records',
  'sessions',
  'users',
  'counters',
  'leases',
  'history',
  'deadlines',
  'deadlines by time',
];

/** An embedded store in a separate directory. */
export const makeEmbeddedStore: MakeStore = async (options) => {
  const folder = await temporaryDirectory();
  let now = 0;
  const make = () => new LmdbStore({ dataDir: folder.path, ...options, clock: () => now });
  let store = make();
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store.close();
      store = make();
      await store.open();
    },
    another: make,
    setClock: (ms) => {
      now = ms;
    },
    countEntries: async () => {
      const root = open({ path: join(folder.path, 'presence.lmdb') });
      const counts = TABLES.map((name) => root.openDB({ name, encoding: 'binary' }).getCount());
      await root.close();
      return counts.reduce((sum, count) => sum + count, 0);
    },
    dump: async () => {
      const root = open({ path: join(folder.path, 'presence.lmdb') });
      const entries = [...root.getKeys()].flatMap((name) => {
        const table = root.openDB<Buffer, Buffer>({
          name: String(name),
          encoding: 'binary',
          keyEncoding: 'binary',
        });
        return [...table.getRange()].flatMap(({ key, value }) => [key, value]);
      });
      await root.close();
      return Buffer.concat(entries);
    },
    remove: async () => {
      await store.close();
      await folder.remove();
    },
  };
};
