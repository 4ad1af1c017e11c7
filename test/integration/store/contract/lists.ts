import { describe, expect, test } from 'vitest';
import type { SessionPage } from '../../../../src/presence/listings.ts';
import type { UserSession } from '../../../../src/presence/sessions.ts';
import {
  eachWithStore,
  type Fixture,
  HISTORY_LIMIT,
  HISTORY_RETENTION,
  keepAlive,
  login,
  logout,
  type MakeStore,
  refOf,
  START,
} from './underTest.ts';

/** History, counters, listings and eviction. */
export function describeLists(name: string, makeStore: MakeStore): void {
  describe(`lists of the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    test('lists every ended session once in the history, newest end first', async () => {
      await on.store.online(login());
      on.underTest.setClock(START + 1);
      await on.store.online(login({ sessionId: 's2', serverAddr: '10.0.0.2:9000' }));
      on.underTest.setClock(START + 2);
      await on.store.online(login({ deviceId: 'web', sessionId: 's3', platform: '' }));
      await on.store.offline(logout());
      expect(await on.store.getHistory('alice')).toMatchObject([
        { sessionId: 's2', loginTimeMs: START + 1, endTimeMs: START + 2, endReason: 'LOGOUT' },
        { sessionId: 's1', loginTimeMs: START, endTimeMs: START + 1, endReason: 'REPLACED' },
      ]);
      await on.store.evictUser('alice');
      expect((await on.store.getHistory('alice'))[0]).toMatchObject({
        deviceId: 'web',
        platform: '',
        endReason: 'EVICTED',
      });
      expect(await on.store.getHistory('bob')).toEqual([]);
    });

    test('limits the length of the history', async () => {
      for (let i = 0; i < HISTORY_LIMIT + 10; i++) await on.store.online(login({ sessionId: `s${i}` }));
      const history = await on.store.getHistory('alice');
      expect(history).toHaveLength(HISTORY_LIMIT);
      expect(history[0]).toMatchObject({ sessionId: `s${HISTORY_LIMIT + 8}` });
      expect(history.at(-1)).toMatchObject({ sessionId: 's9' });
    });

    test('removes entries from the history after their retention', async () => {
      await on.store.online(login());
      await on.store.offline(logout());
      on.underTest.setClock(START + HISTORY_RETENTION - 1);
      await on.store.online(login({ sessionId: 's2' }));
      await on.store.offline(logout());
      expect(await on.store.getHistory('alice')).toHaveLength(2);
      on.underTest.setClock(START + HISTORY_RETENTION);
      expect(await on.store.getHistory('alice')).toMatchObject([{ sessionId: 's2' }]);
      await on.sweepAll();
      expect(await on.store.getHistory('alice')).toMatchObject([{ sessionId: 's2' }]);
    });

    test('updates the counters with every change', async () => {
      await on.store.online(login());
      await on.store.online(login());
      await on.store.online(
        login({ deviceId: 'web', sessionId: 's2', platform: 'web', serverAddr: '10.0.0.2:9000' }),
      );
      await on.store.online(login({ userId: 'bob', sessionId: 's3', platform: '' }));
      const stats = await on.store.getStats();
      expect(stats).toMatchObject({ users: 2, devices: 3 });
      expect(Object.fromEntries(stats.byPlatform)).toEqual({ ios: 1, web: 1, '': 1 });
      expect(Object.fromEntries(stats.byServer)).toEqual({ '10.0.0.1:9000': 2, '10.0.0.2:9000': 1 });
      await on.store.online(login({ sessionId: 's4', platform: 'web' }));
      await on.store.offline(logout({ userId: 'bob' }));
      const after = await on.store.getStats();
      expect(after).toMatchObject({ users: 1, devices: 2 });
      expect(Object.fromEntries(after.byPlatform)).toEqual({ web: 2 });
      await on.store.evictUser('alice');
      expect(await on.store.getStats()).toEqual({
        users: 0,
        devices: 0,
        byPlatform: new Map(),
        byServer: new Map(),
        devicesOnOtherServers: 0,
        isPartial: false,
      });
    });

    test('lists each session once page by page, of one chat server or all', async () => {
      const logins = Array.from({ length: 90 }, (_, i) =>
        login({
          userId: `user-${i % 60}`,
          deviceId: `d${i}`,
          serverAddr: `10.0.0.${i % 3}:9000`,
          sessionId: `s${i}`,
        }),
      );
      await Promise.all(logins.map((each) => on.store.online(each)));
      const all = await listAll(on, { serverAddr: undefined, limit: 7 });
      expect(all.map(({ session }) => session.sessionId).sort()).toEqual(
        logins.map(({ sessionId }) => sessionId).sort(),
      );
      const ofOne = await listAll(on, { serverAddr: '10.0.0.2:9000', limit: 4 });
      expect(ofOne).toHaveLength(30);
      expect(
        ofOne.every(({ userId, session }) => userId !== '' && session.serverAddr === '10.0.0.2:9000'),
      ).toBe(true);
      expect(await listAll(on, { serverAddr: '10.0.0.20:9000', limit: 4 })).toEqual([]);
      expect(await listAll(on, { serverAddr: '10.0.0', limit: 4 })).toEqual([]);
    });

    test('lists all lasting sessions despite changes between the pages', async () => {
      const stay = Array.from({ length: 60 }, (_, i) => login({ userId: `stay-${i}`, sessionId: `s${i}` }));
      await Promise.all(stay.map((each) => on.store.online(each)));
      let count = 0;
      const listed = await listAll(on, { serverAddr: undefined, limit: 5 }, async () => {
        const others = Array.from({ length: 20 }, () =>
          login({ userId: `other-${count++}`, sessionId: 'x' }),
        );
        await Promise.all(others.map((each) => on.store.online(each)));
      });
      const users = listed.map(({ userId }) => userId).filter((userId) => userId.startsWith('stay'));
      expect(users.sort()).toEqual(stay.map(({ userId }) => userId).sort());
      expect(new Set(listed.map(({ userId }) => userId)).size).toBe(listed.length);
    });

    test.each([
      '',
      'x',
      'W10',
      Buffer.from('{"a":1}').toString('base64url'),
      Buffer.from('[0,1,"a",-1]').toString('base64url'),
    ])('rejects an invalid page token: %j', async (after) => {
      const page = { serverAddr: undefined, limit: 5, after };
      await expect(on.store.listSessions(page)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });

    test('lists chat servers with their sessions and leases', async () => {
      await on.store.keepServerAlive(keepAlive());
      await on.store.keepServerAlive(
        keepAlive({ serverAddr: '10.0.0.0:1', incarnation: 2 ** 47 + 1, ttlMs: 5_000 }),
      );
      await on.store.online(login());
      await on.store.online(login({ userId: 'bob' }));
      await on.store.online(login({ userId: 'carol', serverAddr: '10.0.0.3:9000' }));
      expect(await on.allServers()).toEqual([
        {
          serverAddr: '10.0.0.0:1',
          sessions: 0,
          lease: { state: 'RESYNC', incarnation: 2 ** 47 + 1, ttlMs: 5_000, expireTimeMs: START + 5_000 },
        },
        { serverAddr: '10.0.0.1:9000', sessions: 2, lease: expect.objectContaining({ incarnation: 1 }) },
        { serverAddr: '10.0.0.3:9000', sessions: 1, lease: undefined },
      ]);
    });

    test('does not evict a newer session', async () => {
      await on.store.online(login());
      await on.store.online(login({ sessionId: 's2' }));
      expect(await on.store.evictSession(refOf(login()))).toBe(false);
      expect(await on.store.evictSession(refOf(login({ sessionId: 's2' })))).toBe(true);
      expect(await on.store.evictSession(refOf(login({ sessionId: 's2' })))).toBe(false);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: false,
        endReason: 'EVICTED',
      });
    });

    test('evicts all sessions of a user, and no others', async () => {
      await on.store.online(login());
      await on.store.online(login({ deviceId: 'web', sessionId: 's2' }));
      await on.store.online(login({ userId: 'alice2', sessionId: 's3' }));
      await on.store.offline(logout({ deviceId: 'web' }));
      expect(await on.store.evictUser('alice')).toBe(1);
      expect(await on.store.evictUser('alice')).toBe(0);
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
    });

    test('evicts all sessions of a chat server, a limited number per call', async () => {
      const logins = Array.from({ length: 700 }, (_, i) => login({ userId: `user-${i}` }));
      await Promise.all(logins.map((each) => on.store.online(each)));
      await on.store.online(login({ serverAddr: '10.0.0.2:9000' }));
      let evicted = 0;
      for (let more = true; more; ) {
        const answer = await on.store.evictServer('10.0.0.1:9000');
        evicted += answer.evicted;
        more = answer.more;
      }
      expect(evicted).toBe(700);
      expect(await on.store.getDevice('user-7', 'phone')).toMatchObject({
        online: false,
        endReason: 'EVICTED',
      });
      expect(Object.fromEntries((await on.store.getStats()).byServer)).toEqual({ '10.0.0.2:9000': 1 });
    });
  });
}

async function listAll(
  on: Fixture,
  page: Omit<SessionPage, 'after'>,
  between: () => Promise<void> = async () => {},
): Promise<UserSession[]> {
  const found: UserSession[] = [];
  let after: string | undefined;
  do {
    const { sessions, next } = await on.store.listSessions({ ...page, after });
    expect(sessions.length).toBeLessThanOrEqual(page.limit);
    found.push(...sessions);
    after = next;
    await between();
  } while (after !== undefined && found.length < 2_000);
  return found;
}
