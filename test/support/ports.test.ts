import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { startCluster } from './cluster.ts';
import { disposables } from './disposables.ts';
import { forcedPorts } from './ports.ts';
import { startSentinel } from './sentinels.ts';
import { startEtcd, startEtcdCluster, startRedis, type TestServer } from './servers.ts';

afterEach(() => {
  forcedPorts.length = 0;
});

/** A port on which another process listens. */
async function takenPort(): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  disposables.push(() => server.close());
  return (server.address() as { port: number }).port;
}

async function started(server: Promise<TestServer>): Promise<TestServer> {
  const running = await server;
  disposables.push(() => running.stop());
  return running;
}

const kinds: [string, () => Promise<TestServer>][] = [
  ['redis-server', () => startRedis()],
  ['a node of a Redis Cluster', () => startRedis('--cluster-enabled', 'yes')],
  ['etcd', () => startEtcd()],
  ['a Sentinel', () => startSentinel(1, '127.0.0.1')],
];

test.each(kinds)('%s starts on another port if its own is taken meanwhile', async (_, start) => {
  const taken = await takenPort();
  forcedPorts.push(taken);
  const server = await started(start());
  expect(server.port).not.toBe(taken);
  await server.kill();
  await server.restart();
});

test.each(kinds.slice(1, 3))('%s does so too if its second port is taken', async (_, start) => {
  const [free, taken] = [(await started(startRedis())).port, await takenPort()];
  await disposables.pop()?.();
  forcedPorts.push(free, taken);
  expect((await started(start())).peer).not.toBe(taken);
});

test('a Redis Cluster forms although a port of a node was taken', async () => {
  forcedPorts.push(await takenPort());
  const cluster = await startCluster(3);
  disposables.push(() => cluster.stop());
  const redis = new Redis(cluster.nodes[0]?.port as number);
  expect(await redis.cluster('INFO')).toContain('cluster_state:ok');
  redis.disconnect();
});

test('an etcd cluster starts again with other ports', async () => {
  const taken = await takenPort();
  forcedPorts.push(taken);
  const nodes = await startEtcdCluster(3);
  disposables.push(() => Promise.all(nodes.map((node) => node.stop())));
  expect(nodes.map(({ port }) => port)).not.toContain(taken);
});
