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
  changeLimit: 10_000,
  maxDevices: 1_000,
};

let redis: Redis;

beforeEach(async () => {
  const server = await startRedis();
  disposables.push(() => server.stop());
  redis = new Redis(server.url);
  disposables.push(() => redis.disconnect());
});

test('what the messages brought is read without a call of Redis', async () => {
  const { store, rings, place } = await listening();
  for (let i = 0; i < 5; i++) await store.online(login({ sessionId: `s${i}` }));
  await until(() => rings.length === 5, 'all changes were heard of');
  const calls = await scriptCalls();
  expect(sessionsIn(await store.changeLog().read(0, place, 3))).toEqual(['s0', 's1', 's2']);
  expect(await scriptCalls()).toBe(calls);
});

test('across a gap the change log is read from Redis', async () => {
  const { store, rings, place } = await listening();
  await store.online(login({ sessionId: 's0' }));
  // As if another script's message had been lost.
  await redis.xadd(CHANGE_LOG, '*', 'm', '', 'c', '');
  await store.online(login({ sessionId: 's1' }));
  await until(() => rings.length === 2, 'both changes were heard of');
  const calls = await scriptCalls();
  expect(sessionsIn(await store.changeLog().read(0, place, 9))).toEqual(['s0', 's1']);
  expect(await scriptCalls()).toBe(calls + 1);
});

test('no entry of a change log that begins anew has the position of a lost one', async () => {
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

test('changes that are too much for a message ring the bell alone, and are read from Redis', async () => {
  const { store, rings, place } = await listening();
  const heard: string[] = [];
  const bell = redis.duplicate();
  disposables.push(() => bell.disconnect());
  bell.on('message', (_, message) => heard.push(message));
  await bell.subscribe('im:bell');
  const users = Array.from({ length: 128 }, (_, i) => `${'long-'.repeat(24)}${i}`);
  await store.apply(users.map((userId) => ({ kind: 'online', of: login({ userId }) })));
  await until(() => heard.length > 0 && rings.length > 0, 'the bell has rung');
  // What a daemon of an older imstate understands, too.
  expect(heard).toEqual(['0']);
  expect(rings).toEqual([0]);
  const found = await store.changeLog().read(0, place, 1_000);
  expect(found?.entries.map(({ change }) => change.userId)).toEqual(users);
});

test('the changes of another database are not heard', async () => {
  const { store, rings } = await listening();
  const other = await open('/1');
  await other.online(login({ userId: 'bob' }));
  await store.online(login({ sessionId: 's1' }));
  await until(() => rings.length > 0, 'the change was heard of');
  expect(rings).toEqual([0]);
});

test('a message that Redis refuses fails no change', async () => {
  await redis.call('ACL', 'SETUSER', 'imstate', 'on', '>secret', '~*', '+@all', 'resetchannels');
  const store = await open('', 'imstate:secret@');
  await store.online(login());
  expect(await store.getUser('alice')).toMatchObject([{ sessionId: 's1', online: true }]);
});

/** A store of one shard, whose change log is listened to, and the place up to which it has got. */
async function listening() {
  const store = await open();
  const changeLog = store.changeLog();
  const rings: number[] = [];
  disposables.push(changeLog.onNews((shard) => rings.push(shard)));
  let tries = 0;
  await until(async () => {
    await store.online(login({ sessionId: `try-${tries++}` }));
    return rings.length > 0;
  }, 'a change is heard of');
  // Behind the messages of all tries.
  await redis.publish('im:bell', '99');
  await until(() => rings.includes(99), 'the last try was heard of');
  rings.length = 0;
  return { store, rings, place: await newestOf(store) };
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
