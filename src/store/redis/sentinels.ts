import { lookup } from 'node:dns/promises';
import { Redis } from 'ioredis';
import { type RedisSocket, socketOf } from './internals/connectionFields.js';
import type { RedisAddress } from './url.js';

const POLL_INTERVAL_MS = 500;

/**
 * Leaves a master in whose place most Sentinels name another; the connection is then made anew. One that was cut off or frozen while it was replaced
 * takes itself for the master until a Sentinel tells it otherwise, ten seconds later: what it answers meanwhile is old, and what it takes is lost.
 * Only the Sentinels know, and ioredis asks one of them, before it connects.
 */
export function leaveWhenReplaced(redis: Redis, { nodes, master, ...how }: SentinelAddress): void {
  redis.on('ready', () => {
    const stream = socketOf(redis);
    if (stream === undefined) return;
    // They live as long as the connection: one that is ended while it is being made again has no event for that.
    const sentinels = nodes.map((node) =>
      new Redis({ ...node, ...sentinelClient(how) }).on('error', () => {}),
    );
    let isLooking = false;
    const looks = setInterval(async () => {
      // A name may take long to resolve, and further look-ups would take up all threads for that.
      if (isLooking) return;
      isLooking = true;
      if (await isReplaced(stream, sentinels, master))
        stream.destroy(new Error('Sentinels name another master'));
      isLooking = false;
    }, POLL_INTERVAL_MS).unref();
    stream.once('close', () => {
      clearInterval(looks);
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

/** Whether more than half of all Sentinels name another than the other side of the stream; those that do not answer name none. */
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
 * Where a Sentinel says that the master is, with all addresses of its host: a resolver names them in a different order each time.
 * Undefined if it does not say, or names a host that is not known here.
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
