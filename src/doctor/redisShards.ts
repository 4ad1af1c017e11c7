import { Cluster } from 'ioredis';
import { DEFAULT_SHARDS } from '../presence/defaults.js';
import { toMaster } from '../store/redis/cluster.js';
import type { Connection } from '../store/redis/connection.js';
import { layoutKey } from '../store/redis/layout.js';
import { ShardHealth } from '../store/redis/ShardHealth.js';
import { makeShards } from '../store/redis/shards.js';

interface ShardOptions {
  keyPrefix: string;
  shards: number | undefined;
}

/** The shards of a cluster whose master does not respond, for messages; '' if there are none. */
export async function shardsAway(redis: Connection, options: ShardOptions): Promise<string> {
  if (!(redis instanceof Cluster)) return '';
  const count = options.shards ?? (await shardsInLayout(redis, options)) ?? DEFAULT_SHARDS;
  const health = new ShardHealth(redis, makeShards(options.keyPrefix, count));
  await health.probe(layoutKey(options));
  const { unavailable } = health.health;
  return unavailable.length === 0
    ? ''
    : `${unavailable.length} of ${count} shards: ${unavailable.join(', ')}`;
}

/** The number of shards; undefined if the master of the layout does not respond either. */
async function shardsInLayout(cluster: Cluster, options: ShardOptions): Promise<number | undefined> {
  const key = layoutKey(options);
  const { answer } = await toMaster(cluster, key, (node) => node.hget(key, 'shards')).catch(() => ({
    answer: undefined,
  }));
  return Number(answer) || undefined;
}
