import { Flags } from '@oclif/core';
import { STORE_DEFAULTS } from '../../presence/defaults.js';
import { durationDefault, durationFlag, underHeading } from './flagTypes.js';

/** Flags of `serve`: what the store keeps, whether it is Redis or embedded. */
export const storeFlags = underHeading('STORE', {
  retention: durationFlag({
    description: 'keep records of offline devices',
    env: 'IMSTATE_RETENTION',
    ...durationDefault(STORE_DEFAULTS.retentionMs),
    min: 0,
    max: 30 * 86_400_000,
    helpValue: 'TIME',
  }),
  'history-limit': Flags.integer({
    description: 'ended sessions to keep per user; 0 for no history',
    env: 'IMSTATE_HISTORY_LIMIT',
    default: STORE_DEFAULTS.historyLimit,
    min: 0,
    max: 1_000,
    helpValue: 'N',
  }),
  'history-retention': durationFlag({
    description: 'keep ended sessions this long',
    env: 'IMSTATE_HISTORY_RETENTION',
    ...durationDefault(STORE_DEFAULTS.historyRetentionMs),
    min: 3_600_000,
    max: 3_650 * 86_400_000,
    helpValue: 'TIME',
  }),
  'history-ip': Flags.option({
    description: 'IP addresses in the history: off, prefix (/24, /48) or full',
    env: 'IMSTATE_HISTORY_IP',
    default: STORE_DEFAULTS.historyIp,
    options: ['off', 'prefix', 'full'] as const,
    helpValue: 'MODE',
  })(),
  'change-limit': Flags.integer({
    description: 'changes to keep for watches',
    env: 'IMSTATE_CHANGE_LIMIT',
    default: STORE_DEFAULTS.changeLimit,
    min: 1_000,
    max: 10_000_000,
    helpValue: 'N',
  }),
  'audit-limit': Flags.integer({
    description: 'records of administrators to keep; 0: none',
    env: 'IMSTATE_AUDIT_LIMIT',
    default: STORE_DEFAULTS.auditLimit,
    min: 0,
    max: 100_000,
    helpValue: 'N',
  }),
  'ready-shards': Flags.integer({
    description: 'percentage of shards that must answer',
    env: 'IMSTATE_READY_SHARDS',
    default: STORE_DEFAULTS.readyShards,
    min: 1,
    max: 100,
    helpValue: 'PERCENT',
  }),
});
