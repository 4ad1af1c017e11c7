import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, startServer, type TestServer } from './servers.ts';
import { until } from './until.ts';

type RedisServer = Awaited<ReturnType<typeof startRedis>>;

/** A master with replicas, and three Sentinels that fail over within seconds. */
export interface TestSentinels {
  master: RedisServer;
  replicas: RedisServer[];
  sentinels: TestServer[];
  /** The value of --redis. */
  url: string;
  stop(): Promise<void>;
}

const MASTER = 'presence';
// Replicas start their first copy at once.
const FLAGS = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];

/** `masterFlags` are added to the command line of the master, and Sentinels name it by `host`. */
export async function startSentinels(
  replicaCount = 2,
  masterFlags: string[] = [],
  host = '127.0.0.1',
): Promise<TestSentinels> {
  const started: TestServer[] = [];
  const start = async <Server extends TestServer>(server: Promise<Server>) => {
    started.push(await server);
    return server;
  };
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  try {
    const master = await start(startRedis(...FLAGS, ...masterFlags));
    const replicaOf = [...FLAGS, '--replicaof', `127.0.0.1 ${master.port}`];
    const replicas = await Promise.all(
      Array.from({ length: replicaCount }, () => start(startRedis(...replicaOf))),
    );
    await eachSays(replicas, (redis) => redis.info('replication'), 'master_link_status:up');
    const sentinels = await Promise.all([1, 2, 3].map(() => start(startSentinel(master.port, host))));
    const known = `num-slaves,${replicaCount},num-other-sentinels,2,`;
    await eachSays(sentinels, async (redis) => knownTo(redis), known);
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return { master, replicas, sentinels, url: `redis+sentinel://${hosts}/${MASTER}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A Sentinel that watches the master on this port of `host`. */
export function startSentinel(masterPort: number, host: string): Promise<TestServer> {
  return startServer(({ port, folder }) => {
    const config = join(folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      'sentinel resolve-hostnames yes',
      'sentinel announce-hostnames yes',
      `sentinel monitor ${MASTER} ${host} ${masterPort} 2`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 3000`,
      `sentinel parallel-syncs ${MASTER} 2`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    return ['redis-server', config, '--sentinel'];
  });
}

/** What a Sentinel knows about the master, in the order of Redis. */
async function knownTo(sentinel: Redis): Promise<string> {
  const fields = (await sentinel.call('SENTINEL', 'MASTER', MASTER)) as string[];
  const value = (name: string) => fields[fields.indexOf(name) + 1];
  return ['num-slaves', 'num-other-sentinels'].map((name) => `${name},${value(name)},`).join('');
}

async function eachSays(
  servers: TestServer[],
  ask: (redis: Redis) => Promise<string>,
  what: string,
): Promise<void> {
  for (const { port } of servers) {
    const redis = new Redis(port, { protocol: 2, enableReadyCheck: false });
    await until(async () => (await ask(redis)).includes(what), `port ${port} says ${what}`);
    redis.disconnect();
  }
}
