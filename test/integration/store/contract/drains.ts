import { describe, expect, test } from 'vitest';
import { eachWithStore, keepAlive, login, logout, type MakeStore, START } from './underTest.ts';

const LEASE = 10_000;
const GRACE = 30_000;
const [SERVER, OTHER] = ['10.0.0.1:9000', '10.0.0.2:9000'] as const;
const DRAIN = { serverAddr: SERVER, drain: { overMs: 60_000, graceMs: GRACE } };

/** Chat servers that drain: the state of the lease, the grace of their sessions, and how it ends. */
export function describeDrains(name: string, makeStore: MakeStore): void {
  describe(`drains of the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    async function startServer(serverAddr: string = SERVER, incarnation = 1): Promise<void> {
      const { resyncToken } = await on.store.keepServerAlive(keepAlive({ serverAddr, incarnation }));
      await on.store.keepServerAlive(keepAlive({ serverAddr, incarnation, resynced: resyncToken }));
    }

    /** Passes time, and keeps the lease alive. */
    async function passAlive(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 5_000) {
        await on.pass(5_000);
        await on.store.keepServerAlive(keepAlive());
      }
    }

    const device = () => on.store.getDevice('alice', 'phone');
    const drainNow = async () => (await on.store.keepServerAlive(keepAlive())).drain;
    const leaseOf = async (serverAddr: string) =>
      (await on.allServers()).find((server) => server.serverAddr === serverAddr)?.lease;

    test('makes the lease draining, and returns the progress with each keep-alive', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.online(login({ userId: 'bob' }));
      expect(await on.store.drainServer(DRAIN)).toEqual({
        hasLease: true,
        sessions: 2,
        deadlineMs: START + 60_000,
        isPartial: false,
      });
      expect(await leaseOf(SERVER)).toMatchObject({ state: 'DRAINING', drainDeadlineMs: START + 60_000 });
      expect(await device()).toMatchObject({ online: true, lease: { state: 'DRAINING' } });
      // The window begins with the first keep-alive, and the sessions of that time count.
      const drain = { windowMs: 55_000, sessions: 2 };
      await on.pass(5_000);
      expect(await drainNow()).toEqual({ ...drain, remainingMs: 55_000 });
      await on.store.offline(logout());
      await on.store.online(login({ userId: 'bob', sessionId: 's2', serverAddr: OTHER }));
      await on.pass(5_000);
      expect(await drainNow()).toEqual({ ...drain, remainingMs: 50_000 });
      await passAlive(60_000);
      expect(await drainNow()).toEqual({ ...drain, remainingMs: 0 });
      expect(await on.store.online(login({ userId: 'carol' }))).toMatchObject({ endReason: undefined });
    });

    test('a device that logs in elsewhere within the grace has moved, and was never offline', async () => {
      await startServer();
      await startServer(OTHER);
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      expect(await on.store.offline(logout({ sessionId: 's1' }))).toBe(true);
      await on.pass(5_000);
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE, serverAddr: SERVER });
      await on.store.online(login({ sessionId: 's2', serverAddr: OTHER }));
      await on.store.keepServerAlive(keepAlive({ serverAddr: OTHER }));
      const { entries } = await on.store.listChanges('alice', undefined);
      expect(entries.map(({ change }) => change)).toMatchObject([
        { wasOnline: false, began: { serverAddr: SERVER } },
        { wasOnline: true, began: { serverAddr: OTHER }, ended: { serverAddr: SERVER, reason: 'REPLACED' } },
      ]);
    });

    test('a device that does not return goes offline after the grace', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      await on.store.offline(logout());
      await passAlive(GRACE - 5_000);
      expect(await device()).toMatchObject({ online: true });
      await passAlive(5_000);
      expect(await device()).toMatchObject({
        online: false,
        endReason: 'LOGOUT',
        logoutTimeMs: START + GRACE,
      });
    });

    test('a repeated logout changes nothing', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      for (const sessionId of ['s1', 's1', undefined]) {
        expect(await on.store.offline(logout({ sessionId }))).toBe(true);
        expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE });
        await passAlive(5_000);
      }
    });

    test('a session that began before the lease has the grace, too', async () => {
      await on.store.online(login());
      await startServer();
      await on.store.drainServer(DRAIN);
      expect(await device()).toMatchObject({ lease: undefined });
      await on.store.offline(logout());
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE });
    });

    test('a session that was logged out before the drain has its own grace, and leaves the lease with a repeat', async () => {
      await startServer();
      await on.store.online(login({ incarnation: 1 }));
      await on.store.offline(logout({ graceMs: GRACE / 2 }));
      await on.store.drainServer(DRAIN);
      await on.store.offline(logout({ graceMs: GRACE / 2 }));
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE / 2 });
      await startServer(SERVER, 2);
      await on.sweepAll();
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE / 2 });
    });

    test('a repeated login during the grace changes nothing', async () => {
      await startServer();
      await on.store.online(login({ incarnation: 1 }));
      await on.store.drainServer(DRAIN);
      await on.store.offline(logout());
      await on.store.online(login({ incarnation: 1 }));
      await startServer(SERVER, 2);
      await on.sweepAll();
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE });
    });

    test('a time to live does not end a grace', async () => {
      await startServer();
      await on.store.online(login({ ttlMs: GRACE / 3 }));
      await on.store.drainServer(DRAIN);
      await on.store.offline(logout());
      await passAlive(GRACE - 5_000);
      expect(await device()).toMatchObject({ online: true });
      await passAlive(5_000);
      expect(await device()).toMatchObject({ online: false, endReason: 'LOGOUT' });
    });

    test('a longer grace of a logout counts, and a shorter one does not', async () => {
      await startServer();
      await on.store.drainServer(DRAIN);
      for (const [userId, graceMs, expected] of [
        ['short', 1_000, GRACE],
        ['long', 2 * GRACE, 2 * GRACE],
      ] as const) {
        await on.store.online(login({ userId }));
        await on.store.offline(logout({ userId, graceMs }));
        expect(await on.store.getDevice(userId, 'phone')).toMatchObject({ graceEndMs: START + expected });
      }
    });

    test.each([
      ['restart', 2],
      ['fast restart after the lease was lost', 3],
    ])('a %s of the chat server does not end a grace', async (_, incarnation) => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      await passAlive(20_000);
      await on.store.offline(logout());
      if (incarnation === 3) await on.pass(LEASE + 5_000);
      await startServer(SERVER, incarnation);
      await on.sweepAll();
      expect(await device()).toMatchObject({ online: true });
      expect(await leaseOf(SERVER)).toMatchObject({
        state: 'ALIVE',
        incarnation,
        drainDeadlineMs: undefined,
      });
      await on.store.online(login({ userId: 'bob' }));
      await on.store.offline(logout({ userId: 'bob' }));
      expect(await on.store.getDevice('bob', 'phone')).toMatchObject({ online: false, endReason: 'LOGOUT' });
    });

    test('a lease that runs out while it drains lasts for the grace once more', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      await on.pass(LEASE + GRACE - 500);
      expect(await device()).toMatchObject({ online: true, lease: { state: 'DRAINING' } });
      await on.pass(500);
      expect(await device()).toMatchObject({ online: false, endReason: 'SERVER_LOST' });
      expect(await on.allServers()).toEqual([]);
    });

    test('repeated drains keep no lease that has run out', async () => {
      await startServer();
      await on.store.online(login());
      for (let passed = 0; passed < LEASE + GRACE; passed += 5_000) {
        await on.store.drainServer(DRAIN);
        await on.pass(5_000);
      }
      expect(await device()).toMatchObject({ online: false, endReason: 'SERVER_LOST' });
    });

    test('a keep-alive revives a lease that had run out while it drains, once more for each', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      for (let i = 0; i < 2; i++) {
        await on.pass(LEASE + GRACE - 1_000);
        expect(await on.store.keepServerAlive(keepAlive())).toMatchObject({ drain: { sessions: 1 } });
      }
      await on.pass(LEASE + GRACE - 500);
      expect(await device()).toMatchObject({ online: true });
      await on.pass(500);
      expect(await device()).toMatchObject({ online: false });
    });

    test('without a grace, logouts and the lease end at once', async () => {
      await startServer();
      await on.store.drainServer({ serverAddr: SERVER, drain: { overMs: 0, graceMs: 0 } });
      await on.store.online(login());
      await on.store.offline(logout());
      expect(await device()).toMatchObject({ online: false, endReason: 'LOGOUT' });
      await on.store.online(login({ sessionId: 's2' }));
      await on.pass(LEASE);
      expect(await device()).toMatchObject({ online: false, endReason: 'SERVER_LOST' });
    });

    test('of two drains the later one counts, and a cancelled one leaves the lease as it was', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      await on.store.drainServer({ serverAddr: SERVER, drain: { overMs: 120_000, graceMs: 0 } });
      expect((await on.store.keepServerAlive(keepAlive())).drain).toMatchObject({ remainingMs: 120_000 });
      expect(await on.store.drainServer({ serverAddr: SERVER, drain: undefined })).toMatchObject({
        hasLease: true,
        deadlineMs: 0,
      });
      expect((await on.store.keepServerAlive(keepAlive())).drain).toBeUndefined();
      expect(await leaseOf(SERVER)).toMatchObject({ state: 'ALIVE', drainDeadlineMs: undefined });
      await on.store.offline(logout());
      expect(await device()).toMatchObject({ online: false });
    });

    test('cannot drain a chat server without a lease, and leaves the others', async () => {
      await startServer(OTHER);
      await on.store.online(login());
      expect(await on.store.drainServer(DRAIN)).toEqual({
        hasLease: false,
        sessions: 1,
        deadlineMs: 0,
        isPartial: false,
      });
      await on.store.offline(logout());
      expect(await device()).toMatchObject({ online: false });
      expect(await leaseOf(OTHER)).toMatchObject({ state: 'ALIVE' });
    });

    test('a resync ends the sessions that it lacks, and none in its grace', async () => {
      await startServer();
      await on.store.online(login());
      await on.store.drainServer(DRAIN);
      await on.store.offline(logout());
      await on.store.drainServer({ serverAddr: SERVER, drain: undefined });
      await on.pass(LEASE + 5_000);
      expect(await leaseOf(SERVER)).toBeUndefined();
      await on.store.online(login({ userId: 'bob' }));
      await on.pass(1_000);
      await startServer(SERVER, 2);
      await on.sweepAll();
      expect(await on.store.getDevice('bob', 'phone')).toMatchObject({ endReason: 'SERVER_LOST' });
      expect(await device()).toMatchObject({ online: true, graceEndMs: START + GRACE });
    });
  });
}
