import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A server process that a test started, in a temporary folder and on a port of its own. */
export interface TestServer {
  port: number;
  readonly pid: number;
  /** SIGSTOP: the process keeps its connections and says nothing. */
  freeze(): void;
  thaw(): void;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on the same port after kill(), with an empty folder if `wipe`. */
  restart(options?: { wipe?: boolean }): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** A redis-server; `args` are added to its command line. */
export async function startRedis(...args: string[]): Promise<TestServer & { url: string }> {
  const server = await startServer((port, folder) => [
    'redis-server',
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    ...args,
  ]);
  return Object.assign(server, { url: `redis://127.0.0.1:${server.port}` });
}

/** Paths of the files of a server with TLS; it asks its clients for a certificate of this authority. */
export interface ServerTls {
  ca: string;
  cert: string;
  key: string;
}

/** A redis-server with TLS and nothing else; `args` are added to its command line. */
export async function startTlsRedis(
  { ca, cert, key }: ServerTls,
  ...args: string[]
): Promise<TestServer & { url: string }> {
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
  const server = await startServer((port, folder) => [
    ...['redis-server', '--port', '0', '--tls-port', `${port}`, '--bind', '127.0.0.1', '--dir', folder],
    ...['--save', '', ...files, ...args],
  ]);
  return Object.assign(server, { url: `rediss://127.0.0.1:${server.port}` });
}

/** An etcd of one node; `host` is what --etcd takes. */
export async function startEtcd(
  tls?: ServerTls,
  args: string[] = [],
): Promise<TestServer & { host: string }> {
  const peer = await freePort();
  const scheme = tls ? 'https' : 'http';
  const files = tls
    ? ['--trusted-ca-file', tls.ca, '--cert-file', tls.cert, '--key-file', tls.key, '--client-cert-auth']
    : [];
  const server = await startServer((port, folder) => {
    const [client, peers] = [`${scheme}://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
    return [
      ...['etcd', ...files, '--data-dir', join(folder, 'data'), '--log-outputs', 'stderr'],
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

/** An etcd cluster of so many nodes; `host` of each is what --etcd takes. */
export async function startEtcdCluster(nodes: number): Promise<(TestServer & { host: string })[]> {
  const peers = await Promise.all(Array.from({ length: nodes }, freePort));
  const cluster = peers.map((peer, i) => `node-${i}=http://127.0.0.1:${peer}`).join(',');
  const start = async (peer: number, i: number) => {
    const server = await startServer((port, folder) => {
      const [client, own] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
      return [
        ...['etcd', '--name', `node-${i}`, '--data-dir', join(folder, 'data'), '--log-outputs', 'stderr'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', own, '--initial-advertise-peer-urls', own, '--initial-cluster', cluster],
      ];
    });
    return Object.assign(server, { host: `127.0.0.1:${server.port}` });
  };
  return Promise.all(peers.map(start));
}

/** Where connections are refused; another test may take a port that is free now. */
export const NOBODY = '127.0.0.1:1';

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A folder that is removed by the returned function. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'imstate-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A server whose command line is made for its port and folder. */
export async function startServer(
  commandOf: (port: number, folder: string) => string[],
): Promise<TestServer> {
  const port = await freePort();
  let folder = await temporaryFolder();
  let child: ChildProcess;
  const launch = async () => {
    const [command, ...args] = commandOf(port, folder.path);
    child = spawn(command as string, args, { stdio: 'ignore' });
    await accepting(port, child);
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  await launch();
  return {
    port,
    get pid() {
      return child.pid as number;
    },
    kill,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    restart: async ({ wipe = false } = {}) => {
      await kill();
      if (wipe) {
        await folder.remove();
        folder = await temporaryFolder();
      }
      await launch();
    },
    stop: async () => {
      await kill();
      await folder.remove();
    },
  };
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server on port ${port} ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await delay(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
