import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, createServer } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { ApplyStream } from '../../../../packages/client/src/batching/applyStream.ts';
import { type Client, connect } from '../../../../packages/client/src/index.ts';
import { loadCodec } from '../../../../packages/client/src/wire/codec.ts';
import { startTestDaemon, type TestDaemon } from '../../../support/daemon.ts';
import { disposables } from '../../../support/disposables.ts';
import { startImstate } from '../../../support/imstate.ts';
import { startProxy, type TcpProxy } from '../../../support/proxy.ts';
import { frame } from '../../../support/rawGrpc.ts';
import { freePort } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const SERVER = '10.0.0.1:9000';
/** Longer than any call of a test takes. */
const timeoutMs = 600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Daemons on one Redis, each by its URL. */
async function startDaemons(...urls: string[]): Promise<TestDaemon[]> {
  const keyPrefix = `test-${randomUUID()}:`;
  const daemons = await Promise.all(urls.map((redis) => startTestDaemon({ redis, keyPrefix })));
  for (const daemon of daemons) disposables.push(() => daemon.remove());
  return daemons;
}

async function connectTo(...endpoints: string[]): Promise<Client> {
  const client = await connect({ endpoints, timeoutMs });
  disposables.push(() => client.close());
  return client;
}

async function proxyOf({ addr }: { addr: string }): Promise<TcpProxy & { addr: string }> {
  const proxy = await startProxy(Number(addr.split(':')[1]));
  disposables.push(() => proxy.close());
  return Object.assign(proxy, { addr: `127.0.0.1:${proxy.port}` });
}

/** A client of one daemon that can be frozen, and the sizes of the batches that it sent. */
async function oneDaemon() {
  const daemon = await startTestDaemon();
  disposables.push(() => daemon.remove());
  const proxy = await proxyOf(daemon);
  const client = await connectTo(proxy.addr);
  await client.getUser({ userId: 'nobody' });
  const send = vi.spyOn(ApplyStream.prototype, 'send');
  return { daemon, proxy, client, batches: () => send.mock.calls.map(([batch]) => batch.length) };
}

/** Which of the daemons has the stream of the client: the one that rejects this. */
async function indexInUse(client: Client, daemons: TestDaemon[]): Promise<number> {
  await expect(client.getUser({ userId: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  return daemons.findIndex(({ logged }) => logged.some((line) => line.includes('user_id')));
}

const phone = (userId: string) => ({ userId, deviceId: 'phone', serverAddr: SERVER });
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const unsure = { message: expect.stringMatching(/; the change may have been applied$/) };

describe('calls in one turn of the event loop', () => {
  test('are sent in one batch, in order', async () => {
    const { client, batches } = await oneDaemon();
    const [first, second, asked, ended, beat] = await Promise.all([
      client.online({ ...phone('alice'), sessionId: 's1' }),
      client.online({ ...phone('alice'), sessionId: 's2', metadata: { app: '手机 🙂' }, ttlMs: 60_000 }),
      client.getUser({ userId: 'alice' }),
      client.offline({ userId: 'alice', deviceId: 'phone' }),
      client.heartbeat([
        { userId: 'alice', deviceId: 'phone', sessionId: 's2' },
        { userId: 'bob', deviceId: 'phone', sessionId: 's3' },
      ]),
    ]);
    expect(batches()).toEqual([6]);
    expect(first).toMatchObject({ sessionId: 's1', replaced: [], loginTime: expect.any(Date) });
    expect(second.replaced).toMatchObject([{ userId: 'alice', sessionId: 's1', reason: 'REPLACED' }]);
    expect(asked.devices).toMatchObject([{ sessionId: 's2', metadata: { app: '手机 🙂' } }]);
    expect(ended).toEqual({ applied: true });
    expect(beat.ended).toMatchObject([
      { userId: 'alice', sessionId: 's2', reason: 'LOGOUT' },
      { userId: 'bob', sessionId: 's3', reason: undefined },
    ]);
  });

  test('the operations of a user arrive in order over many turns', async () => {
    const { client } = await oneDaemon();
    const logins: Promise<{ replaced: { sessionId: string }[] }>[] = [];
    for (let i = 0; i < 90; i++) {
      logins.push(client.online({ ...phone('alice'), sessionId: `s${i}` }));
      if (i % 7 === 0) await nextTurn();
    }
    const replaced = (await Promise.all(logins)).map((login) => login.replaced[0]?.sessionId);
    expect(replaced).toEqual(Array.from({ length: 90 }, (_, i) => (i === 0 ? undefined : `s${i - 1}`)));
  });

  test('more than the maximum of a batch are divided', async () => {
    const { client, batches } = await oneDaemon();
    const userIds = Array.from({ length: 5_000 }, (_, i) => `user-${i}`);
    const users = await Promise.all(userIds.map((userId) => client.getUser({ userId })));
    expect(users.map(({ userId }) => userId)).toEqual(userIds);
    expect(batches()).toEqual(Array.from({ length: 10 }, () => 500));
  });

  test('while four batches are in flight, later calls are collected', async () => {
    const { client, proxy, batches } = await oneDaemon();
    proxy.holdAnswers();
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      calls.push(client.getUser({ userId: 'alice' }));
      await nextTurn();
    }
    expect(batches()).toEqual([1, 1, 1, 1]);
    proxy.heal();
    await Promise.all(calls);
    expect(batches()).toEqual([1, 1, 1, 1, 16]);
  });

  test('more bytes than a batch may have, and than gRPC accepts in a response by default', async () => {
    const { client, batches } = await oneDaemon();
    const metadata = { note: '手'.repeat(330) };
    const userIds = Array.from({ length: 500 }, (_, i) => `${'u'.repeat(100)}-${i}`);
    for (let device = 0; device < 9; device++) {
      const logins = userIds.map((userId) =>
        client.online({ ...phone(userId), deviceId: `d${device}`, metadata }),
      );
      await Promise.all(logins);
    }
    expect(Math.max(...batches())).toBeLessThan(500);
    const users = await Promise.all(userIds.map((userId) => client.getUser({ userId })));
    const devices = users.flatMap((user) => user.devices);
    expect(devices).toHaveLength(4_500);
    expect(devices.every((device) => device.metadata.note === metadata.note)).toBe(true);
    expect((await client.getUsers(userIds)).flatMap((user) => user.devices)).toHaveLength(4_500);
  });

  test('getUsers reads any number of users, in order', async () => {
    const { client } = await oneDaemon();
    await client.online(phone('user-1200'));
    const userIds = Array.from({ length: 1_201 }, (_, i) => `user-${i}`);
    const users = await client.getUsers(userIds);
    expect(users.map(({ userId }) => userId)).toEqual(userIds);
    expect(users.filter(({ online }) => online)).toMatchObject([{ userId: 'user-1200' }]);
    expect(await client.getUsers([])).toEqual([]);
  });
});

describe('a call among others', () => {
  test('an invalid one fails alone, in the client or in the daemon', async () => {
    const { client, batches } = await oneDaemon();
    const wrong = {
      'user_id must not be empty': { userId: '' },
      'user_id must be at most 256 bytes': { userId: 'x'.repeat(257) },
      'ids are at most 256 bytes': { userId: 'x'.repeat(2_000_000) },
      'half of a character': { userId: 'alice\ud83d' },
      'the operation cannot be encoded': { userId: 7 as unknown as string },
    };
    const refused = Object.entries(wrong).map(([message, request]) => {
      const error = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) };
      return expect(client.getUser(request)).rejects.toMatchObject(error);
    });
    const good = ['alice', 'bob'].map((userId) => client.online(phone(userId)));
    await Promise.all([...refused, ...good]);
    expect(batches()).toEqual([4]);
    await expect(client.heartbeat([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('changes to its arguments afterwards have no effect', async () => {
    const { client } = await oneDaemon();
    const request = { ...phone('alice'), metadata: { app: '1' } };
    const first = client.online(request);
    Object.assign(request, phone('bob'));
    request.metadata.app = '2';
    await Promise.all([first, client.online(request)]);
    expect((await client.getUsers(['alice', 'bob'])).map(({ devices }) => devices[0]?.metadata.app)).toEqual([
      '1',
      '2',
    ]);
  });

  test('has its own timeout and signal', async () => {
    const { client, proxy } = await oneDaemon();
    proxy.holdAnswers();
    const stop = new AbortController();
    const late = expect(client.getUser({ userId: 'a' }, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('no answer within 20 ms'),
    });
    const cancelled = expect(client.online(phone('b'), { signal: stop.signal })).rejects.toThrow(
      'no longer needed',
    );
    const other = client.getUser({ userId: 'c' });
    await late;
    stop.abort(new Error('no longer needed'));
    await cancelled;
    await expect(client.getUser({ userId: 'd' }, { signal: stop.signal })).rejects.toThrow(
      'no longer needed',
    );
    proxy.heal();
    expect(await other).toMatchObject({ userId: 'c' });
  });

  test('may share its signal with any number of others', async () => {
    const { client } = await oneDaemon();
    const warned = vi.fn();
    process.on('warning', warned);
    disposables.push(() => process.off('warning', warned));
    const sessions = Array.from({ length: 600 }, (_, i) => ({ ...phone('alice'), sessionId: `s${i}` }));
    const { signal } = new AbortController();
    expect((await client.heartbeat(sessions, { signal })).ended).toHaveLength(600);
    await nextTurn();
    expect(warned).not.toHaveBeenCalled();
    const stop = new AbortController();
    const cancelled = client.heartbeat(sessions, { signal: stop.signal });
    stop.abort(new Error('no longer needed'));
    await expect(cancelled).rejects.toThrow('no longer needed');
  });

  test('fails when the client is closed', async () => {
    const { client, proxy } = await oneDaemon();
    proxy.holdAnswers();
    const calls = [client.getUser({ userId: 'a' }), client.online(phone('b'))];
    await nextTurn();
    calls.push(client.getUser({ userId: 'c' }));
    const [read, change, waiting] = calls.map((call) => call.catch((error: unknown) => error));
    await client.close();
    expect(await read).toMatchObject({ code: 'UNAVAILABLE', message: 'the client is closed' });
    expect(await change).toMatchObject({ code: 'UNAVAILABLE', ...unsure });
    expect(await waiting).toMatchObject({ code: 'UNAVAILABLE', message: 'the client is closed' });
  });
});

describe('daemons that start and stop', () => {
  /** Logs each user in repeatedly until aborted; returns how often, and the failures. */
  function logins(client: Client, users: number) {
    const counts = Array.from({ length: users }, () => 0);
    const failures: unknown[] = [];
    let goOn = true;
    const logInAgainAndAgain = async (_: number, user: number) => {
      while (goOn && (counts[user] as number) < 90) {
        await client.online(phone(`user-${user}`)).catch((error) => failures.push(error));
        (counts[user] as number)++;
      }
    };
    const done = Promise.all(counts.map(logInAgainAndAgain));
    return {
      counts,
      failures,
      after: (count: number) =>
        until(() => counts.reduce((a, b) => a + b) >= count, `${count} logins were made`),
      stop: async () => {
        goOn = false;
        await done;
      },
    };
  }

  test('daemons that stop during changes: none is rejected, none is applied twice', async () => {
    const [first, second, third] = (await startDaemons(
      ...Array.from({ length: 3 }, () => inject('redisUrl')),
    )) as [TestDaemon, TestDaemon, TestDaemon];
    const client = await connectTo(first.addr, second.addr, third.addr);
    const stream = logins(client, 100);
    await stream.after(500);
    await first.stop();
    await stream.after(2_500);
    await second.stop();
    await stream.after(5_000);
    await stream.stop();
    expect(stream.failures).toEqual([]);
    expect(await client.getStats()).toMatchObject({ usersOnline: 100, devicesOnline: 100 });
    for (const [user, count] of stream.counts.entries()) {
      const { entries } = await client.listHistory({ userId: `user-${user}`, pageSize: 1_000 });
      expect(entries).toHaveLength(count);
    }
  });

  test('kill -9 of one of two: reads continue, and changes in flight may have been applied', async () => {
    const shared = ['--port', '0', '--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
    const daemons = await Promise.all([1, 2].map(() => startImstate('serve', ...shared)));
    for (const daemon of daemons) disposables.push(() => daemon.kill());
    const client = await connectTo(...daemons.map(({ addr }) => addr));
    const stream = logins(client, 20);
    const failedReads: unknown[] = [];
    let reads = 0;
    let goOn = true;
    const reading = (async () => {
      for (; goOn; reads++) {
        await client.getUser({ userId: 'user-0' }).catch((error) => failedReads.push(error));
      }
    })();
    await stream.after(200);
    await daemons[0]?.kill();
    const readsThen = reads;
    await until(() => reads > readsThen + 50, 'reads go on');
    await stream.after(1_000);
    goOn = false;
    await Promise.all([reading, stream.stop()]);
    expect(failedReads).toEqual([]);
    for (const failure of stream.failures) expect(failure).toMatchObject({ code: 'UNAVAILABLE', ...unsure });
  });

  test('one of two freezes: a change in flight fails, and reads continue on the other', async () => {
    const daemons = await startDaemons(inject('redisUrl'), inject('redisUrl'));
    const proxies = await Promise.all(daemons.map(proxyOf));
    const client = await connectTo(...proxies.map(({ addr }) => addr));
    proxies[await indexInUse(client, daemons)]?.pause();
    const change = expect(client.online(phone('alice'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      ...unsure,
    });
    const reads = Array.from({ length: 10 }, (_, i) => client.getUser({ userId: `user-${i}` }));
    await Promise.all([change, ...reads]);
    for (let i = 0; i < 50; i++) await client.getUser({ userId: 'alice' });
  });

  test('one of two loses its Redis: reads and heartbeats continue on the other', async () => {
    const redis = new URL(inject('redisUrl'));
    const proxies = await Promise.all([1, 2].map(() => startProxy(Number(redis.port))));
    for (const proxy of proxies) disposables.push(() => proxy.close());
    const daemons = await startDaemons(...proxies.map(({ port }) => `redis://127.0.0.1:${port}`));
    const client = await connectTo(...daemons.map(({ addr }) => addr));
    proxies[await indexInUse(client, daemons)]?.cut();
    const reads = Array.from({ length: 20 }, (_, i) => client.getUser({ userId: `user-${i}` }));
    expect((await Promise.all(reads)).map(({ userId }) => userId)).toEqual(
      Array.from({ length: 20 }, (_, i) => `user-${i}`),
    );
    const sessions = [{ userId: 'alice', deviceId: 'phone', sessionId: 's1' }];
    expect((await client.heartbeat(sessions)).ended).toHaveLength(1);
  });

  test('a broken stream: a read is repeated, and a change may have been applied', async () => {
    const codes = [constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_NO_ERROR];
    const answer = loadCodec().writer('imstate.v1.ApplyResponse')({
      results: [{ getUser: { userId: 'alice' } }],
    });
    let calls = 0;
    const server = createServer();
    server.on('stream', (stream) => {
      const code = codes[calls++];
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      if (code === undefined) stream.write(frame(answer));
      else stream.once('data', () => stream.close(code));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    disposables.push(() => server.close());
    const { port } = server.address() as { port: number };
    const client = await connectTo(`127.0.0.1:${port}`);
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ userId: 'alice' });
    expect(calls).toBe(4);
    await client.close();
    for (let i = 0; i < codes.length; i++) {
      calls = i;
      const another = await connectTo(`127.0.0.1:${port}`);
      await expect(another.online(phone('alice'))).rejects.toMatchObject(unsure);
      expect(calls).toBe(i + 1);
    }
  });

  test('without a daemon, reads and changes fail at once', async () => {
    const client = await connectTo(`127.0.0.1:${await freePort()}`);
    const nobody = { code: 'UNAVAILABLE', message: expect.stringMatching(/^no daemon answers at /) };
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(nobody);
    await expect(client.online(phone('alice'))).rejects.toMatchObject(nobody);
  });
});

test('a call waits for its connection until the timeout, and is not applied without one', async () => {
  const daemon = await startTestDaemon();
  disposables.push(() => daemon.remove());
  const proxy = await proxyOf(daemon);
  proxy.pause();
  const client = await connect({ endpoints: [proxy.addr], timeoutMs, connectTimeoutMs: 3_000 });
  disposables.push(() => client.close());
  await expect(client.online(phone('alice'))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/^no connection within 3000 ms to .* is a daemon running there\?$/),
  });
});

describe('an idle batching client', () => {
  test('closes its stream, even after cancelled calls, and opens another for the next call', async () => {
    const { client, proxy } = await oneDaemon();
    const finish = vi.spyOn(ApplyStream.prototype, 'finish');
    proxy.holdAnswers();
    const calls: Promise<unknown>[] = [];
    const stop = new AbortController();
    for (let i = 0; i < 5; i++) {
      const options = i === 4 ? { signal: stop.signal } : {};
      calls.push(client.getUser({ userId: 'alice' }, options).catch(() => {}));
      await nextTurn();
    }
    stop.abort();
    proxy.heal();
    await Promise.all(calls);
    await until(() => finish.mock.calls.length === 1, 'the stream is ended');
    await client.getUser({ userId: 'alice' });
    await until(() => finish.mock.calls.length === 2, 'the next stream is ended');
  });

  test('lets the process exit although the client is not closed', async () => {
    const { daemon } = await oneDaemon();
    const index = fileURLToPath(new URL('../../../../dist/index.js', import.meta.url));
    const script = `
      const { connect } = await import(${JSON.stringify(index)});
      const client = await connect({ endpoints: ['${daemon.addr}'] });
      await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '${SERVER}' });
      console.log((await client.getUsers(['alice']))[0].online);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    disposables.push(() => child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (text) => {
      printed += text;
    });
    await until(() => child.exitCode !== null, 'the process has ended');
    expect([printed, child.exitCode]).toEqual(['true\n', 0]);
  });
});
