import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { type Client, connect, type HeldSession, type ServerLeaseOptions } from '../../src/client/index.ts';
import type { DaemonOptions } from '../../src/daemon/startDaemon.ts';
import { startTestDaemon } from '../support/daemon.ts';
import { startImstate } from '../support/imstate.ts';
import { startProxy } from '../support/proxy.ts';
import { freePort, startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function startDaemon(overrides: Partial<DaemonOptions> = {}) {
  const daemon = await startTestDaemon(overrides);
  undo.push(() => daemon.remove());
  return daemon;
}

async function clientOf(...endpoints: string[]): Promise<Client> {
  const client = await connect({ endpoints });
  undo.push(() => client.close());
  return client;
}

const serverAddr = '10.0.0.1:9000';

/** Keeps a lease that holds sessions, which `login` adds to. */
function keep(client: Client, options: Partial<ServerLeaseOptions> = {}) {
  const held = new Map<string, HeldSession>();
  const lease = client.keepServerAlive({ serverAddr, sessions: () => held.values(), ...options });
  const login = async (userId: string) => {
    const session = { userId, deviceId: 'phone', serverAddr, sessionId: `of-${userId}` };
    const { loginTime } = await client.online({ ...session, serverIncarnation: lease.incarnation });
    held.set(session.sessionId, { ...session, loginTime });
  };
  return { lease, held, login };
}

async function leaseOf(client: Client) {
  const { servers } = await client.listServers();
  return servers.find((server) => server.serverAddr === serverAddr)?.lease;
}

/** Waits until the lease has been kept alive from now on. */
async function keptAlive(client: Client): Promise<void> {
  const expireTime = async () => (await leaseOf(client).catch(() => undefined))?.expireTime?.getTime() ?? 0;
  const before = await until(expireTime, 'the lease is known');
  await until(async () => (await expireTime()) > before, 'the lease is kept alive');
}

describe('a lease', () => {
  test('is ready once it is kept, and its sessions end with it', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const { lease, login } = keep(client, { incarnation: 7, ttlMs: 1_000 });
    await lease.ready;
    await login('alice');
    expect(await leaseOf(client)).toMatchObject({ incarnation: 7, ttlMs: 1_000 });
    await keptAlive(client);
    await until(async () => (await client.getUser({ userId: 'alice' })).online, 'the session lasts');
    lease.close();
    lease.close();
    await until(async () => !(await client.getUser({ userId: 'alice' })).online, 'the session ends');
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ reason: 'SERVER_LOST' }] });
  });

  test('ends with its client', async () => {
    const { addr } = await startDaemon();
    const failures: unknown[] = [];
    const client = await connect({ endpoints: [addr] });
    const { lease } = keep(client, { ttlMs: 1_000, onError: (error) => failures.push(error) });
    await lease.ready;
    failures.length = 0;
    await client.close();
    const other = await clientOf(addr);
    await until(async () => (await leaseOf(other))?.state !== 'ALIVE', 'the lease runs out');
    expect(failures).toEqual([]);
  });

  test('that is closed before it is ready says so', async () => {
    const client = await clientOf(`127.0.0.1:${await freePort()}`);
    const { lease } = keep(client);
    lease.close();
    await expect(lease.ready).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a later run of the chat server ends it for good', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const first = keep(client, { incarnation: 1, ttlMs: 1_000 });
    await first.lease.ready;
    await first.login('alice');
    const second = keep(await clientOf(addr), { incarnation: 2, ttlMs: 1_000 });
    await second.lease.ready;
    const error = await first.lease.lost;
    expect(error).toMatchObject({ code: 'SUPERSEDED', exitCode: 4, message: expect.stringContaining('2') });
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({
      devices: [{ online: false, reason: 'SERVER_LOST' }],
    });
    const late = await client.online({ userId: 'bob', deviceId: 'phone', serverAddr, serverIncarnation: 1 });
    expect(late.endReason).toBe('SERVER_LOST');
  });

  test('what the daemon refuses ends it for good', async () => {
    const { addr } = await startDaemon();
    const { lease } = keep(await clientOf(addr), { serverAddr: 'nowhere' });
    expect(await lease.lost).toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(lease.ready).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test.each([0, 999, 3_600_001, Number.NaN])('a time of %s ms is refused', async (ttlMs) => {
    const client = await clientOf('127.0.0.1:1');
    expect(() => keep(client, { ttlMs })).toThrow('ttlMs must be from 1000 to 3600000');
  });
});

describe('a lease whose daemon goes', () => {
  test('goes on with the other one of two: kill -9, then a drain', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const { redis, keyPrefix } = config;
    const args = ['--redis', redis, '--key-prefix', keyPrefix, '--port'];
    const first = await startImstate('serve', ...args, '0');
    undo.push(() => first.kill());
    const second = await startDaemon(config);
    const client = await clientOf(first.addr, second.addr);
    const { lease, login } = keep(client, { ttlMs: 15_000 });
    await lease.ready;
    await login('alice');
    await first.kill();
    await keptAlive(client);
    const third = await startImstate('serve', ...args, first.addr.split(':')[1] as string);
    undo.push(() => third.kill());
    await second.stop();
    await keptAlive(client);
    expect(await client.listHistory({ userId: 'alice' })).toMatchObject({
      entries: [{ endTime: undefined }],
    });
  });

  test('opens another stream where no answer comes', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const frozen = await startDaemon(config);
    const proxy = await startProxy(Number(frozen.addr.split(':')[1]));
    undo.push(() => proxy.close());
    const client = await clientOf(`127.0.0.1:${proxy.port}`);
    const failures: string[] = [];
    const { lease } = keep(client, { ttlMs: 1_000, onError: ({ message }) => failures.push(message) });
    await lease.ready;
    proxy.pause();
    await until(
      () => failures.some((message) => message.includes('no answer within')),
      'the silence is noticed',
    );
    proxy.heal();
    await keptAlive(await clientOf(frozen.addr));
  });

  test('begins when a daemon comes', async () => {
    const port = await freePort();
    const client = await clientOf(`127.0.0.1:${port}`);
    const failures: string[] = [];
    const { lease } = keep(client, { onError: ({ code }) => failures.push(code) });
    await until(() => failures.length > 0, 'nobody is there');
    await startDaemon({ port });
    await lease.ready;
    expect(new Set(failures)).toEqual(new Set(['UNAVAILABLE']));
  });
});

describe('a resync', () => {
  test('brings all sessions back after FLUSHALL, as they were', async () => {
    const server = await startRedis();
    undo.push(() => server.stop());
    const { addr } = await startDaemon({ redis: server.url });
    const client = await clientOf(addr);
    const { lease, held, login } = keep(client, { ttlMs: 1_000 });
    await lease.ready;
    const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    await Promise.all(users.map(login));
    const redis = new Redis(server.url);
    undo.push(() => redis.disconnect());
    await redis.flushall();
    await until(async () => (await client.getStats()).devicesOnline === 300, 'all are online again');
    await until(async () => (await leaseOf(client))?.state === 'ALIVE', 'the resync is done');
    for (const { userId, sessionId, loginTime } of held.values()) {
      expect(await client.getUser({ userId })).toMatchObject({
        devices: [{ online: true, sessionId, loginTime }],
      });
    }
    expect(await client.getStats()).toMatchObject({ devicesByServer: { [serverAddr]: 300 } });
  });

  test('tells of a session that had ended', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const session = { userId: 'alice', deviceId: 'phone', serverAddr, sessionId: 's-1' };
    const { loginTime } = await client.online(session);
    await client.online({ ...session, serverAddr: '10.0.0.2:9000', sessionId: 's-2' });
    const ended: unknown[] = [];
    const { lease } = keep(client, {
      sessions: () => [{ ...session, loginTime }],
      onEnded: (one) => ended.push(one),
    });
    await lease.ready;
    expect(ended).toEqual([{ ...session, reason: 'REPLACED' }]);
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ sessionId: 's-2' }] });
  });

  test('ends none of the sessions that a login of this policy would have ended', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const web = {
      userId: 'alice',
      deviceId: 'web',
      serverAddr,
      sessionId: 's-web',
      policy: 'REPLACE_ALL',
    } as const;
    const { loginTime } = await client.online(web);
    await client.offline({ userId: 'alice', deviceId: 'web' });
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
    const { lease } = keep(client, { sessions: () => [{ ...web, sessionId: 's-web-2', loginTime }] });
    await lease.ready;
    expect((await client.getUser({ userId: 'alice' })).devices.filter(({ online }) => online)).toHaveLength(
      2,
    );
  });

  test('that fails is not done, and is tried again', async () => {
    const { addr } = await startDaemon();
    const failures: unknown[] = [];
    let tries = 0;
    const { lease } = keep(await clientOf(addr), {
      ttlMs: 1_000,
      sessions: () => {
        tries += 1;
        if (tries < 3) throw new Error('not now');
        return [];
      },
      onError: ({ message }) => failures.push(message),
    });
    await lease.ready;
    expect(tries).toBe(3);
    expect(failures.filter((message) => message === 'not now')).toHaveLength(2);
  });

  test('a session that can never be sent does not hold up the others', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const failures: unknown[] = [];
    const good = { userId: 'alice', deviceId: 'phone', serverAddr, sessionId: 's-1' };
    const { lease } = keep(client, {
      sessions: () => [{ ...good, userId: '' }, good],
      onError: ({ code }) => failures.push(code),
    });
    await lease.ready;
    expect(failures).toContain('INVALID_ARGUMENT');
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: true });
  });
});
