import { type BrokerUrl, invalidTarget, readBrokerUrl } from './targetUrl.js';

/** Where events go in NATS. */
export interface NatsAddress extends BrokerUrl {
  isTls: boolean;
  /** Subjects are `prefix.type`. */
  prefix: string;
}

const DEFAULT_PORT = 4222;
const DEFAULT_PREFIX = 'imstate';
const SHAPE = 'nats://[user:password@]host[:port][/subject-prefix], or tls://';

/** Tokens between dots, without wildcards. $ begins the subjects of NATS itself. */
const PREFIX = /^(?!\$)[^\s.*>]+(\.[^\s.*>]+)*$/;

/** Reads the URL of a NATS server. Throws INVALID_ARGUMENT. */
export function readNatsAddress(url: URL): NatsAddress {
  if (!['nats:', 'tls:'].includes(url.protocol)) throw invalidTarget(`the target must look like ${SHAPE}`);
  const broker = readBrokerUrl(url, DEFAULT_PORT, SHAPE);
  const prefix = broker.path.join('/') || DEFAULT_PREFIX;
  if (broker.path.length > 1 || !PREFIX.test(prefix)) {
    throw invalidTarget(
      `"${prefix}" is no subject prefix of NATS: use words separated by dots, without spaces, *, > and /, such as ${DEFAULT_PREFIX}`,
    );
  }
  if (broker.password !== '' && broker.user === '') throw invalidTarget(`a password needs a user: ${SHAPE}`);
  return { ...broker, isTls: url.protocol === 'tls:', prefix };
}
