import { lookup } from 'node:dns/promises';
import { Redis } from 'ioredis';
import type { RedisAddress } from './url.js';

const LOOK_MS = 500;

/**
 * Leaves a master in whose place most Sentinels name another; the connection is then made anew. One that was cut off or frozen while it was replaced
 * takes itself for the master until a Sentinel tells it otherwise, ten seconds later: what it answers meanwhile is old, and what it takes is lost.
 * Only the Sentinels know, and ioredis asks one of them, before it connects.
 */
export function leaveWhenReplaced(redis: Redis, { nodes, master, ...how }: SentinelAddress): void {
  const sentinels = nodes.map((node) => new Redis({ ...node, ...sentinelClient(how) }).on('error', () => {}));
  let looks: NodeJS.Timeout | undefined;
  redis.on('ready', () => {
    const { stream } = redis;
    clearInterval(looks);
    looks = setInterval(async () => {
      if (await isReplaced(stream, sentinels, master))
        stream.destroy(new Error('Sentinels name another master'));
    }, LOOK_MS).unref();
    stream.once('close', () => clearInterval(looks));
  });
  redis.once('end', () => {
    for (const sentinel of sentinels) sentinel.disconnect();
  });
}

type SentinelAddress = Pick<RedisAddress, 'nodes' | 'master' | 'sentinelCredentials' | 'tls'>;

function sentinelClient({ sentinelCredentials, tls }: Pick<SentinelAddress, 'sentinelCredentials' | 'tls'>) {
  return {
    ...{ ...sentinelCredentials, ...(tls && { tls }), connectionName: 'imstate' },
    ...{ enableReadyCheck: false, enableOfflineQueue: false, maxRetriesPerRequest: 0, protocol: 2 as const },
    ...{ commandTimeout: LOOK_MS, connectTimeout: 5_000, retryStrategy: () => 1_000 },
  };
}

/** Whether more than half of all Sentinels name another than the other side of the stream; those that do not answer name none. */
async function isReplaced(stream: Redis['stream'], sentinels: Redis[], master: string): Promise<boolean> {
  const named = await Promise.all(sentinels.map((sentinel) => masterOf(sentinel, master)));
  const { remoteAddress, remotePort } = stream as { remoteAddress?: string; remotePort?: number };
  if (remoteAddress === undefined) return false;
  const others = named.filter((each) => each && (each.ip !== remoteAddress || each.port !== remotePort));
  return others.length > sentinels.length / 2;
}

/** Where a Sentinel says that the master is; undefined if it does not, or names a host that is not known here. */
async function masterOf(sentinel: Redis, master: string): Promise<{ ip: string; port: number } | undefined> {
  try {
    const [host, port] = (await sentinel.call('SENTINEL', 'get-master-addr-by-name', master)) as [
      string,
      string,
    ];
    return { ip: (await lookup(host)).address, port: Number(port) };
  } catch {
    return undefined;
  }
}
