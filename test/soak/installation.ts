import { readFile } from 'node:fs/promises';
import { type Imstate, startImstate } from '../support/imstate.ts';
import { startProxy, type TcpProxy } from '../support/proxy.ts';
import { freePort, startEtcd, startRedis } from '../support/servers.ts';

const SERVICE = 'im/state-server';
/** What the daemons log when it is their fault. */
const FAULT = /fault of imstate|"code":"INTERNAL"|"level":60/;

/** Three daemons, a Redis that loses nothing it has answered, and an etcd; with a network between them that can be cut. */
export class Installation {
  readonly nodes: Node[] = [];
  /** What daemons logged that should never be. */
  readonly wrong: string[] = [];
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly etcd: Awaited<ReturnType<typeof startEtcd>>;

  private constructor(redis: Installation['redis'], etcd: Installation['etcd']) {
    this.redis = redis;
    this.etcd = etcd;
  }

  static async start(daemons: number): Promise<Installation> {
    const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
    const installation = new Installation(redis, await startEtcd());
    for (let i = 0; i < daemons; i++) installation.nodes.push(await Node.start(installation));
    return installation;
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

/** A daemon with the network around it: a proxy to Redis, and one through which its clients come. */
export class Node {
  readonly toRedis: TcpProxy;
  readonly fromClients: TcpProxy;
  readonly #installation: Installation;
  readonly #port: number;
  #daemon!: Imstate;

  private constructor(installation: Installation, port: number, toRedis: TcpProxy, fromClients: TcpProxy) {
    this.#installation = installation;
    this.#port = port;
    this.toRedis = toRedis;
    this.fromClients = fromClients;
  }

  static async start(installation: Installation): Promise<Node> {
    const port = await freePort();
    const proxies = await Promise.all([startProxy(installation.redis.port), startProxy(port)]);
    const node = new Node(installation, port, ...proxies);
    await node.launch();
    return node;
  }

  async launch(): Promise<void> {
    const { etcd, service } = this.#installation.daemons;
    this.#daemon = await startImstate(
      ...['serve', '--port', `${this.#port}`, '--advertise', `127.0.0.1:${this.fromClients.port}`],
      ...['--redis', `redis://127.0.0.1:${this.toRedis.port}`, '--etcd', etcd, '--service', service],
      ...['--history-limit', '1000', '--start-timeout', '60s', '--log-level', 'warn'],
    );
  }

  /** kill -9, or SIGTERM and what becomes of the drain. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#daemon.signal(signal);
    const exitCode = await this.#daemon.ended;
    if (signal === 'SIGTERM' && exitCode !== 0)
      this.#installation.wrong.push(`a drain ended with ${exitCode}`);
    this.readLog();
    await this.#daemon.kill();
  }

  /** SIGSTOP or SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#daemon.signal(name);
  }

  /** Looks for faults in what it has logged. */
  readLog(): void {
    const lines = this.#daemon.stderr().split('\n');
    this.#installation.wrong.push(...lines.filter((line) => FAULT.test(line)));
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
