import { lookup } from 'node:dns/promises';
import { Redis } from 'ioredis';
import { type RedisSocket, socketOf } from './internals/connectionFields.js';
import type { RedisAddress } from './url.js';

const POLL_INTERVAL_MS = 500;

/**
 * Leaves a master that most Sentinels have replaced by another; the connection then reconnects. A master that
 * was cut off or frozen during the failover takes itself for the master until a Sentinel corrects it, ten
 * seconds later: meanwhile its replies are outdated, and its writes are lost. Only the Sentinels know, and
 * ioredis asks just one of them, before it connects.
 */
export function leaveWhenReplaced(redis: Redis, { nodes, master, ...how }: SentinelAddress): void {
  redis.on('ready', () => {
    const stream = socketOf(redis);
    if (stream === undefined) return;
    // They live as long as the connection: ioredis has no event for a connection that is closed while it
    // reconnects.
    const sentinels = nodes.map((node) =>
      new Redis({ ...node, ...sentinelClient(how) }).on('error', () => {}),
    );
    let isPolling = false;
    const polls = setInterval(async () => {
      // A name may take long to resolve, and further lookups would occupy all threads for that.
      if (isPolling) return;
      isPolling = true;
      if (await isReplaced(stream, sentinels, master))
        stream.destroy(new Error('Sentinels name another master'));
      isPolling = false;
    }, POLL_INTERVAL_MS).unref();
    stream.once('close', () => {
      clearInterval(polls);
      for (const sentinel of sentinels) sentinel.disconnect();
    });
  });
}

type SentinelAddress = Pick<RedisAddress, 'nodes' | 'master' | 'sentinelCredentials' | 'tls'>;

function sentinelClient({ sentinelCredentials, tls }: Pick<SentinelAddress, 'sentinelCredentials' | 'tls'>) {
  return {
    ...sentinelCredentials,
    ...(tls && { tls }),
    connectionName: 'imstate',
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    protocol: 2 as const,
    commandTimeout: POLL_INTERVAL_MS,
    connectTimeout: 5_000,
    disconnectTimeout: 200,
    retryStrategy: () => 1_000,
  };
}

/** Whether more than half of all Sentinels name another master than the peer of the stream. */
async function isReplaced(stream: RedisSocket, sentinels: Redis[], master: string): Promise<boolean> {
  const named = await Promise.all(sentinels.map((sentinel) => masterOf(sentinel, master)));
  const { remoteAddress, remotePort } = stream as { remoteAddress?: string; remotePort?: number };
  if (remoteAddress === undefined) return false;
  const others = named.filter(
    (each) => each && (!each.ips.includes(remoteAddress) || each.port !== remotePort),
  );
  return others.length > sentinels.length / 2;
}

/**
 * The master that a Sentinel names, with all addresses of its host: a resolver returns them in a different
 * order each time. Undefined if it does not answer, or if the host does not resolve.
 */
async function masterOf(
  sentinel: Redis,
  master: string,
): Promise<{ ips: string[]; port: number } | undefined> {
  try {
    const [host, port] = (await sentinel.call('SENTINEL', 'get-master-addr-by-name', master)) as [
      string,
      string,
    ];
    const found = await lookup(host, { all: true });
    return { ips: found.map(({ address }) => address), port: Number(port) };
  } catch {
    return undefined;
  }
}
