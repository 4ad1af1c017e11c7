// The bench environment of a part: Redis servers, daemons and a directory, which are cleaned up after the
// part.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type TestServer } from '../test/support/servers.ts';
import { type DaemonOptions, type Launched, launch, launchDaemon } from './processes.ts';

/** A process whose CPU time or memory is measured. */
export interface MeasuredProcess extends Launched {
  pid: number;
}

/** A Redis started by a part, with a connection for administration. */
export interface MeasuredRedis extends TestServer {
  url: string;
  admin: Redis;
}

/** Starts servers for a part, and cleans them up in reverse order. */
export class Environment {
  readonly directory: string;
  readonly #disposables: (() => Promise<unknown> | undefined)[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Runs `work` in a new environment, and cleans up when it resolves or rejects. */
  static async with<Result>(work: (environment: Environment) => Promise<Result>): Promise<Result> {
    const environment = new Environment(await mkdtemp(join(tmpdir(), 'imstate-bench-')));
    try {
      return await work(environment);
    } finally {
      for (const dispose of environment.#disposables.reverse()) await dispose();
      await rm(environment.directory, { recursive: true, force: true });
    }
  }

  /** Calls `dispose` on clean-up. The last one registered runs first. */
  defer(dispose: () => Promise<unknown> | undefined): void {
    this.#disposables.push(dispose);
  }

  /** Starts a Redis with additional arguments. */
  async redis(...args: string[]): Promise<MeasuredRedis> {
    const server = await startRedis(...args);
    this.defer(() => server.stop());
    const admin = new Redis(server.url);
    this.defer(async () => admin.disconnect());
    return Object.assign(server, { admin });
  }

  /**
   * Starts `imstate serve` from dist/ on core 0. Each daemon has a data directory of its own, because daemons
   * of different stores do not register in one registry.
   */
  async daemon(options: Omit<DaemonOptions, 'directory'>): Promise<MeasuredProcess> {
    const directory = await mkdtemp(join(this.directory, 'daemon-'));
    return this.#track(await launchDaemon({ directory, ...options }));
  }

  /** Starts a server from bench/, such as constantServer.ts, on core 0. `node` has flags for Node.js. */
  async server({
    file,
    args = [],
    node = [],
  }: {
    file: string;
    args?: string[];
    node?: string[];
  }): Promise<MeasuredProcess> {
    return this.#track(await launch([...node, '--import', 'tsx', `bench/${file}`, ...args], '0'));
  }

  #track(launched: Launched): MeasuredProcess {
    const { process: child } = launched;
    this.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    });
    return { ...launched, pid: child.pid as number };
  }
}
