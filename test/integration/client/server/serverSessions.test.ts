import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import {
  type Client,
  connect,
  type EndedSession,
  type ServerLoginResult,
  type ServerOptions,
  type ServerSessions,
  type SessionsPage,
} from '../../../../packages/client/src/index.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { startImstate } from '../../../support/imstate.ts';
import { startProxy } from '../../../support/proxy.ts';
import { freePort, startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const serverAddr = '10.0.0.1:9000';

/** A chat server on the client, closed after the test. */
function serve(client: Client, options: Partial<ServerOptions> = {}): ServerSessions {
  const server = client.server({ addr: serverAddr, ...options });
  disposables.push(() => server.close());
  return server;
}

const phone = (userId: string) => ({ userId, deviceId: 'phone' });

async function leaseOf(client: Client) {
  const { servers } = await client.listServers();
  return servers.find((server) => server.serverAddr === serverAddr)?.lease;
}

/** Waits until the lease has been renewed. */
async function keptAlive(client: Client): Promise<void> {
  const expireTime = async () => (await leaseOf(client).catch(() => undefined))?.expireTime?.getTime() ?? 0;
  const before = await until(expireTime, 'the lease is known');
  await until(async () => (await expireTime()) > before, 'the lease is kept alive');
}

describe('the lease of a chat server', () => {
  test('is ready once it is alive, and its sessions end with it', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const server = serve(client, { incarnation: 7, leaseTtlMs: 3_000 });
    await server.ready;
    await server.online(phone('alice'));
    expect(await leaseOf(client)).toMatchObject({ incarnation: 7, ttlMs: 3_000 });
    await keptAlive(client);
    await until(async () => (await client.getUser({ userId: 'alice' })).online, 'the session lasts');
    server.close();
    server.close();
    await until(async () => !(await client.getUser({ userId: 'alice' })).online, 'the session ends');
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ reason: 'SERVER_LOST' }] });
  });

  test('ends with its client', async () => {
    const { addr } = await startDaemon();
    const failures: unknown[] = [];
    const client = await connect({ endpoints: [addr], timeoutMs: 30_000 });
    const server = serve(client, { leaseTtlMs: 1_000, onError: (error) => failures.push(error) });
    await server.ready;
    failures.length = 0;
    await client.close();
    const other = await clientOf(addr);
    await until(async () => (await leaseOf(other))?.state !== 'ALIVE', 'the lease runs out');
    expect(failures).toEqual([]);
  });

  test('is rejected if it is closed before it is ready', async () => {
    const client = await clientOf(`127.0.0.1:${await freePort()}`);
    const server = serve(client);
    server.close();
    await expect(server.ready).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a later run of the chat server ends it for good', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const first = serve(client, { incarnation: 1, leaseTtlMs: 1_000 });
    await first.ready;
    await first.online(phone('alice'));
    const second = serve(await clientOf(addr), { incarnation: 2, leaseTtlMs: 1_000 });
    await second.ready;
    const error = await first.lost;
    expect(error).toMatchObject({ code: 'SUPERSEDED', exitCode: 4, message: expect.stringContaining('2') });
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({
      devices: [{ online: false, reason: 'SERVER_LOST' }],
    });
    expect((await first.online(phone('bob'))).endReason).toBe('SERVER_LOST');
    expect(await client.getUser({ userId: 'bob' })).toMatchObject({ online: false });
  });

  test('drains: every session is asked for once, until the drain is cancelled', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const asked: { sessionId: string; left: number }[] = [];
    const server = serve(client, {
      leaseTtlMs: 3_000,
      onDrain: ({ sessionId, left }) => asked.push({ sessionId, left }),
    });
    await server.ready;
    const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
    await Promise.all(users.map((userId) => server.online(phone(userId))));
    expect(server.draining).toBeUndefined();
    await client.drainServer({ serverAddr, overMs: 3_600_000 });
    await until(() => server.draining !== undefined, 'the chat server drains');
    expect(server.draining).toMatchObject({ left: 30 - asked.length, deadline: expect.any(Date) });
    await client.drainServer({ serverAddr, cancel: true });
    await until(() => server.draining === undefined, 'the drain is cancelled');
    asked.length = 0;
    await client.drainServer({ serverAddr, overMs: 0 });
    await until(() => server.draining?.left === 0, 'all were asked for');
    expect(asked.map(({ left }) => left)).toEqual(users.map((_, i) => 29 - i));
    expect(new Set(asked.map(({ sessionId }) => sessionId)).size).toBe(30);
    // The chat server has closed none: they are still online, and are not asked for again.
    expect((await client.getStats()).devicesOnline).toBe(30);
    await server.online(phone('late'));
    await until(() => asked.length === 31, 'a session that came later is asked for, too');
    server.close();
    expect(server.draining).toBeUndefined();
  });

  test('a rejection by the daemon ends it for good', async () => {
    const { addr } = await startDaemon();
    const server = serve(await clientOf(addr), { addr: 'nowhere' });
    expect(await server.lost).toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(server.ready).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test.each([0, 999, 3_600_001, Number.NaN])('a time of %s ms is rejected', async (leaseTtlMs) => {
    const client = await clientOf('127.0.0.1:1');
    expect(() => serve(client, { leaseTtlMs })).toThrow('must be from 1000 to 3600000');
  });
});

describe('a chat server whose daemon stops', () => {
  test('continues on the other of two: kill -9, then a drain', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const { redis, keyPrefix } = config;
    const args = ['--redis', redis, '--key-prefix', keyPrefix, '--port'];
    const first = await startImstate('serve', ...args, '0');
    disposables.push(() => first.kill());
    const second = await startDaemon(config);
    const client = await clientOf(first.addr, second.addr);
    const server = serve(client, { leaseTtlMs: 15_000 });
    await server.ready;
    await server.online(phone('alice'));
    await first.kill();
    await keptAlive(client);
    const third = await startImstate('serve', ...args, first.addr.split(':')[1] as string);
    disposables.push(() => third.kill());
    await second.stop();
    await keptAlive(client);
    expect(await client.listHistory({ userId: 'alice' })).toMatchObject({
      entries: [{ endTime: undefined }],
    });
  });

  test('opens another stream without a response, and reports disconnection and reconnection', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const frozen = await startDaemon(config);
    const proxy = await startProxy(Number(frozen.addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const client = await clientOf(`127.0.0.1:${proxy.port}`);
    const delivered: string[] = [];
    const failures: string[] = [];
    const server = serve(client, {
      leaseTtlMs: 3_000,
      onError: ({ message }) => failures.push(message),
      onDisconnected: () => delivered.push('disconnected'),
      onReconnected: () => delivered.push('reconnected'),
    });
    await server.ready;
    proxy.pause();
    await until(
      () => failures.some((message) => message.includes('no answer within')),
      'the silence is noticed',
    );
    await until(() => delivered.length === 1, 'the disconnection is reported');
    proxy.heal();
    await keptAlive(await clientOf(frozen.addr));
    await until(() => delivered.length === 2, 'the reconnection is reported');
    expect(delivered).toEqual(['disconnected', 'reconnected']);
  });

  test('logs in when a daemon starts: a login waits for it', async () => {
    const port = await freePort();
    const client = await clientOf(`127.0.0.1:${port}`);
    const failures: string[] = [];
    const server = serve(client, { onError: ({ code }) => failures.push(code) });
    const login = server.online(phone('alice'), { timeoutMs: 30_000 });
    await until(() => failures.length > 0, 'no daemon responds');
    await startDaemon({ port });
    await server.ready;
    expect(await login).toMatchObject({ endReason: undefined });
    expect(new Set(failures)).toEqual(new Set(['UNAVAILABLE']));
  });

  test('a login and a logout without a response are repeated until their timeout', async () => {
    const { addr } = await startDaemon();
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const failures: string[] = [];
    const server = serve(await clientOf(`127.0.0.1:${proxy.port}`), {
      leaseTtlMs: 3_000,
      onError: ({ code }) => failures.push(code),
    });
    await server.ready;
    const { sessionId } = await server.online(phone('alice'));
    proxy.pause();
    const login = server.online(phone('bob'), { timeoutMs: 600_000 });
    const logout = server.offline({ ...phone('alice'), sessionId }, { timeoutMs: 600_000 });
    // By then the batching client has left the daemon more than once.
    await until(() => failures.length >= 10, 'the lease was tried ten times');
    proxy.heal();
    expect(await login).toMatchObject({ endReason: undefined });
    await logout;
    const direct = await clientOf(addr);
    await until(async () => (await direct.getStats()).devicesOnline === 1, 'bob alone is online');
  });

  test('an unanswered logout is made when a daemon starts', async () => {
    const { addr } = await startDaemon();
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const direct = await clientOf(addr);
    const server = serve(await clientOf(`127.0.0.1:${proxy.port}`), { leaseTtlMs: 60_000 });
    await server.ready;
    const { sessionId } = await server.online(phone('alice'));
    proxy.pause();
    const logout = server.offline({ ...phone('alice'), sessionId }, { timeoutMs: 100 });
    await expect(logout).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const late = server.online(phone('bob'), { timeoutMs: 100 });
    await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/DEADLINE|UNAVAILABLE/) });
    expect(server.size).toBe(0);
    proxy.heal();
    await until(async () => (await direct.getStats()).devicesOnline === 0, 'both are offline');
    expect(await direct.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ reason: 'LOGOUT' }] });
  });
});

describe('the sessions of a chat server', () => {
  test('that others end are reported once each, and no longer held', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const ended: EndedSession[] = [];
    const server = serve(client, { onEnded: (one) => ended.push(one) });
    await server.ready;
    const sessions = await Promise.all(
      ['alice', 'bob', 'carol'].map((userId) => server.online(phone(userId))),
    );
    const [alice, bob] = sessions as [ServerLoginResult, ServerLoginResult];
    expect(server.size).toBe(3);
    expect([...server].map(({ userId }) => userId)).toEqual(['alice', 'bob', 'carol']);
    const by = { deviceId: 'phone', serverAddr: '10.0.0.2:9000', label: 'Old phone' };
    const { replaced } = await client.online({ userId: 'alice', ...by });
    expect(replaced).toMatchObject([{ sessionId: alice.sessionId, serverAddr }]);
    await client.evict({ userId: 'bob', reasonText: 'reported' });
    await until(() => ended.length === 2, 'both are delivered');
    expect(ended).toMatchObject([
      { ...phone('alice'), sessionId: alice.sessionId, serverAddr, reason: 'REPLACED', by },
      {
        ...phone('bob'),
        sessionId: bob.sessionId,
        serverAddr,
        reason: 'EVICTED',
        reasonText: 'reported',
        by: undefined,
      },
    ]);
    expect(server.size).toBe(1);
    await server.offline({ ...phone('carol'), sessionId: sessions[2]?.sessionId as string });
    await server.online(phone('carol'));
    await server.online(phone('carol'));
    await until(() => ended.length === 3, 'the login of the same device is delivered');
    expect(ended.length).toBe(3);
  });

  test('that ended while they could not be watched are reported afterwards', async () => {
    const server = await startRedis();
    disposables.push(() => server.stop());
    const { addr } = await startDaemon({ redis: server.url, changeLimit: 16 });
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const direct = await clientOf(addr);
    const ended: EndedSession[] = [];
    const sessions = serve(await clientOf(`127.0.0.1:${proxy.port}`), {
      leaseTtlMs: 60_000,
      onEnded: (one) => ended.push(one),
    });
    await sessions.ready;
    await sessions.online(phone('alice'));
    await sessions.online(phone('bob'));
    proxy.cut();
    await direct.evict({ userId: 'alice' });
    // More changes than the change log keeps.
    for (let round = 0; round < 10; round++) {
      const users = Array.from({ length: 400 }, (_, i) => `other-${i}`);
      await Promise.all(users.map((userId) => direct.online({ ...phone(userId), serverAddr: 'a:1' })));
    }
    proxy.heal();
    await until(() => ended.length > 0, 'the eviction is delivered');
    expect(ended).toMatchObject([{ userId: 'alice', reason: 'EVICTED' }]);
    expect(sessions.size).toBe(1);
  });

  test('a login that another one replaces before its response has an end reason', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const ended: EndedSession[] = [];
    const server = serve(client, { onEnded: (one) => ended.push(one) });
    await server.ready;
    const logins = await Promise.all(Array.from({ length: 20 }, () => server.online(phone('alice'))));
    const last = logins.at(-1) as ServerLoginResult;
    const over = () =>
      new Set([
        ...logins.filter(({ endReason }) => endReason).map(({ sessionId }) => sessionId),
        ...ended.map(({ sessionId }) => sessionId),
      ]);
    await until(() => over().size === 19, 'all others are over');
    expect(over().has(last.sessionId)).toBe(false);
    expect([...server]).toEqual([{ ...phone('alice'), sessionId: last.sessionId }]);
  });

  test('an invalid login is rejected, and not held', async () => {
    const { addr } = await startDaemon();
    const server = serve(await clientOf(addr));
    await expect(server.online({ ...phone('alice'), ttlMs: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(server.size).toBe(0);
  });

  test('with a time to live are renewed by heartbeats, and reported when they expire', async () => {
    const { addr } = await startDaemon();
    const ended: EndedSession[] = [];
    const server = serve(await clientOf(addr), { onEnded: (one) => ended.push(one) });
    await server.ready;
    await server.online({ ...phone('alice'), ttlMs: 1_000 });
    await server.online({ ...phone('bob'), ttlMs: 3_600_000 });
    await server.heartbeat(server);
    await until(() => ended.length === 1, 'one expires');
    expect(ended).toMatchObject([{ userId: 'alice', reason: 'EXPIRED' }]);
  });
});

describe('a resync', () => {
  test('restores all sessions after FLUSHALL', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url });
    const client = await clientOf(addr);
    const server = serve(client, { leaseTtlMs: 1_000, resendsPerSecond: 1_000 });
    await server.ready;
    const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    const logins = await Promise.all(
      users.map((userId) => server.online({ ...phone(userId), platform: 'ios' })),
    );
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await until(async () => (await client.getStats()).devicesOnline === 300, 'all are online again');
    await until(async () => (await leaseOf(client))?.state === 'ALIVE', 'the resync is done');
    const states = await client.getUsers(users);
    expect(states.map(({ devices }) => devices)).toMatchObject(
      logins.map(({ sessionId, loginTime }) => [{ online: true, sessionId, loginTime, platform: 'ios' }]),
    );
    expect(await client.getStats()).toMatchObject({ devicesByServer: { [serverAddr]: 300 } });
  });

  test('does not restore sessions that were logged out meanwhile', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url });
    const client = await clientOf(addr);
    const server = serve(client, { leaseTtlMs: 1_000, resendsPerSecond: 200 });
    await server.ready;
    const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    await Promise.all(users.map((userId) => server.online(phone(userId))));
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await until(async () => (await client.getStats()).devicesOnline > 0, 'the resync has begun');
    const leaving = [...server].filter((_, i) => i % 2 === 0);
    await Promise.all(leaving.map((session) => server.offline(session)));
    await until(async () => (await leaseOf(client))?.state === 'ALIVE', 'the resync is done');
    const stay = new Set([...server].map(({ userId }) => userId));
    expect(stay.size).toBe(100);
    const states = await client.getUsers(users);
    expect(states.filter(({ online }) => online).map(({ userId }) => userId)).toEqual(
      users.filter((userId) => stay.has(userId)),
    );
  });

  test('does not apply the login policy again', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url });
    const client = await clientOf(addr);
    const server = serve(client, { leaseTtlMs: 1_000 });
    await server.ready;
    await server.online({ userId: 'alice', deviceId: 'web', policy: 'REPLACE_ALL' });
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await client.online({ ...phone('alice'), serverAddr: '10.0.0.2:9000' });
    const online = async () =>
      (await client.getUser({ userId: 'alice' })).devices.filter((each) => each.online);
    await until(async () => (await online()).length === 2, 'both are online');
    await until(async () => (await leaseOf(client))?.state === 'ALIVE', 'the resync is done');
    expect(await online()).toHaveLength(2);
  });

  test('resends a session whose login is in flight', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url, keyPrefix: 'im:' });
    const { addr: other } = await startDaemon({ redis: redisServer.url, keyPrefix: 'im:' });
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const reader = await clientOf(other);
    const server = serve(await clientOf(`127.0.0.1:${proxy.port}`, other), { leaseTtlMs: 3_000 });
    await server.ready;
    const logins: Promise<unknown>[] = [];
    proxy.holdAnswers();
    for (let i = 0; i < 8; i++) logins.push(server.online(phone(`late-${i}`), { timeoutMs: 30_000 }));
    await until(async () => (await reader.getStats()).devicesOnline === 8, 'the logins are applied');
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    proxy.heal();
    await Promise.all(logins);
    await until(async () => (await leaseOf(reader))?.state === 'ALIVE', 'the resync is done');
    await until(async () => (await reader.getStats()).devicesOnline === 8, 'all are online again');
    expect((await reader.listSessions({ serverAddr })).sessions).toHaveLength(8);
  });

  test('is repeatable while devices log in and out', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url });
    const client = await clientOf(addr);
    const server = serve(client, { leaseTtlMs: 3_000 });
    await server.ready;
    await Promise.all(Array.from({ length: 200 }, (_, i) => server.online(phone(`staying-${i}`))));
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    let goOn = true;
    let changes = 0;
    const flap = async (name: string) => {
      for (let i = 0; goOn; i++) {
        const { sessionId } = await server.online(phone(`${name}-${i}`), { timeoutMs: 30_000 });
        if (i % 10 > 0) await server.offline({ ...phone(`${name}-${i}`), sessionId }, { timeoutMs: 30_000 });
        changes += 1;
      }
    };
    const flapping = Array.from({ length: 20 }, (_, i) => flap(`flapping-${i}`));
    for (let loss = 1; loss <= 3; loss++) {
      const before = changes;
      await until(() => changes > before + 200, 'devices come and go');
      await redis.flushall();
      await until(async () => (await client.getStats()).devicesOnline >= 200, 'the sessions are back');
    }
    goOn = false;
    await Promise.all(flapping);
    await until(async () => (await leaseOf(client))?.state === 'ALIVE', 'the resync is done');
    const held = [...server].map(({ sessionId }) => sessionId).sort();
    const listed = async () => {
      const found: (string | undefined)[] = [];
      for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
        const page: SessionsPage = await client.listSessions({ pageSize: 1_000, pageToken });
        found.push(...page.sessions.map(({ device }) => device.sessionId));
        pageToken = page.nextPageToken;
      }
      return found.sort();
    };
    await until(
      async () => (await client.getStats()).devicesOnline === held.length,
      'all ends are written down',
    );
    expect(await listed()).toEqual(held);
  });
});
