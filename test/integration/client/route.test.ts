import { beforeEach, expect, test } from 'vitest';
import type { Client } from '../../../packages/client/src/index.ts';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';

const [FIRST, SECOND] = ['10.0.0.1:9000', '10.0.0.2:9000'] as const;

let daemon: TestDaemon;
let client: Client;

beforeEach(async () => {
  daemon = await startDaemon();
  client = await clientOf(daemon.addr);
});

function login(userId: string, deviceId: string, serverAddr: string) {
  return client.online({ userId, deviceId, serverAddr, sessionId: `${userId}-${deviceId}` });
}

test('finds the sessions of users by chat server, and who is offline', async () => {
  await client.online({
    userId: 'bob',
    deviceId: 'phone',
    serverAddr: SECOND,
    sessionId: 'b-1',
    platform: 'ios',
  });
  await login('alice', 'phone', FIRST);
  await login('alice', 'web', SECOND);
  await login('carol', 'phone', FIRST);
  await client.offline({ userId: 'carol', deviceId: 'phone' });
  const session = { deviceId: 'phone', platform: undefined, inGrace: false };
  expect(await client.route(['bob', 'nobody', 'alice', 'carol', 'bob'])).toEqual({
    servers: [
      {
        serverAddr: FIRST,
        draining: false,
        sessions: [{ ...session, userId: 'alice', sessionId: 'alice-phone' }],
      },
      {
        serverAddr: SECOND,
        draining: false,
        sessions: [
          { ...session, userId: 'bob', sessionId: 'b-1', platform: 'ios' },
          { ...session, userId: 'alice', deviceId: 'web', sessionId: 'alice-web' },
        ],
      },
    ],
    offline: ['nobody', 'carol'],
    unavailable: [],
  });
});

test('marks a session whose device has disconnected', async () => {
  await login('alice', 'phone', FIRST);
  await client.offline({ userId: 'alice', deviceId: 'phone', graceMs: 60_000 });
  const { servers } = await client.route(['alice']);
  expect(servers).toMatchObject([{ sessions: [{ userId: 'alice', inGrace: true }] }]);
});

test('routes any number of users, each chat server once', async () => {
  const users = Array.from({ length: 1_201 }, (_, i) => `user-${i}`);
  const online = users.filter((_, i) => i % 3 === 0);
  await Promise.all(online.map((userId, i) => login(userId, 'phone', i % 2 === 0 ? FIRST : SECOND)));
  const { servers, offline } = await client.route(users);
  expect(
    servers.map(({ serverAddr, sessions }) => [serverAddr, sessions.map(({ userId }) => userId)]),
  ).toEqual([
    [FIRST, online.filter((_, i) => i % 2 === 0)],
    [SECOND, online.filter((_, i) => i % 2 === 1)],
  ]);
  expect(offline).toEqual(users.filter((_, i) => i % 3 !== 0));
  expect(await client.route([])).toEqual({ servers: [], offline: [], unavailable: [] });
});

test('divides a call whose response would be larger than 3 MiB, which a daemon rejects', async () => {
  const long = (text: string) => text.padEnd(256, '-');
  const users = Array.from({ length: 450 }, (_, i) => long(`user-${i}`));
  const devices = Array.from({ length: 12 }, (_, i) => long(`device-${i}`));
  await Promise.all(
    users.flatMap((userId) =>
      devices.map((deviceId) => client.online({ userId, deviceId, serverAddr: FIRST, sessionId: deviceId })),
    ),
  );
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  await expect(clients.v1.route({ userIds: users })).rejects.toMatchObject({
    code: 8,
    details: expect.stringContaining('the answer would be larger than 3 MiB: ask for fewer users at once'),
  });
  const { servers } = await client.route(users);
  expect(servers.map(({ sessions }) => sessions.length)).toEqual([users.length * devices.length]);
});

test('accepts 1 to 1,000 users of valid ids in a call', async () => {
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  const users = Array.from({ length: 1_001 }, (_, i) => `user-${i}`);
  expect((await clients.v1.route({ userIds: users.slice(1) })).offlineUserIds).toEqual(users.slice(1));
  for (const userIds of [[], users, [''], ['alice', 'a\u0001b'], ['x'.repeat(257)]]) {
    await expect(clients.v1.route({ userIds })).rejects.toMatchObject({
      code: 3,
      details: expect.stringMatching(/^user_ids(\[\d\])? must /),
    });
  }
});
