import { once } from 'node:events';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { oneSided, plainReason, type TlsPeer, tlsFault } from 'imstate-client/internal/tls/faults';
import { TLS_NAMES, type TlsFiles } from 'imstate-client/internal/tls/names';
import { type Callback, Cluster, Redis, type Result } from 'ioredis';
import { NotSent, routeScripts } from './cluster.js';
import { redirectionMap } from './endpoints.js';
import { completeEndpoints } from './internals/clusterEndpoints.js';
import { loadScripts } from './scripts.js';
import { leaveWhenReplaced } from './sentinels.js';
import { dropWhenSilent, pingRegularly } from './silentConnection.js';
import { redisTls } from './tls.js';
import { badUrl, parseRedisUrl, type RedisAddress } from './url.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    imApplyBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imHistoryBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imStats(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imServersBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imNamesBuffer(keys: number, ...args: (string | number | Buffer)[]): Result<unknown, Context>;
    imChangeLogBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSnapshotBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imListBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imKeepServerAlive(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imEvictServer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSweep(keys: number, ...args: (string | number)[]): Result<[number, ...number[]], Context>;
    imLayout(keys: number, ...args: (string | number | Callback<unknown>)[]): Result<string[], Context>;
  }
}

const RECONNECT_MS = { first: 50, max: 1_000 };
/** How long a Sentinel may take to name the master. */
const SENTINEL_MS = 1_000;

/** A connection to one Redis node (which Sentinels may have named), or to a Redis Cluster. */
export type Connection = Redis | Cluster;

const COMMON = {
  connectionName: 'imstate',
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
  // A frozen Redis never closes its side.
  disconnectTimeout: 200,
};

/**
 * Makes a connection that fails fast: a call while Redis is unavailable is rejected at once instead of
 * queued, and the connection itself never sends a change twice. It reconnects until it is closed; with
 * Sentinels, to the master that they name then.
 */
export function makeConnection(url: string, tls?: TlsFiles): Connection {
  const address = addressOf(url, tls);
  const scripts = loadScripts(address.db);
  const connection = open(address, { ...COMMON, lazyConnect: true }, scripts);
  if (connection instanceof Redis) {
    dropWhenSilent(connection);
    return connection;
  }
  const { imLayout: _, ...ofShards } = scripts;
  routeScripts(connection, Object.keys(ofShards));
  return connection.on('+node', dropWhenSilent);
}

/**
 * Calls the listener with each reason why the connection fails. ioredis has several events for that, some of
 * which only say that it failed.
 */
export function onConnectError(connection: Connection, listener: (error: Error) => void): void {
  const listen = (error: Error & { lastNodeError?: Error | null }) => {
    const reason = error.lastNodeError ?? error;
    if (!UNEXPLAINED.test(reason.message)) listener(reason);
  };
  for (const event of ['error', 'sentinelError', 'node error']) connection.on(event, listen);
}

/** Errors whose reason is in another event. */
const UNEXPLAINED = /^(All sentinels are unreachable|Connection is closed|Failed to refresh slots cache)/;

/**
 * Makes a connection that waits for messages without a time limit. It reconnects and subscribes again by
 * itself.
 */
export function makeSubscriber(url: string, tls?: TlsFiles): Connection {
  const { connectTimeout, disconnectTimeout } = COMMON;
  const subscriber = open(addressOf(url, tls), { connectTimeout, disconnectTimeout }, {});
  if (subscriber instanceof Redis) pingRegularly(subscriber);
  return subscriber;
}

/**
 * Resolves once connected; rejects after the first failed attempt, while the connection keeps trying. ioredis
 * alone would not settle while no Sentinel names a master, and never if a cluster is down at first.
 */
export async function connectOnce(connection: Connection): Promise<void> {
  if (connection instanceof Redis && !connection.options.sentinels) return connection.connect();
  const closed = once(connection, 'close').then(() => {
    throw new Error('it is not up: in a cluster, CLUSTER INFO says why');
  });
  const ready = once(connection, 'ready');
  // The reason arrives as an event.
  connection.connect().catch(() => {});
  await Promise.race([ready, closed]);
}

/** The address with the options of TLS; the files are for rediss:// only. */
function addressOf(url: string, files: TlsFiles | undefined): RedisAddress {
  const address = parseRedisUrl(url);
  if (address.tls !== undefined) return { ...address, tls: redisTls(files, address.tls.servername) };
  if (files === undefined) return address;
  throw badUrl('--redis-tls-ca, --redis-tls-cert and --redis-tls-key need a rediss:// URL');
}

function open(
  address: RedisAddress,
  options: Partial<typeof COMMON> & { lazyConnect?: boolean },
  scripts: Partial<ReturnType<typeof loadScripts>>,
): Connection {
  const { kind, nodes, credentials, db, tls, ...sentinels } = address;
  const common = { ...credentials, ...(tls && { tls }), scripts };
  if (kind === 'cluster') {
    const { lazyConnect = false, enableOfflineQueue = true, ...redisOptions } = options;
    const cluster: Cluster = new Cluster(nodes, {
      lazyConnect,
      enableOfflineQueue,
      scripts,
      clusterRetryStrategy: pause,
      redisOptions: { ...common, ...redisOptions },
      // Certificates are for names; and a name that does not resolve must not keep ioredis from asking the
      // other nodes.
      dnsLookup: (host, done) => done(null, host),
      natMap: redirectionMap(() => cluster, (nodes[0] as RedisAddress['nodes'][0]).host),
    });
    return cluster.on('+node', completeEndpoints);
  }
  const target = kind === 'sentinel' ? sentinelOptions(nodes, sentinels, tls) : nodes[0];
  const redis = new Redis({ ...common, ...target, db, ...options, retryStrategy: pause });
  if (kind === 'sentinel') leaveWhenReplaced(redis, address);
  return redis;
}

function sentinelOptions(
  nodes: RedisAddress['nodes'],
  { master, sentinelCredentials }: Pick<RedisAddress, 'master' | 'sentinelCredentials'>,
  tls: RedisAddress['tls'],
) {
  const { username, password } = sentinelCredentials;
  return {
    sentinels: nodes,
    name: master,
    sentinelRetryStrategy: pause,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    // A frozen Sentinel must not keep ioredis from asking the others.
    sentinelCommandTimeout: SENTINEL_MS,
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  };
}

function pause(times: number): number {
  return Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.max);
}

/** Errors that Redis returns before the first write of a change. */
const REJECTED_BEFORE_WRITE =
  /^(OOM|READONLY|MISCONF|LOADING|NOAUTH|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|BUSY|NOREPLICAS|NOPERM this user has no permissions to run the 'eval)/i;

/** The store's error for what ioredis rejects with. */
export function storeError(error: unknown, isChange: boolean): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') {
    if (!isChange) return unavailable(`Redis refused: ${reason}`, error);
    const outcome = REJECTED_BEFORE_WRITE.test(reason)
      ? 'nothing was changed'
      : 'the change may have been applied in part';
    return unavailable(`Redis refused: ${reason}; ${outcome}`, error);
  }
  if (error instanceof NotSent || reason.includes('enableOfflineQueue')) {
    return unavailable(
      `the daemon has no connection to Redis and is trying to get one${isChange ? '; nothing was changed' : ''}`,
      error,
    );
  }
  const outcome = isChange ? '; the change may have been applied' : '';
  return unavailable(`the connection to Redis was lost before it answered${outcome}`, error);
}

/**
 * The error of a failed connection; `lastError` is the reason, which ioredis passes only to its error event.
 */
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
    const message = `Redis at ${description} denies its user a command or a key (${reason}): grant it in the ACL of Redis`;
    return new ImstateError('PERMISSION_DENIED', message, { cause: error });
  }
  // A Redis without TLS waits for the end of a line, which a handshake does not have.
  const isUnanswered = description.startsWith('rediss') && reason.includes('ETIMEDOUT');
  const orElse = isUnanswered ? `, or ${peer.plain}` : oneSided(reason, peer);
  const message = `Redis at ${description} cannot be used (${reason}): start it, or correct --redis${orElse}`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
}

function redisAt(description: string): TlsPeer {
  return {
    ...TLS_NAMES.redis,
    who: `Redis at ${description}`,
    secure: `write rediss:// if it speaks TLS, and give ${TLS_NAMES.redis.cert} if it asks for a certificate`,
    plain: 'write redis:// instead of rediss://, or name the port where it does',
    otherName: description.includes('+cluster:')
      ? 'name its nodes in --redis by hosts that their certificates are for, and have them announce these hosts ' +
        '(cluster-announce-hostname, and cluster-preferred-endpoint-type hostname)'
      : 'name it in --redis by a host that the certificate is for',
  };
}

function unavailable(message: string, cause: unknown): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', message, { cause });
}
