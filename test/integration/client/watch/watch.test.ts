import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import { type Client, connect, type WatchOptions } from '../../../../packages/client/src/index.ts';
import { Delivered } from '../../../support/delivered.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { startImstate } from '../../../support/imstate.ts';
import { startProxy } from '../../../support/proxy.ts';
import { freePort, startRedis, temporaryDirectory } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const serverAddr = '10.0.0.1:9000';

function watch(client: Client, options: WatchOptions) {
  const made = client.watch(options);
  disposables.push(() => made.close());
  return { made, delivered: new Delivered(made) };
}

const login = (client: Client, userId: string, sessionId: string, more: object = {}) =>
  client.online({ userId, deviceId: 'phone', serverAddr, sessionId, ...more });

/** Repeats a login until it succeeds: on a stalled machine a daemon may consider its Redis unavailable. */
const retry = (client: Client, userId: string, sessionId: string) =>
  until(() => login(client, userId, sessionId).catch(() => undefined), `${sessionId} is reported`);

describe('a watch', () => {
  test('of users starts with snapshots, then delivers every change', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const { loginTime } = await login(client, 'alice', 's1', { platform: 'ios', metadata: { app: '1' } });
    const { made, delivered } = watch(client, { users: new Set(['alice', 'bob']) });
    await delivered.has(1, 'synced');
    expect(delivered.withoutProgress).toMatchObject([
      {
        type: 'snapshot',
        userId: 'alice',
        devices: [
          {
            deviceId: 'phone',
            online: true,
            sessionId: 's1',
            serverAddr,
            platform: 'ios',
            loginTime,
            logoutTime: undefined,
            reason: undefined,
            metadata: { app: '1' },
          },
        ],
      },
      { type: 'snapshot', userId: 'bob', devices: [] },
      { type: 'synced', revision: expect.stringMatching(/./) },
    ]);
    await login(client, 'alice', 's2', { serverAddr: '10.0.0.2:9000' });
    await login(client, 'carol', 'c1');
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await delivered.has(2, 'change');
    const session = {
      sessionId: 's2',
      serverAddr: '10.0.0.2:9000',
      platform: undefined,
      loginTime: expect.any(Date),
      clientIp: undefined,
      label: undefined,
      appVersion: undefined,
    };
    expect(delivered.of('change')).toEqual([
      {
        type: 'change',
        userId: 'alice',
        deviceId: 'phone',
        wasOnline: true,
        online: true,
        userOnline: true,
        devicesOnline: 1,
        moved: true,
        time: expect.any(Date),
        session,
        ended: {
          userId: 'alice',
          deviceId: 'phone',
          sessionId: 's1',
          serverAddr,
          reason: 'REPLACED',
          reasonText: undefined,
          by: { deviceId: 'phone', ...session },
        },
        changeId: expect.stringMatching(/^\d+-\d+-\d+$/),
        revision: expect.any(String),
      },
      {
        type: 'change',
        userId: 'alice',
        deviceId: 'phone',
        wasOnline: true,
        online: false,
        userOnline: false,
        devicesOnline: 0,
        moved: false,
        time: expect.any(Date),
        session: undefined,
        ended: expect.objectContaining({ sessionId: 's2', reason: 'LOGOUT' }),
        changeId: expect.stringMatching(/^\d+-\d+-\d+$/),
        revision: made.revision,
      },
    ]);
  });

  test('of chat servers and of everything, without initial state', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    await login(client, 'alice', 's1');
    const ofServer = watch(client, { servers: ['10.0.0.2:9000'], initialState: false }).delivered;
    const ofAll = watch(client, { everything: true, initialState: false }).delivered;
    await ofServer.has(1, 'synced');
    await ofAll.has(1, 'synced');
    await login(client, 'alice', 's2', { serverAddr: '10.0.0.2:9000' });
    await login(client, 'bob', 'b1');
    await ofAll.has(2, 'change');
    await ofServer.has(1, 'change');
    expect(ofAll.sessionsOf('alice')).toEqual(['s2']);
    expect(ofAll.sessionsOf('bob')).toEqual(['b1']);
    expect(ofServer.of('change')).toMatchObject([{ session: { sessionId: 's2' } }]);
    expect([...ofServer.of('snapshot'), ...ofAll.of('snapshot')]).toEqual([]);
  });

  test('adds and removes users while it runs', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    await login(client, 'bob', 'b1');
    const { made, delivered } = watch(client, { users: ['alice'] });
    await delivered.has(1, 'synced');
    made.add(['bob']);
    await delivered.has(2, 'synced');
    expect(delivered.of('snapshot').at(-1)).toMatchObject({ userId: 'bob', devices: [{ sessionId: 'b1' }] });
    made.remove(['alice']);
    await login(client, 'alice', 's1');
    await login(client, 'bob', 'b2');
    await delivered.has(1, 'change');
    expect(delivered.sessionsOf('bob')).toEqual(['b2']);
    made.add(['alice']);
    await until(() => delivered.of('snapshot').at(-1)?.userId === 'alice', 'alice is delivered again');
    expect(delivered.of('snapshot').at(-1)).toMatchObject({ devices: [{ sessionId: 's1' }] });
    expect(delivered.sessionsOf('alice')).toEqual([]);
  });

  test('resumes where another one ended, on another client', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const { made, delivered } = watch(client, { users: ['alice'] });
    await delivered.has(1, 'synced');
    await login(client, 'alice', 's1');
    await delivered.has(1, 'change');
    made.close();
    await login(client, 'alice', 's2');
    await login(client, 'alice', 's3');
    const options = { users: ['alice'], resumeRevision: made.revision };
    const { delivered: resumed } = watch(await clientOf(addr), options);
    await resumed.has(1, 'synced');
    expect(resumed.sessionsOf('alice')).toEqual(['s2', 's3']);
    expect(resumed.of('snapshot')).toEqual([]);
  });

  test.each(['embedded', 'Redis'])('begins at a time, on the %s store', async (store) => {
    const { addr } = await startDaemon(store === 'Redis' ? { redis: inject('redisUrl') } : {});
    const client = await clientOf(addr);
    const { delivered } = watch(client, { users: ['alice'] });
    await delivered.has(1, 'synced');
    for (const sessionId of ['s1', 's2', 's3']) await login(client, 'alice', sessionId);
    await delivered.has(3, 'change');
    const [, second] = delivered.of('change');
    const { delivered: replayed } = watch(client, { everything: true, resumeTime: second?.time });
    await replayed.has(1, 'synced');
    const ids = (changes: { changeId: string | undefined }[]) => changes.map(({ changeId }) => changeId);
    // The first one may have the same millisecond.
    expect(ids(replayed.of('change')).slice(-2)).toEqual(ids(delivered.of('change')).slice(1));
    const { delivered: fromNow } = watch(client, {
      everything: true,
      resumeTime: new Date(Date.now() + 60_000),
    });
    await fromNow.has(1, 'synced');
    expect(fromNow.of('change')).toEqual([]);
  });

  test('rejects a time whose changes are gone, and another start beside it', async () => {
    const { addr } = await startDaemon({ changeLimit: 1_000 });
    const client = await clientOf(addr);
    const { made, delivered } = watch(client, { everything: true });
    await delivered.has(1, 'synced');
    const logins = Array.from({ length: 1_100 }, (_, i) => login(client, 'alice', `s${i}`));
    await Promise.all(logins);
    made.close();
    await expect(
      client
        .watch({ everything: true, resumeTime: new Date(0) })
        [Symbol.asyncIterator]()
        .next(),
    ).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      field: 'resume_time',
    });
    expect(() => client.watch({ everything: true, resumeTime: new Date(0), resumeRevision: 'r' })).toThrow(
      'resumeTime cannot be combined',
    );
  });

  test('receives progress while nothing happens', async () => {
    const { addr } = await startDaemon();
    const { made, delivered } = watch(await clientOf(addr), { users: ['alice'] });
    await delivered.has(1, 'progress');
    expect(made.revision).toBe(delivered.of('progress')[0]?.revision);
  });
});

describe('a watch whose daemon stops', () => {
  test('repeated kill -9 of one of two: every change exactly once, in order', {
    timeout: 600_000,
  }, async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const serve = (port: string) =>
      startImstate('serve', '--redis', config.redis, '--key-prefix', config.keyPrefix, '--port', port);
    const daemons = await Promise.all([serve('0'), serve('0')]);
    disposables.push(() => Promise.all(daemons.map((daemon) => daemon.kill())));
    const users = ['alice', 'bob', 'carol'];
    const client = await clientOf(...daemons.map(({ addr }) => addr));
    const { made, delivered } = watch(client, { users: users.slice(1) });
    await delivered.has(1, 'synced');
    made.add(['alice']);
    await delivered.has(2, 'synced');

    const reporter = await clientOf((await startDaemon(config)).addr);
    let goOn = true;
    const reports = users.map(async (userId) => {
      const reported: string[] = [];
      while (goOn) {
        reported.push(`${userId}-${reported.length}`);
        await retry(reporter, userId, reported.at(-1) as string);
        await delay(2);
      }
      return reported;
    });
    for (const at of [0, 1, 0, 1]) {
      await delivered.has(delivered.of('change').length + 20, 'change');
      const { addr, kill } = daemons[at] as (typeof daemons)[0];
      await kill();
      daemons[at] = await serve(addr.split(':')[1] as string);
    }
    goOn = false;
    for (const [i, userId] of users.entries()) {
      const reported = (await reports[i]) as string[];
      const isThere = () => delivered.sessionsOf(userId).includes(reported.at(-1) as string);
      await until(isThere, `the last change of ${userId} is delivered`);
      expect(delivered.sessionsOf(userId)).toEqual(reported);
    }
    expect(delivered.of('disconnected').length).toBeGreaterThan(0);
    expect(delivered.of('reconnected').length).toBe(delivered.of('disconnected').length);
    expect(delivered.of('lost')).toEqual([]);
    expect(delivered.of('snapshot')).toHaveLength(3);
  });

  test('continues when another daemon replaces a draining one', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const first = await startDaemon(config);
    const { delivered } = watch(await clientOf(first.addr), { users: ['alice'] });
    await delivered.has(1, 'synced');
    await first.stop();
    await delivered.has(1, 'disconnected');
    expect(delivered.of('disconnected')).toMatchObject([{ error: { code: 'UNAVAILABLE' } }]);
    const other = await startDaemon(config);
    await login(await clientOf(other.addr), 'alice', 's1');
    await other.remove();
    await startDaemon({ ...config, port: Number(first.addr.split(':')[1]) });
    await delivered.has(1, 'change');
    expect(delivered.sessionsOf('alice')).toEqual(['s1']);
  });

  test('users added meanwhile receive snapshots, the others their missed changes', async () => {
    const { addr } = await startDaemon();
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const { made, delivered } = watch(await clientOf(`127.0.0.1:${proxy.port}`), { users: ['alice'] });
    await delivered.has(1, 'synced');
    proxy.cut();
    await delivered.has(1, 'disconnected');
    const client = await clientOf(addr);
    await login(client, 'alice', 's1');
    await login(client, 'bob', 'b1');
    made.add(['bob']);
    proxy.heal();
    await delivered.has(3, 'synced');
    expect(delivered.of('snapshot').slice(1)).toMatchObject([
      { userId: 'bob', devices: [{ sessionId: 'b1' }] },
    ]);
    expect(delivered.sessionsOf('alice')).toEqual(['s1']);
    expect(delivered.sessionsOf('bob')).toEqual([]);
  });

  test('opens another stream after a long silence', async () => {
    const { addr } = await startDaemon();
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const { delivered } = watch(await clientOf(`127.0.0.1:${proxy.port}`), { users: ['alice'] });
    await delivered.has(1, 'synced');
    proxy.pause();
    await login(await clientOf(addr), 'alice', 's1');
    await delivered.has(1, 'disconnected');
    proxy.cut();
    proxy.heal();
    await delivered.has(1, 'change');
    expect(delivered.sessionsOf('alice')).toEqual(['s1']);
  });

  test('after FLUSHALL it reports lost changes and starts again', async () => {
    const server = await startRedis();
    disposables.push(() => server.stop());
    const { addr } = await startDaemon({ redis: server.url });
    const client = await clientOf(addr);
    await login(client, 'alice', 's1');
    const { delivered } = watch(client, { users: ['alice', 'bob'] });
    await delivered.has(1, 'synced');
    const redis = new Redis(server.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await delivered.has(1, 'lost');
    await delivered.has(2, 'synced');
    // The users of a snapshot arrive in no particular order: each when its shard has responded.
    const again = delivered.of('snapshot').slice(2);
    expect(again).toHaveLength(2);
    expect(again).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ userId: 'alice', devices: [] }),
        expect.objectContaining({ userId: 'bob', devices: [] }),
      ]),
    );
    await login(client, 'bob', 'b1');
    await delivered.has(1, 'change');
    expect(delivered.sessionsOf('bob')).toEqual(['b1']);
  });

  test('a revision that is no longer kept: it starts again', async () => {
    const server = await startRedis();
    disposables.push(() => server.stop());
    const { addr } = await startDaemon({ redis: server.url });
    const client = await clientOf(addr);
    const { made, delivered } = watch(client, { everything: true });
    await login(client, 'alice', 's1');
    await delivered.has(1, 'synced');
    made.close();
    const redis = new Redis(server.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await login(client, 'alice', 's2');
    const { delivered: resumed } = watch(client, { everything: true, resumeRevision: made.revision });
    await resumed.has(1, 'synced');
    expect(resumed.withoutProgress.map(({ type }) => type)).toEqual(['lost', 'snapshot', 'synced']);
    expect(resumed.of('snapshot')).toMatchObject([{ userId: 'alice', devices: [{ sessionId: 's2' }] }]);
  });
});

test('a loop that pauses for long receives everything in the end', { timeout: 300_000 }, async () => {
  const daemon = await startImstate('serve', '--port', '0');
  disposables.push(() => daemon.kill());
  const client = await clientOf(daemon.addr);
  const made = client.watch({ everything: true, initialState: false });
  disposables.push(() => made.close());
  const events = made[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: 'synced' });
  // More than the daemon buffers for a reader: it ends the stream, which is resumed.
  const reported = Array.from({ length: 20_000 }, (_, i) => `s${i}`);
  for (let i = 0; i < reported.length; i += 500) {
    const some = reported.slice(i, i + 500);
    await Promise.all(some.map((sessionId, user) => retry(client, `user-${user}`, sessionId)));
  }
  const sessions: string[] = [];
  const others: string[] = [];
  for await (const event of events) {
    if (event.type === 'change') sessions.push(event.session?.sessionId as string);
    else others.push(event.type === 'disconnected' ? event.error.code : event.type);
    if (sessions.length === reported.length) break;
  }
  expect(sessions.sort()).toEqual(reported.sort());
  expect(others).toContain('RESOURCE_EXHAUSTED');
  expect(others).not.toContain('lost');
});

describe('a watch that cannot start', () => {
  test('without a registered daemon it is rejected at once', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const client = await connect({ dataDir: folder.path, timeoutMs: 600_000, connectTimeoutMs: 600_000 });
    disposables.push(() => client.close());
    const { delivered } = watch(client, { everything: true });
    expect(await delivered.ended).toMatchObject({ code: 'NO_ENDPOINT', exitCode: 3 });
  });

  test('without a listener it retries until the timeout of connecting', async () => {
    const addr = `127.0.0.1:${await freePort()}`;
    const client = await connect({ endpoints: [addr], connectTimeoutMs: 300 });
    disposables.push(() => client.close());
    const { delivered } = watch(client, { everything: true });
    expect(await delivered.ended).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(addr),
    });
  });

  test('a peer that accepts and stays silent: the first response has a deadline', async () => {
    const { addr } = await startDaemon();
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    proxy.pause();
    const endpoints = [`127.0.0.1:${proxy.port}`];
    const client = await connect({ endpoints, timeoutMs: 200, connectTimeoutMs: 100 });
    disposables.push(() => client.close());
    const { delivered } = watch(client, { everything: true });
    expect(await delivered.ended).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('200 ms'),
    });
  });

  test('a rejection has the message of the daemon', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const { made, delivered } = watch(client, { users: ['alice'] });
    await delivered.has(1, 'synced');
    made.add(['']);
    expect(await delivered.ended).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('add_user_ids'),
    });
    const { delivered: nonsense } = watch(client, { users: ['alice'], resumeRevision: '?' });
    expect(await nonsense.ended).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
