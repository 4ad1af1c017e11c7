import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { HistoryIp } from '../presence/details.js';
import { REMEMBERED_MS } from '../presence/rules.js';
import { LmdbStore } from './lmdb/LmdbStore.js';
import { RedisStore } from './redis/RedisStore.js';
import type { BatchListener, Migration, PresenceStore } from './store.js';

/** Which store to use, and how. */
export interface StoreConfig {
  /** URL of Redis, see redis/url.ts; undefined for the embedded store. */
  redis: string | undefined;
  /** For rediss://: CA and client certificate. */
  redisTls?: TlsFiles | undefined;
  /** Data directory of the embedded store. */
  dataDir: string;
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** How many ended sessions of a user the history keeps. */
  historyLimit: number;
  /** How long the history keeps them. Milliseconds. */
  historyRetentionMs: number;
  /** What the history keeps of IP addresses. */
  historyIp: HistoryIp;
  /** How many changes are kept for watches that resume. */
  changeLimit: number;
  /** How many devices of a user may be online. */
  maxDevices: number;
  /** How many records the audit trail keeps; 0 for none. */
  auditLimit: number;
  /** Prefix of every key in Redis. */
  keyPrefix: string;
  /** How many shards to create in Redis at first use; undefined accepts any number. */
  shards: number | undefined;
  /** How many replicas of Redis must have a change before it is acknowledged; by default none. */
  waitReplicas?: number | undefined;
  onBatch?: BatchListener | undefined;
  onMigrated?: ((migration: Migration) => void) | undefined;
}

/** Makes the store that the configuration names; does not open it. */
export function makeStore(config: StoreConfig): PresenceStore {
  const {
    redis,
    redisTls,
    dataDir,
    retentionMs,
    historyLimit,
    historyIp,
    changeLimit,
    maxDevices,
    auditLimit,
    keyPrefix,
    shards,
    waitReplicas,
    onBatch,
    onMigrated,
  } = config;
  const historyRetentionMs = historyLimit === 0 ? REMEMBERED_MS : config.historyRetentionMs;
  const options = {
    retentionMs,
    historyLimit,
    historyRetentionMs,
    historyIp,
    changeLimit,
    maxDevices,
    auditLimit,
    onBatch,
  };
  if (redis === undefined) return new LmdbStore({ dataDir, onMigrated, ...options });
  return new RedisStore({ url: redis, tls: redisTls, keyPrefix, shards, waitReplicas, ...options });
}
