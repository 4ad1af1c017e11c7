import { readFile } from 'node:fs/promises';
import { type Imstate, startImstate } from '../support/imstate.ts';
import { startProxy, type TcpProxy } from '../support/proxy.ts';
import { freePort, startEtcd, startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';

const SERVICE = 'im/state-server';
/** Log lines of internal errors. */
const FAULT = /internal error|"code":"INTERNAL"|"level":60/;

/** Three daemons, a durable Redis and an etcd, with a network between them that a test can cut. */
export class SoakCluster {
  readonly nodes: Node[] = [];
  /** Unexpected log lines of daemons. */
  readonly wrong: string[] = [];
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly etcd: Awaited<ReturnType<typeof startEtcd>>;

  private constructor(redis: SoakCluster['redis'], etcd: SoakCluster['etcd']) {
    this.redis = redis;
    this.etcd = etcd;
  }

  static async start(daemons: number): Promise<SoakCluster> {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const cluster = new SoakCluster(redis, await startEtcd());
    for (let i = 0; i < daemons; i++) cluster.nodes.push(await Node.start(cluster));
    return cluster;
  }

  /** How clients find the daemons. */
  get daemons(): { etcd: string; service: string } {
    return { etcd: this.etcd.host, service: SERVICE };
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await Promise.all([this.redis.stop(), this.etcd.stop()]);
  }
}

/** A daemon with two proxies: one to Redis, and one for its clients. */
export class Node {
  readonly toRedis: TcpProxy;
  readonly fromClients: TcpProxy;
  readonly #cluster: SoakCluster;
  readonly #port: number;
  #daemon!: Imstate;

  private constructor(cluster: SoakCluster, port: number, toRedis: TcpProxy, fromClients: TcpProxy) {
    this.#cluster = cluster;
    this.#port = port;
    this.toRedis = toRedis;
    this.fromClients = fromClients;
  }

  static async start(cluster: SoakCluster): Promise<Node> {
    const port = await freePort();
    const proxies = await Promise.all([startProxy(cluster.redis.port), startProxy(port)]);
    const node = new Node(cluster, port, ...proxies);
    await node.launch();
    return node;
  }

  async launch(): Promise<void> {
    const { etcd, service } = this.#cluster.daemons;
    const args = [
      ...['serve', '--port', `${this.#port}`, '--advertise', `127.0.0.1:${this.fromClients.port}`],
      ...['--redis', `redis://127.0.0.1:${this.toRedis.port}`, '--etcd', etcd, '--service', service],
      ...['--history-limit', '1000', '--start-timeout', '60s', '--log-level', 'warn'],
    ];
    // While the daemon was away, a connection of another process may have got its port.
    this.#daemon = await until(
      () => startImstate(...args).catch(unlessPortIsTaken),
      `port ${this.#port} is free for its daemon again`,
    );
  }

  /** Kills the daemon, or drains it and checks the exit code. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#daemon.signal(signal);
    const exitCode = await this.#daemon.ended;
    if (signal === 'SIGTERM' && exitCode !== 0) this.#cluster.wrong.push(`a drain ended with ${exitCode}`);
    this.readLog();
    await this.#daemon.kill();
  }

  /** SIGSTOP or SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#daemon.signal(name);
  }

  /** Collects unexpected lines of the log. */
  readLog(): void {
    const lines = this.#daemon.stderr().split('\n');
    this.#cluster.wrong.push(...lines.filter((line) => FAULT.test(line)));
  }

  /** Its resident memory in MiB. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.#daemon.pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
  }

  async stop(): Promise<void> {
    await this.#daemon.kill();
    await Promise.all([this.toRedis.close(), this.fromClients.close()]);
  }
}

function unlessPortIsTaken(error: Error): undefined {
  if (!error.message.includes('is in use by another program')) throw error;
}
