import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';
import { type ServerTls, startRedis, startTlsRedis, type TestServer } from './servers.ts';
import { until } from './until.ts';

/** A Redis Cluster; the first of the nodes are the masters. */
export interface TestCluster {
  nodes: (TestServer & { url: string })[];
  /** The value of --redis, with all nodes. */
  url: string;
  stop(): Promise<void>;
}

interface Port {
  port: number;
  bus: number;
}

const FLAGS = [
  ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'],
  // Replicas start their first copy at once.
  ...['--repl-diskless-sync-delay', '0'],
];

/** Starts masters and replicas, and forms a cluster. `args` are added to each command line. */
export function startCluster(masters: number, replicas = 0, ...args: string[]): Promise<TestCluster> {
  return clusterOf(masters, replicas, () => startRedis(...FLAGS, ...args));
}

/** A cluster of masters that require TLS, but no client certificate. */
export function startTlsCluster(masters: number, tls: ServerTls, ...args: string[]): Promise<TestCluster> {
  const both = ['--tls-cluster', 'yes', '--tls-auth-clients', 'no'];
  const start = () => startTlsRedis(tls, ...FLAGS, ...both, ...args);
  return clusterOf(masters, 0, start, { rejectUnauthorized: false });
}

async function clusterOf(
  masters: number,
  replicas: number,
  start: () => Promise<TestServer & { url: string }>,
  tls?: ConnectionOptions,
): Promise<TestCluster> {
  const nodes = await Promise.all(Array.from({ length: masters + replicas }, start));
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  const ports = nodes.map(({ port, peer }) => ({ port, bus: peer }));
  await formCluster(ports.slice(0, masters), ports.slice(masters), tls).catch(async (error) => {
    await stop();
    throw error;
  });
  const hosts = ports.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return { nodes, url: `${tls ? 'rediss' : 'redis'}+cluster://${hosts}`, stop };
}

/** Introduces the nodes to each other, and assigns slots and replicas to the masters. */
async function formCluster(masters: Port[], replicas: Port[], tls?: ConnectionOptions): Promise<void> {
  const ports = [...masters, ...replicas];
  const clients = ports.map(({ port }) => new Redis(port, tls ? { tls } : {}));
  const bounds = masters.map((_, i) => Math.round((i * 16_384) / masters.length));
  for (const [i, client] of clients.entries()) {
    if (i < masters.length) {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', bounds[i] as number, (bounds[i + 1] ?? 16_384) - 1);
    }
    for (const { port, bus } of ports) await client.call('CLUSTER', 'MEET', '127.0.0.1', port, bus);
  }
  const isFormed = async (client: Redis) => {
    const info = String(await client.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${ports.length}`);
  };
  await until(async () => (await Promise.all(clients.map(isFormed))).every(Boolean), 'the cluster is formed');
  const ids = await Promise.all(clients.map((client) => client.call('CLUSTER', 'MYID')));
  for (const [i, replica] of clients.slice(masters.length).entries()) {
    await replica.call('CLUSTER', 'REPLICATE', ids[i % masters.length] as string);
    await until(
      async () => (await replica.info('replication')).includes('master_link_status:up'),
      'a replica has the data of its master',
    );
  }
  for (const client of clients) client.disconnect();
}
