import { Flags } from '@oclif/core';
import { DAEMON_DEFAULTS } from '../../daemon/defaults.js';
import { durationDefault, durationFlag, textFlag } from './flagTypes.js';

/** Flags of `serve`: where it listens, and limits of its start and stop. */
export const addressFlags = {
  addr: textFlag({
    description: 'address to listen on',
    env: 'IMSTATE_ADDR',
    default: DAEMON_DEFAULTS.addr,
    helpValue: 'ADDRESS',
  }),
  port: Flags.integer({
    description: 'port to listen on; 0 picks a free one',
    env: 'IMSTATE_PORT',
    default: DAEMON_DEFAULTS.port,
    min: 0,
    max: 65_535,
    helpValue: 'PORT',
  }),
  advertise: textFlag({
    description: 'address to register [default: where it listens]',
    env: 'IMSTATE_ADVERTISE',
    helpValue: 'HOST:PORT',
  }),
  'start-timeout': durationFlag({
    description: 'wait for Redis, etcd and JWT keys',
    env: 'IMSTATE_START_TIMEOUT',
    ...durationDefault(DAEMON_DEFAULTS.startTimeoutMs),
    min: 0,
    max: 3_600_000,
    helpValue: 'TIME',
  }),
  'drain-delay': durationFlag({
    description: 'keep serving after leaving the registry',
    env: 'IMSTATE_DRAIN_DELAY',
    ...durationDefault(DAEMON_DEFAULTS.drainDelayMs),
    min: 0,
    max: 600_000,
    helpValue: 'TIME',
  }),
};
