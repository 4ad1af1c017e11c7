import { once } from 'node:events';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { type Callback, Cluster, Redis, type Result } from 'ioredis';
import { routeScripts } from './cluster.js';
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
    imDrainServer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imEvictServer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imUserChangesBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imEraseRecordsBuffer(keys: number, ...args: (string | number | Buffer)[]): Result<unknown, Context>;
    imEraseChangesBuffer(keys: number, ...args: (string | number | Buffer)[]): Result<unknown, Context>;
    imSweep(keys: number, ...args: (string | number)[]): Result<[number, ...number[]], Context>;
    imRecordAudit(keys: number, ...args: (string | number)[]): Result<number, Context>;
    imListAudit(keys: number, ...args: (string | number)[]): Result<string[], Context>;
    imEraseFromAudit(keys: number, ...args: (string | number)[]): Result<number, Context>;
    imPseudonymKey(keys: number, key: string, secret: string): Result<string, Context>;
    imReadPolicies(keys: number, ...args: (string | number)[]): Result<string | null, Context>;
    imWritePolicies(keys: number, ...args: (string | number)[]): Result<number, Context>;
    imReadRelays(keys: number, ...args: (string | number)[]): Result<(number | string)[], Context>;
    imWriteRelay(keys: number, ...args: (string | number)[]): Result<number, Context>;
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
