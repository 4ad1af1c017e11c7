import { describe, expect, test } from 'vitest';
import { REPLACE_ALL } from '../../../../src/presence/policyPresets.ts';
import {
  type Change,
  type ChangeLogEntry,
  isBehind,
  type LogPosition,
} from '../../../../src/store/changeLog.ts';
import { until } from '../../../support/until.ts';
import { eachWithStore, type Fixture, keepAlive, login, logout, type MakeStore, START } from './underTest.ts';

/** The change log, which watches follow. */
export function describeChangeLog(name: string, makeStore: MakeStore): void {
  describe(`change log of the ${name} store`, () => {
    const on = eachWithStore(makeStore);

    test('contains every change once, in order, with the previous state', async () => {
      const before = await newest(on);
      await on.store.online(login());
      await on.store.online(login());
      on.underTest.setClock(START + 1);
      await on.store.online(login({ sessionId: 's2', serverAddr: '10.0.0.2:9000' }));
      await on.store.online(login({ deviceId: 'web', sessionId: 's3', platform: 'web' }));
      await on.store.offline(logout());
      await on.store.offline(logout());
      const changes = await readAll(on, before);
      expect(changes.map(brief)).toEqual([
        'phone: offline > s1@10.0.0.1:9000, 1 online',
        'phone: online > s2@10.0.0.2:9000, 1 online, s1 REPLACED',
        'web: offline > s3@10.0.0.1:9000, 2 online',
        'phone: online > offline, 1 online, s2 LOGOUT',
      ]);
      expect(changes[1]).toMatchObject({
        userId: 'alice',
        timeMs: START + 1,
        began: { platform: 'ios', loginTimeMs: START + 1 },
        ended: { serverAddr: '10.0.0.1:9000', platform: 'ios' },
      });
    });

    test('contains moves of sessions, but no heartbeats, graces and refreshes', async () => {
      await on.store.online(login());
      const before = await newest(on);
      await on.store.online(login({ ttlMs: 60_000 }));
      await on.store.heartbeat({ userId: 'alice', deviceId: 'phone', sessionId: 's1' });
      await on.store.offline(logout({ graceMs: 1_000 }));
      await on.store.online(login({ serverAddr: '10.0.0.2:9000' }));
      expect((await readAll(on, before)).map(brief)).toEqual(['phone: online > s1@10.0.0.2:9000, 1 online']);
    });

    test('contains ends by time, lease, policy and eviction', async () => {
      await on.store.keepServerAlive(keepAlive({ serverAddr: '10.0.0.9:1', ttlMs: 2_000 }));
      await on.store.online(login({ ttlMs: 1_000 }));
      await on.store.online(login({ deviceId: 'web', sessionId: 's2', serverAddr: '10.0.0.9:1' }));
      await on.store.online(login({ deviceId: 'tv', sessionId: 's3' }));
      const before = await newest(on);
      await on.pass(3_000);
      await on.store.online(login({ deviceId: 'car', sessionId: 's4', policy: REPLACE_ALL }));
      await on.store.evictUser('alice');
      expect((await readAll(on, before)).map(brief)).toEqual([
        'phone: online > offline, 2 online, s1 EXPIRED',
        'web: online > offline, 1 online, s2 SERVER_LOST',
        'car: offline > s4@10.0.0.1:9000, 2 online',
        'tv: online > offline, 1 online, s3 REPLACED',
        'car: online > offline, 0 online, s4 EVICTED',
      ]);
    });

    test('can be read page by page, from any position', async () => {
      const [before] = await Promise.all([newest(on)]);
      for (let i = 0; i < 25; i++) await on.store.online(login({ sessionId: `s${i}` }));
      const shard = on.store.changeLog().shardOf('alice');
      const seen: ChangeLogEntry[] = [];
      for (let position = before[shard] as LogPosition; ; ) {
        const page = await on.store.changeLog().read(shard, position, 10);
        seen.push(...(page?.entries ?? []));
        position = page?.upTo ?? position;
        if ((page?.entries.length ?? 0) < 10) break;
      }
      expect(seen.map(({ change }) => change.began?.sessionId)).toEqual(
        Array.from({ length: 25 }, (_, i) => `s${i}`),
      );
      expect(
        seen.every(
          ({ position }, i) => i === 0 || isBehind((seen[i - 1] as ChangeLogEntry).position, position),
        ),
      ).toBe(true);
      const rest = await on.store.changeLog().read(shard, (seen[19] as ChangeLogEntry).position, 100);
      expect(rest?.entries.map(({ position }) => position)).toEqual(
        seen.slice(20).map(({ position }) => position),
      );
    });

    test('names each change, the same at each reading', async () => {
      const [before] = await Promise.all([newest(on)]);
      for (let i = 0; i < 5; i++) await on.store.online(login({ sessionId: `s${i}` }));
      const changeLog = on.store.changeLog();
      const shard = changeLog.shardOf('alice');
      const idsAfter = async (position: LogPosition) => {
        const page = await changeLog.read(shard, position, 100);
        return (page?.entries ?? []).map((entry) => changeLog.changeId(shard, entry));
      };
      const ids = await idsAfter(before[shard] as LogPosition);
      expect(new Set(ids).size).toBe(5);
      expect(await idsAfter(before[shard] as LogPosition)).toEqual(ids);
      const page = await changeLog.read(shard, before[shard] as LogPosition, 2);
      expect(await idsAfter(page?.upTo as LogPosition)).toEqual(ids.slice(2));
    });

    test('finds the position before a time, while no later change is gone', async () => {
      const [before] = await Promise.all([newest(on)]);
      const changeLog = on.store.changeLog();
      const shard = changeLog.shardOf('alice');
      for (let i = 0; i < 5; i++) {
        on.underTest.setClock(START + i * 1_000);
        await on.store.online(login({ sessionId: `s${i}` }));
        // In Redis positions have the real time.
        const madeAt = Date.now();
        await until(() => Date.now() > madeAt, 'the clock has gone on');
      }
      const all = await changeLog.read(shard, before[shard] as LogPosition, 100);
      const times = (all?.entries ?? []).map(({ position, change }) => Math.max(position[0], change.timeMs));
      const since = async (timeMs: number) => {
        const position = await changeLog.positionBefore(shard, timeMs);
        const page = position && (await changeLog.read(shard, position, 100));
        return page?.entries.map(({ change }) => change.began?.sessionId);
      };
      expect(await since(times[3] as number)).toEqual(['s3', 's4']);
      expect(await since((times[2] as number) + 1)).toEqual(['s3', 's4']);
      expect(await since((times[4] as number) + 60_000)).toEqual([]);
      expect(await since(0)).toEqual(['s0', 's1', 's2', 's3', 's4']);
    });

    test('reports an unknown position as gone', async () => {
      await on.store.online(login());
      const changeLog = on.store.changeLog();
      expect(await changeLog.read(changeLog.shardOf('alice'), [999_999, 7], 10)).toBeUndefined();
    });

    test('notifies of a change', async () => {
      const changeLog = on.store.changeLog();
      const shard = changeLog.shardOf('alice');
      const notified = new Promise<number>((resolve) => {
        changeLog.onGrowth((of) => {
          if (of === shard) resolve(of);
        });
      });
      // Notifications are best effort, so the first ones may get lost.
      const logins = setInterval(() => void on.store.online(login({ sessionId: `s${Math.random()}` })), 50);
      expect(await notified).toBe(shard);
      clearInterval(logins);
    });

    test('returns a user with the log position of that state', async () => {
      await newest(on);
      await on.store.online(login());
      const changeLog = on.store.changeLog();
      const { sessions, position } = await changeLog.readUser('alice');
      expect(sessions).toMatchObject([{ deviceId: 'phone', sessionId: 's1' }]);
      await on.store.online(login({ sessionId: 's2' }));
      const after = await changeLog.read(changeLog.shardOf('alice'), position, 10);
      expect(after?.entries.map(({ change }) => change.began?.sessionId)).toEqual(['s2']);
    });

    test('returns every session once in a snapshot of all or some chat servers', async () => {
      const logins = Array.from({ length: 120 }, (_, i) =>
        login({ userId: `user-${i % 80}`, deviceId: `d${i}`, serverAddr: `10.0.0.${i % 3}:9000` }),
      );
      await Promise.all(logins.map((each) => on.store.online(each)));
      expect((await snapshot(on, undefined)).sort()).toEqual(
        logins.map((each) => `${each.userId}/${each.deviceId}`).sort(),
      );
      const some = logins.filter(({ serverAddr }) => serverAddr === '10.0.0.1:9000');
      expect((await snapshot(on, ['10.0.0.1:9000'])).sort()).toEqual(
        some.map((each) => `${each.userId}/${each.deviceId}`).sort(),
      );
    });
  });
}

async function newest({ store }: Fixture): Promise<LogPosition[]> {
  const changeLog = store.changeLog();
  return Promise.all(
    Array.from({ length: changeLog.shards }, async (_, i) => (await changeLog.ends(i)).newest),
  );
}

async function readAll({ store }: Fixture, positions: LogPosition[]): Promise<Change[]> {
  const changeLog = store.changeLog();
  const all = await Promise.all(positions.map((position, shard) => changeLog.read(shard, position, 1_000)));
  return all.flatMap((page) => page?.entries ?? []).map(({ change }) => change);
}

async function snapshot({ store }: Fixture, serverAddrs: string[] | undefined): Promise<string[]> {
  const found: string[] = [];
  const changeLog = store.changeLog();
  for (let shard = 0; shard < changeLog.shards; shard++) {
    for await (const { users, part } of changeLog.snapshot(shard, serverAddrs)) {
      for (const { userId, sessions } of users) {
        expect(changeLog.partOf(userId)).toBe(part);
        found.push(...sessions.map(({ deviceId }) => `${userId}/${deviceId}`));
      }
    }
  }
  return found;
}

function brief({ deviceId, wasOnline, began, ended, devicesOnline }: Change): string {
  const now = began ? `${began.sessionId}@${began.serverAddr}` : 'offline';
  const over = ended ? `, ${ended.sessionId} ${ended.reason}` : '';
  return `${deviceId}: ${wasOnline ? 'online' : 'offline'} > ${now}, ${devicesOnline} online${over}`;
}
