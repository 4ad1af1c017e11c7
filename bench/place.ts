// What most parts measure: a Redis, daemons on it, and a folder, all of which end with the part.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type TestServer } from '../test/support/servers.ts';
import { type DaemonOptions, type Launched, launch, launchDaemon } from './processes.ts';

/** A process that is measured. */
export interface Measured extends Launched {
  pid: number;
}

/** A Redis that a part started, with a connection for questions. */
export interface MeasuredRedis extends TestServer {
  url: string;
  admin: Redis;
}

/** Where a part starts what it measures. */
export class LogPosition {
  readonly folder: string;
  readonly #endings: (() => Promise<unknown> | undefined)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Gives the work a place, and clears it up whatever becomes of the work. */
  static async with<Result>(work: (place: LogPosition) => Promise<Result>): Promise<Result> {
    const place = new LogPosition(await mkdtemp(join(tmpdir(), 'imstate-bench-')));
    try {
      return await work(place);
    } finally {
      for (const end of place.#endings.reverse()) await end();
      await rm(place.folder, { recursive: true, force: true });
    }
  }

  /** Does this at the end, last come first. */
  atEnd(ending: () => Promise<unknown> | undefined): void {
    this.#endings.push(ending);
  }

  /** Starts a Redis; `args` are added to its command line. */
  async redis(...args: string[]): Promise<MeasuredRedis> {
    const server = await startRedis(...args);
    this.atEnd(() => server.stop());
    const admin = new Redis(server.url);
    this.atEnd(async () => admin.disconnect());
    return Object.assign(server, { admin });
  }

  /** Starts `imstate serve` of dist/ on core 0. */
  async daemon(options: Omit<DaemonOptions, 'folder'>): Promise<Measured> {
    return this.#keep(await launchDaemon({ folder: this.folder, ...options }));
  }

  /** Starts a server of this folder, such as constantServer.ts, on core 0; `node` are flags of Node.js. */
  async server({
    file,
    args = [],
    node = [],
  }: {
    file: string;
    args?: string[];
    node?: string[];
  }): Promise<Measured> {
    return this.#keep(await launch([...node, '--import', 'tsx', `bench/${file}`, ...args], '0'));
  }

  #keep(launched: Launched): Measured {
    const { process: child } = launched;
    this.atEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    });
    return { ...launched, pid: child.pid as number };
  }
}
