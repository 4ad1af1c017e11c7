import { pino } from 'pino';
import { expect, test } from 'vitest';
import { loadProtos } from '../../../packages/client/src/wire/protos.ts';
import type { ApiParts } from '../../../src/daemon/http/api/apiCall.ts';
import { apiCalls, callOf } from '../../../src/daemon/http/api/calls.ts';
import { operationOf } from '../../../src/daemon/observability/operationNames.ts';
import { TokenFile } from '../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { scrape, sumOf } from '../../support/metrics.ts';
import { until } from '../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const TOTAL = 'imstate_operations_total';
const DURATION = 'imstate_operation_duration_seconds';
const alice = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

function callerOf(daemon: TestDaemon, token?: string) {
  const clients = grpcClients(daemon.addr, token);
  disposables.push(() => clients.close());
  return clients;
}

/** The operation counts of a daemon, by `operation CODE`. */
async function operationsOf(daemon: TestDaemon, token?: string): Promise<Record<string, number>> {
  const samples = (await scrape(daemon.http, token)).get(TOTAL)?.samples ?? [];
  return Object.fromEntries(
    samples.map(({ labels, value }) => [`${labels.operation} ${labels.code}`, value]),
  );
}

test('maps every gRPC method and HTTP call to an operation, except health checks', () => {
  const { types } = loadProtos();
  const services = [types.pb.UserStatus.service, types.imstate.v1.PresenceService.service];
  const methods = services.flatMap((service) => Object.values(service).map(({ path }) => path));
  const calls = apiCalls({} as ApiParts).map(({ name }) => `/imstate.http/${callOf(name)}`);
  expect([...methods, ...calls].filter((path) => operationOf(path) === undefined)).toEqual([]);
  expect(operationOf('/grpc.health.v1.Health/Check')).toBeUndefined();
});

test('counts each operation once with its duration, whichever way it arrives', async () => {
  const daemon = await startDaemon({ http });
  const { v1, pb } = callerOf(daemon);
  await v1.online(alice);
  await pb.online({ UserID: 'bob', DeviceID: 'phone', ServerAddr: '10.0.0.1:9000' });
  await pb.query({ UserID: 'bob' });
  await v1.getUser({ userId: 'alice' });
  await v1.batchGetUsers({ userIds: ['alice', 'bob', 'carol'] });
  await v1.route({ userIds: ['alice', 'bob'] });
  await v1.heartbeat({
    sessions: ['a', 'b'].map((sessionId) => ({ userId: 'alice', deviceId: 'phone', sessionId })),
  });
  expect((await ask(`${daemon.http}/api/v1/query?userId=alice`)).status).toBe(200);
  const client = await clientOf(daemon.addr);
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => client.online({ ...alice, userId: `user-${i}`, deviceId: 'web' })),
  );
  await client.getUser({ userId: 'alice' });
  await client.offline({ userId: 'alice', deviceId: 'phone' });
  await until(async () => (await operationsOf(daemon))['get_user OK'] === 7, 'the query by HTTP is counted');
  expect(await operationsOf(daemon)).toEqual({
    'online OK': 22,
    'get_user OK': 7,
    'route OK': 2,
    'offline OK': 1,
    'heartbeat OK': 2,
  });
  const families = await scrape(daemon.http);
  for (const [operation, count] of [
    ['online', 22],
    ['get_user', 7],
    ['route', 2],
    ['offline', 1],
    ['heartbeat', 2],
  ] as const) {
    const labels = { operation, code: 'OK' };
    expect([operation, sumOf(families, `${DURATION}_count`, labels)]).toEqual([operation, count]);
    expect(sumOf(families, `${DURATION}_bucket`, { ...labels, le: '+Inf' })).toBe(count);
    expect(sumOf(families, `${DURATION}_sum`, labels)).toBeGreaterThan(0);
  }
});

test('counts a failed operation of a successful batch with its own code', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path }, maxDevices: 1 });
  const apply = callerOf(daemon, file.tokens.writer).v1.apply();
  await apply.send({
    operations: [
      { online: alice },
      { online: { ...alice, deviceId: 'web' } },
      { online: { ...alice, deviceId: '' } },
      { getUser: { userId: 'alice' } },
      { heartbeat: { userId: 'alice', deviceId: 'phone', sessionId: 's' } },
      {},
    ],
  });
  const readers = callerOf(daemon, file.tokens.reader).v1.apply();
  await readers.send({ operations: [{ offline: { userId: 'alice', deviceId: 'phone' } }] });
  expect(await operationsOf(daemon, file.tokens.reader)).toEqual({
    'online OK': 1,
    'online RESOURCE_EXHAUSTED': 1,
    'online INVALID_ARGUMENT': 1,
    'get_user OK': 1,
    'heartbeat OK': 1,
    'unknown INVALID_ARGUMENT': 1,
    'offline PERMISSION_DENIED': 1,
  });
  apply.end();
  readers.end();
});

test('counts batch calls, keep-alives and failed streams, without durations for streams', async () => {
  const daemon = await startDaemon({ http });
  const { v1 } = callerOf(daemon);
  const userIds = Array.from({ length: 1_001 }, (_, i) => `user-${i}`);
  await expect(v1.batchGetUsers({ userIds })).rejects.toMatchObject({ code: 3 });
  await expect(v1.batchGetUsers({ userIds: [] })).rejects.toMatchObject({ code: 3 });
  const lease = v1.keepServerAlive();
  const keepAlive = { serverAddr: '10.0.0.2:9000', incarnation: 2, timeToLive: { seconds: 60 } };
  await lease.send(keepAlive);
  await lease.send(keepAlive);
  await expect(lease.send({ ...keepAlive, incarnation: 1 })).rejects.toMatchObject({ code: 9 });
  const batch = v1.apply();
  const operations = userIds.map((userId) => ({ getUser: { userId } }));
  await expect(batch.send({ operations })).rejects.toMatchObject({ code: 3 });
  const watch = v1.watch({});
  expect(await watch.ended).toMatchObject({ code: 3 });
  const counted = await until(async () => {
    const found = await operationsOf(daemon);
    return found['watch INVALID_ARGUMENT'] === 1 && found;
  }, 'the watch is counted');
  expect(counted).toEqual({
    'get_user INVALID_ARGUMENT': 1_001 + 1 + 1_001,
    'apply INVALID_ARGUMENT': 1,
    'keep_server_alive OK': 2,
    'keep_server_alive FAILED_PRECONDITION': 1,
    'watch INVALID_ARGUMENT': 1,
  });
  const families = await scrape(daemon.http);
  expect(sumOf(families, `${DURATION}_count`, { operation: 'keep_server_alive' })).toBe(2);
  expect(sumOf(families, `${DURATION}_count`, { operation: 'watch' })).toBe(0);
});

test('counts the operations of open streams in the log at info', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const daemon = await startDaemon({ log });
  const apply = callerOf(daemon).v1.apply();
  const online = { online: alice };
  await apply.send({ operations: [online, online, { online: { ...alice, userId: '' } }] });
  const sumsOf = () => {
    const sums: Record<string, number> = {};
    for (const { operations } of logged.map((line) => JSON.parse(line)))
      for (const [name, count] of Object.entries<number>(operations ?? {}))
        sums[name] = (sums[name] ?? 0) + count;
    return sums;
  };
  await until(() => sumsOf()['online OK'] === 2, 'the operations are logged');
  expect(sumsOf()).toEqual({ 'online OK': 2, 'online INVALID_ARGUMENT': 1 });
  apply.end();
});

test('logs each operation of a batch at debug, also on streams opened earlier', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const daemon = await startDaemon({ log });
  const apply = callerOf(daemon).v1.apply();
  await apply.send({ operations: [{ online: alice }] });
  log.level = 'debug';
  await apply.send({
    operations: [{ getUser: { userId: 'alice' } }, { offline: { userId: 'bob', deviceId: '' } }],
  });
  const lines = logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'operation');
  expect(lines).toEqual([
    expect.objectContaining({
      requestId: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
      method: '/imstate.v1.PresenceService/Apply',
      operation: 'get_user',
      status: 'OK',
      ms: expect.any(Number),
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      user: expect.stringMatching(/^~[0-9a-f]{10}$/),
    }),
    expect.objectContaining({ operation: 'offline', status: 'INVALID_ARGUMENT' }),
  ]);
  expect(logged.join('')).not.toContain('alice');
  apply.end();
});
