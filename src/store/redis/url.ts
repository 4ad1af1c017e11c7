import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { ImstateError } from 'imstate-client/internal/shared/errors';

interface NodeAddress {
  host: string;
  port: number;
}

/** Where Redis is, and the credentials for it. */
export interface RedisAddress {
  kind: 'node' | 'cluster' | 'sentinel';
  /** The node, some nodes of the cluster, or Sentinels that watch the master. */
  nodes: NodeAddress[];
  /** The name under which Sentinels know the master; "" if there are none. */
  master: string;
  /** Of Redis. */
  credentials: Credentials;
  /** Of the Sentinels. */
  sentinelCredentials: Credentials;
  db: number;
  /** Undefined without TLS. */
  tls: ConnectionOptions | undefined;
}

interface Credentials {
  username?: string;
  password?: string;
}

const SENTINEL_PORT = 26_379;
const SHAPES =
  'redis://[user:password@]host[:port][/database], redis+cluster://host:port,… for a cluster, ' +
  'redis+sentinel://host:port,…/master-name for Sentinels, rediss for TLS';
const SENTINEL_SHAPE =
  'redis+sentinel://[user:password@]host[:port],…/master-name[/database][?sentinel-user=…&sentinel-password=…]';

/**
 * Reads the URL of a Redis, in which each part is percent-encoded:
 * - redis://[[user]:password@]host[:port][/database]
 * - redis+cluster://[[user]:password@]host[:port],… with some nodes of a Redis Cluster
 * - redis+sentinel://[[user]:password@]host[:port],…/master-name[/database] with Sentinels; append
 *   ?sentinel-password=… and sentinel-user=… if they require them: the user and password in front are those
 *   of the master
 *
 * Throws BAD_URL. With rediss instead of redis it is TLS, to the Sentinels as well.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme = '', kind, credentials = '', hosts = '', rest = ''] =
    /^(rediss?)\+(cluster|sentinel):\/\/(.*@)?([^@/?#]*)([^@]*)$/.exec(text) ?? [];
  if (kind === undefined) return parseNodeUrl(text);
  const each = hosts.split(',').map((host) => parseNodeUrl(`${scheme}://${credentials}${host}`));
  const nodes = each.flatMap((address) => address.nodes);
  const common = each[0] as RedisAddress;
  // Each node must prove its own name.
  const tls = common.tls && {};
  if (kind === 'sentinel') {
    const withPorts = nodes.map(({ host }, i) => ({ host, port: portOf(hosts.split(',')[i] as string) }));
    return { ...common, kind, nodes: withPorts, tls, ...parseSentinelPart(rest) };
  }
  if (/[?#]/.test(rest)) throw noQuery();
  if (databaseOf(rest.slice(1)) !== 0)
    throw badUrl('a cluster has no databases: remove the last / and what follows it');
  return { ...common, kind: 'cluster', nodes, tls };
}

function parseNodeUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || !/^[^,]+$/.test(url.hostname)) {
    throw badUrl(`it must look like ${SHAPES}`);
  }
  if (url.search !== '' || url.hash !== '') throw noQuery();
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    kind: 'node',
    nodes: [{ host, port: url.port === '' ? 6379 : Number(url.port) }],
    master: '',
    credentials: credentialsOf(
      decodePart(url.username),
      decodePart(url.password),
      'redis://user:password@host',
    ),
    sentinelCredentials: {},
    db: databaseOf(url.pathname.slice(1)),
    // A certificate names hosts; TLS takes no IP address as a server name.
    tls: url.protocol === 'rediss:' ? (isIP(host) ? {} : { servername: host }) : undefined,
  };
}

/** What follows the Sentinels. */
function parseSentinelPart(text: string): Pick<RedisAddress, 'master' | 'db' | 'sentinelCredentials'> {
  // In a query a plus would mean a space.
  const { pathname, searchParams, hash } = new URL(text.replaceAll('+', '%2B'), 'redis://sentinels');
  const [, master = '', database = '', ...more] = pathname.split('/').map(decodePart);
  if (master === '') throw badUrl(`it must name the master that the Sentinels watch: ${SENTINEL_SHAPE}`);
  if (more.length > 0) throw badUrl(`nothing may follow the database: ${SENTINEL_SHAPE}`);
  const known = ['sentinel-user', 'sentinel-password'];
  if (hash !== '' || [...searchParams.keys()].some((key) => !known.includes(key)))
    throw badUrl(`only sentinel-user and sentinel-password may follow the ?: ${SENTINEL_SHAPE}`);
  const [user = '', password = ''] = known.map((key) => searchParams.get(key) ?? '');
  const sentinelCredentials = credentialsOf(user, password, '?sentinel-user=…&sentinel-password=…');
  return { master, db: databaseOf(database), sentinelCredentials };
}

function databaseOf(text: string): number {
  if (!/^\d*$/.test(text)) throw badUrl('the database after the last / must be a number');
  return Number(text);
}

function credentialsOf(username: string, password: string, shape: string): Credentials {
  if (username !== '' && password === '') throw badUrl(`a user needs a password: ${shape}`);
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

/** The port of a Sentinel: its default differs from that of Redis. */
function portOf(host: string): number {
  const [, port] = /:(\d+)$/.exec(host) ?? [];
  return port === undefined ? SENTINEL_PORT : Number(port);
}

/** The URL without users and passwords, human-readable. */
export function describeRedisUrl(text: string): string {
  const { kind, nodes, master, db, tls } = parseRedisUrl(text);
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  const scheme = tls ? 'rediss' : 'redis';
  if (kind === 'cluster') return `${scheme}+cluster://${hosts}`;
  if (kind === 'sentinel') return `${scheme}+sentinel://${hosts}/${encodeURIComponent(master)}/${db}`;
  return `${scheme}://${hosts}/${db}`;
}

function noQuery(): ImstateError {
  return badUrl('?query and #fragment are not allowed');
}

/** Never repeats the URL: it may hold a password. */
export function badUrl(rule: string): ImstateError {
  return new ImstateError('BAD_URL', `the Redis URL cannot be used: ${rule}`, { field: '--redis' });
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl('user and password must be percent-encoded');
  }
}
