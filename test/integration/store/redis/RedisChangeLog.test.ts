import { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import type { ChangeLogEntry, LogPosition } from '../../../../src/store/changeLog.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { disposables } from '../../../support/disposables.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';
import { login } from '../contract/underTest.ts';

const CHANGE_LOG = 'im:{0}:e';
const KEPT = {
  retentionMs: 60_000,
  historyLimit: 100,
  historyRetentionMs: 60_000,
  historyIp: 'prefix' as const,
  changeLimit: 10_000,
  auditLimit: 100,
  maxDevices: 1_000,
};

let redis: Redis;

beforeEach(async () => {
  const server = await startRedis();
  disposables.push(() => server.stop());
  redis = new Redis(server.url);
  disposables.push(() => redis.disconnect());
});

test('reads changes of notifications without a call to Redis', async () => {
  const { store, notifications, position } = await listening();
  for (let i = 0; i < 5; i++) await store.online(login({ sessionId: `s${i}` }));
  await until(() => notifications.length === 5, 'all notifications have arrived');
  const calls = await scriptCalls();
  expect(sessionsIn(await store.changeLog().read(0, position, 3))).toEqual(['s0', 's1', 's2']);
  expect(await scriptCalls()).toBe(calls);
});

test('reads the change log from Redis after a gap', async () => {
  const { store, notifications, position } = await listening();
  await store.online(login({ sessionId: 's0' }));
  // As if the notification of another script were lost.
  await redis.xadd(CHANGE_LOG, '*', 'm', '', 'c', '');
  await store.online(login({ sessionId: 's1' }));
  await until(() => notifications.length === 2, 'both notifications have arrived');
  const calls = await scriptCalls();
  expect(sessionsIn(await store.changeLog().read(0, position, 9))).toEqual(['s0', 's1']);
  expect(await scriptCalls()).toBe(calls + 1);
});

test('gives entries of a new change log positions that differ from lost ones', async () => {
  const store = await open();
  const changeLog = store.changeLog();
  for (const begin of [() => store.online(login()), () => changeLog.ends(0)]) {
    // The loss and the new entry often fall within one millisecond.
    for (let i = 0; i < 200; i++) {
      await begin();
      const lost = await newestOf(store);
      await redis.flushall();
      await begin();
      const [, number] = await newestOf(store);
      expect(number).toBeGreaterThan(0);
      expect(await changeLog.read(0, lost, 9)).toBeUndefined();
      await redis.flushall();
    }
  }
});

test('an emptied change log whose last ID is in the future takes further changes', async () => {
  const store = await open();
  await redis.xadd(CHANGE_LOG, `${Date.now() + 1_000_000}-0`, 'm', '', 'c', '');
  await redis.xtrim(CHANGE_LOG, 'MAXLEN', 0);
  const { oldest } = await store.changeLog().ends(0);
  await redis.xtrim(CHANGE_LOG, 'MAXLEN', 0);
  await store.online(login({ sessionId: 's1' }));
  const { newest } = await store.changeLog().ends(0);
  expect(newest[0]).toBe(oldest[0]);
  expect(newest[1]).toBeGreaterThan(oldest[1]);
});

test('publishes only the shard if the changes are too large, and reads them from Redis', async () => {
  const { store, notifications, position } = await listening();
  const messages: string[] = [];
  const subscriber = redis.duplicate();
  disposables.push(() => subscriber.disconnect());
  subscriber.on('message', (_, message) => messages.push(message));
  await subscriber.subscribe('im:bell');
  const users = Array.from({ length: 128 }, (_, i) => `${'long-'.repeat(24)}${i}`);
  await store.apply(users.map((userId) => ({ type: 'online', request: login({ userId }) })));
  await until(() => messages.length > 0 && notifications.length > 0, 'the notification has arrived');
  // The format that older daemons understand.
  expect(messages).toEqual(['0']);
  expect(notifications).toEqual([0]);
  const found = await store.changeLog().read(0, position, 1_000);
  expect(found?.entries.map(({ change }) => change.userId)).toEqual(users);
});

test('ignores notifications of another database', async () => {
  const { store, notifications } = await listening();
  const other = await open('/1');
  await other.online(login({ userId: 'bob' }));
  await store.online(login({ sessionId: 's1' }));
  await until(() => notifications.length > 0, 'the notification has arrived');
  expect(notifications).toEqual([0]);
});

test('executes changes whose notification Redis denies', async () => {
  await redis.call('ACL', 'SETUSER', 'imstate', 'on', '>secret', '~*', '+@all', 'resetchannels');
  const store = await open('', 'imstate:secret@');
  await store.online(login());
  expect(await store.getUser('alice')).toMatchObject([{ sessionId: 's1', online: true }]);
});

/** A store of one shard with notifications, and the current end of its change log. */
async function listening() {
  const store = await open();
  const changeLog = store.changeLog();
  const notifications: number[] = [];
  disposables.push(changeLog.onGrowth((shard) => notifications.push(shard)));
  let tries = 0;
  await until(async () => {
    await store.online(login({ sessionId: `try-${tries++}` }));
    return notifications.length > 0;
  }, 'the first notification arrives');
  // Published after the notifications of all tries.
  await redis.publish('im:bell', '99');
  await until(() => notifications.includes(99), 'all earlier notifications have arrived');
  notifications.length = 0;
  return { store, notifications, position: await newestOf(store) };
}

async function open(database = '', credentials = ''): Promise<RedisStore> {
  const url = `redis://${credentials}127.0.0.1:${redis.options.port}${database}`;
  const store = new RedisStore({ url, keyPrefix: 'im:', shards: 1, ...KEPT });
  disposables.push(() => store.close());
  await store.open();
  return store;
}

async function newestOf(store: RedisStore): Promise<LogPosition> {
  return (await store.changeLog().ends(0)).newest;
}

async function scriptCalls(): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
}

function sessionsIn(page: { entries: ChangeLogEntry[] } | undefined): (string | undefined)[] | undefined {
  return page?.entries.map(({ change }) => change.began?.sessionId);
}
