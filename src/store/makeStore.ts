import { EmbeddedStore } from './embedded/EmbeddedStore.js';
import { RedisStore } from './redis/RedisStore.js';
import type { PresenceStore } from './store.js';

/** Which store, and how it is used. */
export interface StoreConfig {
  /** redis:// or rediss:// URL; undefined for the embedded store. */
  redis: string | undefined;
  /** Data folder of the embedded store. */
  dataDir: string;
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** Put in front of every key in Redis. */
  keyPrefix: string;
  /** Shards in Redis, made at first use; undefined takes what is there. */
  shards: number | undefined;
}

export const STORE_DEFAULTS = { retentionMs: 180_000, keyPrefix: 'im:' } as const;

/** Makes the store that the configuration names; nothing is opened yet. */
export function makeStore({ redis, dataDir, retentionMs, keyPrefix, shards }: StoreConfig): PresenceStore {
  if (redis === undefined) return new EmbeddedStore({ dataDir, retentionMs });
  return new RedisStore({ url: redis, keyPrefix, shards, retentionMs });
}
