import type { HistoryIp } from './details.js';

/**
 * Shards of a new Redis. More of them limit what a lost master costs, but make a batch cost more script
 * calls.
 */
export const DEFAULT_SHARDS = 16;

/** Defaults of a store. */
export const STORE_DEFAULTS = {
  retentionMs: 180_000,
  historyLimit: 100,
  historyIp: 'prefix' as HistoryIp,
  historyRetentionMs: 30 * 86_400_000,
  changeLimit: 100_000,
  maxDevices: 1_000,
  auditLimit: 10_000,
  keyPrefix: 'im:',
  /** See DaemonOptions. */
  readyShards: 50,
} as const;
