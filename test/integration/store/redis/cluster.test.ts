import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { auditRecord } from '../../../support/auditRecord.ts';
import { startCluster, type TestCluster } from '../../../support/cluster.ts';
import { until } from '../../../support/until.ts';
import { keepAlive, login, logout, STORE_OPTIONS } from '../contract/underTest.ts';

let cluster: TestCluster;
let store: RedisStore;

const OPTIONS = {
  ...STORE_OPTIONS,
  keyPrefix: 'im:',
  shards: undefined,
  retentionMs: 60_000,
  historyRetentionMs: 60_000,
  auditLimit: 100,
};

beforeAll(async () => {
  cluster = await startCluster(3);
  store = new RedisStore({ ...OPTIONS, url: cluster.url });
  await until(
    () =>
      store.open().then(
        () => true,
        () => false,
      ),
    'the cluster has agreed on its slots',
  );
});

afterAll(async () => {
  await store?.close();
  await cluster?.stop();
});

test('sessions, leases, listings and sweeps work across the masters of a cluster', async () => {
  const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => store.online(login({ userId }))));
  expect(await store.getStats()).toMatchObject({ users: 200, devices: 200 });
  const { sessions } = await store.listSessions({ serverAddr: undefined, limit: 1_000, after: undefined });
  expect(sessions.map(({ userId }) => userId).sort()).toEqual([...users].sort());
  const { resyncToken } = await store.keepServerAlive(keepAlive());
  expect(resyncToken.split(',')).toHaveLength(16);
  await Promise.all(users.slice(0, 50).map((userId) => store.online(login({ userId }))));
  await store.keepServerAlive(keepAlive({ resynced: resyncToken }));
  while (await store.sweep());
  expect(await store.getStats()).toMatchObject({ devices: 50 });
  await store.offline(logout({ userId: 'user-7' }));
  expect(await store.getHistory('user-7')).toMatchObject([{ endReason: 'LOGOUT' }]);
});

test('raises the feature level, which one master keeps, for all daemons of a cluster', async () => {
  const { nodes } = cluster;
  const other = new RedisStore({ ...OPTIONS, url: cluster.url });
  await other.open();
  try {
    await store.raiseFeatureLevel(2);
    await other.check();
    expect([store.featureLevel, other.featureLevel]).toEqual([2, 2]);
    const answers = await Promise.all(nodes.map(({ port }) => levelAt(port)));
    expect(answers.filter((answer) => answer !== 'elsewhere')).toEqual(['2']);
  } finally {
    await other.close();
  }
});

/** What this node has as version of the layout. */
async function levelAt(port: number): Promise<string | null> {
  const node = new Redis(port);
  try {
    return await node.hget('im:layout', 'version').catch(() => 'elsewhere');
  } finally {
    node.disconnect();
  }
}

test('reads change logs and receives notifications of every master', async () => {
  const changeLog = store.changeLog();
  const before = await Promise.all(
    Array.from({ length: changeLog.shards }, (_, shard) => changeLog.ends(shard)),
  );
  const notified = new Set<number>();
  const end = changeLog.onGrowth((shard) => notified.add(shard));
  const users = Array.from({ length: 100 }, (_, i) => `watched-${i}`);
  const shards = new Set(users.map((userId) => changeLog.shardOf(userId)));
  let round = 0;
  await until(async () => {
    round += 1;
    await Promise.all(users.map((userId) => store.online(login({ userId, sessionId: `s${round}` }))));
    return notified.size === shards.size;
  }, 'notifications of every shard have arrived');
  end();
  const read = await Promise.all(before.map(({ newest }, shard) => changeLog.read(shard, newest, 10_000)));
  const changes = read.flatMap((page) => page?.entries ?? []);
  expect(changes).toHaveLength(100 * round);
});

test('keeps, lists and erases the audit trail on the master that has its key', async () => {
  const ids = Array.from({ length: 150 }, (_, i) => `id-${i}`);
  for (const id of ids) await store.recordAudit(auditRecord({ id }));
  await store.recordAudit(auditRecord({ id: 'id-149' }), true);
  const first = await store.listAudit({ limit: 60, after: undefined });
  const second = await store.listAudit({ limit: 60, after: first.at(-1) });
  expect([...first, ...second].map(({ id }) => id)).toEqual(ids.slice(-100).reverse());
  expect(await store.eraseFromAudit('alice', 'erased')).toBe(100);
  const [newest] = await store.listAudit({ limit: 1, after: undefined });
  expect(newest?.target).toEqual({ type: 'user', userId: 'erased' });
});
