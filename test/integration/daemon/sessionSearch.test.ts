import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { ListSessionsRequest } from '../../../packages/client/src/generated/imstate/v1/ListSessionsRequest.ts';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { LIMITS } from '../../../src/presence/limits.ts';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';

const SERVERS = ['10.0.0.1:9000', '10.0.0.2:9000'] as const;
/** More sessions than one call compares. */
const USERS = 12_000;

describe.each(['embedded store', 'Redis'])('a search in the %s', (store) => {
  let daemon: TestDaemon;
  let client: Client;
  let clients: ReturnType<typeof grpcClients>;

  beforeAll(async () => {
    const redis = store === 'Redis' ? inject('redisUrl') : undefined;
    daemon = await startTestDaemon({ redis, keyPrefix: `${randomUUID()}:` });
    client = await connect({ endpoints: [daemon.addr], timeoutMs: 60_000 });
    clients = grpcClients(daemon.addr);
    await Promise.all(Array.from({ length: USERS }, (_, i) => login(`user-${i}`, `device-${i % 1_000}`, i)));
    await login('alice', 'phone', 0);
    await login('alicia', 'phone', 1);
    await login('alois', 'web', 1);
    return async () => {
      clients.close();
      await client.close();
      await daemon.remove();
    };
  }, 60_000);

  const login = (userId: string, deviceId: string, server: number) =>
    client.online({
      userId,
      deviceId,
      sessionId: `${userId}/${deviceId}`,
      serverAddr: SERVERS[server % 2 === 0 ? 0 : 1],
    });

  /** The users that a search finds, with the number of calls and of compared sessions. */
  const find = async (request: ListSessionsRequest) => {
    const users: string[] = [];
    let calls = 0;
    let scanned = 0;
    let pageToken = '';
    do {
      const page = await clients.v1.listSessions({ ...request, pageToken });
      users.push(...page.sessions.map(({ userId }) => userId));
      expect(page.sessions.length).toBeLessThanOrEqual(request.pageSize || 100);
      expect(page.scanned).toBeLessThan(LIMITS.searchedSessions.max + LIMITS.page.max);
      calls += 1;
      scanned += page.scanned;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return { users: users.sort(), calls, scanned };
  };

  test('finds the beginning of a user ID, a device and a session, each exactly once', async () => {
    expect(await find({ userIdPrefix: 'ali' })).toMatchObject({
      users: ['alice', 'alicia'],
      scanned: USERS + 3,
    });
    expect((await find({ deviceId: 'phone' })).users).toEqual(['alice', 'alicia']);
    expect((await find({ sessionId: 'alois/web' })).users).toEqual(['alois']);
    expect((await find({ sessionId: 'alois' })).users).toEqual([]);
    const both = { userIdPrefix: 'al', deviceId: 'phone', serverAddr: SERVERS[1] };
    expect((await find(both)).users).toEqual(['alicia']);
  });

  test('compares a limited number of sessions in a call, and continues', async () => {
    const first = await clients.v1.listSessions({ deviceId: 'no such device' });
    expect(first).toMatchObject({ sessions: [], nextPageToken: expect.stringMatching(/./) });
    expect(first.scanned).toBeGreaterThanOrEqual(LIMITS.searchedSessions.max);
    expect(await find({ deviceId: 'no such device' })).toEqual({ users: [], calls: 2, scanned: USERS + 3 });
  });

  test.each([1, 7, 1_000])('loses and repeats nothing with pages of %i', async (pageSize) => {
    const { users } = await find({ deviceId: 'device-7', pageSize });
    expect(users).toEqual(Array.from({ length: USERS / 1_000 }, (_, i) => `user-${i * 1_000 + 7}`).sort());
  });

  test('fills pages if most sessions match', async () => {
    const { users, calls } = await find({ userIdPrefix: 'user-1', pageSize: 1_000 });
    const all = Array.from({ length: USERS }, (_, i) => `user-${i}`);
    expect(users).toEqual(all.filter((userId) => userId.startsWith('user-1')).sort());
    expect(calls).toBeLessThan(12);
  });

  test('rejects the page token of another search or listing', async () => {
    const request = { userIdPrefix: 'user', pageSize: 1 };
    const { nextPageToken: pageToken } = await clients.v1.listSessions(request);
    await clients.v1.listSessions({ ...request, pageToken });
    const listing = await clients.v1.listSessions({ pageSize: 1 });
    for (const other of [
      { userIdPrefix: 'use', pageToken },
      { userIdPrefix: 'user', deviceId: 'phone', pageToken },
      { userIdPrefix: 'user', serverAddr: SERVERS[0], pageToken },
      { pageToken },
      { ...request, pageToken: listing.nextPageToken },
      { ...request, pageToken: 'nonsense' },
    ])
      await expect(clients.v1.listSessions(other)).rejects.toMatchObject({
        code: 3,
        details: expect.stringContaining('page_token must be the next_page_token'),
      });
  });

  test('rejects searches beyond the limit, and answers logins meanwhile', async () => {
    const searches = Array.from({ length: 3 * LIMITS.searches.max }, () =>
      clients.v1.listSessions({ deviceId: 'no such device' }).then(
        () => 'done',
        ({ code, details }) => `${code} ${details}`,
      ),
    );
    await client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.3:9000' });
    const results = await Promise.all(searches);
    const rejected = results.filter((result) => result !== 'done');
    expect(results.length - rejected.length).toBeGreaterThanOrEqual(LIMITS.searches.max);
    expect(rejected.length).toBeGreaterThan(0);
    for (const result of rejected)
      expect(result).toMatch(/^8 the daemon runs 10 searches .*nothing was done/);
    expect((await find({ userIdPrefix: 'bob' })).users).toEqual(['bob']);
    await client.offline({ userId: 'bob', deviceId: 'phone' });
  });
});
