import { connect } from 'node:net';
import { expect, inject, test } from 'vitest';
import { LIMITS } from '../../../../../src/presence/limits.ts';
import { clientOf, disposables, startDaemon } from '../../../../support/disposables.ts';
import { EventReader } from '../../../../support/events.ts';
import { ask } from '../../../../support/http.ts';
import { startProxy } from '../../../../support/proxy.ts';
import { until } from '../../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const serverAddr = '10.0.0.1:9000';

test('sends a snapshot, then each change', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr, platform: 'ios' });
  const reader = await EventReader.open(`${daemon.http}/api/v1/watch?userId=alice&userId=bob`);
  await reader.wait('synced');
  expect(reader.of('snapshot')).toMatchObject([
    { userId: 'alice', devices: [{ deviceId: 'phone', online: true, platform: 'ios', serverAddr }] },
    { userId: 'bob', devices: [] },
  ]);
  await client.online({ userId: 'carol', deviceId: 'web', serverAddr });
  await client.offline({ userId: 'alice', deviceId: 'phone' });
  const [change] = await reader.wait('change');
  expect(change).toMatchObject({
    userId: 'alice',
    wasOnline: true,
    online: false,
    ended: { reason: 'LOGOUT' },
  });
});

test('sends the missed changes exactly once after a reconnect', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  const url = `${daemon.http}/api/v1/watch?all=true`;
  const first = await EventReader.open(url);
  await first.wait('synced');
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await first.wait('change');
  await client.online({ userId: 'bob', deviceId: 'phone', serverAddr });
  const id = first.events.find(({ event }) => event === 'change')?.id as string;
  const second = await EventReader.open(url, { 'last-event-id': id });
  await second.wait('synced');
  expect(second.of('change').map(({ userId }) => userId)).toEqual(['bob']);
  expect(second.of('snapshot')).toEqual([]);
});

test('reports a lost revision, so that the reader starts anew', async () => {
  const daemon = await startDaemon({ http });
  const other = await startDaemon({ http });
  const client = await clientOf(other.addr);
  const reader = await EventReader.open(`${other.http}/api/v1/watch?all=true`);
  await reader.wait('synced');
  for (const userId of ['a', 'b', 'c']) await client.online({ userId, deviceId: 'd', serverAddr });
  const [, , last] = await reader.wait('change', 3);
  const late = await EventReader.open(`${daemon.http}/api/v1/watch?all=true&resume=${last?.revision}`);
  await late.ended;
  expect(late.of('error')).toMatchObject([{ error: { code: 'OUT_OF_RANGE' } }]);
});

test.each([
  ['', 'must be given: one of the three'],
  ['?all=true&userId=a', 'must be given: one of the three'],
  ['?all=yes', 'all must be true or false'],
  ['?all=true&most=-1', 'most must be an integer from 0 to 10000'],
  ['?all=true&all=true', 'all must be given once'],
  ['?everything=true', '"everything" is no parameter of this call'],
  ['?userId=', 'userId must not be empty'],
])('rejects a watch of %s with the rule', async (query, message) => {
  const { http: url } = await startDaemon({ http });
  const { status, text } = await ask(`${url}/api/v1/watch${query}`);
  expect([status, JSON.parse(text).error.message]).toEqual([400, expect.stringContaining(message)]);
});

test('counts the changes skipped because of a rate limit', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  const reader = await EventReader.open(`${daemon.http}/api/v1/watch?all=true&most=3&initial=false`);
  await reader.wait('synced');
  const users = Array.from({ length: 50 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => client.online({ userId, deviceId: 'd', serverAddr })));
  const countAll = () =>
    reader.of('change').length + reader.of('skipped').reduce((sum, { changes }) => sum + changes, 0);
  await until(() => countAll() === 50, 'all changes are delivered or counted');
  expect(reader.of('change').length).toBeLessThan(50);
});

test('ends the watch of a reader that does not read, and continues to serve', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  const { hostname, port } = new URL(daemon.http as string);
  const socket = connect(Number(port), hostname);
  disposables.push(() => socket.destroy());
  socket.write('GET /api/v1/watch?all=true&initial=false HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
  // Waits for the beginning of the response; nothing is read afterwards.
  await new Promise((resolve) => socket.once('readable', resolve));
  const users = Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(200, 'u'));
  const isClosed = () => daemon.logged.some((line) => line.includes('its caller reads too slowly'));
  for (let round = 0; round < 60 && !isClosed(); round++) {
    const deviceId = `${round}`.padStart(200, 'd');
    await Promise.all(users.map((userId) => client.online({ userId, deviceId, serverAddr })));
  }
  await until(isClosed, 'the watch is closed');
  expect((await ask(`${daemon.http}/api/v1/stats`)).status).toBe(200);
});

test('limits the number of streams, and accepts another when one ends', async () => {
  const daemon = await startDaemon({ http });
  const { hostname, port } = new URL(daemon.http as string);
  const open = async () => {
    const socket = connect(Number(port), hostname);
    disposables.push(() => socket.destroy());
    socket.write('GET /api/v1/stats/watch HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    return socket;
  };
  const first = await open();
  await Promise.all(Array.from({ length: LIMITS.eventStreams.max - 1 }, open));
  const url = `${daemon.http}/api/v1/stats/watch`;
  const { status, text } = await ask(url);
  expect([status, JSON.parse(text).error.code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
  first.destroy();
  await until(async () => (await EventReader.open(url)).status === 200, 'another stream is accepted');
});

test('sends counts and the rate of changes every second', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  const reader = await EventReader.open(`${daemon.http}/api/v1/stats/watch`);
  await reader.wait('stats', 2);
  const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => client.online({ userId, deviceId: 'd', serverAddr })));
  await until(
    () => reader.of('stats').some(({ changesPerSecond }) => changesPerSecond > 0),
    'changes are counted',
  );
  await until(() => reader.of('stats').at(-1)?.devicesOnline === 30, 'all users are online');
  const late = await EventReader.open(`${daemon.http}/api/v1/stats/watch`);
  const [oldest] = await late.wait('stats');
  expect(oldest).toEqual(reader.of('stats')[0]);
});

test.each(['watch?all=true', 'stats/watch'])(
  'sends keep-alive comments on %s while the store is unavailable, then continues',
  async (call) => {
    const redis = new URL(inject('redisUrl'));
    const proxy = await startProxy(Number(redis.port));
    disposables.push(() => proxy.close());
    redis.port = String(proxy.port);
    const daemon = await startDaemon({ http, redis: redis.href });
    const reader = await EventReader.open(`${daemon.http}/api/v1/${call}`);
    await until(() => reader.events.length > 0, 'an event arrives');
    proxy.pause();
    await until(() => reader.comments >= 2, 'keep-alive comments arrive');
    const received = reader.events.length;
    proxy.heal();
    await until(() => reader.events.length > received, 'another event arrives');
  },
);
