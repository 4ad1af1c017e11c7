import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { credentials, type Metadata, makeClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { pino } from 'pino';
import { describe, expect, inject, test } from 'vitest';
import { Load } from '../../../src/daemon/overload/load.ts';
import { boundsOf, type LoadLimits } from '../../../src/presence/limits.ts';
import { call, grpcClients, startTestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { scrape, sumOf } from '../../support/metrics.ts';
import { startProxy } from '../../support/proxy.ts';
import { frame, rawGrpc } from '../../support/rawGrpc.ts';
import { until } from '../../support/until.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const ALICE = frame(Buffer.from('0a05616c696365', 'hex'));
const LIMITS: LoadLimits = {
  maxConnections: 9,
  maxConnectionAgeMs: 0,
  maxCallsInFlight: 9,
  maxWatches: 9,
  maxWatchBacklogBytes: 9 * 2 ** 20,
};

function clientsOf(addr: string) {
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return clients;
}

function healthOf(addr: string) {
  const Health = makeClientConstructor(healthService, 'Health');
  const client = new Health(addr, credentials.createInsecure());
  disposables.push(() => client.close());
  const check = client.Check?.bind(client) as (...args: unknown[]) => unknown;
  return () => call<{ status: string }>((options, done) => check({}, options, done));
}

function rawOf(addr: string) {
  const raw = rawGrpc(addr);
  disposables.push(() => raw.session.destroy());
  return raw;
}

describe('calls in flight', () => {
  test('are accepted up to the limit; one more is rejected unread, and may be retried', async () => {
    const { addr } = await startDaemon({ maxCallsInFlight: 3 });
    const raw = rawOf(addr);
    const { v1 } = clientsOf(addr);
    const begun = [raw.begin(GET_USER), raw.begin(GET_USER)];
    await v1.getUser({ userId: 'alice' });
    begun.push(raw.begin(GET_USER));
    // A ping follows it on the same connection.
    await new Promise((resolve) => raw.session.ping(resolve));
    const refused = v1.getUser({ userId: 'alice' });
    await expect(refused).rejects.toMatchObject({
      code: 8,
      details:
        'the daemon has 3 calls in flight (--max-calls-in-flight): nothing was done, try again in a while',
    });
    const { metadata } = (await refused.catch((error) => error)) as { metadata: Metadata };
    expect(metadata.get('grpc-retry-pushback-ms')).toEqual(['100']);

    begun[0]?.end(ALICE);
    const response = begun[0] && (await once(begun[0].resume(), 'close'));
    expect(response).toBeDefined();
    expect(await v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
  });

  test('do not include health, heartbeats, leases and Apply', async () => {
    const daemon = await startDaemon({ maxCallsInFlight: 1 });
    const { v1 } = clientsOf(daemon.addr);
    const raw = rawOf(daemon.addr);
    raw.begin(GET_USER);
    await new Promise((resolve) => raw.session.ping(resolve));
    await expect(v1.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 8 });
    const session = { userId: 'alice', deviceId: 'phone', sessionId: 's1' };
    expect(await v1.heartbeat({ sessions: [session] })).toMatchObject({ ended: [{ userId: 'alice' }] });
    expect(await healthOf(daemon.addr)()).toMatchObject({ status: 'SERVING' });
    const lease = v1.keepServerAlive();
    expect(await lease.send({ serverAddr: '10.0.0.1:9000', incarnation: 1 })).toMatchObject({ resync: true });
    const stream = v1.apply();
    const { results } = await stream.send({ operations: [{ getUser: { userId: 'alice' } }] });
    expect(results).toMatchObject([{ getUser: { online: false } }]);
    lease.cancel();
    stream.cancel();
    expect(daemon.logged.join()).toMatch(/the daemon has 1 calls.*overloaded: rejecting calls/);
  });

  test('are retried by the client when rejected, including changes', async () => {
    const { addr, logged } = await startDaemon({ maxCallsInFlight: 1 });
    const client = await clientOf(addr);
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    const raw = rawOf(addr);
    const begun = raw.begin(GET_USER);
    await new Promise((resolve) => raw.session.ping(resolve));
    const evicted = client.evict({ userId: 'alice' });
    await until(() => logged.join().includes('overloaded: rejecting calls'), 'the call is rejected');
    begun.close();
    expect(await evicted).toMatchObject({ evicted: 1 });
  });

  test('are not retried by the client when they are too large', async () => {
    const { addr } = await startDaemon();
    const error = await clientsOf(addr)
      .v1.batchGetUsers({ userIds: ['x'.repeat(1024 * 1024)] })
      .catch((thrown) => thrown);
    expect(error.code).toBe(8);
    expect(error.metadata.get('grpc-retry-pushback-ms')).toEqual([]);
  });
});

describe('watches', () => {
  test('are rejected beyond the limit, and accepted again when another ends', async () => {
    const { addr } = await startDaemon({ maxWatches: 2 });
    const { v1 } = clientsOf(addr);
    const watches = [v1.watch({ userIds: ['a'] }), v1.watch({ userIds: ['b'] })];
    for (const watch of watches) await until(() => watch.syncs > 0, 'the watch is synced');
    expect(await v1.watch({ userIds: ['c'] }).ended).toMatchObject({
      code: 8,
      details: 'the daemon has 2 watches (--max-watches): nothing was done, try again in a while',
    });
    watches[0]?.cancel();
    const another = async () => {
      const watch = v1.watch({ userIds: ['c'] });
      watches.push(watch);
      const began = until(() => watch.syncs > 0, 'the watch is synced').then(() => true);
      return Promise.race([began, watch.ended.then(() => false)]);
    };
    await until(another, 'the watch is accepted');
    for (const watch of watches) watch.cancel();
  });

  test('fail in the client with the reason', async () => {
    const { addr } = await startDaemon({ maxWatches: 0 });
    const client = await clientOf(addr);
    const first = client
      .watch({ users: ['alice'] })
      [Symbol.asyncIterator]()
      .next();
    await expect(first).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });
});

describe('operations at the store', () => {
  const load = (operations: number, turnMs = 60_000) =>
    new Load(boundsOf({ ...LIMITS, bounds: { operations, turnMs } }), pino({ level: 'silent' }));

  test('are accepted up to the limit, or one larger batch alone', () => {
    const ten = load(10);
    expect([ten.begin(9), ten.begin(1), ten.begin(1)]).toEqual([true, true, false]);
    ten.end(10);
    expect([ten.begin(11), ten.begin(1)]).toEqual([true, false]);
  });

  test('start in the order of their calls', async () => {
    const ten = load(10);
    const begun: string[] = [];
    expect(ten.beginInTurn(8)).toBe(true);
    const waiting = ['a', 'b', 'c'].map(async (name) => {
      if (await ten.beginInTurn(5)) begun.push(name);
    });
    expect([ten.begin(1), ten.begin(1, true)]).toEqual([false, true]);
    ten.end(9);
    await Promise.all(waiting.slice(0, 2));
    expect([begun, ten.operations]).toEqual([['a', 'b'], 10]);
    ten.end(5);
    await waiting[2];
    expect([begun, ten.operations]).toEqual([['a', 'b', 'c'], 10]);
  });

  test('are rejected after the waiting time, and do not count', async () => {
    const one = load(1, 10);
    one.begin(1);
    expect(await one.beginInTurn(1)).toBe(false);
    one.end(1);
    expect([one.operations, one.begin(1)]).toEqual([0, true]);
  });

  /** A daemon with a limit of two operations, on a Redis that can be held up. */
  const slow = async (turnMs: number) => {
    const redis = new URL(inject('redisUrl'));
    const proxy = await startProxy(Number(redis.port));
    disposables.push(() => proxy.close());
    redis.port = String(proxy.port);
    const bounds = { operations: 2, turnMs };
    const http = { addr: '127.0.0.1', port: 0 };
    return { proxy, daemon: await startDaemon({ redis: redis.href, bounds, http }) };
  };
  const login = (userId: string) => ({
    online: { userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's1' },
  });

  test('reject a call, and queue a batch of Apply', async () => {
    const { proxy, daemon } = await slow(30_000);
    const { v1 } = clientsOf(daemon.addr);
    const [first, second] = [v1.apply(), v1.apply()];
    await Promise.all([
      first.send({ operations: [login('warm')] }),
      second.send({ operations: [login('warm')] }),
    ]);
    proxy.holdAnswers();
    const held = first.send({ operations: [login('alice'), login('bob')] });
    const waits = second.send({ operations: [login('carol')] });
    await expect(v1.getUser({ userId: 'alice' })).rejects.toMatchObject({
      code: 8,
      details: expect.stringContaining('operations at the store: nothing was done'),
    });
    proxy.heal();
    expect((await held).results).toHaveLength(2);
    expect((await waits).results).toMatchObject([{ online: { sessionId: 's1' } }]);
    for (const stream of [first, second]) stream.cancel();
  });

  test('end the stream of a batch that waits too long, without executing it', async () => {
    const { proxy, daemon } = await slow(100);
    const { v1 } = clientsOf(daemon.addr);
    const [first, second] = [v1.apply(), v1.apply()];
    await Promise.all([
      first.send({ operations: [login('warm')] }),
      second.send({ operations: [login('warm')] }),
    ]);
    proxy.holdAnswers();
    const held = first.send({ operations: [login('alice'), login('bob')] });
    await expect(v1.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 8 });
    await expect(second.send({ operations: [login('carol')] })).rejects.toMatchObject({ code: 8 });
    const { metadata } = await second.ended;
    expect(metadata.get('grpc-retry-pushback-ms')).toEqual(['100']);
    proxy.heal();
    await held;
    expect(await v1.getUser({ userId: 'carol' })).toMatchObject({ online: false });
    const refused = { operation: 'online', code: 'RESOURCE_EXHAUSTED' };
    expect(sumOf(await scrape(daemon.http), 'imstate_operations_total', refused)).toBe(1);
    first.cancel();
  });

  test('are resent by the client in order', async () => {
    const { proxy, daemon } = await slow(50);
    const client = await clientOf(daemon.addr);
    const { v1 } = clientsOf(daemon.addr);
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's0' });
    const other = v1.apply();
    await other.send({ operations: [login('warm')] });
    proxy.holdAnswers();
    const held = other.send({ operations: [login('x'), login('y')] });
    await expect(v1.getUser({ userId: 'x' })).rejects.toMatchObject({ code: 8 });
    const changes = [
      client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's1' }),
      client.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's1' }),
    ];
    setTimeout(() => proxy.heal(), 150);
    expect(await Promise.all(changes)).toMatchObject([
      { sessionId: 's1', replaced: [{ sessionId: 's0' }] },
      { applied: true },
    ]);
    await held;
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    other.cancel();
  });
});

describe('connections', () => {
  test('are closed beyond the limit, while the others are served', async () => {
    const daemon = await startDaemon({ maxConnections: 2 });
    const { v1 } = clientsOf(daemon.addr);
    await v1.getUser({ userId: 'alice' });
    const raw = rawOf(daemon.addr);
    expect((await raw.send(GET_USER, ALICE)).headers['grpc-status']).toBe('0');

    const third = rawGrpc(daemon.addr);
    await once(third.session, 'close');
    expect(await v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    const health = await raw.send('/grpc.health.v1.Health/Check', frame(Buffer.alloc(0)));
    expect(health.body).toEqual(frame(Buffer.from('0801', 'hex')));
    expect(daemon.logged.join()).toContain('"limit":2,"msg":"connection limit reached');

    raw.session.destroy();
    const fourth = async () => {
      const next = rawGrpc(daemon.addr);
      const closed = once(next.session, 'close').then(() => undefined);
      const answer = await Promise.race([closed, next.send(GET_USER, ALICE)]);
      next.session.destroy();
      return answer?.headers['grpc-status'] === '0';
    };
    await until(fourth, 'another connection is accepted');
  });

  test('are closed if they stay silent', async () => {
    const daemon = await startDaemon({ bounds: { silenceMs: 100 } });
    const [host, port] = daemon.addr.split(':') as [string, string];
    await once(connectTcp(Number(port), host).resume(), 'close');
  });

  test('are closed with GOAWAY if they are idle', async () => {
    const daemon = await startDaemon({ bounds: { idleMs: 200 } });
    const raw = rawOf(daemon.addr);
    expect((await once(raw.session, 'goaway'))[0]).toBe(0);
  });

  test('are reopened by the client after an idle time', async () => {
    const daemon = await startDaemon({ bounds: { idleMs: 50 } });
    const client = await clientOf(daemon.addr);
    for (let i = 0; i < 3; i++) {
      expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: false });
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  });

  test('stay open with a stream', async () => {
    const daemon = await startTestDaemon({ bounds: { idleMs: 100 } });
    disposables.push(() => daemon.remove());
    const { v1 } = clientsOf(daemon.addr);
    const watch = v1.watch({ userIds: ['alice'] });
    await until(() => watch.syncs > 0, 'the watch is synced');
    let isOver = false;
    void watch.ended.then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(isOver).toBe(false);
    watch.cancel();
  });
});
