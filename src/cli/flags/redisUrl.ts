import { ImstateError } from 'imstate-client/internal/shared/errors';
import { readSecret } from './secretFile.js';

/** The URL of Redis, from a flag or from a file; undefined without a Redis. */
export function redisUrl(flags: {
  redis: string | undefined;
  'redis-url-file': string | undefined;
}): string | undefined {
  const { redis, 'redis-url-file': file } = flags;
  if (file === undefined) return redis;
  if (redis === undefined) return readSecret(file, '--redis-url-file');
  const message = '--redis and --redis-url-file are alternatives: give one of them';
  throw new ImstateError('WRONG_USAGE', message, { field: '--redis-url-file' });
}
