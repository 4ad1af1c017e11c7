import { describe, expect, test } from 'vitest';
import { NO_DETAILS } from '../../../../src/presence/details.ts';
import { REPLACE_ALL, REPLACE_SAME_PLATFORM } from '../../../../src/presence/policyPresets.ts';
import { eachWithStore, login, logout, type MakeStore, RETENTION, refOf, START } from './underTest.ts';

const TTL = 30_000;

/** Time to live, heartbeats, grace, login policy, and late calls. */
export function describeEnds(name: string, makeStore: MakeStore): void {
  describe(`ends of sessions in the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    test('shows an expired session as offline immediately, before any sweep', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      on.underTest.setClock(START + TTL - 1);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true, ttlMs: TTL });
      on.underTest.setClock(START + TTL);
      const expired = { online: false, endReason: 'EXPIRED', logoutTimeMs: START + TTL, lastSeenMs: START };
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject(expired);
      expect(await on.store.getUser('alice')).toMatchObject([expired]);
      expect(
        (await on.store.listSessions({ serverAddr: undefined, limit: 10, after: undefined })).sessions,
      ).toEqual([]);
    });

    test('records an end once in the sweep, as readers saw it', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      on.underTest.setClock(START + TTL + 700);
      const seen = await on.store.getDevice('alice', 'phone');
      expect((await on.store.getStats()).devices).toBe(1);
      await on.sweepAll();
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toEqual(seen);
      expect(await on.store.getStats()).toMatchObject({ users: 0, devices: 0 });
      expect(await on.store.getHistory('alice')).toEqual([
        {
          deviceId: 'phone',
          sessionId: 's1',
          serverAddr: '10.0.0.1:9000',
          platform: 'ios',
          loginTimeMs: START,
          endTimeMs: START + TTL,
          endReason: 'EXPIRED',
          details: NO_DETAILS,
          reasonText: '',
        },
      ]);
      on.underTest.setClock(START + TTL + RETENTION);
      expect(await on.store.getDevice('alice', 'phone')).toBeUndefined();
    });

    test('renews the time to live by a heartbeat', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      for (let i = 1; i <= 3; i++) {
        await on.pass(TTL - 1);
        expect(await on.store.heartbeat(refOf(login()))).toBeUndefined();
      }
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: true,
        loginTimeMs: START,
        lastSeenMs: START + 3 * (TTL - 1),
      });
      await on.pass(TTL);
      expect(await on.store.heartbeat(refOf(login()))).toMatchObject({ reason: 'EXPIRED' });
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: false });
    });

    test('returns to a heartbeat why a session is not current, without a change', async () => {
      expect(await on.store.heartbeat(refOf(login()))).toEqual({ reason: undefined, reasonText: '' });
      await on.store.online(login());
      await on.store.online(login({ sessionId: 's2' }));
      expect(await on.store.heartbeat(refOf(login()))).toMatchObject({ reason: 'REPLACED' });
      await on.store.offline(logout());
      const before = await on.store.getUser('alice');
      on.underTest.setClock(START + 1_000);
      expect(await on.store.heartbeat(refOf(login({ sessionId: 's2' })))).toMatchObject({ reason: 'LOGOUT' });
      expect(await on.store.heartbeat(refOf(login({ sessionId: 's3' })))).toEqual({
        reason: undefined,
        reasonText: '',
      });
      expect(await on.store.getUser('alice')).toEqual(before);
    });

    test('updates time to live, platform, chat server and metadata by a refresh', async () => {
      await on.store.online(login({ ttlMs: TTL, metadata: { app: '1.0', 用: '户' } }));
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        metadata: { app: '1.0', 用: '户' },
      });
      await on.store.online(login({ serverAddr: '10.0.0.2:9000', platform: 'web' }));
      on.underTest.setClock(START + 10 * TTL);
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: true,
        metadata: {},
        ttlMs: 0,
      });
      const { byServer, byPlatform, devices } = await on.store.getStats();
      expect([[...byServer], [...byPlatform], devices]).toEqual([[['10.0.0.2:9000', 1]], [['web', 1]], 1]);
      expect(await on.store.getHistory('alice')).toEqual([]);
    });

    test('restarts an expired session that is resent', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      on.underTest.setClock(START + TTL + 5);
      expect(await on.store.online(login({ ttlMs: TTL }))).toMatchObject({ loginTimeMs: START + TTL + 5 });
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
      expect(await on.store.getHistory('alice')).toMatchObject([{ sessionId: 's1', endReason: 'EXPIRED' }]);
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
    });

    test('does not restart an expired session instead of a newer one', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      await on.pass(TTL);
      await on.store.online(login({ sessionId: 's2' }));
      expect(await on.store.online(login({ ttlMs: TTL }))).toMatchObject({ endReason: 'REPLACED' });
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: true });
    });

    test('does not restart an expired session after a newer one has ended', async () => {
      await on.store.online(login({ ttlMs: TTL }));
      await on.pass(TTL);
      await on.store.online(login({ sessionId: 's2' }));
      await on.store.offline(logout());
      expect(await on.store.online(login())).toMatchObject({ endReason: 'REPLACED' });
      await on.pass(2 * RETENTION);
      expect(await on.store.online(login())).toMatchObject({ endReason: 'REPLACED' });
    });

    test('does not apply the policy of a restarted session', async () => {
      const first = login({ ttlMs: TTL, policy: REPLACE_ALL });
      await on.store.online(first);
      await on.store.online(login({ deviceId: 'web', sessionId: 's2' }));
      await on.pass(TTL);
      expect(await on.store.online(first)).toMatchObject({ replaced: [], endReason: undefined });
      expect(await on.store.getDevice('alice', 'web')).toMatchObject({ online: true });
    });

    test('applies a shorter time to live from its refresh', async () => {
      await on.store.online(login({ ttlMs: 1_000_000 }));
      await on.store.online(login({ ttlMs: 2_000 }));
      await on.pass(2_000);
      expect(await on.store.getStats()).toMatchObject({ devices: 0 });
    });

    test.each(['LOGOUT', 'REPLACED', 'EVICTED'])(
      'ignores a late repeat of a login whose session ended by %s',
      async (reason) => {
        await on.store.online(login());
        if (reason === 'LOGOUT') await on.store.offline(logout());
        if (reason === 'REPLACED') await on.store.online(login({ sessionId: 's2' }));
        if (reason === 'EVICTED') await on.store.evictSession(refOf(login()));
        const before = await on.store.getUser('alice');
        expect(await on.store.online(login())).toMatchObject({ endReason: reason, replaced: [] });
        expect(await on.store.getUser('alice')).toEqual(before);
        await on.store.online(login({ sessionId: 's3' }));
        expect(await on.store.online(login())).toMatchObject({ endReason: reason });
        await on.pass(2 * RETENTION);
        expect(await on.store.online(login())).toMatchObject({ endReason: reason });
        expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's3', online: true });
      },
    );

    test('keeps a device online until the end of the grace, then logs it out', async () => {
      await on.store.online(login());
      expect(await on.store.offline(logout({ graceMs: 5_000 }))).toBe(true);
      on.underTest.setClock(START + 4_999);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: true,
        graceEndMs: START + 5_000,
      });
      on.underTest.setClock(START + 5_000);
      const ended = { online: false, endReason: 'LOGOUT', logoutTimeMs: START + 5_000, lastSeenMs: START };
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject(ended);
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject(ended);
      expect(await on.store.offline(logout())).toBe(false);
    });

    test('hides the logout if a login follows within the grace', async () => {
      await on.store.online(login());
      await on.store.offline(logout({ graceMs: 5_000 }));
      on.underTest.setClock(START + 4_000);
      await on.store.online(login({ sessionId: 's2' }));
      await on.pass(20_000);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ sessionId: 's2', online: true });
      expect(await on.store.getHistory('alice')).toMatchObject([{ sessionId: 's1', endReason: 'REPLACED' }]);
    });

    test('does not cancel the logout by a repeated login or a heartbeat', async () => {
      await on.store.online(login());
      await on.store.offline(logout({ graceMs: 5_000, sessionId: 's1' }));
      expect(await on.store.heartbeat(refOf(login()))).toBeUndefined();
      await on.store.online(login());
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ graceEndMs: START + 5_000 });
      await on.pass(5_000);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: false,
        endReason: 'LOGOUT',
      });
    });

    test('does not prolong the grace by a repeat, and ends it by a logout without grace', async () => {
      await on.store.online(login());
      await on.store.offline(logout({ graceMs: 5_000 }));
      on.underTest.setClock(START + 3_000);
      expect(await on.store.offline(logout({ graceMs: 5_000 }))).toBe(true);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ graceEndMs: START + 5_000 });
      expect(await on.store.offline(logout({ graceMs: 1_000 }))).toBe(true);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ graceEndMs: START + 4_000 });
      expect(await on.store.offline(logout())).toBe(true);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: false,
        logoutTimeMs: START + 3_000,
      });
    });

    test('ends the session at the earlier of time to live and grace', async () => {
      await on.store.online(login({ ttlMs: 4_000 }));
      await on.store.offline(logout({ graceMs: 9_000 }));
      await on.store.online(login({ userId: 'bob', ttlMs: 9_000 }));
      await on.store.offline(logout({ userId: 'bob', graceMs: 4_000 }));
      on.underTest.setClock(START + 10_000);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        endReason: 'EXPIRED',
        logoutTimeMs: START + 4_000,
      });
      expect(await on.store.getDevice('bob', 'phone')).toMatchObject({
        endReason: 'LOGOUT',
        logoutTimeMs: START + 4_000,
      });
    });

    test('ends sessions of other devices by a login policy atomically', async () => {
      await on.store.online(login());
      await on.store.online(login({ deviceId: 'tablet', sessionId: 's2' }));
      await on.store.online(login({ deviceId: 'web', sessionId: 's3', platform: 'web' }));
      const same = login({ deviceId: 'phone2', sessionId: 's4', policy: REPLACE_SAME_PLATFORM });
      const { replaced } = await on.store.online(same);
      expect(replaced.map(({ sessionId }) => sessionId).sort()).toEqual(['s1', 's2']);
      expect(replaced[0]).toMatchObject({ serverAddr: '10.0.0.1:9000' });
      const all = await on.store.online(login({ deviceId: 'tv', sessionId: 's5', policy: REPLACE_ALL }));
      expect(all.replaced.map(({ sessionId }) => sessionId).sort()).toEqual(['s3', 's4']);
      expect((await on.store.getUser('alice')).filter(({ online }) => online)).toMatchObject([
        { deviceId: 'tv' },
      ]);
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
    });

    test('does not end later sessions by a repeated login with a policy', async () => {
      const first = login({ policy: REPLACE_ALL });
      await on.store.online(first);
      await on.store.online(login({ deviceId: 'web', sessionId: 's2' }));
      expect(await on.store.online(first)).toMatchObject({ replaced: [] });
      expect((await on.store.getUser('alice')).every(({ online }) => online)).toBe(true);
    });

    test('keeps the login time of a resent session, and prefers later logins', async () => {
      await on.store.online(login({ resentLoginTimeMs: START - 60_000 }));
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ loginTimeMs: START - 60_000 });
      await on.store.online(login({ deviceId: 'web', sessionId: 's2' }));
      const late = login({ deviceId: 'web', sessionId: 's0', resentLoginTimeMs: START - 1 });
      expect(await on.store.online(late)).toMatchObject({ endReason: 'REPLACED' });
      expect(await on.store.getDevice('alice', 'web')).toMatchObject({ sessionId: 's2', online: true });
      const future = login({ deviceId: 'tv', sessionId: 's9', resentLoginTimeMs: START + 60_000 });
      expect(await on.store.online(future)).toMatchObject({ loginTimeMs: START });
    });
  });
}
