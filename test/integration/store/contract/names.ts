import { describe, expect, test } from 'vitest';
import { MAX_PLATFORMS, MAX_STATS_SERVERS } from '../../../../src/presence/stats.ts';
import { eachWithStore, keepAlive, login, logout, type MakeStore } from './underTest.ts';

/** Names that callers choose: chat servers and platforms. */
export function describeNames(name: string, makeStore: MakeStore): void {
  describe(`names in the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    /** A login of a separate user with a separate platform. */
    function onPlatform(i: number, platform = `platform-${i}`) {
      return login({ userId: `user-${i}`, sessionId: `s${i}`, platform });
    }

    const byPlatform = async () => Object.fromEntries((await on.store.getStats()).byPlatform);

    test('lists each chat server once page by page, in byte order', async () => {
      const addrs = ['é:1', '\u{1f600}:1', '\uff5e:1', 'a:1', 'a:10', 'b:1', 'c:1', 'd:1', 'e:1'];
      for (const [i, serverAddr] of addrs.entries()) {
        if (i % 2 === 0) await on.store.keepServerAlive(keepAlive({ serverAddr }));
        if (i % 3 !== 0) await on.store.online(login({ userId: `user-${i}`, serverAddr }));
        if (i % 3 !== 0) await on.store.online(login({ userId: `other-${i}`, serverAddr }));
      }
      const expected = addrs.filter((_, i) => i % 2 === 0 || i % 3 !== 0);
      expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      for (const limit of [1, 2, 3, 7, 100]) {
        const listed = await on.allServers(limit);
        expect(listed.map(({ serverAddr }) => serverAddr)).toEqual(expected);
        for (const { serverAddr, sessions, lease } of listed) {
          const i = addrs.indexOf(serverAddr);
          expect([sessions, lease !== undefined]).toEqual([i % 3 !== 0 ? 2 : 0, i % 2 === 0]);
        }
      }
    });

    test('removes a chat server with its last session and lease', async () => {
      await on.store.keepServerAlive(keepAlive());
      await on.store.online(login());
      await on.store.offline(logout());
      expect(await on.allServers()).toMatchObject([{ sessions: 0, lease: { state: 'RESYNC' } }]);
      await on.pass(60_000);
      expect(await on.allServers()).toEqual([]);
    });

    test.each(['', 'x', 'W10', Buffer.from('[1]').toString('base64url')])(
      'rejects an invalid page token of chat servers: %j',
      async (after) => {
        await expect(on.store.listServers({ limit: 5, after })).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        });
      },
    );

    test('counts platforms beyond the limit as other, and keeps the platform of the session', async () => {
      const count = MAX_PLATFORMS * 40;
      await Promise.all(Array.from({ length: count }, (_, i) => on.store.online(onPlatform(i))));
      await on.store.online(onPlatform(count, ''));
      const counts = await byPlatform();
      expect(Object.keys(counts).length).toBeLessThanOrEqual(MAX_PLATFORMS + 2);
      expect(counts['']).toBe(1);
      expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(count + 1);
      expect(await on.store.getDevice(`user-${count - 1}`, 'phone')).toMatchObject({
        platform: `platform-${count - 1}`,
      });
      for (let i = 0; i <= count; i++) await on.store.offline(logout({ userId: `user-${i}` }));
      expect(await byPlatform()).toEqual({});
    });

    test('decrements the counter that the session incremented', async () => {
      // All for one user, so that all are in one shard.
      const device = (i: number, platform: string) =>
        login({ deviceId: `d${i}`, sessionId: `s${i}`, platform });
      for (let i = 0; i < MAX_PLATFORMS; i++) await on.store.online(device(i, `platform-${i}`));
      await on.store.online(device(100, 'late'));
      await on.store.online(device(101, 'later'));
      expect(await byPlatform()).toMatchObject({ other: 2, 'platform-0': 1 });
      await on.store.offline(logout({ deviceId: 'd0' }));
      await on.store.online(device(102, 'late'));
      expect(await byPlatform()).toMatchObject({ other: 2, late: 1 });
      // A new session of the device uses the counter that exists now.
      await on.store.online({ ...device(100, 'late'), sessionId: 'new' });
      expect(await byPlatform()).toMatchObject({ other: 1, late: 2 });
      await on.store.offline(logout({ deviceId: 'd102' }));
      await on.store.online({ ...device(101, 'later'), sessionId: 'moved', serverAddr: '10.0.0.2:9000' });
      expect(await byPlatform()).toMatchObject({ other: 1, late: 1 });
      await on.store.evictUser('alice');
      expect(await byPlatform()).toEqual({});
      expect(await on.store.getStats()).toMatchObject({ users: 0, devices: 0 });
    });

    test('names the largest chat servers in the counts, and counts the others', async () => {
      const total = MAX_STATS_SERVERS + 200;
      const logins = Array.from({ length: total }, (_, i) =>
        login({ userId: `user-${i}`, serverAddr: `server-${i}:1` }),
      );
      const large = Array.from({ length: 3 }, (_, i) =>
        login({ userId: `large-${i}`, serverAddr: `server-${total - 1}:1` }),
      );
      await Promise.all([...logins, ...large].map((each) => on.store.online(each)));
      const { byServer, devicesOnOtherServers, devices } = await on.store.getStats();
      expect(byServer.size).toBe(MAX_STATS_SERVERS);
      expect(byServer.get(`server-${total - 1}:1`)).toBe(4);
      expect([devices, devicesOnOtherServers]).toEqual([total + 3, 200]);
      expect(await on.allServers()).toHaveLength(total);
    });
  });
}
