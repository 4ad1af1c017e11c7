import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import {
  type Client,
  connect,
  type ImstateError,
  type WatchEvent,
} from '../../../../packages/client/src/index.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { frame, rawGrpc } from '../../../support/rawGrpc.ts';
import { callHeaders, END_HEADERS, FRAME, http2Frame, rawHttp2 } from '../../../support/rawHttp2.ts';
import { until } from '../../../support/until.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const HEALTH_WATCH = '/grpc.health.v1.Health/Watch';
const ALICE = frame(Buffer.from('0a05616c696365', 'hex'));
const MOVED = expect.objectContaining({
  code: status.UNAVAILABLE,
  details: expect.stringContaining('--max-connection-age'),
});

function start(maxConnectionAgeMs: number, connectionGraceMs = 30_000): Promise<TestDaemon> {
  return startDaemon({
    maxConnectionAgeMs,
    bounds: { connectionGraceMs },
    http: { addr: '127.0.0.1', port: 0 },
  });
}

/** How many connections have reached the maximum age. */
async function agedOf({ http }: TestDaemon): Promise<number> {
  return sumOf(await scrape(http), 'imstate_connections_closed_total', { reason: 'age' });
}

function clientsOf(addr: string) {
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return clients;
}

describe('the TypeScript client on connections that last 300 ms', () => {
  let daemon: TestDaemon;
  let client: Client;
  const failures: unknown[] = [];

  async function connectTo(ageMs: number): Promise<void> {
    daemon = await start(ageMs);
    client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
    disposables.push(() => client.close());
    failures.length = 0;
  }

  /** Repeats `act` until `connections` connections have reached the maximum age. */
  async function during(connections: number, act: (round: number) => Promise<unknown>): Promise<number> {
    const goal = (await agedOf(daemon)) + connections;
    let rounds = 0;
    let isOver = false;
    const worker = async () => {
      while (!isOver) await act(rounds++).catch((error) => failures.push(error));
    };
    const workers = Array.from({ length: 4 }, worker);
    await until(
      async () => (await agedOf(daemon)) >= goal,
      `${connections} connections have reached the maximum age`,
    );
    isOver = true;
    await Promise.all(workers);
    return rounds;
  }

  test('loses no unary call, no operation of Apply, and no change', async () => {
    await connectTo(300);
    await during(8, async (round) => {
      const userId = `user-${round}`;
      const login = { userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: `of-${userId}` };
      const { sessionId } = await client.online(login);
      expect(await client.getUsers([userId])).toMatchObject([{ devices: [{ sessionId, online: true }] }]);
      expect(await client.offline(login)).toMatchObject({ applied: true });
    });
    expect(failures).toEqual([]);
  });

  test('continues a watch without an extra event: every change once, in order', async () => {
    await connectTo(300);
    const events: WatchEvent[] = [];
    const watch = client.watch({ everything: true });
    const reading = (async () => {
      for await (const event of watch) events.push(event);
    })();
    await until(() => events.some(({ type }) => type === 'synced'), 'the watch is synced');
    const rounds = await during(8, (round) =>
      client.online({ userId: `user-${round}`, deviceId: 'phone', serverAddr: '10.0.0.1:9000' }),
    );
    const changed = () => events.filter(({ type }) => type === 'change');
    await until(() => changed().length >= rounds, 'the watch has every change');
    watch.close();
    await reading;
    expect(failures).toEqual([]);
    expect(new Set(changed().map((event) => 'userId' in event && event.userId)).size).toBe(rounds);
    expect(changed()).toHaveLength(rounds);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['synced', 'change']));
  });

  test('keeps a lease alive without an error', async () => {
    await connectTo(300);
    const errors: ImstateError[] = [];
    const server = client.server({
      addr: '10.0.0.1:9000',
      onError: (error) => void errors.push(error),
    });
    disposables.push(() => server.close());
    await server.online({ userId: 'alice', deviceId: 'phone' });
    await during(8, () =>
      client.getUser({ userId: 'alice' }).then(({ online }) => expect(online).toBe(true)),
    );
    expect([failures, errors]).toEqual([[], []]);
    server.close();
  });
});

describe('a connection that reaches the maximum age', () => {
  test('loses no call of a plain gRPC client', async () => {
    const daemon = await start(200);
    const clients = clientsOf(daemon.addr);
    let calls = 0;
    let isOver = false;
    const worker = async () => {
      for (; !isOver; calls++) await clients.pb.query({ UserID: 'alice', DeviceID: 'phone' });
    };
    const workers = Promise.all(Array.from({ length: 8 }, worker));
    const enough = until(
      async () => (await agedOf(daemon)) >= 20,
      '20 connections have reached the maximum age',
    );
    await Promise.race([enough, workers]);
    isOver = true;
    await workers;
    expect(calls).toBeGreaterThan(100);
  });

  test('receives GOAWAY without an error, after which its calls in flight are answered', async () => {
    const daemon = await start(2_000);
    const frames: { type: number; stream: number; payload: Buffer }[] = [];
    const raw = rawHttp2(daemon.addr, (got) => frames.push(got));
    disposables.push(() => raw.socket.destroy());
    // The request of this call is completed only after the GOAWAY.
    await raw.send(http2Frame(FRAME.headers, END_HEADERS, 1, callHeaders(GET_USER)));
    const goaway = await until(() => frames.find(({ type }) => type === FRAME.goaway), 'GOAWAY arrives');
    expect([goaway.payload.readUInt32BE(0), goaway.payload.readUInt32BE(4)]).toEqual([1, 0]);
    await raw.send(http2Frame(FRAME.data, 1, 1, ALICE));
    await raw.closed;
    expect(frames.filter(({ type, stream }) => type === FRAME.data && stream === 1)).toHaveLength(1);
  });

  test('ends Apply with OK after the accepted batches, and other streams with UNAVAILABLE', async () => {
    const daemon = await start(3_000);
    const { v1, presence } = clientsOf(daemon.addr);
    const [apply, lease] = [v1.apply(), v1.keepServerAlive()];
    const watch = v1.watch({ everything: true, initialState: true });
    const operations = [{ getUser: { userId: 'alice' } }];
    const kept = { serverAddr: '10.0.0.1:9000', incarnation: 1, timeToLive: { seconds: 60 } };
    expect((await apply.send({ operations })).results).toHaveLength(1);
    await lease.send(kept);
    expect(await apply.ended).toMatchObject({ code: status.OK });
    expect(await lease.ended).toEqual(MOVED);
    expect(await watch.ended).toEqual(MOVED);
    expect(watch.syncs).toBe(1);
    expect(watch.revision).not.toBe('');
    expect((await watch.ended).metadata.get('grpc-retry-pushback-ms')).toEqual(['0']);
    presence.close();
    // This does not count as a failure: alerts on failed calls stay silent.
    const metrics = await scrape(daemon.http);
    expect(sumOf(metrics, 'imstate_calls_total', { method: 'Watch', code: 'OK' })).toBe(1);
    expect(sumOf(metrics, 'imstate_calls_total', { code: 'UNAVAILABLE' })).toBe(0);
  });

  test('is closed after the grace, when each stream has a status', async () => {
    const daemon = await start(2_000, 500);
    const raw = rawGrpc(daemon.addr);
    disposables.push(() => raw.session.destroy());
    const [health, incomplete] = [raw.begin(HEALTH_WATCH, frame(Buffer.alloc(0))), raw.begin(GET_USER)];
    incomplete.on('error', () => {});
    const [answer] = await once(health.resume(), 'response');
    expect(answer['grpc-status']).toBe(String(status.UNAVAILABLE));
    if (!raw.session.destroyed) await once(raw.session, 'close');
    expect(await agedOf(daemon)).toBe(1);
  });

  test('connections last without a limit', async () => {
    const daemon = await start(0);
    const { v1 } = clientsOf(daemon.addr);
    const apply = v1.apply();
    await apply.send({ operations: [{ getUser: { userId: 'alice' } }] });
    expect(await agedOf(daemon)).toBe(0);
    apply.end();
    expect(await apply.ended).toMatchObject({ code: status.OK });
  });
});
