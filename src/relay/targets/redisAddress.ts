import { type BrokerUrl, invalidTarget, readBrokerUrl } from './targetUrl.js';

/** Where events go in Redis. */
export interface RedisStreamAddress extends BrokerUrl {
  isTls: boolean;
  db: number;
  /** The key of the stream. */
  key: string;
}

const DEFAULT_PORT = 6379;
const SHAPE = 'redis://[[user]:password@]host[:port][/database]/stream, or rediss:// for TLS';

/** Reads the URL of a stream. Throws INVALID_ARGUMENT. */
export function readRedisStreamAddress(url: URL): RedisStreamAddress {
  if (!['redis:', 'rediss:'].includes(url.protocol))
    throw invalidTarget(`the target must look like ${SHAPE}`);
  const broker = readBrokerUrl(url, DEFAULT_PORT, SHAPE);
  if (broker.user !== '' && broker.password === '') throw invalidTarget(`a user needs a password: ${SHAPE}`);
  return { ...broker, isTls: url.protocol === 'rediss:', ...readPath(broker.path) };
}

function readPath(path: readonly string[]): Pick<RedisStreamAddress, 'db' | 'key'> {
  const [first = '', second] = path;
  if (path.length > 2) throw invalidTarget(`encode the slashes of a stream's key as %2F: ${SHAPE}`);
  const isDatabase = /^\d+$/.test(first);
  if (second === undefined) {
    if (first === '' || isDatabase) throw invalidTarget(`the target must name a stream: ${SHAPE}`);
    return { db: 0, key: first };
  }
  if (!isDatabase) throw invalidTarget(`the database before the stream must be a number: ${SHAPE}`);
  if (second === '') throw invalidTarget(`the target must name a stream: ${SHAPE}`);
  return { db: Number(first), key: second };
}
