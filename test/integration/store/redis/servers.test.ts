import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { ChatServer } from '../../../../src/presence/servers.ts';
import type { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { disposables } from '../../../support/disposables.ts';
import { startRedis } from '../../../support/servers.ts';
import { keepAlive, login, logout } from '../contract/underTest.ts';
import { eachWithOwnPrefix } from './ownPrefix.ts';

const own = eachWithOwnPrefix();

async function openStore(): Promise<RedisStore> {
  const store = own.makeStore({ shards: 1 });
  await store.open();
  return store;
}

const key = (name: string) => `${own.keyPrefix}{0}:${name}`;

async function addrsOf(store: RedisStore): Promise<string[]> {
  const found: ChatServer[] = [];
  let after: string | undefined;
  do {
    const page = await store.listServers({ limit: 2, after });
    found.push(...page.servers);
    after = page.next;
  } while (after !== undefined);
  return found.map(({ serverAddr }) => serverAddr);
}

/** How often Redis executed each command since the statistics were reset. */
async function commandCounts(redis: Redis): Promise<Map<string, number>> {
  const stats = await redis.info('commandstats');
  return new Map(
    [...stats.matchAll(/^cmdstat_([^:|]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [
      name,
      Number(calls),
    ]),
  );
}

test('lists chat servers written by a version without the index of names', async () => {
  const store = await openStore();
  for (let i = 0; i < 5; i++) await store.online(login({ userId: `user-${i}`, serverAddr: `old-${i}:1` }));
  await store.keepServerAlive(keepAlive({ serverAddr: 'leased:1' }));
  await own.redis.del(key('n'));
  const all = ['leased:1', 'old-0:1', 'old-1:1', 'old-2:1', 'old-3:1', 'old-4:1'];
  expect(await addrsOf(await openStore())).toEqual(all);
  const { sessions } = await store.listSessions({ serverAddr: undefined, limit: 10, after: undefined });
  expect(sessions).toHaveLength(5);
});

test('lists chat servers correctly beside an older version', async () => {
  const store = await openStore();
  for (let i = 0; i < 3; i++) await store.online(login({ userId: `user-${i}`, serverAddr: `now-${i}:1` }));
  expect(await addrsOf(store)).toEqual(['now-0:1', 'now-1:1', 'now-2:1']);
  // As many are removed as added, so that the number of entries is equal.
  await own.redis.hset(key('c'), 's:old:1', 1);
  await own.redis.hdel(key('c'), 's:now-1:1');
  expect(await addrsOf(store)).toEqual(['now-0:1', 'now-2:1', 'old:1']);
});

test('corrects a platform counter that an older version decremented wrongly', async () => {
  const store = await openStore();
  for (let i = 0; i < 66; i++) {
    await store.online(login({ userId: `user-${i}`, sessionId: `s${i}`, platform: `platform-${i}` }));
  }
  // The end of the sessions beyond the limit, as in versions without a limit.
  for (const i of [64, 65]) {
    await own.redis.hincrby(key('c'), `p:platform-${i}`, -1);
    await own.redis.hincrby(key('c'), 'devices', -1);
  }
  const { byPlatform, devices } = await store.getStats();
  expect(devices).toBe(64);
  expect([...byPlatform.values()].reduce((sum, each) => sum + each, 0)).toBe(64);
  expect(byPlatform.get('other')).toBeUndefined();
  for (let i = 0; i < 64; i++) await store.offline(logout({ userId: `user-${i}` }));
  expect((await store.getStats()).byPlatform).toEqual(new Map());
});

test('reads a page with the same work, however many chat servers there are', async () => {
  // The statistics are those of the whole server.
  const server = await startRedis();
  disposables.push(() => server.stop());
  const redis = new Redis(server.url);
  disposables.push(() => redis.disconnect());
  const store = own.makeStore({ url: server.url, shards: 1 });
  await store.open();
  const logins = Array.from({ length: 3_000 }, (_, i) =>
    login({ userId: `user-${i}`, serverAddr: `server-${i}:1` }),
  );
  await Promise.all(logins.map((each) => store.online(each)));
  await store.listServers({ limit: 1, after: undefined });
  await redis.config('RESETSTAT');
  await store.listServers({ limit: 5, after: undefined });
  await store.listSessions({ serverAddr: undefined, limit: 5, after: undefined });
  const counts = await commandCounts(redis);
  for (const command of ['hgetall', 'hscan', 'hvals', 'scan', 'keys'])
    expect(counts.has(command)).toBe(false);
  // A page of servers reads sessions and leases of six; one of sessions opens buckets until it has five.
  expect(counts.get('hget')).toBeLessThan(100);
});

test('a drain is partial in a shard that lost the lease', async () => {
  const store = own.makeStore({ shards: 2 });
  await store.open();
  const { resyncToken } = await store.keepServerAlive(keepAlive());
  await store.keepServerAlive(keepAlive({ resynced: resyncToken }));
  const drain = { serverAddr: '10.0.0.1:9000', drain: { overMs: 60_000, graceMs: 30_000 } };
  expect(await store.drainServer(drain)).toMatchObject({ hasLease: true, isPartial: false });
  await own.redis.hdel(`${own.keyPrefix}{1}:l`, '10.0.0.1:9000');
  expect(await store.drainServer(drain)).toMatchObject({ hasLease: true, isPartial: true });
});
