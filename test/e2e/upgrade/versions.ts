import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { disposables } from '../../support/disposables.ts';
import { startFirstVersion } from '../../support/firstVersion.ts';
import { type Finished, type Imstate, runImstate, startImstate } from '../../support/imstate.ts';

/** Daemons of both versions on one Redis, in one service of etcd, until the end of the test. */
export class Versions {
  /** The flags of all daemons. */
  readonly flags: string[];
  readonly keyPrefix = `test-${randomUUID()}:`;
  readonly #service = `test/${randomUUID()}`;
  readonly #where: string[];

  constructor() {
    this.#where = ['--etcd', inject('etcdHost'), '--service', this.#service];
    this.flags = ['--port', '0', '--redis', inject('redisUrl'), '--key-prefix', this.keyPrefix];
    this.flags.push(...this.#where, '--lease-ttl', '2s');
  }

  /** A daemon of the first version. */
  async startOld(...flags: string[]): Promise<Imstate> {
    return killed(await startFirstVersion('serve', ...this.flags, ...flags));
  }

  /** A daemon of this version. */
  async startNew(...flags: string[]): Promise<Imstate> {
    return killed(await startImstate('serve', ...this.flags, ...flags));
  }

  /** A client that finds the daemons in etcd. */
  async client(): Promise<Client> {
    const client = await connect({ etcd: inject('etcdHost'), service: this.#service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    return client;
  }

  /** Runs a command of this version on the daemons. */
  run(...args: string[]): Promise<Finished> {
    return runImstate([...args, ...this.#where]);
  }

  /** The version in im:layout. */
  storedLevel(): Promise<string | null> {
    return this.#inRedis((redis) => redis.hget(`${this.keyPrefix}layout`, 'version'));
  }

  /** Removes everything at once, as FLUSHALL in a Redis of their own. */
  async flush(): Promise<void> {
    await this.#inRedis(async (redis) => redis.del(await redis.keys(`${this.keyPrefix}*`)));
  }

  async #inRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(inject('redisUrl'));
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }
}

/** Stops a daemon; resolves once it has ended with exit code 0. */
export async function stop(daemon: Imstate): Promise<void> {
  daemon.signal('SIGTERM');
  const exitCode = await daemon.ended;
  if (exitCode !== 0) throw new Error(`the daemon ended with ${exitCode}: ${daemon.stderr()}`);
}

function killed(daemon: Imstate): Imstate {
  disposables.push(() => daemon.kill());
  return daemon;
}
