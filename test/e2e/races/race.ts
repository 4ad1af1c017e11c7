import { setTimeout as delay } from 'node:timers/promises';
import { connect, type WatchOptions } from '../../../src/client/index.ts';
import { type Imstate, startImstate } from '../../support/imstate.ts';
import { startRedis, type TestServer } from '../../support/servers.ts';
import { compare } from './compare.ts';
import { Random } from './random.ts';
import { LEASE_MS, SimulatedServer } from './simulatedServer.ts';
import { Watcher } from './watcher.ts';
import { World } from './world.ts';

/** How to run a race. */
export interface RaceOptions {
  seed: number;
  /** Connections and disconnections of devices. */
  operations: number;
  /** How often to compare the state with what is true: after each so many operations. */
  quietEvery: number;
  log(line: string): void;
}

/** What came of a race. */
export interface RaceReport {
  operations: number;
  faults: Record<string, number>;
  comparisons: number;
  /** How many changes watchers were told. */
  changes: number;
  /** What differed from the truth, in words. */
  wrong: string[];
}

const DAEMONS = 3;
const SERVERS = 5;
const USERS = 300;
const DEVICES_PER_USER = 3;
const MOST_TASKS = 150;
/** What watchers follow, by name. */
const WATCHED: Record<string, WatchOptions> = {
  'the watcher of everything': { everything: true },
  'the watcher of ten users': { users: Array.from({ length: 10 }, (_, i) => `user-${i}`) },
};
/** A login that arrives after its chat server was lost begins a lease that lasts this long, see docs/presence.md. */
const LATE_LEASE_MS = 10_000;

/**
 * Several daemons on one Redis, several chat servers, many devices that connect, drop and reconnect elsewhere; daemons
 * are killed, Redis is paused, chat servers crash and restart. When everything is quiet the state must be the truth.
 */
export async function runRace(options: RaceOptions): Promise<RaceReport> {
  const { seed, operations, quietEvery, log } = options;
  const random = new Random(seed);
  const redis = await startRedis();
  const daemonArgs = ['--redis', redis.url, '--history-limit', '1000'];
  const daemons = await Promise.all(
    Array.from({ length: DAEMONS }, () => startImstate('serve', '--port', '0', ...daemonArgs)),
  );
  const tasks = new Set<Promise<unknown>>();
  const track = (task: Promise<unknown>) => {
    tasks.add(task);
    void task.finally(() => tasks.delete(task));
  };
  const world = new World(USERS, DEVICES_PER_USER);
  const endpoints = daemons.map(({ addr }) => addr);
  const client = await connect({ endpoints, timeoutMs: 10_000 });
  const around = { world, random, endpoints, network: client, track };
  for (let i = 0; i < SERVERS; i++) world.servers.push(new SimulatedServer(`10.0.0.${i}:9000`, around));
  const watchers: Watcher[] = [];
  const report: RaceReport = { operations: 0, faults: {}, comparisons: 0, changes: 0, wrong: [] };
  try {
    for (const [name, target] of Object.entries(WATCHED)) {
      watchers.push(new Watcher(name, client, target, random));
    }
    await Promise.all(watchers.map((watcher) => watcher.started));
    await Promise.all(world.servers.map((server) => server.start()));
    const faults = new Faults({ random, redis, daemons, daemonArgs, world, track, counts: report.faults });
    while (report.operations < operations && report.wrong.length === 0) {
      for (let left = quietEvery; left > 0 && report.operations < operations; left--) {
        step(world, random, track);
        report.operations += 1;
        faults.maybe();
        while (tasks.size > MOST_TASKS) await delay(1);
      }
      while (tasks.size > 0) await Promise.all(tasks);
      await delay(Math.max(LEASE_MS, LATE_LEASE_MS) + 2_000);
      while (tasks.size > 0) await Promise.all(tasks);
      report.wrong.push(...(await compare(world, client, watchers)));
      report.comparisons += 1;
      report.changes = watchers.reduce((sum, { changes }) => sum + changes.length, 0);
      log(`${report.operations} operations, ${JSON.stringify(report.faults)}, ${report.wrong.length} wrong`);
    }
    return report;
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await client.close();
    await Promise.all(world.servers.filter(({ isUp }) => isUp).map((server) => server.crash()));
    await Promise.all(daemons.map((daemon) => daemon.kill()));
    await redis.stop();
  }
}

/** One thing that happens to one device. */
function step(world: World, random: Random, track: (task: Promise<unknown>) => void): void {
  const device = random.pick(world.devices);
  const { connection } = device;
  const up = world.servers.filter(({ isUp }) => isUp);
  if (connection === undefined) {
    if (up.length > 0) world.connect(device, random.pick(up));
    return;
  }
  const kind = random.next();
  if (kind < 0.4) {
    connection.server.close(connection.sessionId, random.chance(0.2) ? 300 : 0);
    return;
  }
  // The connection breaks; its chat server notices later, or at once.
  world.cut(connection);
  const notice = delay(random.chance(0.5) ? 0 : random.between(1, 2_000)).then(() =>
    connection.server.close(connection.sessionId),
  );
  track(notice);
  if (kind < 0.8 && up.length > 0) world.connect(device, random.pick(up));
}

interface FaultOptions {
  random: Random;
  redis: TestServer;
  daemons: Imstate[];
  daemonArgs: string[];
  world: World;
  track(task: Promise<unknown>): void;
  counts: Record<string, number>;
}

/** Kills daemons, pauses Redis, crashes chat servers, and starts them again. */
class Faults {
  readonly #options: FaultOptions;
  #isPaused = false;
  #isKilling = false;

  constructor(options: FaultOptions) {
    this.#options = options;
  }

  /** Does now and then one of them. */
  maybe(): void {
    const { random, track } = this.#options;
    if (random.chance(1 / 1_500)) track(this.#crashServer());
    if (random.chance(1 / 2_500) && !this.#isKilling) track(this.#killDaemon());
    if (random.chance(1 / 3_000) && !this.#isPaused) track(this.#pauseRedis());
  }

  #count(name: string): void {
    const { counts } = this.#options;
    counts[name] = (counts[name] ?? 0) + 1;
  }

  async #crashServer(): Promise<void> {
    const { random, world } = this.#options;
    const server = random.pick(world.servers.filter(({ isUp }) => isUp));
    if (world.servers.filter(({ isUp }) => isUp).length < 2) return;
    this.#count('chat servers crashed');
    await server.crash();
    await delay(random.between(1, 2 * LEASE_MS));
    await server.start();
  }

  async #killDaemon(): Promise<void> {
    const { random, daemons, daemonArgs } = this.#options;
    this.#isKilling = true;
    this.#count('daemons killed');
    const index = random.between(0, daemons.length - 1);
    const { addr, kill } = daemons[index] as Imstate;
    await kill();
    await delay(random.between(1, 2_000));
    daemons[index] = await startImstate('serve', '--port', addr.split(':')[1] as string, ...daemonArgs);
    this.#isKilling = false;
  }

  async #pauseRedis(): Promise<void> {
    const { random, redis } = this.#options;
    this.#isPaused = true;
    this.#count('pauses of Redis');
    redis.freeze();
    await delay(random.between(100, 4_000));
    redis.thaw();
    this.#isPaused = false;
  }
}
