import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../src/simulation/random.ts';
import { type Imstate, startImstate } from '../../support/imstate.ts';
import { startRedis, type TestServer } from '../../support/servers.ts';
import { Crowd } from './crowd.ts';
import { LEASE_MS } from './simulatedServer.ts';

/** Options of a race. */
export interface RaceOptions {
  seed: number;
  /** Connections and disconnections of devices. */
  operations: number;
  /** After how many operations the state is compared with the truth. */
  quietEvery: number;
  log(line: string): void;
}

/** The result of a race. */
export interface RaceReport {
  operations: number;
  faults: Record<string, number>;
  comparisons: number;
  /** How many changes the watchers received. */
  changes: number;
  /** Descriptions of the differences from the truth. */
  wrong: string[];
}

const DAEMONS = 3;

/**
 * Runs several daemons on one Redis, several chat servers, and many devices that connect, drop and reconnect
 * elsewhere. Daemons are killed, Redis is paused, chat servers crash and restart. When everything is quiet,
 * the state must match the actual connections.
 */
export async function runRace(options: RaceOptions): Promise<RaceReport> {
  const { seed, operations, quietEvery, log } = options;
  const random = new Random(seed);
  const redis = await startRedis();
  const daemonArgs = ['--redis', redis.url, '--history-limit', '1000'];
  const daemons = await Promise.all(
    Array.from({ length: DAEMONS }, () => startImstate('serve', '--port', '0', ...daemonArgs)),
  );
  const report: RaceReport = { operations: 0, faults: {}, comparisons: 0, changes: 0, wrong: [] };
  let crowd: Crowd | undefined;
  try {
    crowd = await Crowd.start({ random, daemons: { endpoints: daemons.map(({ addr }) => addr) } });
    const faults = new Faults({ random, redis, daemons, daemonArgs, crowd, counts: report.faults });
    while (report.operations < operations && report.wrong.length === 0) {
      for (let left = quietEvery; left > 0 && report.operations < operations; left--) {
        report.operations += 1;
        faults.maybe();
        await crowd.step();
      }
      await crowd.quiet();
      report.wrong.push(...(await crowd.compare()));
      report.comparisons += 1;
      report.changes = crowd.changes;
      log(`${report.operations} operations, ${JSON.stringify(report.faults)}, ${report.wrong.length} wrong`);
    }
    return report;
  } finally {
    await crowd?.close();
    await Promise.all(daemons.map((daemon) => daemon.kill()));
    await redis.stop();
  }
}

interface FaultOptions {
  random: Random;
  redis: TestServer;
  daemons: Imstate[];
  daemonArgs: string[];
  crowd: Crowd;
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

  /** Causes a fault at random. */
  maybe(): void {
    const { random, crowd } = this.#options;
    if (random.chance(1 / 1_500)) crowd.track(this.#crashServer());
    if (random.chance(1 / 2_500) && !this.#isKilling) crowd.track(this.#killDaemon());
    if (random.chance(1 / 3_000) && !this.#isPaused) crowd.track(this.#pauseRedis());
  }

  #count(name: string): void {
    const { counts } = this.#options;
    counts[name] = (counts[name] ?? 0) + 1;
  }

  async #crashServer(): Promise<void> {
    const { random, crowd } = this.#options;
    if (crowd.upServers.length < 2) return;
    this.#count('chat servers crashed');
    await crowd.crashServer(random.between(1, 2 * LEASE_MS));
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
