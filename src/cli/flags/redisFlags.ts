import { Flags } from '@oclif/core';
import { DEFAULT_SHARDS, STORE_DEFAULTS } from '../../presence/defaults.js';
import { textFlag, underHeading } from './flagTypes.js';

/** Flags of all commands that use a Redis: its URL. */
function urlFlags(whose: string) {
  return {
    redis: textFlag({
      description: `URL of ${whose}`,
      env: 'IMSTATE_REDIS',
      helpValue: 'URL',
    }),
    'redis-url-file': textFlag({
      description: 'file with that URL, for a URL with a password',
      env: 'IMSTATE_REDIS_URL_FILE',
      helpValue: 'FILE',
    }),
  };
}

/** The forms of a URL of Redis, for the descriptions of commands. */
export const REDIS_URLS =
  'A URL of Redis is redis://[user:password@]host[:port][/database], redis+cluster://host:port,… for nodes of a ' +
  'Redis Cluster, or redis+sentinel://host:port,…/master-name for Sentinels; rediss is for TLS.';

/** Flags that `serve` and `doctor` share: where sessions are kept. */
export const redisFlags = underHeading('STORE', {
  ...urlFlags('Redis [default: the embedded store]'),
  'redis-wait-replicas': Flags.integer({
    description: 'replicas that must have each change',
    env: 'IMSTATE_REDIS_WAIT_REPLICAS',
    default: 0,
    min: 0,
    max: 100,
    helpValue: 'N',
  }),
  'key-prefix': textFlag({
    description: 'prefix of every key in Redis',
    env: 'IMSTATE_KEY_PREFIX',
    default: STORE_DEFAULTS.keyPrefix,
    helpValue: 'TEXT',
  }),
  shards: Flags.integer({
    description: `shards in Redis, fixed at first use [default: ${DEFAULT_SHARDS}]`,
    env: 'IMSTATE_SHARDS',
    min: 1,
    max: 1_024,
    helpValue: 'N',
  }),
});

/** Flags of `import legacy`: where the Go server keeps its hashes. */
export const legacyRedisFlags = urlFlags('the Redis of the Go server');
