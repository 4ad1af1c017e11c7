import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type Callback, Cluster, Redis, type Result } from 'ioredis';
import { ImstateError, messageOf } from '../../errors.js';
import { oneSided, plainReason, type TlsPeer, tlsFault } from '../../tls/faults.js';
import { TLS_NAMES, type TlsFiles } from '../../tls/names.js';
import { loadScripts } from './scripts.js';
import { dropWhenSilent } from './silence.js';
import { redisTls } from './tls.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    imApplyBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imHistoryBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSummary(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imLedgerBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSnapshotBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imListBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imKeepAlive(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imEvictServer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSweep(keys: number, ...args: (string | number)[]): Result<number, Context>;
    imLayout(keys: number, ...args: (string | number | Callback<unknown>)[]): Result<string[], Context>;
  }
}

const RECONNECT_MS = { first: 50, most: 1_000 };

/** A connection to one Redis node, or to a Redis Cluster. */
export type Connection = Redis | Cluster;

const COMMON = {
  connectionName: 'imstate',
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
};

/**
 * Makes a connection that fails fast: a call while Redis is away is rejected at once instead of queued, and no
 * change is ever sent twice by the connection itself. It reconnects by itself for as long as it lives.
 */
export function makeConnection(url: string, tls?: TlsFiles): Connection {
  const scripts = loadScripts();
  const connection = open(addressOf(url, tls), { ...COMMON, lazyConnect: true }, { scripts });
  if (connection instanceof Cluster) connection.on('+node', dropWhenSilent);
  else dropWhenSilent(connection);
  return connection;
}

/** Makes a connection that waits for messages, for however long there are none. It subscribes again by itself. */
export function makeSubscriber(url: string, tls?: TlsFiles): Connection {
  return open(addressOf(url, tls), { connectTimeout: COMMON.connectTimeout }, {});
}

/** With what a TLS connection needs; the files are for rediss:// only. */
function addressOf(url: string, files: TlsFiles | undefined): RedisAddress {
  const address = parseRedisUrl(url);
  if (address.tls !== undefined) return { ...address, tls: redisTls(files, address.tls.servername) };
  if (files === undefined) return address;
  throw badUrl('--redis-tls-ca, --redis-tls-cert and --redis-tls-key need a rediss:// URL');
}

function open(
  { nodes, isCluster, ...address }: RedisAddress,
  options: Partial<typeof COMMON> & { lazyConnect?: boolean },
  more: { scripts?: ReturnType<typeof loadScripts> },
): Connection {
  const [first] = nodes as [NodeAddress];
  if (!isCluster) return new Redis({ ...address, ...first, ...options, ...more, retryStrategy: pause });
  const { lazyConnect = false, enableOfflineQueue = true, ...redisOptions } = options;
  const { db: _, ...credentials } = address;
  return new Cluster(nodes, {
    ...{ lazyConnect, enableOfflineQueue, ...more, clusterRetryStrategy: pause },
    redisOptions: { ...credentials, ...redisOptions },
  });
}

function pause(times: number): number {
  return Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.most);
}

interface NodeAddress {
  host: string;
  port: number;
}

interface RedisAddress {
  /** One, or some of a cluster. */
  nodes: NodeAddress[];
  isCluster: boolean;
  username?: string;
  password?: string;
  db: number;
  /** Undefined without TLS. */
  tls?: ConnectionOptions;
}

/**
 * Reads redis://[[user]:password@]host[:port][/database], or rediss:// for TLS; and redis+cluster:// or
 * rediss+cluster:// with host[:port],… of some nodes of a cluster.
 */
function parseRedisUrl(text: string): RedisAddress {
  const [, scheme, credentials = '', hosts = ''] = /^(rediss?)\+cluster:\/\/(.*@)?([^@]*)$/.exec(text) ?? [];
  if (scheme === undefined) return parseNodeUrl(text);
  const each = hosts.split(',').map((host) => parseNodeUrl(`${scheme}://${credentials}${host}`));
  if (each.some(({ db }) => db !== 0))
    throw badUrl('a cluster has no databases: leave the last / and what follows out');
  const [first] = each as [RedisAddress];
  const nodes = each.flatMap((node) => node.nodes);
  // Each node of a cluster is to prove its own name.
  return { ...first, isCluster: true, nodes, ...(first.tls && { tls: {} }) };
}

function parseNodeUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw badUrl(
      'it must look like redis://[user:password@]host[:port][/database], redis+cluster://host:port,… for a cluster, rediss for TLS',
    );
  }
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw badUrl('the database after the last / must be a number');
  if (url.search !== '' || url.hash !== '') throw badUrl('it takes no ?query and no #fragment');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const username = decodePart(url.username);
  const password = decodePart(url.password);
  if (username !== '' && password === '') throw badUrl('a user needs a password: redis://user:password@host');
  return {
    nodes: [{ host, port: url.port === '' ? 6379 : Number(url.port) }],
    isCluster: false,
    db: Number(database),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    // A certificate names hosts; TLS takes no IP address as a server name.
    ...(url.protocol === 'rediss:' && { tls: isIP(host) ? {} : { servername: host } }),
  };
}

/** The URL without user and password, for people. */
export function describeRedisUrl(text: string): string {
  const { nodes, isCluster, db, tls } = parseRedisUrl(text);
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  const scheme = tls ? 'rediss' : 'redis';
  return isCluster ? `${scheme}+cluster://${hosts}` : `${scheme}://${hosts}/${db}`;
}

/** Refusals that come before the first write of a change. */
const REFUSED_BEFORE =
  /^(OOM|READONLY|MISCONF|LOADING|NOAUTH|MASTERDOWN|CLUSTERDOWN|BUSY|NOREPLICAS|NOPERM this user has no permissions to run the 'eval)/i;

/** The store's error for whatever ioredis rejects with. */
export function storeError(error: unknown, isChange: boolean): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') {
    if (!isChange) return unavailable(`Redis refused: ${reason}`, error);
    const outcome = REFUSED_BEFORE.test(reason)
      ? 'nothing was changed'
      : 'the change may have been applied in part';
    return unavailable(`Redis refused: ${reason}; ${outcome}`, error);
  }
  if (reason.includes('enableOfflineQueue')) {
    return unavailable(
      `the daemon has no connection to Redis and is trying to get one${isChange ? '; nothing was changed' : ''}`,
      error,
    );
  }
  const outcome = isChange ? '; the change may have been applied' : '';
  return unavailable(`the connection to Redis was lost before it answered${outcome}`, error);
}

/** A failure to connect, with the reason that ioredis tells only by its error event. */
export function connectError(
  description: string,
  error: unknown,
  lastError: Error | undefined,
): ImstateError {
  if (error instanceof ImstateError && error.code !== 'STORE_UNAVAILABLE') return error;
  const reason = plainReason(messageOf(lastError ?? error));
  const peer = redisAt(description);
  const fault = tlsFault(reason, peer);
  if (fault !== undefined) return new ImstateError('TLS_FAILED', fault, { cause: error });
  if (/\b(WRONGPASS|NOAUTH)\b/.test(reason)) {
    const message = `Redis at ${description} refused the credentials (${reason}): check the user and password in --redis or IMSTATE_REDIS`;
    return new ImstateError('UNAUTHENTICATED', message, { cause: error });
  }
  if (/\bNOPERM\b/.test(reason)) {
    const message = `Redis at ${description} grants its user too little (${reason}): allow it in the ACL of Redis`;
    return new ImstateError('PERMISSION_DENIED', message, { cause: error });
  }
  // A Redis without TLS waits for the end of a line, which a handshake has not.
  const isUnheard = description.startsWith('rediss') && reason.includes('ETIMEDOUT');
  const orElse = isUnheard ? `, or ${peer.plain}` : oneSided(reason, peer);
  const message = `Redis at ${description} cannot be used (${reason}): start it, or correct --redis${orElse}`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
}

function redisAt(description: string): TlsPeer {
  return {
    ...TLS_NAMES.redis,
    who: `Redis at ${description}`,
    secure: `write rediss:// if it speaks TLS, and give ${TLS_NAMES.redis.cert} if it asks for a certificate`,
    plain: 'write redis:// instead of rediss://, or name the port where it does',
    otherName: 'name it in --redis by a host that the certificate is for',
  };
}

function unavailable(message: string, cause: unknown): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', message, { cause });
}

/** Never repeats the URL: it may hold a password. */
function badUrl(rule: string): ImstateError {
  return new ImstateError('BAD_URL', `the Redis URL cannot be used: ${rule}`);
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl('user and password must be percent-encoded');
  }
}
