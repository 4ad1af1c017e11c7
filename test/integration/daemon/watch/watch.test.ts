import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Change__Output } from '../../../../packages/client/src/generated/imstate/v1/Change.ts';
import { EndReason } from '../../../../packages/client/src/generated/imstate/v1/EndReason.ts';
import { formatRevision, parseRevision, RevisionWriter } from '../../../../src/daemon/watch/revision.ts';
import { grpcClients, startTestDaemon, type TestDaemon, type WatchStream } from '../../../support/daemon.ts';
import { startProxy } from '../../../support/proxy.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const SERVER = '10.0.0.1:9000';

test.each([
  [[[0, 0]]],
  [
    [
      [1, 127],
      [128, 16_384],
      [1_700_000_000_000, 3],
    ],
  ],
  [[[Number.MAX_SAFE_INTEGER, 0]]],
] as [number, number][][][])('parses a formatted revision: %j', (positions) => {
  expect(parseRevision(formatRevision(positions))).toEqual(positions);
});

test('parses successive revisions of one writer', () => {
  const writer = new RevisionWriter();
  const positions: [number, number][] = [
    [5, 0],
    [1_700_000_000_000, 127],
    [300, 2],
  ];
  expect(parseRevision(writer.write(positions))).toEqual(positions);
  for (const [shard, position] of [
    [1, [1_700_000_000_001, 0]],
    [0, [6, 1]],
    [1, [1_700_000_000_001, 128]],
    [2, [301, 0]],
    [0, [Number.MAX_SAFE_INTEGER, 16_384]],
  ] as [number, [number, number]][]) {
    positions[shard] = position;
    expect(parseRevision(writer.write(positions))).toEqual(positions);
  }
});

describe.each(['embedded', 'Redis'])('a watch on the %s store', (store) => {
  let daemon: TestDaemon;
  let clients: ReturnType<typeof grpcClients>;
  let v1: ReturnType<typeof grpcClients>['v1'];

  beforeEach(async () => {
    daemon = await startTestDaemon(store === 'Redis' ? { redis: inject('redisUrl') } : {});
    clients = grpcClients(daemon.addr);
    v1 = clients.v1;
  });

  afterEach(async () => {
    clients.close();
    await daemon.remove();
  });

  /** Retries a login until it succeeds: on a stalling machine, a daemon may consider Redis unavailable. */
  const online = (userId: string, sessionId: string, more: object = {}) =>
    until(
      () =>
        v1
          .online({ userId, deviceId: 'phone', serverAddr: SERVER, sessionId, ...more })
          .catch(() => undefined),
      `${sessionId} is reported`,
    );
  const offline = (userId: string) => v1.offline({ userId, deviceId: 'phone' });
  const synced = (watch: WatchStream, times = 1) => until(() => watch.syncs >= times, 'the watch is synced');
  const received = (watch: WatchStream, count: number) =>
    until(() => watch.changes.length >= count, `${count} changes have arrived`);

  test('sends a snapshot, then every change', async () => {
    await online('alice', 's1', { platform: 'ios', metadata: { app: '1' } });
    const watch = v1.watch({ userIds: ['alice', 'bob'], initialState: true });
    await synced(watch);
    const snapshot = watch.snapshot.sort((a, b) => a.userId.localeCompare(b.userId));
    expect(snapshot).toMatchObject([
      {
        userId: 'alice',
        devices: [{ deviceId: 'phone', sessionId: 's1', online: true, metadata: { app: '1' } }],
      },
      { userId: 'bob', devices: [] },
    ]);
    await online('bob', 'b1');
    await online('carol', 'c1');
    await online('alice', 's2');
    await offline('alice');
    await received(watch, 3);
    expect(watch.changes).toMatchObject(
      [
        {
          userId: 'bob',
          wasOnline: false,
          online: true,
          userOnline: true,
          session: { sessionId: 'b1', serverAddr: SERVER },
          ended: null,
        },
        {
          userId: 'alice',
          wasOnline: true,
          online: true,
          session: { sessionId: 's2' },
          ended: { sessionId: 's1', endReason: EndReason.END_REASON_REPLACED },
        },
        {
          userId: 'alice',
          wasOnline: true,
          online: false,
          userOnline: false,
          session: null,
          ended: { sessionId: 's2', endReason: EndReason.END_REASON_LOGOUT },
        },
      ].sort((a, b) => order(watch, a) - order(watch, b)),
    );
    watch.cancel();
  });

  test('covers everything, or chat servers', async () => {
    await online('alice', 's1');
    await online('bob', 'b1', { serverAddr: '10.0.0.2:9000' });
    const all = v1.watch({ everything: true, initialState: true });
    const ofServer = v1.watch({ serverAddrs: ['10.0.0.2:9000'], initialState: true });
    await synced(all);
    await synced(ofServer);
    expect(all.snapshot.map(({ userId }) => userId).sort()).toEqual(['alice', 'bob']);
    expect(ofServer.snapshot.map(({ userId }) => userId)).toEqual(['bob']);
    await online('alice', 's2', { serverAddr: '10.0.0.2:9000' });
    await online('alice', 's3', { serverAddr: '10.0.0.3:9000' });
    await offline('alice');
    await received(all, 3);
    await received(ofServer, 2);
    expect(ofServer.changes.map(({ session, ended }) => [session?.sessionId, ended?.sessionId])).toEqual([
      ['s2', 's1'],
      ['s3', 's2'],
    ]);
    all.cancel();
    ofServer.cancel();
  });

  test('resumes with exactly the missed changes', async () => {
    const first = v1.watch({ userIds: ['alice', 'bob'] });
    first.finish();
    await synced(first);
    await online('alice', 's0');
    await received(first, 1);
    const { revision } = first;
    first.cancel();
    await first.ended;
    for (let i = 1; i < 30; i++) await online(i % 2 ? 'alice' : 'bob', `s${i}`);
    await online('carol', 'c1');
    const second = v1.watch({ userIds: ['alice', 'bob'], resumeRevision: revision });
    await synced(second);
    await online('alice', 's30');
    await received(second, 30);
    for (const userId of ['alice', 'bob']) {
      const expected = Array.from({ length: 30 }, (_, i) => i + 1).filter(
        (i) => (i === 30 ? 'alice' : i % 2 ? 'alice' : 'bob') === userId,
      );
      expect(sessionsOf(second.changes, userId)).toEqual(expected.map((i) => `s${i}`));
    }
    second.cancel();
  });

  test('resumes from the revision of any change with exactly the rest', async () => {
    const watch = v1.watch({ everything: true });
    await synced(watch);
    for (let i = 0; i < 12; i++) await online(`user-${i}`, `s${i}`);
    await received(watch, 12);
    expect(new Set(watch.changes.map(({ revision }) => revision)).size).toBe(12);
    for (const at of [0, 5, 11]) {
      const rest = v1.watch({ everything: true, resumeRevision: watch.changes[at]?.revision ?? '' });
      await synced(rest);
      expect(rest.changes.map(({ userId }) => userId).sort()).toEqual(
        watch.changes
          .slice(at + 1)
          .map(({ userId }) => userId)
          .sort(),
      );
      rest.cancel();
    }
    watch.cancel();
  });

  test('adds and removes users', async () => {
    await online('bob', 'b1');
    const watch = v1.watch({ userIds: ['alice'], initialState: true });
    await synced(watch);
    watch.update({ addUserIds: ['bob'], removeUserIds: ['alice'] });
    await synced(watch, 2);
    expect(watch.snapshot.at(-1)).toMatchObject({ userId: 'bob', devices: [{ sessionId: 'b1' }] });
    await online('alice', 's1');
    await online('bob', 'b2');
    await received(watch, 1);
    expect(sessionsOf(watch.changes, 'bob')).toEqual(['b2']);
    expect(sessionsOf(watch.changes, 'alice')).toEqual([]);
    watch.cancel();
  });

  test('joins snapshot and changes without a gap or duplicate', { timeout: 300_000 }, async () => {
    const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    let isOver = false;
    let sent = 0;
    const load = (async () => {
      while (!isOver) {
        const batch = users.slice((sent * 7) % 290, ((sent * 7) % 290) + 10);
        sent += 1;
        await Promise.all(batch.map((userId) => online(userId, `${userId}-${sent}`)));
      }
    })();
    await until(() => sent > 20, 'the load runs');
    const watches = [
      v1.watch({ userIds: users, initialState: true }),
      v1.watch({ everything: true, initialState: true }),
      v1.watch({ serverAddrs: [SERVER], initialState: true }),
    ];
    for (const watch of watches) await synced(watch);
    const sentBefore = sent;
    await until(() => sent > sentBefore + 20, 'the load continues');
    isOver = true;
    await load;
    for (const watch of watches) {
      const last = new Map(watch.snapshot.map(({ userId, devices }) => [userId, devices[0]?.sessionId]));
      await until(async () => {
        const seen = new Map(last);
        for (const { userId, session } of watch.changes) seen.set(userId, session?.sessionId);
        const { devices } = await v1.getUser({ userId: 'user-5' });
        return seen.get('user-5') === devices[0]?.sessionId;
      }, 'the watch has received the last change');
      for (const userId of users) {
        // Each change names the session that it ended: they form a chain from the snapshot.
        let current = last.get(userId);
        for (const change of watch.changes.filter((each) => each.userId === userId)) {
          expect([userId, change.ended?.sessionId]).toEqual([userId, current]);
          current = change.session?.sessionId;
        }
      }
      watch.cancel();
    }
  });

  test('sends progress while nothing changes', { timeout: 60_000 }, async () => {
    const watch = v1.watch({ userIds: ['alice'] });
    await synced(watch);
    const { length } = watch.responses;
    await until(() => watch.responses.length > length, 'a progress response arrives');
    expect(watch.responses.at(-1)).toMatchObject({
      snapshot: [],
      changes: [],
      synced: false,
      revision: expect.stringMatching(/./),
    });
    watch.cancel();
  });

  test.runIf(store === 'Redis')(
    'ends the watch of a reader that lags, with a revision from which it resumes',
    async () => {
      const watch = v1.watch({ everything: true });
      await synced(watch);
      watch.pause();
      let isOver = false;
      void watch.ended.then(() => {
        isOver = true;
      });
      const logged = () => daemon.logged.some((line) => line.includes('reads too slowly'));
      let sent = 0;
      while (!logged() && sent < 200_000) {
        await Promise.all(Array.from({ length: 500 }, () => online(`user-${sent % 1_000}`, `s${sent++}`)));
      }
      expect(logged()).toBe(true);
      watch.resume();
      await until(() => isOver, 'the watch is over');
      expect(await watch.ended).toMatchObject({ code: 8, details: expect.stringContaining('resume from') });
      const rest = v1.watch({ everything: true, resumeRevision: watch.revision });
      await synced(rest);
      const names = [...watch.changes, ...rest.changes].map(({ session }) => session?.sessionId);
      expect(names).toHaveLength(sent);
      expect(new Set(names).size).toBe(sent);
      rest.cancel();
    },
  );

  test.runIf(store === 'Redis')(
    'sends a slow reader with coalesce the newest change of each device and the skipped count',
    async () => {
      const watch = v1.watch({ everything: true, coalesce: true });
      await synced(watch);
      watch.pause();
      let sent = 0;
      for (; sent < 20_000; ) {
        await Promise.all(Array.from({ length: 500 }, () => online(`user-${sent % 50}`, `s${sent++}`)));
      }
      watch.resume();
      // The order of the users is not defined.
      const newest = Array.from({ length: 50 }, (_, i) => `s${19_950 + i}`);
      await until(() => {
        const come = new Set(watch.changes.map(({ session }) => session?.sessionId));
        return newest.every((sessionId) => come.has(sessionId));
      }, 'the newest of all users have come');
      const left = watch.responses.at(-1)?.coalesced ?? 0;
      expect(left).toBeGreaterThan(0);
      expect(watch.changes.length + left).toBe(sent);
      watch.cancel();
    },
  );

  test('rejects a revision that is invalid or of another store', async () => {
    expect(await v1.watch({ everything: true, resumeRevision: 'nonsense' }).ended).toMatchObject({ code: 3 });
    const other = formatRevision([
      [5, 5],
      [6, 6],
      [7, 7],
    ]);
    expect(await v1.watch({ everything: true, resumeRevision: other }).ended).toMatchObject({ code: 11 });
  });

  test.each([
    [{}, 'start must name one of'],
    [{ everything: true, userIds: ['a'] }, 'start must name one of'],
    [{ userIds: [''] }, 'user_ids[0] must not be empty'],
    [{ userIds: Array.from({ length: 10_001 }, (_, i) => `u${i}`) }, 'user_ids must be at most 10,000'],
    [{ serverAddrs: ['a:1', ''] }, 'server_addrs[1] must not be empty'],
    [{ everything: true, initialState: true, resumeRevision: 'AQAA' }, 'initial_state cannot be combined'],
  ])('rejects an invalid start with field and rule: %#', async (start, rule) => {
    expect(await v1.watch(start).ended).toMatchObject({ code: 3, details: expect.stringContaining(rule) });
  });

  test('accepts updates only on a watch of users', async () => {
    const watch = v1.watch({ everything: true });
    await synced(watch);
    watch.update({ addUserIds: ['bob'] });
    expect(await watch.ended).toMatchObject({ code: 3, details: expect.stringContaining('watch of users') });
  });

  test('ends when the daemon stops, and can be resumed elsewhere', async () => {
    const watch = v1.watch({ everything: true });
    await synced(watch);
    const stopped = daemon.stop();
    expect(await watch.ended).toMatchObject({ code: 14 });
    await stopped;
  });
});

test('ends open and resumed watches with OUT_OF_RANGE when Redis loses the change log', async () => {
  const redis = await startRedis();
  const daemon = await startTestDaemon({ redis: redis.url });
  const clients = grpcClients(daemon.addr);
  const online = () => clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: SERVER });
  try {
    const watch = clients.v1.watch({ everything: true });
    await until(() => watch.syncs === 1, 'the watch is synced');
    await online();
    await until(() => watch.changes.length === 1, 'the change has arrived');
    const admin = new Redis(redis.url);
    await admin.flushall();
    admin.disconnect();
    expect(await watch.ended).toMatchObject({ code: 11 });
    await online();
    const resumed = clients.v1.watch({ everything: true, resumeRevision: watch.revision });
    expect(await resumed.ended).toMatchObject({
      code: 11,
      details: expect.stringContaining('the oldest revision is'),
    });
    const anew = clients.v1.watch({ everything: true, initialState: true });
    await until(() => anew.syncs === 1, 'the new watch is synced');
    expect(anew.snapshot).toMatchObject([{ userId: 'alice' }]);
    anew.cancel();
  } finally {
    clients.close();
    await daemon.remove();
    await redis.stop();
  }
});

test('detects a lost change log before it delivers later changes', async () => {
  const redis = await startRedis();
  const daemon = await startTestDaemon({ redis: redis.url });
  const clients = grpcClients(daemon.addr);
  const admin = new Redis(redis.url);
  const online = (sessionId: string) =>
    clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: SERVER, sessionId });
  try {
    const watch = clients.v1.watch({ everything: true });
    let isOver = false;
    void watch.ended.then(() => {
      isOver = true;
    });
    await until(() => watch.syncs === 1, 'the watch is synced');
    for (let i = 0; i < 20; i++) await online(`before-${i}`);
    await admin.flushall();
    for (let i = 0; !isOver; i++) await online(`after-${i}`);
    expect(await watch.ended).toMatchObject({ code: 11 });
    expect(sessionsOf(watch.changes, 'alice').filter((each) => each?.startsWith('after'))).toEqual([]);
  } finally {
    admin.disconnect();
    clients.close();
    await daemon.remove();
    await redis.stop();
  }
});

test('delivers each change once although the notification connection breaks repeatedly', async () => {
  const redis = await startRedis();
  const daemon = await startTestDaemon({ redis: redis.url });
  const clients = grpcClients(daemon.addr);
  const admin = new Redis(redis.url);
  try {
    const watch = clients.v1.watch({ everything: true });
    await until(() => watch.syncs === 1, 'the watch is synced');
    const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    const sessions = Array.from({ length: 100 }, (_, i) => `s${i}`);
    let killed = 0;
    for (const [i, sessionId] of sessions.entries()) {
      const login = { deviceId: 'phone', serverAddr: SERVER, sessionId };
      const logins = users.map((userId) => clients.v1.online({ userId, ...login }));
      if (i % 5 === 0) killed += Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
      await Promise.all(logins);
    }
    expect(killed).toBeGreaterThan(0);
    await until(() => watch.changes.length >= users.length * sessions.length, 'all changes have arrived');
    for (const userId of users) expect(sessionsOf(watch.changes, userId)).toEqual(sessions);
    watch.cancel();
  } finally {
    admin.disconnect();
    clients.close();
    await daemon.remove();
    await redis.stop();
  }
});

test('ends with OUT_OF_RANGE after a fail-over to a replica that missed changes', async () => {
  const [master, replica] = await Promise.all([startRedis(), startRedis()]);
  const proxy = await startProxy(master.port);
  const daemon = await startTestDaemon({ redis: `redis://127.0.0.1:${proxy.port}` });
  const clients = grpcClients(daemon.addr);
  const admin = new Redis(replica.url);
  const online = (sessionId: string) =>
    clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: SERVER, sessionId });
  try {
    const watch = clients.v1.watch({ userIds: ['alice'] });
    await until(() => watch.syncs === 1, 'the watch is synced');
    await admin.replicaof('127.0.0.1', master.port);
    await online('s1');
    await until(async () => (await admin.keys('*:u:alice')).length === 1, 'the replica has the login');
    await admin.replicaof('NO', 'ONE');
    await online('s2');
    await until(() => watch.changes.length === 2, 'the watch has received both changes');
    proxy.redirect(replica.port);
    expect(await watch.ended).toMatchObject({ code: 11 });
  } finally {
    admin.disconnect();
    clients.close();
    await daemon.remove();
    await proxy.close();
    await Promise.all([master.stop(), replica.stop()]);
  }
});

function sessionsOf(changes: Change__Output[], userId: string): (string | undefined)[] {
  return changes.filter((change) => change.userId === userId).map(({ session }) => session?.sessionId);
}

/** Changes of different users may arrive in any order. */
function order(watch: WatchStream, { userId }: { userId: string }): number {
  return watch.changes.findIndex((change) => change.userId === userId);
}
