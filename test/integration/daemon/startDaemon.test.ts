import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, inject, test } from 'vitest';
import { parseHostPort } from '../../../packages/client/src/shared/address.ts';
import { EtcdRegistry } from '../../../src/registry/etcd/EtcdRegistry.ts';
import { grpcClients, startTestDaemon } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { failedStart } from '../../support/failedStart.ts';
import { freePort, NOBODY, startRedis, temporaryDirectory } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

describe('a failing start reports the reason, and cleans up', () => {
  const etcd = () => ({ etcd: inject('etcdHost'), redis: inject('redisUrl') });

  test.each([
    ['etcd without redis', () => ({ etcd: '127.0.0.1:1' }), 'STORE_NOT_SHARED', '--etcd needs --redis'],
    [
      'a wildcard with etcd',
      () => ({ ...etcd(), addr: '0.0.0.0' }),
      'ADVERTISE_REQUIRED',
      '--advertise HOST:PORT',
    ],
    [
      'an IPv6 wildcard with etcd',
      () => ({ ...etcd(), addr: '::' }),
      'ADVERTISE_REQUIRED',
      '--advertise HOST:PORT',
    ],
    [
      'advertising a wildcard',
      () => ({ advertise: '0.0.0.0:8080' }),
      'INVALID_ARGUMENT',
      'that others can dial',
    ],
    ['advertising no port', () => ({ advertise: 'example.com' }), 'INVALID_ARGUMENT', 'HOST:PORT'],
    ['a bad Redis URL', () => ({ redis: 'http://127.0.0.1' }), 'BAD_URL', 'must look like redis://'],
    ['a missing Redis database', () => ({ redis: `${inject('redisUrl')}/999` }), 'BAD_URL', 'database 999'],
    ['a user without a password', () => ({ redis: 'redis://user@127.0.0.1' }), 'BAD_URL', 'needs a password'],
    [
      'a wildcard in another spelling',
      () => ({ ...etcd(), addr: '0' }),
      'ADVERTISE_REQUIRED',
      '--advertise HOST:PORT',
    ],
    [
      'an unknown host name',
      () => ({ addr: 'nowhere.invalid' }),
      'ADDRESS_UNAVAILABLE',
      '--addr nowhere.invalid',
    ],
    [
      'a directory without write permission',
      () => ({ dataDir: '/proc/imstate' }),
      'DATA_FOLDER_UNUSABLE',
      '--data-dir',
    ],
    ['a bad database', () => ({ redis: 'redis://127.0.0.1/first' }), 'BAD_URL', 'must be a number'],
    ['a bad etcd address', () => ({ redis: inject('redisUrl'), etcd: 'x' }), 'BAD_URL', 'HOST:PORT'],
    [
      'an address of another machine',
      () => ({ addr: '192.0.2.1' }),
      'ADDRESS_UNAVAILABLE',
      'no address of this machine',
    ],
    ['a folder that is a file', () => ({ dataDir: '/dev/null/x' }), 'DATA_FOLDER_UNUSABLE', '--data-dir'],
  ])('%s', async (_, options, code, message) => {
    await expect(startTestDaemon(options())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('a port in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    disposables.push(() => server.close());
    const { port } = server.address() as { port: number };
    await expect(startTestDaemon({ port })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${port} is in use by another program`),
    });
  });

  test('an unavailable Redis: retries, shows it, and frees its port', async () => {
    const port = await freePort();
    const failure = await failedStart({ port, redis: `redis://:secret@${NOBODY}` });
    expect(failure).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(failure.message).not.toContain('secret');
    expect(await accepts(port)).toBe(false);
  });

  test('an unavailable etcd', async () => {
    const failure = await failedStart({ redis: inject('redisUrl'), etcd: NOBODY });
    expect(failure).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  });

  test('a wrong Redis password: fails immediately', async () => {
    const redis = await startRedis('--requirepass', 'right');
    disposables.push(() => redis.stop());
    const failure = await startTestDaemon({ redis: redis.url.replace('//', '//:wrong@') }).catch(
      (error: Error) => error,
    );
    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((failure as Error).message).not.toContain('wrong@');
    const daemon = await startTestDaemon({ redis: redis.url.replace('//', '//:right@') });
    expect(daemon.store).toBe(`${redis.url}/0`);
    await daemon.remove();
  });

  test('an aborted start', async () => {
    const stop = new AbortController();
    // The daemon warns when it waits for the next attempt.
    const log = Object.assign(pino({ level: 'silent' }), { warn: () => stop.abort() });
    const start = startTestDaemon({ redis: `redis://${NOBODY}`, signal: stop.signal, log });
    await expect(start).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

test('rejects a store with another number of shards, and accepts the right number or none', async () => {
  const options = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
  await (await startTestDaemon({ ...options, shards: 4 })).remove();
  await expect(startTestDaemon({ ...options, shards: 8 })).rejects.toMatchObject({
    code: 'LAYOUT_MISMATCH',
    message: expect.stringContaining('--shards 4'),
  });
  await (await startTestDaemon({ ...options, shards: 4 })).remove();
  await (await startTestDaemon(options)).remove();
});

test.each([
  ['random bytes', randomBytes(100_000)],
  ['a file that was cut off', Buffer.alloc(4_096)],
])('rejects a damaged data file: %s', async (_, bytes) => {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  await writeFile(join(folder.path, 'presence.lmdb'), bytes);
  await expect(startTestDaemon({ dataDir: folder.path })).rejects.toMatchObject({
    code: 'DATA_FOLDER_UNUSABLE',
    message: expect.stringContaining('is damaged'),
  });
});

test('applies the start deadline to a peer that accepts and stays silent', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  disposables.push(() => silent.close());
  const { port } = silent.address() as { port: number };
  const start = startTestDaemon({ redis: `rediss://127.0.0.1:${port}`, startTimeoutMs: 300 });
  await expect(start).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

test('releases the data directory on stop, and keeps its sessions', async () => {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const first = await startTestDaemon({ dataDir: folder.path });
  await report(first.addr, 'alice');
  await first.remove();
  const second = await startTestDaemon({ dataDir: folder.path });
  disposables.push(() => second.remove());
  expect(await ask(second.addr, 'alice')).toMatchObject({ online: true });
});

test('listens only on its address', async () => {
  const port = await freePort();
  const daemon = await startTestDaemon({ port });
  disposables.push(() => daemon.remove());
  expect(daemon.addr).toBe(`127.0.0.1:${port}`);
  expect(await accepts(port)).toBe(true);
  expect(await accepts(port, '127.0.0.2')).toBe(false);
});

test('registers a wildcard address in the embedded registry as a local one', async () => {
  const daemon = await startTestDaemon({ addr: '0.0.0.0' });
  disposables.push(() => daemon.remove());
  expect(daemon.advertised).toBe(`127.0.0.1:${parseHostPort(daemon.addr)?.port}`);
  expect(await ask(daemon.advertised, 'alice')).toMatchObject({ online: false });
});

test('registers only when Redis is available', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  await redis.kill();
  const service = `test/${randomUUID()}`;
  const hosts = inject('etcdHost');
  const log = { info: () => {}, warn: () => {} };
  const registry = new EtcdRegistry({ hosts, service, leaseTtlMs: 2_000, log });
  disposables.push(() => registry.close());
  const seen: string[] = [];
  const start = startTestDaemon({
    redis: redis.url,
    etcd: hosts,
    service,
    startTimeoutMs: 60_000,
    log: Object.assign(pino({ level: 'silent' }), {
      warn: (_: object, message = '') => void seen.push(message),
    }),
  });
  await until(
    () => seen.some((line) => line.includes('start delayed: retrying')),
    'the daemon waits for Redis',
  );
  expect(await registry.list()).toEqual([]);
  await redis.restart();
  const daemon = await start;
  expect(await registry.list()).toEqual([{ addr: daemon.advertised, metadata: null }]);
  await daemon.remove();
  expect(await registry.list()).toEqual([]);
});

test('stop() finishes calls in flight, deregisters, and may be called twice', async () => {
  const daemon = await startTestDaemon();
  const { v1, close } = grpcClients(daemon.addr);
  await v1.getUser({ userId: 'alice' });
  const inFlight = Array.from({ length: 200 }, (_, i) =>
    v1.online({ userId: `user-${i}`, deviceId: 'phone', serverAddr: 'a:1' }),
  );
  const arrived = Promise.race(inFlight);
  await arrived;
  const stopped = daemon.stop();
  const outcomes = await Promise.allSettled(inFlight);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  await stopped;
  await daemon.stop();
  close();
  await daemon.remove();
});

async function report(addr: string, userId: string): Promise<void> {
  const { v1, close } = grpcClients(addr);
  await v1.online({ userId, deviceId: 'phone', serverAddr: 'a:1' });
  close();
}

async function ask(addr: string, userId: string): Promise<unknown> {
  const { v1, close } = grpcClients(addr);
  const answer = await v1.getUser({ userId });
  close();
  return answer;
}

function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
