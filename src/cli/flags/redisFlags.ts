import { Flags } from '@oclif/core';
import { STORE_DEFAULTS } from '../../presence/defaults.js';
import { textFlag } from './flags.js';

const redisFlag = (what: string) =>
  textFlag({
    description:
      `${what}: redis://[user:password@]host[:port][/database], redis+cluster://host:port,… for nodes of a Redis Cluster, ` +
      'redis+sentinel://host:port,…/master-name for Sentinels, rediss for TLS',
    env: 'IMSTATE_REDIS',
    helpValue: 'URL',
    helpGroup: 'STORE',
  });

/** Flags that `serve` and `doctor` share: where sessions are kept. */
export const redisFlags = {
  redis: redisFlag('Redis to keep sessions in'),
  'redis-url-file': textFlag({
    description: 'file of that URL, if it has a password in it',
    env: 'IMSTATE_REDIS_URL_FILE',
    helpValue: 'FILE',
    helpGroup: 'STORE',
  }),
  'redis-wait-replicas': Flags.integer({
    description: 'acknowledge a change when so many replicas of Redis have it too; 0 waits for none',
    env: 'IMSTATE_REDIS_WAIT_REPLICAS',
    default: 0,
    min: 0,
    max: 100,
    helpValue: 'N',
    helpGroup: 'STORE',
  }),
  'key-prefix': textFlag({
    description: 'put in front of every key in Redis',
    env: 'IMSTATE_KEY_PREFIX',
    default: STORE_DEFAULTS.keyPrefix,
    helpValue: 'TEXT',
    helpGroup: 'STORE',
  }),
  shards: Flags.integer({
    description: 'shards to make in Redis at first use [default: 16]; later it must be the same',
    env: 'IMSTATE_SHARDS',
    min: 1,
    max: 1_024,
    helpValue: 'N',
    helpGroup: 'STORE',
  }),
};

/** Flags of `import legacy`: where the Go server keeps its hashes. */
export const legacyRedisFlags = {
  redis: redisFlag('Redis of the Go server'),
  'redis-url-file': redisFlags['redis-url-file'],
};
