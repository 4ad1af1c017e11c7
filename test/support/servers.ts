import { join } from 'node:path';
import { freePort } from './ports.ts';
import {
  type ServerResources,
  startOnPorts,
  startServer,
  type TestServer,
  withFreePorts,
} from './serverProcess.ts';

export { freePort, NOBODY } from './ports.ts';
export { startServer, type TestServer } from './serverProcess.ts';
export { temporaryDirectory } from './temporaryDirectory.ts';

/** A redis-server; `args` are added to its command line. */
export async function startRedis(...args: string[]): Promise<TestServer & { url: string }> {
  const server = await startServer(({ port, peer, folder }) => [
    ...['redis-server', '--port', `${port}`, '--cluster-port', `${peer}`, '--bind', '127.0.0.1'],
    ...['--dir', folder, '--save', '', ...args],
  ]);
  return Object.assign(server, { url: `redis://127.0.0.1:${server.port}` });
}

/** A nats-server with JetStream; `args` are added to its command line. */
export async function startNats(...args: string[]): Promise<TestServer & { url: string }> {
  const server = await startServer(({ port, folder }) => [
    ...['nats-server', '-js', '-sd', folder, '-a', '127.0.0.1', '-p', `${port}`, ...args],
  ]);
  return Object.assign(server, { url: `nats://127.0.0.1:${server.port}` });
}

/** By default etcd takes a tenth of a second of a core for each password, which is for attackers. */
const CHEAP_PASSWORDS = ['--bcrypt-cost', '4'];

/** Paths of the files of a server with TLS, which requires client certificates of this CA. */
export interface ServerTls {
  ca: string;
  cert: string;
  key: string;
}

/** A redis-server that requires TLS; `args` are added to its command line. */
export async function startTlsRedis(
  { ca, cert, key }: ServerTls,
  ...args: string[]
): Promise<TestServer & { url: string }> {
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
  const server = await startServer(({ port, peer, folder }) => [
    ...['redis-server', '--port', '0', '--tls-port', `${port}`, '--cluster-port', `${peer}`],
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', ...files, ...args],
  ]);
  return Object.assign(server, { url: `rediss://127.0.0.1:${server.port}` });
}

/** An etcd of one node; `host` is the value of --etcd. */
export async function startEtcd(
  tls?: ServerTls,
  args: string[] = [],
): Promise<TestServer & { host: string }> {
  const scheme = tls ? 'https' : 'http';
  const files = tls
    ? ['--trusted-ca-file', tls.ca, '--cert-file', tls.cert, '--key-file', tls.key, '--client-cert-auth']
    : [];
  const server = await startServer(({ port, peer, folder }) => {
    const [client, peers] = [`${scheme}://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
    return [
      ...['etcd', ...files, '--data-dir', join(folder, 'data'), '--log-outputs', 'stderr'],
      ...CHEAP_PASSWORDS,
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...[
        '--listen-peer-urls',
        peers,
        '--initial-advertise-peer-urls',
        peers,
        '--initial-cluster',
        `default=${peers}`,
      ],
      ...args,
    ];
  });
  return Object.assign(server, { host: `${tls ? 'https://' : ''}127.0.0.1:${server.port}` });
}

/** An etcd cluster; the `host` of each node is a value of --etcd. */
export function startEtcdCluster(nodes: number): Promise<(TestServer & { host: string })[]> {
  // Each node must know the ports of all: if one port is taken, all start again.
  return withFreePorts(async () => {
    const ports = await Promise.all(
      Array.from({ length: nodes }, async () => [await freePort(), await freePort()] as const),
    );
    const cluster = ports.map(([, peer], i) => `node-${i}=http://127.0.0.1:${peer}`).join(',');
    const giveUp = new AbortController();
    const started = ports.map(async (own, i) => {
      const server = await startOnPorts(own, etcdNode(`node-${i}`, cluster), giveUp.signal);
      return Object.assign(server, { host: `127.0.0.1:${server.port}` });
    });
    try {
      return await Promise.all(started);
    } catch (error) {
      giveUp.abort();
      for (const node of await Promise.allSettled(started)) {
        if (node.status === 'fulfilled') await node.value.stop();
      }
      throw error;
    }
  });
}

function etcdNode(name: string, cluster: string) {
  return ({ port, peer, folder }: ServerResources) => {
    const [client, own] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
    return [
      ...['etcd', '--name', name, '--data-dir', join(folder, 'data'), '--log-outputs', 'stderr'],
      ...CHEAP_PASSWORDS,
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', own, '--initial-advertise-peer-urls', own, '--initial-cluster', cluster],
    ];
  };
}
