import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  type ConnectOptions,
  connect,
  type WatchOptions,
} from '../../../packages/client/src/index.ts';
import type { Random } from '../../../src/simulation/random.ts';
import { compare } from './compare.ts';
import { LEASE_MS, SimulatedServer } from './simulatedServer.ts';
import { Watcher } from './watcher.ts';
import { World } from './world.ts';

const SERVERS = 5;
const USERS = 300;
const DEVICES_PER_USER = 3;
const MAX_TASKS = 150;
/** Duration of the lease of a login that arrives after its chat server was lost, see docs/presence.md. */
const LATE_LEASE_MS = 10_000;

/** Options of a crowd. */
export interface CrowdOptions {
  random: Random;
  /** How to find the daemons. */
  daemons: ConnectOptions;
  /** Number of the crowd, below 256. Crowds with different numbers share no user or chat server. */
  number?: number;
}

/** Many devices that connect to chat servers, drop and reconnect elsewhere, with watchers and the truth. */
export class Crowd {
  readonly world: World;
  readonly watchers: Watcher[] = [];
  readonly #random: Random;
  readonly #client: Client;
  readonly #tasks = new Set<Promise<unknown>>();
  /** Errors of tasks: there should be none. */
  readonly #failures: string[] = [];

  private constructor(random: Random, client: Client, number: number) {
    this.#random = random;
    this.#client = client;
    this.world = new World(`${number}-user`, USERS, DEVICES_PER_USER);
  }

  /** Resolves when the chat servers are up and the watchers are synced. */
  static async start({ random, daemons, number = 0 }: CrowdOptions): Promise<Crowd> {
    const client = await connect({ ...daemons, timeoutMs: 10_000 });
    const crowd = new Crowd(random, client, number);
    const { world, watchers } = crowd;
    const environment = {
      world,
      random,
      daemons,
      network: client,
      track: (task: Promise<unknown>) => crowd.track(task),
    };
    for (let i = 0; i < SERVERS; i++) {
      world.servers.push(new SimulatedServer(`10.0.${number}.${i}:9000`, environment));
    }
    const tenUsers = world.devices.slice(0, 10).map(({ userId }) => userId);
    const watched: Record<string, WatchOptions> = {
      'the watcher of everything': { everything: true },
      'the watcher of ten users': { users: tenUsers },
    };
    for (const [name, target] of Object.entries(watched)) {
      watchers.push(new Watcher(name, client, target, random));
    }
    await Promise.all(watchers.map((watcher) => watcher.started));
    await Promise.all(world.servers.map((server) => server.start()));
    return crowd;
  }

  /** How many changes the watchers have received. */
  get changes(): number {
    return this.watchers.reduce((sum, { changes }) => sum + changes.length, 0);
  }

  /** The running chat servers. */
  get upServers(): SimulatedServer[] {
    return this.world.servers.filter(({ isUp }) => isUp);
  }

  /** Makes quiet() wait for a task. */
  track(task: Promise<unknown>): void {
    const noted = task.catch((error: unknown) => this.#failures.push(`a task failed: ${error}`));
    this.#tasks.add(noted);
    void noted.then(() => this.#tasks.delete(noted));
  }

  /** Executes one random event on one device; resolves when fewer than the maximum of tasks are in flight. */
  async step(): Promise<void> {
    this.#executeEvent();
    while (this.#tasks.size > MAX_TASKS) await delay(1);
  }

  /** Crashes a running chat server, and restarts it after `restartMs`. */
  async crashServer(restartMs: number): Promise<void> {
    const server = this.#random.pick(this.upServers);
    await server.crash();
    await delay(restartMs);
    await server.start();
  }

  /** Resolves when nothing is in flight and all leases and times to live have run out. */
  async quiet(): Promise<void> {
    await this.#done();
    await delay(Math.max(LEASE_MS, LATE_LEASE_MS) + 2_000);
    await this.#done();
  }

  /** Describes how the state and the watchers' events differ from the truth. Call it after quiet(). */
  async compare(): Promise<string[]> {
    return [...this.#failures, ...(await compare(this.world, this.#client, this.watchers))];
  }

  /** Disconnects all devices. */
  async leave(): Promise<void> {
    for (const { connection } of this.world.devices) connection?.server.close(connection.sessionId);
    await this.#done();
  }

  async close(): Promise<void> {
    await Promise.all(this.watchers.map((watcher) => watcher.close()));
    await Promise.all(this.upServers.map((server) => server.crash()));
    await this.#client.close();
  }

  async #done(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #executeEvent(): void {
    const { world } = this;
    const random = this.#random;
    const device = random.pick(world.devices);
    const { connection } = device;
    const up = this.upServers;
    if (connection === undefined) {
      if (up.length > 0) world.connect(device, random.pick(up));
      return;
    }
    const kind = random.next();
    if (kind < 0.4) {
      connection.server.close(connection.sessionId, random.chance(0.2) ? 300 : 0);
      return;
    }
    // The connection breaks; its chat server notices immediately or later.
    world.cut(connection);
    const notice = delay(random.chance(0.5) ? 0 : random.between(1, 2_000)).then(() =>
      connection.server.close(connection.sessionId),
    );
    this.track(notice);
    if (kind < 0.8 && up.length > 0) world.connect(device, random.pick(up));
  }
}
