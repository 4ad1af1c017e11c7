/** What a store is given unless it is told otherwise. */
export const STORE_DEFAULTS = {
  retentionMs: 180_000,
  historyLimit: 100,
  historyRetentionMs: 30 * 86_400_000,
  changeLimit: 100_000,
  maxDevices: 1_000,
  keyPrefix: 'im:',
  /** See DaemonOptions. */
  readyShards: 50,
} as const;
