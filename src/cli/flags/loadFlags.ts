import { Flags } from '@oclif/core';
import { STORE_DEFAULTS } from '../../presence/defaults.js';
import { LIMITS } from '../../presence/limits.js';
import { durationDefault, durationFlag, underHeading } from './flagTypes.js';

export const MIB = 1024 * 1024;

/** Flags of `serve`: its limits, which docs/limits.md describes. */
export const loadFlags = underHeading('LIMIT', {
  'max-connections': Flags.integer({
    description: 'open connections; more are closed',
    env: 'IMSTATE_MAX_CONNECTIONS',
    default: LIMITS.connections.max,
    min: 1,
    max: 1_000_000,
    helpValue: 'N',
  }),
  'max-connection-age': durationFlag({
    description: 'age of connections; 0 for no limit',
    env: 'IMSTATE_MAX_CONNECTION_AGE',
    ...durationDefault(LIMITS.connectionAge.max),
    min: 0,
    max: 7 * 86_400_000,
    helpValue: 'TIME',
  }),
  'max-calls-in-flight': Flags.integer({
    description: 'calls in flight; more are rejected',
    env: 'IMSTATE_MAX_CALLS_IN_FLIGHT',
    default: LIMITS.calls.max,
    min: 1,
    max: 1_000_000,
    helpValue: 'N',
  }),
  'max-devices': Flags.integer({
    description: 'devices per user; more are rejected',
    env: 'IMSTATE_MAX_DEVICES',
    default: STORE_DEFAULTS.maxDevices,
    min: 1,
    max: 10_000,
    helpValue: 'N',
  }),
  'max-watches': Flags.integer({
    description: 'watches; more are rejected',
    env: 'IMSTATE_MAX_WATCHES',
    default: LIMITS.watches.max,
    min: 0,
    max: 1_000_000,
    helpValue: 'N',
  }),
  'max-watch-backlog': Flags.integer({
    description: 'MiB of undelivered changes',
    env: 'IMSTATE_MAX_WATCH_BACKLOG',
    default: LIMITS.watchBacklog.max / MIB,
    min: 1,
    max: 1_000_000,
    helpValue: 'MIB',
  }),
});
