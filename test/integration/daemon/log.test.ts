import { pino } from 'pino';
import { expect, test } from 'vitest';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { until } from '../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const alice = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

function callerOf(daemon: TestDaemon) {
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  return clients;
}

/** The lines of a log that describe calls. */
function callLines(lines: string[]) {
  return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'call');
}

test('logs each call at debug, with masked IDs that identify a user across lines', async () => {
  const daemon = await startDaemon();
  const { v1, pb } = callerOf(daemon);
  await v1.online(alice);
  await pb.query({ UserID: 'alice', DeviceID: 'phone' });
  await expect(v1.getUser({ userId: 'bob', deviceId: '\n' })).rejects.toMatchObject({ code: 3 });
  const lines = await until(() => {
    const found = callLines(daemon.logged);
    return found.length === 3 && found;
  }, 'three calls are logged');
  const [online, query, refused] = lines as Record<string, unknown>[];
  expect(online).toMatchObject({
    requestId: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
    method: '/imstate.v1.PresenceService/Online',
    status: 'OK',
    ms: expect.any(Number),
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    user: expect.stringMatching(/^~[0-9a-f]{10}$/),
    device: expect.stringMatching(/^~[0-9a-f]{10}$/),
  });
  expect(query).toMatchObject({ user: online?.user, device: online?.device });
  expect(query?.requestId).not.toBe(online?.requestId);
  expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT' });
  expect(refused?.user).not.toBe(online?.user);
  expect(daemon.logged.join('')).not.toContain('alice');
});

test('logs single operations and rejected calls at debug', async () => {
  const daemon = await startDaemon({ showIds: true, maxWatches: 1 });
  const { v1 } = callerOf(daemon);
  const apply = v1.apply();
  await apply.send({ operations: [{ getUser: { userId: 'alice', deviceId: 'phone' } }] });
  apply.end();
  await apply.ended;
  const watches = [1, 2].map(() => v1.watch({ everything: true }));
  disposables.push(() => {
    for (const watch of watches) watch.cancel();
  });
  const lines = await until(() => {
    const found = callLines(daemon.logged);
    return found.length === 2 && found;
  }, 'both are logged');
  expect(daemon.logged.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ msg: 'operation', user: 'alice', device: 'phone', status: 'OK' }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ method: expect.stringMatching(/Watch$/), status: 'RESOURCE_EXHAUSTED' }),
  );
});

test('shows the IDs with --log-ids', async () => {
  const daemon = await startDaemon({ showIds: true });
  await callerOf(daemon).v1.online(alice);
  await until(() => callLines(daemon.logged).length === 1, 'the call is logged');
  expect(callLines(daemon.logged)[0]).toMatchObject({ user: 'alice', device: 'phone' });
});

test('counts calls at info in at most one line per second, without health checks', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const daemon = await startDaemon({ log });
  const { v1 } = callerOf(daemon);
  const summaries = () => logged.map((line) => JSON.parse(line)).filter(({ calls }) => calls);
  const counts = () => {
    const sums: Record<string, number> = {};
    for (const { calls } of summaries())
      for (const [name, count] of Object.entries<number>(calls)) sums[name] = (sums[name] ?? 0) + count;
    return sums;
  };
  const begunAt = Date.now();
  for (let i = 0; i < 30; i++) await v1.getUser({ userId: 'alice' });
  await expect(v1.getUser({ userId: '' })).rejects.toMatchObject({ code: 3 });
  const getUser = 'imstate.v1.PresenceService/GetUser';
  await until(() => counts()[`${getUser} INVALID_ARGUMENT`] === 1, 'all calls are counted');
  expect(counts()).toEqual({ [`${getUser} OK`]: 30, [`${getUser} INVALID_ARGUMENT`]: 1 });
  expect(summaries().length).toBeLessThanOrEqual(Math.ceil((Date.now() - begunAt) / 1_000) + 1);
  expect(logged.join('')).not.toContain('"call"');
});

test('changes the level by HTTP, and rejects an invalid one', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void logged.push(line) });
  const daemon = await startDaemon({ log, http });
  const { v1 } = callerOf(daemon);
  const url = `${daemon.http}/admin/log-level`;
  const set = (body: string, type = 'application/json') =>
    ask(url, { method: 'POST', body, headers: { 'content-type': type } });
  await v1.getStats();
  expect(callLines(logged)).toEqual([]);
  expect(await set('{"level":"debug"}')).toMatchObject({ status: 200, text: '{"level":"debug"}\n' });
  await v1.getStats();
  await until(() => callLines(logged).length === 1, 'the call is logged');
  for (const body of ['{"level":"loud"}', 'debug', 'null', `"${'x'.repeat(70_000)}"`]) {
    expect((await set(body)).status).toBe(400);
  }
  expect((await set('{"level":"warn"}', 'text/plain')).status).toBe(400);
  expect(JSON.parse((await ask(url)).text)).toEqual({ level: 'debug' });
});
