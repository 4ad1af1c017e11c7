import { setTimeout as delay } from 'node:timers/promises';
import type { Crowd } from '../e2e/races/crowd.ts';
import type { Random } from '../e2e/races/random.ts';
import { LEASE_MS } from '../e2e/races/simulatedServer.ts';
import type { TcpProxy } from '../support/proxy.ts';
import type { Installation, Node } from './installation.ts';

/** How long something stays broken, at least and at most. */
const BROKEN_MS = [100, 4_000] as const;
/** From the beginning of one fault to that of the next; some overlap. */
const BETWEEN_MS = [500, 9_000] as const;

interface Fault {
  name: string;
  /** What is broken by it; nothing is broken twice at the same time. */
  target: object;
  /** Breaks it, waits, and mends it. */
  happen(): Promise<void>;
}

/** Breaks the parts of an installation, as a seed has it, and mends them again. */
export class Faults {
  /** How many there were, by name. */
  readonly counts: Record<string, number> = {};
  readonly #installation: Installation;
  readonly #random: Random;
  readonly #broken = new Set<object>();

  constructor(installation: Installation, random: Random) {
    this.#installation = installation;
    this.#random = random;
  }

  /** Goes on until it is told to stop; the crowd's quiet() waits for what is not yet mended. */
  async run(crowd: Crowd, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await delay(this.#random.between(...BETWEEN_MS));
      if (!stop.aborted) crowd.track(this.#next(crowd));
    }
  }

  async #next(crowd: Crowd): Promise<void> {
    const { name, target, happen } = this.#random.pick(this.#faults(crowd));
    if (this.#broken.has(target)) return;
    this.#broken.add(target);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    await happen();
    this.#broken.delete(target);
  }

  #faults(crowd: Crowd): Fault[] {
    const { nodes, redis, etcd } = this.#installation;
    const ms = this.#random.between(...BROKEN_MS);
    const node = this.#random.pick(nodes);
    // The first daemon is never ended, so that its memory tells of the whole time.
    const mortal = this.#random.pick(nodes.slice(1));
    const { toRedis, fromClients } = node;
    return [
      { name: 'daemons killed', target: mortal, happen: () => ended(mortal, 'SIGKILL', ms) },
      { name: 'daemons drained', target: mortal, happen: () => ended(mortal, 'SIGTERM', ms) },
      { name: 'daemons frozen', target: node, happen: () => frozen(node, ms) },
      { name: 'Redis killed', target: redis, happen: () => killed(redis, ms) },
      { name: 'Redis frozen', target: redis, happen: () => paused(redis, ms) },
      { name: 'daemons cut off from Redis', target: toRedis, happen: () => cut(toRedis, ms) },
      { name: 'daemons whose Redis falls silent', target: toRedis, happen: () => silent(toRedis, ms) },
      { name: 'daemons cut off from clients', target: fromClients, happen: () => cut(fromClients, ms) },
      {
        name: 'daemons that clients hear no more',
        target: fromClients,
        happen: () => silent(fromClients, ms),
      },
      { name: 'etcd killed', target: etcd, happen: () => killed(etcd, ms) },
      { name: 'chat servers crashed', target: crowd, happen: () => crowd.crashServer(ms % (2 * LEASE_MS)) },
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

async function killed(server: Installation['redis'] | Installation['etcd'], ms: number): Promise<void> {
  await server.kill();
  await delay(ms);
  await server.restart();
}

async function paused(server: Installation['redis'], ms: number): Promise<void> {
  server.freeze();
  await delay(ms);
  server.thaw();
}

async function cut(network: TcpProxy, ms: number): Promise<void> {
  network.cut();
  await delay(ms);
  network.heal();
}

/** What is sent arrives, and no answer comes back. */
async function silent(network: TcpProxy, ms: number): Promise<void> {
  network.holdAnswers();
  await delay(ms);
  network.heal();
}
