import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../src/simulation/random.ts';
import type { Crowd } from '../e2e/races/crowd.ts';
import { LEASE_MS } from '../e2e/races/simulatedServer.ts';
import type { TcpProxy } from '../support/proxy.ts';
import type { Node, SoakCluster } from './soakCluster.ts';

/** Minimum and maximum duration of a fault. */
const BROKEN_MS = [100, 4_000] as const;
/** Time between the starts of two faults; some overlap. */
const BETWEEN_MS = [500, 9_000] as const;

interface Fault {
  name: string;
  /** What the fault breaks. Each target has at most one fault at a time. */
  target: object;
  /** Causes the fault, waits, and ends it. */
  execute(): Promise<void>;
}

/** Causes and ends faults in the parts of a cluster, determined by a seed. */
export class Faults {
  /** The number of faults, by name. */
  readonly counts: Record<string, number> = {};
  readonly #cluster: SoakCluster;
  readonly #random: Random;
  readonly #broken = new Set<object>();

  constructor(cluster: SoakCluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** Causes faults until `stop`; the crowd's quiet() waits for the end of each. */
  async run(crowd: Crowd, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await delay(this.#random.between(...BETWEEN_MS));
      if (!stop.aborted) crowd.track(this.#next(crowd));
    }
  }

  async #next(crowd: Crowd): Promise<void> {
    const { name, target, execute } = this.#random.pick(this.#faults(crowd));
    if (this.#broken.has(target)) return;
    this.#broken.add(target);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    await execute();
    this.#broken.delete(target);
  }

  #faults(crowd: Crowd): Fault[] {
    const { nodes, redis, etcd } = this.#cluster;
    const ms = this.#random.between(...BROKEN_MS);
    const node = this.#random.pick(nodes);
    // The first daemon is never stopped, so that its memory covers the whole run.
    const replaceable = this.#random.pick(nodes.slice(1));
    const { toRedis, fromClients } = node;
    return [
      { name: 'daemons killed', target: replaceable, execute: () => ended(replaceable, 'SIGKILL', ms) },
      { name: 'daemons drained', target: replaceable, execute: () => ended(replaceable, 'SIGTERM', ms) },
      { name: 'daemons frozen', target: node, execute: () => frozen(node, ms) },
      { name: 'Redis killed', target: redis, execute: () => killed(redis, ms) },
      { name: 'Redis frozen', target: redis, execute: () => paused(redis, ms) },
      { name: 'daemons cut off from Redis', target: toRedis, execute: () => cut(toRedis, ms) },
      { name: 'daemons whose Redis falls silent', target: toRedis, execute: () => silent(toRedis, ms) },
      { name: 'daemons cut off from clients', target: fromClients, execute: () => cut(fromClients, ms) },
      {
        name: 'daemons silent to clients',
        target: fromClients,
        execute: () => silent(fromClients, ms),
      },
      { name: 'etcd killed', target: etcd, execute: () => killed(etcd, ms) },
      { name: 'chat servers crashed', target: crowd, execute: () => crowd.crashServer(ms % (2 * LEASE_MS)) },
    ];
  }
}

async function ended(node: Node, signal: 'SIGKILL' | 'SIGTERM', ms: number): Promise<void> {
  await node.end(signal);
  await delay(ms);
  await node.launch();
}

async function frozen(node: Node, ms: number): Promise<void> {
  node.signal('SIGSTOP');
  await delay(ms);
  node.signal('SIGCONT');
}

async function killed(server: SoakCluster['redis'] | SoakCluster['etcd'], ms: number): Promise<void> {
  await server.kill();
  await delay(ms);
  await server.restart();
}

async function paused(server: SoakCluster['redis'], ms: number): Promise<void> {
  server.freeze();
  await delay(ms);
  server.thaw();
}

async function cut(network: TcpProxy, ms: number): Promise<void> {
  network.cut();
  await delay(ms);
  network.heal();
}

/** Requests arrive, but no response comes back. */
async function silent(network: TcpProxy, ms: number): Promise<void> {
  network.holdAnswers();
  await delay(ms);
  network.heal();
}
