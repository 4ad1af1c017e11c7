import { beforeEach, describe, expect, test } from 'vitest';
import { CHANGES_PER_PART, type LogPosition } from '../../../../src/store/changeLog.ts';
import type { PresenceStore } from '../../../../src/store/store.ts';
import { eachWithStore, login, logout, type MakeStore, RETENTION, START } from './underTest.ts';

/** An ID that stands nowhere but in what is kept of this user. */
const USER = 'erased-user-7f3a';

/** Erasure of a user, and what is exported. */
export function describeErase(name: string, makeStore: MakeStore): void {
  describe(`erasure in the ${name} store`, () => {
    const fixture = eachWithStore(makeStore, { changeLimit: 100_000 });
    let store: PresenceStore;
    beforeEach(() => {
      ({ store } = fixture);
    });

    async function liveALife(): Promise<void> {
      const details = { clientIp: '203.0.113.7', label: USER, appVersion: '1' };
      for (let i = 0; i < 5; i++) {
        await store.online(
          login({ userId: USER, deviceId: `d${i}`, sessionId: `s${i}`, ttlMs: 60_000, details }),
        );
        await store.online(login({ userId: 'bob', deviceId: `d${i}`, sessionId: `b${i}` }));
      }
      await store.online(login({ userId: USER, deviceId: 'd1', sessionId: 's9' }));
      await store.offline(logout({ userId: USER, deviceId: 'd2' }));
      await store.offline(logout({ userId: USER, deviceId: 'd3', graceMs: 5_000 }));
      await store.evictUser(USER, `goodbye ${USER}`);
    }

    async function dumpHas(text: string): Promise<boolean> {
      return (await fixture.underTest.dump()).includes(text);
    }

    async function newest(): Promise<LogPosition> {
      return (await store.changeLog().ends(store.changeLog().shardOf(USER))).newest;
    }

    test('leaves nothing of a user, and everything of others', async () => {
      await liveALife();
      expect(await dumpHas(USER)).toBe(true);
      const bob = [await store.getUser('bob'), await store.getStats()];
      const erasure = await store.eraseUser(USER);
      expect(erasure).toMatchObject({ changes: 11, left: 0, devicesOnline: 0 });
      expect(erasure.records).toBeGreaterThanOrEqual(11);
      expect(await dumpHas(USER)).toBe(false);
      expect(await store.getUser(USER)).toEqual([]);
      expect(await store.getHistory(USER)).toEqual([]);
      expect([await store.getUser('bob'), await store.getStats()]).toEqual(bob);
      await fixture.pass(RETENTION + 60_000);
      expect(await dumpHas(USER)).toBe(false);
    });

    test('may be repeated, and finds nothing of an unknown user', async () => {
      await liveALife();
      await store.eraseUser(USER);
      const nothing = { records: 0, changes: 0, left: 0, devicesOnline: 0 };
      expect(await store.eraseUser(USER)).toEqual(nothing);
      expect(await store.eraseUser('nobody')).toEqual(nothing);
    });

    test('keeps devices that are online, and says so', async () => {
      await store.online(login({ userId: USER, deviceId: 'phone', ttlMs: 60_000 }));
      await store.online(login({ userId: USER, deviceId: 'web', sessionId: 's2' }));
      await store.offline(logout({ userId: USER, deviceId: 'web' }));
      expect(await store.eraseUser(USER)).toMatchObject({ left: 0, devicesOnline: 1 });
      expect(await store.getUser(USER)).toMatchObject([{ deviceId: 'phone', online: true }]);
      expect(await store.getStats()).toMatchObject({ users: 1, devices: 1 });
      await fixture.pass(61_000);
      expect(await store.getUser(USER)).toMatchObject([{ online: false, endReason: 'EXPIRED' }]);
      expect(await store.getStats()).toMatchObject({ users: 0, devices: 0 });
    });

    test('an eviction ends sessions that are over and not yet swept, as they would have ended', async () => {
      await store.online(login({ userId: USER, deviceId: 'phone', ttlMs: 1_000 }));
      await store.online(login({ userId: USER, deviceId: 'web', sessionId: 's2' }));
      fixture.underTest.setClock(START + 2_000);
      expect(await store.evictUser(USER, '')).toBe(1);
      expect((await store.getHistory(USER)).map(({ endReason }) => endReason).sort()).toEqual([
        'EVICTED',
        'EXPIRED',
      ]);
      expect(await store.eraseUser(USER)).toMatchObject({ left: 0, devicesOnline: 0 });
      await fixture.pass(60_000);
      expect(await dumpHas(USER)).toBe(false);
    });

    test('lets watches resume at and over erased changes', async () => {
      const log = store.changeLog();
      const shard = log.shardOf(USER);
      const before = await newest();
      await liveALife();
      const at = await newest();
      const other = await otherUserOf(log.shardOf(USER));
      await store.online(login({ userId: other }));
      const end = await newest();
      await store.eraseUser(USER);
      for (const position of [before, at]) {
        const { entries = [], upTo } = (await log.read(shard, position, 1_000)) ?? {};
        expect(entries.map(({ change }) => change.userId)).not.toContain(USER);
        expect(entries.at(-1)?.change.userId).toBe(other);
        expect(upTo).toEqual(end);
      }
      await store.online(login({ userId: USER }));
      expect((await log.read(shard, end, 1_000))?.entries).toMatchObject([{ change: { userId: USER } }]);
    });

    /** Another user in the shard. */
    async function otherUserOf(shard: number): Promise<string> {
      for (let i = 0; ; i++) if (store.changeLog().shardOf(`other-${i}`) === shard) return `other-${i}`;
    }

    test('copies a long change log in parts, with all other changes', async () => {
      const log = store.changeLog();
      const shard = log.shardOf(USER);
      const before = await newest();
      const other = await otherUserOf(shard);
      const logins = Array.from({ length: 2_500 }, (_, i) =>
        login({ userId: i % 10 === 0 ? USER : other, deviceId: 'phone', sessionId: `s${i}` }),
      );
      await store.apply(logins.map((request) => ({ type: 'online', request })));
      await store.evictUser(USER);
      const read = async () => (await log.read(shard, before, 10_000))?.entries ?? [];
      const kept = (await read()).filter(({ change }) => change.userId === other);
      const erasures = await Promise.all([store.eraseUser(USER), store.eraseUser('nobody')]);
      expect(erasures).toMatchObject([
        { changes: 251, left: 0 },
        { changes: 0, left: 0 },
      ]);
      expect(await read()).toEqual(kept);
      expect(await dumpHas(USER)).toBe(false);
    });

    test('lists the changes of a user in parts', async () => {
      await liveALife();
      const found: string[] = [];
      let after: string | undefined;
      do {
        const { entries, next } = await store.listChanges(USER, after);
        found.push(...entries.map(({ change }) => change.userId));
        after = next;
      } while (after !== undefined);
      expect(found).toEqual(Array(11).fill(USER));
    });

    test('lists many changes in parts of bounded size, each change once', async () => {
      const count = 2 * CHANGES_PER_PART + 100;
      const logins = Array.from({ length: count }, (_, i) => login({ userId: USER, sessionId: `s${i}` }));
      await store.apply(logins.map((request) => ({ type: 'online', request })));
      const sizes: number[] = [];
      const found = new Set<string>();
      let after: string | undefined;
      do {
        const { entries, next } = await store.listChanges(USER, after);
        for (const { change } of entries) found.add(change.began?.sessionId ?? '');
        sizes.push(entries.length);
        after = next;
      } while (after !== undefined);
      expect(sizes).toEqual([CHANGES_PER_PART, CHANGES_PER_PART, 100]);
      expect(found.size).toBe(count);
    });
  });
}
