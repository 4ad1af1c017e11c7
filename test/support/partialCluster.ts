import { Redis } from 'ioredis';
import { makeShards, shardOf } from '../../src/store/redis/shards.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { disposables } from './disposables.ts';

const SHARDS = 16;

/** One of three masters of a cluster that continues without the others. */
export interface PartialMaster {
  /** Its process. */
  node: TestCluster['nodes'][number];
  /** Whether it has the key of the layout. */
  hasLayout: boolean;
  /** Its shards, ascending. */
  shards: number[];
  /** A user in one of them, a different one for each number. */
  user(i: number): string;
}

/** A cluster of three masters until the end of the test, which serves the rest while one is unavailable. */
export async function startPartialCluster(): Promise<{ url: string; masters: PartialMaster[] }> {
  const cluster = await startCluster(3, 0, '--cluster-require-full-coverage', 'no');
  disposables.push(() => cluster.stop());
  const redis = new Redis(cluster.nodes[0]?.port as number);
  const ownerOf = async (key: string) => Math.floor(((await redis.cluster('KEYSLOT', key)) * 3) / 16_384);
  const owners = await Promise.all(makeShards('im:', SHARDS).map(({ keys }) => ownerOf(keys[1])));
  const layoutOwner = await ownerOf('im:layout');
  redis.disconnect();
  const masters = cluster.nodes.map((node, master) => {
    const shards = owners.flatMap((owner, shard) => (owner === master ? [shard] : []));
    return { node, shards, hasLayout: layoutOwner === master, user: (i: number) => userIn(shards, i) };
  });
  return { url: cluster.url, masters };
}

/** The user with this number in the shards. */
function userIn(shards: number[], number: number): string {
  for (let i = 0, found = -1; ; i++) {
    const userId = `user-${i}`;
    if (shards.includes(shardOf(userId, SHARDS))) found += 1;
    if (found === number) return userId;
  }
}

/** The master of the layout, and another one. */
export function victims(masters: PartialMaster[]): { layout: PartialMaster; other: PartialMaster } {
  const layout = masters.find(({ hasLayout }) => hasLayout);
  const other = masters.find(({ hasLayout }) => !hasLayout);
  return { layout: layout as PartialMaster, other: other as PartialMaster };
}
