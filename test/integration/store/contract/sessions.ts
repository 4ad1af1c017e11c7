import { beforeEach, describe, expect, test } from 'vitest';
import type { PresenceStore } from '../../../../src/store/store.ts';
import {
  eachWithStore,
  HISTORY_RETENTION,
  login,
  logout,
  type MakeStore,
  RETENTION,
  START,
  type StoreUnderTest,
} from './underTest.ts';

/** Logins, logouts and retention. */
export function describeSessions(name: string, makeStore: MakeStore): void {
  describe(`sessions of the ${name} store`, () => {
    const fixture = eachWithStore(makeStore);
    let underTest: StoreUnderTest;
    let store: PresenceStore;
    beforeEach(() => {
      ({ underTest, store } = fixture);
    });

    test('shows a login immediately', async () => {
      expect(await store.online(login())).toEqual({ loginTimeMs: START, replaced: [], endReason: undefined });
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        deviceId: 'phone',
        sessionId: 's1',
        serverAddr: '10.0.0.1:9000',
        platform: 'ios',
        online: true,
        loginTimeMs: START,
        lastSeenMs: START,
        logoutTimeMs: undefined,
        endReason: undefined,
      });
    });

    test('executes calls on a user in the order in which they were made', async () => {
      const [before, first, between, second, ended, after] = await Promise.all([
        store.getUser('alice'),
        store.online(login()),
        store.getUser('alice'),
        store.online(login({ sessionId: 's2' })),
        store.offline(logout({ sessionId: 's2' })),
        store.getDevice('alice', 'phone'),
      ]);
      expect(before).toEqual([]);
      expect(first.replaced).toEqual([]);
      expect(between).toMatchObject([{ sessionId: 's1', online: true }]);
      expect(second.replaced).toMatchObject([{ sessionId: 's1' }]);
      expect(ended).toBe(true);
      expect(after).toMatchObject({ sessionId: 's2', online: false });
    });

    test('returns the results of a batch in order, and isolates failures', async () => {
      const broken = login({ userId: 'bob', serverAddr: 'x'.repeat(300) });
      const answers = await store.apply([
        { type: 'online', request: login() },
        { type: 'getUser', request: { userId: 'alice' } },
        { type: 'online', request: broken },
        { type: 'heartbeat', request: { userId: 'bob', deviceId: 'phone', sessionId: 's1' } },
        { type: 'offline', request: logout() },
        { type: 'getDevice', request: { userId: 'alice', deviceId: 'phone' } },
        { type: 'getUser', request: { userId: 'carol' } },
      ]);
      expect(answers).toEqual([
        { loginTimeMs: START, replaced: [], endReason: undefined },
        { sessions: [expect.objectContaining({ sessionId: 's1', online: true })], lastSeenMs: undefined },
        expect.any(Error),
        { reason: undefined, reasonText: '' },
        true,
        expect.objectContaining({ sessionId: 's1', online: false }),
        { sessions: [], lastSeenMs: undefined },
      ]);
      expect(await store.apply([])).toEqual([]);
    });

    test('replaces the first login of a device by the second, and returns it', async () => {
      await store.online(login());
      underTest.setClock(START + 5_000);
      const {
        replaced: [replaced],
      } = await store.online(login({ sessionId: 's2', serverAddr: '10.0.0.2:9000' }));
      expect(replaced).toEqual({ deviceId: 'phone', sessionId: 's1', serverAddr: '10.0.0.1:9000' });
      expect(await store.getHistory('alice')).toMatchObject([
        { sessionId: 's1', endTimeMs: START + 5_000, endReason: 'REPLACED' },
      ]);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: true });
    });

    test('refreshes the current session by a repeated login', async () => {
      await store.online(login());
      underTest.setClock(START + 5_000);
      const again = await store.online(login({ platform: 'android', serverAddr: '10.0.0.9:9000' }));
      expect(again).toEqual({ loginTimeMs: START, replaced: [], endReason: undefined });
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        online: true,
        loginTimeMs: START,
        lastSeenMs: START + 5_000,
        platform: 'android',
        serverAddr: '10.0.0.9:9000',
      });
    });

    test('ends the current session by a logout without session ID, with time and reason', async () => {
      await store.online(login());
      underTest.setClock(START + 7_000);
      expect(await store.offline(logout())).toBe(true);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        sessionId: 's1',
        online: false,
        loginTimeMs: START,
        lastSeenMs: START + 7_000,
        logoutTimeMs: START + 7_000,
        endReason: 'LOGOUT',
      });
    });

    test('ignores a late logout of an old session', async () => {
      await store.online(login());
      await store.online(login({ sessionId: 's2', serverAddr: '10.0.0.2:9000' }));
      expect(await store.offline(logout({ sessionId: 's1' }))).toBe(false);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: true });
      expect(await store.offline(logout({ sessionId: 's2' }))).toBe(true);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: false });
    });

    test('stores nothing for a logout of an unknown device', async () => {
      const before = await underTest.countEntries();
      expect(await store.offline(logout({ userId: 'ghost' }))).toBe(false);
      expect(await store.offline(logout({ userId: 'ghost', sessionId: 's1' }))).toBe(false);
      expect(await store.getUser('ghost')).toEqual([]);
      expect(await underTest.countEntries()).toBe(before);
    });

    test('ignores a second logout', async () => {
      await store.online(login());
      await store.offline(logout());
      const first = await store.getDevice('alice', 'phone');
      underTest.setClock(START + 1_000);
      expect(await store.offline(logout())).toBe(false);
      expect(await store.getDevice('alice', 'phone')).toEqual(first);
    });

    test('shows an offline record exactly until the end of its retention', async () => {
      await store.online(login());
      await store.offline(logout({ sessionId: 's1' }));
      underTest.setClock(START + RETENTION - 1);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ online: false });
      expect(await store.getUser('alice')).toHaveLength(1);
      underTest.setClock(START + RETENTION);
      expect(await store.getDevice('alice', 'phone')).toBeUndefined();
      expect(await store.getUser('alice')).toEqual([]);
    });

    test('removes only invisible records in the sweep', async () => {
      const before = await underTest.countEntries();
      await store.online(login());
      await store.online(login({ deviceId: 'web', sessionId: 's2' }));
      await store.offline(logout());
      underTest.setClock(START + RETENTION - 1);
      expect(await store.sweep()).toBe(false);
      expect(await store.getUser('alice')).toHaveLength(2);
      underTest.setClock(START + RETENTION);
      expect(await store.sweep()).toBe(false);
      expect((await store.getUser('alice')).map(({ deviceId }) => deviceId)).toEqual(['web']);
      await store.offline(logout({ deviceId: 'web' }));
      await fixture.pass(3 * RETENTION);
      underTest.setClock(START + 3 * RETENTION + HISTORY_RETENTION);
      await fixture.sweepAll();
      expect(await underTest.countEntries()).toBe(before);
    });

    test('cancels the retention of a logout by a login', async () => {
      await store.online(login());
      await store.offline(logout({ sessionId: 's1' }));
      underTest.setClock(START + RETENTION - 1);
      expect(await store.online(login({ sessionId: 's2' }))).toMatchObject({ replaced: [] });
      underTest.setClock(START + 10 * RETENTION);
      await store.sweep();
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: true });
    });

    test('limits the records per sweep, and completes', async () => {
      const devices = Array.from({ length: 600 }, (_, i) => `device-${i}`);
      await Promise.all(devices.map((deviceId) => store.online(login({ deviceId }))));
      await Promise.all(devices.map((deviceId) => store.offline(logout({ deviceId }))));
      underTest.setClock(START + RETENTION);
      let steps = 1;
      while (await store.sweep()) steps += 1;
      expect(steps).toBeGreaterThan(2);
      expect(await store.getUser('alice')).toEqual([]);
    });

    test('keeps devices of a user independent, listed by newest login', async () => {
      await store.online(login());
      underTest.setClock(START + 1);
      await store.online(login({ deviceId: 'web', sessionId: 's2', platform: 'web' }));
      underTest.setClock(START + 2);
      await store.offline(logout());
      const devices = await store.getUser('alice');
      expect(devices.map(({ deviceId, online }) => [deviceId, online])).toEqual([
        ['web', true],
        ['phone', false],
      ]);
    });

    test('separates the same device ID of two users', async () => {
      await store.online(login());
      await store.online(login({ userId: 'bob', sessionId: 's2' }));
      await store.offline(logout());
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's1', online: false });
      expect(await store.getDevice('bob', 'phone')).toMatchObject({ sessionId: 's2', online: true });
    });

    test.each([
      ['spaces and braces', 'a b{1}', '{x}:u:'],
      ['one user a prefix of another', 'ali', 'phone'],
      ['other scripts', '用户', '设备-一'],
      ['the longest', 'u'.repeat(256), 'd'.repeat(256)],
      ['beyond the basic plane', '👩‍👩‍👧', '\u{10ffff}'],
    ])('treats IDs as opaque: %s', async (_, userId, deviceId) => {
      const longest = login({
        userId,
        deviceId,
        sessionId: 'x'.repeat(256),
        serverAddr: `${'h'.repeat(250)}:9000`,
      });
      await store.online(login());
      await store.online(longest);
      expect(await store.getUser(userId)).toMatchObject([
        { deviceId, sessionId: longest.sessionId, serverAddr: longest.serverAddr },
      ]);
      expect(await store.getUser('alice')).toHaveLength(1);
    });

    test('applies concurrent changes one by one', async () => {
      const logins = Array.from({ length: 300 }, (_, i) => login({ sessionId: `s${i}` }));
      const results = await Promise.all(logins.map((each) => store.online(each)));
      const ended = results.flatMap(({ replaced }) => replaced.map(({ sessionId }) => sessionId));
      const current = await store.getDevice('alice', 'phone');
      expect(new Set(ended).size).toBe(299);
      expect(new Set([...ended, current?.sessionId]).size).toBe(300);
    });

    test('close() may be called twice', async () => {
      await store.close();
      await store.close();
      await expect(store.getUser('alice')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });
  });
}
