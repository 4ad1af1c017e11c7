import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Imstate, runImstate, spawnImstate, startImstate } from '../support/imstate.ts';
import { startSentinels, type TestSentinels } from '../support/sentinels.ts';
import { NOBODY, startEtcd, startRedis, type TestServer, temporaryDirectory } from '../support/servers.ts';
import { STOPPED, stopped } from '../support/stopping.ts';
import { until } from '../support/until.ts';

const LOCAL = ['--port', '0', '--log-level', 'debug'];

/** Returns the result of a function, or undefined if it throws. */
function resultOf<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/** A dependency of a daemon. */
interface Dependency {
  flags: string[];
  servers: TestServer[];
  /** The log message when the daemon notices that it is unavailable. */
  noticed: string;
  stop(): Promise<unknown>;
}

const dependencies: Record<string, () => Promise<Dependency>> = {
  Redis: async () => {
    const redis = await startRedis();
    return {
      flags: ['--redis', redis.url],
      servers: [redis],
      noticed: 'store unavailable',
      stop: () => redis.stop(),
    };
  },
  'a master known to Sentinels': async () => {
    const redis: TestSentinels = await startSentinels(0);
    return {
      flags: ['--redis', redis.url],
      servers: [redis.master],
      noticed: 'store unavailable',
      stop: () => redis.stop(),
    };
  },
  'a master and its Sentinels': async () => {
    const redis: TestSentinels = await startSentinels(0);
    return {
      flags: ['--redis', redis.url],
      servers: [redis.master, ...redis.sentinels],
      noticed: 'store unavailable',
      stop: () => redis.stop(),
    };
  },
  'Redis Cluster': async () => {
    const cluster: TestCluster = await startCluster(3);
    return {
      flags: ['--redis', cluster.url],
      servers: cluster.nodes,
      noticed: 'store unavailable',
      stop: () => cluster.stop(),
    };
  },
  etcd: async () => {
    const [etcd, redis] = await Promise.all([startEtcd(), startRedis()]);
    return {
      flags: ['--redis', redis.url, '--etcd', etcd.host, '--lease-ttl', '2s'],
      servers: [etcd],
      noticed: 'etcd does not keep the registration',
      stop: () => Promise.all([etcd.stop(), redis.stop()]),
    };
  },
};

describe.concurrent('SIGTERM ends a daemon that serves', { timeout: 180_000 }, () => {
  test.each(Object.keys(dependencies))('with %s up, frozen or gone', async (name) => {
    const { flags, servers, noticed, stop } = await (dependencies[name] as () => Promise<Dependency>)();
    const started: Imstate[] = [];
    const start = async () => void started.push(await startImstate('serve', ...LOCAL, ...flags));
    const hasNoticed = (daemon: Imstate) =>
      until(() => daemon.stderr().includes(noticed), 'the daemon notices it');
    try {
      // One after the other: the tests of all dependencies start theirs at once.
      for (let i = 0; i < 3; i++) await start();
      const [up, frozen, gone] = started as [Imstate, Imstate, Imstate];
      const outcome: Record<string, unknown> = { up: await stopped(up) };
      for (const server of servers) server.freeze();
      await hasNoticed(frozen);
      outcome.frozen = await stopped(frozen);
      for (const server of servers) server.thaw();
      await Promise.all(servers.map((server) => server.kill()));
      await hasNoticed(gone);
      outcome.gone = await stopped(gone);
      expect(outcome).toEqual({ up: STOPPED, frozen: STOPPED, gone: STOPPED });
    } finally {
      await Promise.all(started.map((daemon) => daemon.kill()));
      await stop();
    }
  });
});

describe.concurrent('SIGTERM ends a daemon without', { timeout: 180_000 }, () => {
  let silent: Server;
  let redis: Awaited<ReturnType<typeof startRedis>>;

  beforeAll(async () => {
    redis = await startRedis();
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    silent.close();
    await redis.stop();
  });

  const urls: Record<string, (at: string) => string[]> = {
    Redis: (at) => ['--redis', `redis://${at}`],
    Sentinel: (at) => ['--redis', `redis+sentinel://${at}/presence`],
    'Redis Cluster': (at) => ['--redis', `redis+cluster://${at}`],
    etcd: (at) => ['--redis', redis.url, '--etcd', at],
  };
  const faults: Record<string, () => string> = {
    'refuses connections': () => NOBODY,
    'accepts connections and stays silent': () => `127.0.0.1:${(silent.address() as { port: number }).port}`,
    'cannot be resolved': () => 'nowhere.invalid:6379',
  };
  const eachFault = Object.entries(faults);
  const cases = Object.keys(urls).flatMap((name) => Object.keys(faults).map((fault) => [name, fault]));

  test.each(cases as [string, string][])('%s, which %s, while it starts', async (name, fault) => {
    const folder = await temporaryDirectory();
    const where = (faults[fault] as () => string)();
    const flags = (urls[name] as (at: string) => string[])(where);
    const daemon = spawnImstate(['serve', ...LOCAL, '--data-dir', folder.path, ...flags]);
    // With a silent server, the first attempt takes some seconds.
    await until(() => daemon.stderr().includes('start delayed: retrying'), `the daemon retries ${name}`);
    expect(await stopped(daemon)).toEqual(STOPPED);
    await folder.remove();
  });

  test.each([
    ['--redis-url-file'],
    [
      '--redis',
      'redis://127.0.0.1:1',
      '--etcd',
      '127.0.0.1:1',
      '--etcd-user',
      'root',
      '--etcd-password-file',
    ],
  ])('a secret in a pipe (%s …)', async (...flags) => {
    const folder = await temporaryDirectory();
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const daemon = spawnImstate(['serve', ...LOCAL, '--data-dir', folder.path, ...flags, pipe]);
    let writer: number | undefined;
    // Fails until the daemon opens the other end.
    const isWaiting = () => {
      writer = resultOf(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
      return writer !== undefined;
    };
    await until(isWaiting, 'the daemon reads the pipe');
    expect(await stopped(daemon)).toEqual({ exitCode: 'SIGTERM', inTime: true });
    closeSync(writer as number);
    await folder.remove();
  });

  test.each(eachFault)('a trace collector, which %s', async (_, where) => {
    const daemon = await startImstate('serve', ...LOCAL, '--otlp-endpoint', `http://${where()}`);
    // Creates a span that waits to be sent.
    expect(await runImstate(['query', 'alice', '--endpoint', daemon.addr])).toMatchObject({ exitCode: 0 });
    expect(await stopped(daemon)).toEqual(STOPPED);
    await daemon.kill();
  });
});
