import { describe, expect, test } from 'vitest';
import {
  eachWithStore,
  type Fixture,
  keepAlive,
  login,
  logout,
  type MakeStore,
  refOf,
  START,
} from './underTest.ts';

const LEASE = 10_000;

/** Leases of chat servers: their loss, a restart, a resync, and an outage. */
export function describeLeases(name: string, makeStore: MakeStore): void {
  describe(`leases of the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    test('requests a resync from the first keep-alive until it is done', async () => {
      const first = await on.store.keepServerAlive(keepAlive());
      expect(first).toMatchObject({ incarnation: 1, resyncToken: expect.stringMatching(/./) });
      expect(await on.store.keepServerAlive(keepAlive())).toMatchObject({ resyncToken: first.resyncToken });
      const done = await on.store.keepServerAlive(keepAlive({ resynced: first.resyncToken }));
      expect(done).toMatchObject({ resyncToken: '' });
      await on.pass(1);
      expect(await on.store.keepServerAlive(keepAlive())).toEqual({
        incarnation: 1,
        resyncToken: '',
        hasEnded: false,
        drain: undefined,
        isPartial: false,
      });
    });

    test('keeps the sessions of a renewed lease', async () => {
      await startServer(on);
      await on.store.online(login());
      for (let i = 0; i < 10; i++) {
        await on.pass(LEASE - 1);
        await on.store.keepServerAlive(keepAlive());
      }
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: true,
        lease: { state: 'ALIVE', incarnation: 1, ttlMs: LEASE },
      });
    });

    test('ends only the sessions of a lost lease with SERVER_LOST in the next sweep', async () => {
      await on.store.online(login({ userId: 'before' }));
      await startServer(on);
      await on.store.online(login());
      await on.store.online(login({ userId: 'bob', serverAddr: '10.0.0.2:9000' }));
      await on.pass(LEASE - 500);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
      await on.pass(500);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: false,
        endReason: 'SERVER_LOST',
        logoutTimeMs: START + LEASE,
        lastSeenMs: START,
      });
      expect(await on.store.getHistory('alice')).toMatchObject([{ endReason: 'SERVER_LOST' }]);
      expect(await on.store.getDevice('bob', 'phone')).toMatchObject({ online: true });
      expect(await on.store.getDevice('before', 'phone')).toMatchObject({ online: true, lease: undefined });
      expect(await on.allServers()).toEqual([
        { serverAddr: '10.0.0.1:9000', sessions: 1, lease: undefined },
        { serverAddr: '10.0.0.2:9000', sessions: 1, lease: undefined },
      ]);
    });

    test('shows all sessions of a lost lease as offline before their ends are recorded', async () => {
      await startServer(on);
      const users = Array.from({ length: 1_500 }, (_, i) => `user-${i}`);
      await Promise.all(users.map((userId) => on.store.online(login({ userId }))));
      await on.pass(LEASE - 500);
      on.underTest.setClock(START + LEASE);
      await on.store.sweep();
      const states = await Promise.all(users.map((userId) => on.store.getDevice(userId, 'phone')));
      expect(new Set(states.map((state) => state?.endReason))).toEqual(new Set(['SERVER_LOST']));
      await on.sweepAll();
      expect(await on.store.getStats()).toMatchObject({ users: 0, devices: 0 });
      const written = await Promise.all(users.map((userId) => on.store.getDevice(userId, 'phone')));
      expect(written).toEqual(states.map((state) => ({ ...state, lease: undefined })));
    });

    test('marks leases as lost in the first sweep, however much is due', async () => {
      const servers = ['10.0.0.1:9000', '10.0.0.2:9000', '10.0.0.3:9000'];
      for (const serverAddr of servers) {
        const { resyncToken } = await on.store.keepServerAlive(keepAlive({ serverAddr }));
        await on.store.keepServerAlive(keepAlive({ serverAddr, resynced: resyncToken }));
        await on.store.online(login({ userId: serverAddr, serverAddr }));
      }
      const users = Array.from({ length: 1_500 }, (_, i) => `user-${i}`);
      const other = { ttlMs: LEASE - 100, serverAddr: '10.0.0.9:9000' };
      await Promise.all(users.map((userId) => on.store.online(login({ userId, ...other }))));
      await on.pass(LEASE - 500);
      on.underTest.setClock(START + LEASE);
      await on.store.sweep();
      for (const userId of servers) {
        expect(await on.store.getDevice(userId, 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
      }
      await on.sweepAll();
      expect(await on.store.getStats()).toMatchObject({ users: 0, devices: 0 });
    });

    test('ends the sessions of the previous incarnation immediately', async () => {
      await startServer(on);
      await on.store.online(login());
      await on.store.online(login({ userId: 'bob' }));
      on.underTest.setClock(START + 1_000);
      expect(await on.store.keepServerAlive(keepAlive({ incarnation: 2 }))).toMatchObject({ hasEnded: true });
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({
        online: false,
        endReason: 'SERVER_LOST',
        logoutTimeMs: START + 1_000,
      });
      const { replaced } = await on.store.online(login({ userId: 'bob', sessionId: 's2' }));
      expect(replaced).toEqual([]);
      await on.sweepAll();
      expect(await on.store.getDevice('bob', 'phone')).toMatchObject({ sessionId: 's2', online: true });
      expect(await on.store.getHistory('bob')).toMatchObject([{ sessionId: 's1', endReason: 'SERVER_LOST' }]);
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
    });

    test('ignores calls of a previous incarnation', async () => {
      await startServer(on, 5);
      expect(await on.store.keepServerAlive(keepAlive({ incarnation: 4 }))).toMatchObject({ incarnation: 5 });
      expect(await on.store.online(login({ incarnation: 4 }))).toMatchObject({ endReason: 'SERVER_LOST' });
      expect(await on.store.getUser('alice')).toEqual([]);
      expect(await on.allServers()).toMatchObject([{ lease: { incarnation: 5 } }]);
    });

    test('creates a lease for a login without one, which requests a resync and expires', async () => {
      await on.store.online(login({ incarnation: 7 }));
      expect(await on.allServers()).toMatchObject([{ lease: { state: 'RESYNC', incarnation: 7 } }]);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
      await on.pass(LEASE);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
      expect(await on.allServers()).toEqual([]);
    });

    test('ends all sessions of the chat server that were not resent by the resync', async () => {
      await on.store.online(login({ userId: 'untied' }));
      await on.store.online(login({ userId: 'resent' }));
      on.underTest.setClock(START + 100);
      const { resyncToken } = await on.store.keepServerAlive(keepAlive());
      on.underTest.setClock(START + 200);
      await on.store.online(login({ userId: 'resent', resentLoginTimeMs: START }));
      await on.store.online(login({ userId: 'new' }));
      await on.store.keepServerAlive(keepAlive({ resynced: resyncToken }));
      await on.sweepAll();
      expect(await on.store.getDevice('untied', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
      expect(await on.store.getDevice('resent', 'phone')).toMatchObject({ online: true, loginTimeMs: START });
      expect(await on.store.getDevice('new', 'phone')).toMatchObject({ online: true });
    });

    test('resyncs a chat server that returns after its lease was lost', async () => {
      await startServer(on);
      await on.store.online(login());
      await on.store.online(login({ userId: 'bob' }));
      await on.pass(LEASE);
      const { resyncToken } = await on.store.keepServerAlive(keepAlive());
      expect(resyncToken).not.toBe('');
      expect(await on.store.heartbeat(refOf(login()))).toMatchObject({ reason: 'SERVER_LOST' });
      await on.store.online(login({ incarnation: 1, resentLoginTimeMs: START }));
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true, loginTimeMs: START });
      await on.store.keepServerAlive(keepAlive({ resynced: resyncToken }));
      await on.sweepAll();
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
      expect(await on.store.getHistory('alice')).toMatchObject([{ endReason: 'SERVER_LOST' }]);
    });

    test('keeps sessions resent to a new lease while the ends of the lost one are recorded', async () => {
      await startServer(on);
      const users = Array.from({ length: 1_500 }, (_, i) => `user-${i}`);
      await Promise.all(users.map((userId) => on.store.online(login({ userId }))));
      await on.pass(LEASE - 500);
      on.underTest.setClock(START + LEASE);
      await on.store.sweep();
      const { resyncToken } = await on.store.keepServerAlive(keepAlive());
      expect(resyncToken).not.toBe('');
      expect(await on.store.getDevice('user-3', 'phone')).toMatchObject({ online: false });
      await on.store.online(login({ userId: 'user-3', incarnation: 1, resentLoginTimeMs: START }));
      expect(await on.store.getDevice('user-3', 'phone')).toMatchObject({ online: true });
      await on.sweepAll();
      expect(await on.store.getStats()).toMatchObject({ users: 1, devices: 1 });
      expect(await on.store.getHistory('user-3')).toHaveLength(1);
    });

    test('ignores the completion of a resync after another loss', async () => {
      const first = await on.store.keepServerAlive(keepAlive());
      await on.pass(LEASE);
      const second = await on.store.keepServerAlive(keepAlive());
      expect(second.resyncToken).not.toBe(first.resyncToken);
      const late = await on.store.keepServerAlive(keepAlive({ resynced: first.resyncToken }));
      expect(late.resyncToken).toBe(second.resyncToken);
    });

    test('restarts all leases after an outage', async () => {
      await startServer(on);
      await on.store.online(login());
      await on.pass(1_000);
      on.underTest.setClock(START + 60_000);
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
      for (let ms = 500; ms < LEASE; ms += 500) {
        on.underTest.setClock(START + 60_000 + ms);
        await on.sweepAll();
      }
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
      on.underTest.setClock(START + 60_000 + LEASE);
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
    });

    test('restarts all leases after an outage that began before the first sweep', async () => {
      await startServer(on);
      await on.store.online(login());
      on.underTest.setClock(START + 2 * LEASE);
      await on.sweepAll();
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true });
    });

    test('does not prolong a lease when the clock is set back', async () => {
      await on.store.keepServerAlive(keepAlive({ serverAddr: 'other:1', ttlMs: 3_600_000 }));
      await on.sweepAll();
      on.underTest.setClock(START + 3_600_000);
      await on.sweepAll();
      on.underTest.setClock(START);
      await startServer(on);
      await on.store.online(login());
      await on.pass(LEASE);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
    });

    test('applies a shorter lease from its keep-alive', async () => {
      await on.store.keepServerAlive(keepAlive({ ttlMs: 3_600_000 }));
      await on.store.online(login());
      await on.store.keepServerAlive(keepAlive({ ttlMs: 2_000 }));
      await on.pass(2_000);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
    });

    test('assigns a moved session to the lease of its new chat server', async () => {
      await startServer(on);
      await on.store.online(login());
      await on.store.online(login({ serverAddr: '10.0.0.2:9000' }));
      await on.pass(2 * LEASE);
      expect(await on.store.getDevice('alice', 'phone')).toMatchObject({ online: true, lease: undefined });
      await on.store.offline(logout());
      expect(await on.allServers()).toEqual([]);
    });

    test('leaves only history of a lost lease', async () => {
      const before = await on.underTest.countEntries();
      await startServer(on);
      await on.store.online(login({ ttlMs: 5_000_000 }));
      await on.pass(LEASE);
      on.underTest.setClock(START + 24 * 3_600_000);
      await on.sweepAll();
      expect(await on.underTest.countEntries()).toBe(before);
    });
  });
}

/** Starts the lease of the chat server, with an empty first resync. */
async function startServer({ store }: Fixture, incarnation = 1): Promise<void> {
  const { resyncToken } = await store.keepServerAlive(keepAlive({ incarnation }));
  await store.keepServerAlive(keepAlive({ incarnation, resynced: resyncToken }));
}
