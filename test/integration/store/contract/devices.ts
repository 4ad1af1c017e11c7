import { beforeEach, describe, expect, test } from 'vitest';
import { REPLACE_ALL, REPLACE_SAME_PLATFORM } from '../../../../src/presence/policyPresets.ts';
import type { UserRead } from '../../../../src/store/operations.ts';
import { ReadPool } from '../../../../src/store/reads.ts';
import type { PresenceStore } from '../../../../src/store/store.ts';
import { WORK } from '../../../../src/store/work.ts';
import { eachWithStore, login, logout, type MakeStore, RETENTION } from './underTest.ts';

const MAX_DEVICES = 16;
/** How many records are removed at once. */
const DROPPED = 2;
/** More than a store reads in one script call or transaction. */
const MANY = WORK.part + 200;

/** The device limit, and the limits of one script call or write transaction. */
export function describeDevices(name: string, makeStore: MakeStore): void {
  describe(`devices of a user in the ${name} store`, () => {
    const fixture = eachWithStore(makeStore, { maxDevices: MAX_DEVICES });
    let store: PresenceStore;
    beforeEach(() => {
      ({ store } = fixture);
    });

    test('rejects a login beyond the limit, and executes the other operations', async () => {
      await store.apply(logins(MAX_DEVICES));
      const before = await store.getUser('alice');
      const answers = await store.apply([
        { type: 'online', request: login({ deviceId: 'another' }) },
        { type: 'online', request: login({ userId: 'bob' }) },
        { type: 'online', request: login({ deviceId: 'a third', isNewSessionId: true }) },
      ]);
      expect(answers).toEqual([
        expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }),
        expect.objectContaining({ endReason: undefined }),
        expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }),
      ]);
      expect(String(answers[0])).toContain(
        'has 16 devices online, the limit (--max-devices), and nothing was changed',
      );
      expect(await store.getUser('alice')).toEqual(before);
      expect(await store.getStats()).toMatchObject({ users: 2, devices: MAX_DEVICES + 1 });
    });

    test('accepts refreshes and logins that replace the session of their device at the limit', async () => {
      await store.apply(logins(MAX_DEVICES));
      expect(await store.online(login({ deviceId: 'd3', platform: 'web' }))).toMatchObject({ replaced: [] });
      const replacing = await store.online(login({ deviceId: 'd3', sessionId: 's2' }));
      expect(replacing.replaced).toMatchObject([{ deviceId: 'd3', sessionId: 's1' }]);
    });

    test('accepts another login after a logout', async () => {
      await store.apply(logins(MAX_DEVICES));
      await store.offline(logout({ deviceId: 'd3' }));
      const answers = await store.apply([
        { type: 'online', request: login({ deviceId: 'another' }) },
        { type: 'online', request: login({ deviceId: 'a third' }) },
      ]);
      expect(answers).toMatchObject([{ endReason: undefined }, { code: 'RESOURCE_EXHAUSTED' }]);
    });

    test('does not count expired sessions, even before a sweep', async () => {
      await store.apply(logins(MAX_DEVICES, { ttlMs: 1_000 }));
      fixture.underTest.setClock(fixture.now + 1_000);
      const answers = await store.apply(logins(MAX_DEVICES, { prefix: 'n' }));
      expect(answers.filter((answer) => answer instanceof Error)).toEqual([]);
      await expect(store.online(login({ deviceId: 'another' }))).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
      });
      await fixture.sweepAll();
      expect(await store.getStats()).toMatchObject({ users: 1, devices: MAX_DEVICES });
    });

    test('does not count sessions that the login ends', async () => {
      await store.apply([
        ...logins(MAX_DEVICES - 1),
        { type: 'online', request: login({ deviceId: 'tv', platform: 'web' }) },
      ]);
      const policy = REPLACE_SAME_PLATFORM;
      await expect(
        store.online(login({ deviceId: 'another', platform: 'android', policy })),
      ).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      const web = await store.online(login({ deviceId: 'another', platform: 'web', policy }));
      expect(web.replaced).toMatchObject([{ deviceId: 'tv' }]);
      const all = await store.online(login({ deviceId: 'a third', policy: REPLACE_ALL }));
      expect(all.replaced).toHaveLength(MAX_DEVICES);
      expect(await store.getStats()).toMatchObject({ devices: 1, byPlatform: new Map([['ios', 1]]) });
    });

    test('removes only the oldest offline records when there are too many', async () => {
      const before = await fixture.underTest.countEntries();
      await store.online(login({ deviceId: 'old and online' }));
      for (let i = 0; i < MAX_DEVICES; i++) {
        await fixture.pass(10);
        await store.apply([
          { type: 'online', request: login({ deviceId: `d${i}` }) },
          { type: 'offline', request: logout({ deviceId: `d${i}` }) },
        ]);
      }
      const left = (await store.getUser('alice')).map(({ deviceId }) => deviceId);
      const expected = Array.from({ length: MAX_DEVICES - DROPPED }, (_, i) => `d${i + DROPPED}`);
      expect(left.sort()).toEqual([...expected, 'old and online'].sort());
      await store.offline(logout({ deviceId: 'old and online' }));
      await fixture.pass(3_700_000);
      expect(await fixture.underTest.countEntries()).toBe(before);
    });

    test('treats records of expired sessions as offline, with their end', async () => {
      await store.apply(logins(MAX_DEVICES, { ttlMs: 1_000 }));
      fixture.underTest.setClock(fixture.now + 1_000);
      await store.online(login({ deviceId: 'another' }));
      const left = await store.getUser('alice');
      expect(left).toHaveLength(MAX_DEVICES + 1 - DROPPED);
      expect(left.filter(({ online }) => online)).toMatchObject([{ deviceId: 'another' }]);
      expect(await store.getHistory('alice')).toHaveLength(DROPPED);
      await fixture.sweepAll();
      expect(await store.getHistory('alice')).toHaveLength(MAX_DEVICES);
      expect(await store.getStats()).toMatchObject({ users: 1, devices: 1 });
    });
  });

  describe(`very many devices of a user in the ${name} store`, () => {
    let transactions = 0;
    const fixture = eachWithStore(makeStore, { maxDevices: 2 * MANY, onBatch: () => transactions++ });
    let store: PresenceStore;
    beforeEach(async () => {
      ({ store } = fixture);
      await store.apply(logins(MANY));
      transactions = 0;
    });

    test('reads a user in parts, each device once, newest login first', async () => {
      fixture.underTest.setClock(fixture.now + 1);
      await store.online(login({ deviceId: 'newest' }));
      const [alice, bob] = (await store.apply([
        { type: 'getUser', request: { userId: 'alice' } },
        { type: 'getUser', request: { userId: 'bob' } },
      ])) as UserRead[];
      const sessions = alice?.sessions ?? [];
      expect(sessions).toHaveLength(MANY + 1);
      expect(sessions).toMatchObject({ 0: { deviceId: 'newest' } });
      expect(new Set(sessions.map(({ deviceId }) => deviceId)).size).toBe(MANY + 1);
      expect(bob).toEqual({ sessions: [], lastSeenMs: undefined });
      const at = await store.changeLog().readUser('alice');
      expect(at.sessions).toHaveLength(MANY + 1);
    });

    test('limits the ends per transaction of a login that replaces all sessions', async () => {
      const others = store.online(login({ userId: 'bob' }));
      const { replaced } = await store.online(login({ deviceId: 'the one', policy: REPLACE_ALL }));
      expect(replaced).toHaveLength(MANY);
      // Each ends a part of those that are left.
      expect(transactions).toBeGreaterThanOrEqual(WORK.loginEndsDivisor);
      await others;
      const online = (await store.getUser('alice')).filter((session) => session.online);
      expect(online).toMatchObject([{ deviceId: 'the one' }]);
      expect(await store.getStats()).toMatchObject({ users: 2, devices: 2 });
    });

    test('keeps one of several logins that race to replace all others', async () => {
      const ids = ['x', 'y', 'z'];
      await Promise.all(ids.map((deviceId) => store.online(login({ deviceId, policy: REPLACE_ALL }))));
      expect((await store.getUser('alice')).filter(({ online }) => online)).toMatchObject([
        { deviceId: 'z' },
      ]);
    });

    test('executes operations after a large one in order', async () => {
      const answers = await Promise.all([
        store.getUser('alice'),
        store.online(login({ deviceId: 'd1', sessionId: 's2' })),
        store.getDevice('alice', 'd1'),
        store.getUser('alice'),
        store.offline(logout({ deviceId: 'd1', sessionId: 's2' })),
      ]);
      expect(answers[0]).toHaveLength(MANY);
      expect(answers[1]).toMatchObject({ replaced: [{ deviceId: 'd1' }] });
      expect(answers[2]).toMatchObject({ sessionId: 's2', online: true });
      expect(answers[3].find(({ deviceId }) => deviceId === 'd1')).toMatchObject({
        sessionId: 's2',
        online: true,
      });
      expect(answers[4]).toBe(true);
    });

    test('ends all sessions by an eviction of the user', async () => {
      expect(await store.evictUser('alice')).toBe(MANY);
      expect(await store.getStats()).toMatchObject({ users: 0, devices: 0 });
      await fixture.pass(RETENTION);
      expect(await store.getUser('alice')).toEqual([]);
    });

    test('answers other requests during a request for a user with many devices', async () => {
      const answered: string[] = [];
      const read = { type: 'getUser' as const, request: { userId: 'alice' } };
      const reads = store.apply(Array.from({ length: 10 }, () => read)).then(() => answered.push('reads'));
      const replaces = store
        .online(login({ deviceId: 'the one', policy: REPLACE_ALL }))
        .then(() => answered.push('replaces'));
      // Some of these users are in the same shard.
      const others = Array.from({ length: 64 }, (_, i) => store.getUser(`user ${i}`));
      await Promise.all(others).then(() => answered.push('others'));
      await Promise.all([reads, replaces]);
      expect(answered).toEqual(['others', 'reads', 'replaces']);
    });

    test('rejects large requests beyond the read limit, but not small ones', async () => {
      await store.online(login({ userId: 'bob' }));
      const pool = new ReadPool(WORK.part * 512);
      const reads = await Promise.allSettled([
        pool.use('caller', (budget) => store.getUser('alice', budget)),
        pool.use('caller', (budget) => store.getUser('alice', budget)),
        pool.use('caller', (budget) => store.getUser('bob', budget)),
      ]);
      expect(reads).toMatchObject([
        { status: 'rejected', reason: { code: 'RESOURCE_EXHAUSTED' } },
        { status: 'rejected', reason: { code: 'RESOURCE_EXHAUSTED' } },
        { status: 'fulfilled', value: [{ online: true }] },
      ]);
      expect(reads[0]).toMatchObject({ reason: { message: expect.stringContaining('nothing was done') } });
      expect(pool.bytes).toBe(0);
      const large = new ReadPool(MANY * 2_048);
      expect(await large.use('caller', (budget) => store.getUser('alice', budget))).toHaveLength(MANY);
    });

    test('rejects a request that reads more than fits into a response', async () => {
      const answers = await store.apply(
        Array.from({ length: 100 }, () => ({ type: 'getUser' as const, request: { userId: 'alice' } })),
      );
      expect((answers[0] as UserRead).sessions).toHaveLength(MANY);
      expect(answers.at(-1)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      expect(await store.getUser('alice')).toHaveLength(MANY);
    });
  });
}

/** Logs in `count` devices of alice. */
function logins(count: number, { ttlMs = 0, prefix = 'd' } = {}) {
  return Array.from({ length: count }, (_, i) => ({
    type: 'online' as const,
    request: login({ deviceId: `${prefix}${i}`, ttlMs }),
  }));
}
