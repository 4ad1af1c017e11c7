import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { shardOf } from '../../../../src/store/redis/shards.ts';
import { startRedis } from '../../../support/servers.ts';
import { login, logout } from '../contract/underTest.ts';
import { eachWithOwnPrefix } from './ownPrefix.ts';

const own = eachWithOwnPrefix();
const { makeStore } = own;

test('calculates the shard of a user as CRC16 of Redis Cluster, modulo the shards', () => {
  // The check value of CRC-16/XMODEM, and CLUSTER KEYSLOT of a non-ASCII name.
  expect(shardOf('123456789', 65_536)).toBe(0x31c3);
  expect(shardOf('用户', 16_384)).toBe(5_340);
});

test('tags all keys of a user with its shard, and stores sessions in the compact encoding', async () => {
  const store = makeStore();
  await store.open();
  await store.online(login({ sessionId: 'x'.repeat(16) }));
  await store.offline(logout());
  await store.online(login({ deviceId: 'web', sessionId: 'x'.repeat(16) }));
  const shard = `${own.keyPrefix}{${shardOf('alice', 16)}}:`;
  const keys = (await own.redis.keys(`${own.keyPrefix}*`)).filter((key) => key !== `${own.keyPrefix}layout`);
  const names = keys.map((key) => key.replace(shard, '').replace(/\d+$/, 'N'));
  expect(names.sort()).toEqual(['c', 'e', 'h:alice', 'n', 's:10.0.0.1:9000/N', 'u:alice', 'x']);
  for (const key of keys.filter((each) => /:[us]:/.test(each))) {
    expect(await own.redis.object('ENCODING', key)).toBe('listpack');
  }
});

test('claims the layout at first use, and checks it at every start', async () => {
  await makeStore({ shards: 4 }).open();
  expect(await own.redis.hgetall(`${own.keyPrefix}layout`)).toMatchObject({ version: '2', shards: '4' });
  await makeStore().open();
  await expect(makeStore({ shards: 16 }).open()).rejects.toMatchObject({ code: 'LAYOUT_MISMATCH' });
});

test.each([
  ['3', 'install the newer version that wrote it'],
  ['0', 'upgrade by way of a version in between'],
])('rejects the feature level %s, and names the way out', async (version, remedy) => {
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', version, 'shards', '4');
  await expect(makeStore().open()).rejects.toMatchObject({
    code: 'LAYOUT_MISMATCH',
    message: `the store has feature level ${version}, and this imstate supports 1 to 2: ${remedy}, or use another --key-prefix or database`,
  });
  expect(await own.redis.hget(`${own.keyPrefix}layout`, 'version')).toBe(version);
});

/** Opens a store that the first version created. */
async function openOld() {
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', '1', 'shards', '4');
  const store = makeStore();
  await store.open();
  return store;
}

const storedLevel = () => own.redis.hget(`${own.keyPrefix}layout`, 'version');

test('keeps the feature level until it is raised, and never lowers it', async () => {
  const [first, second] = [await openOld(), makeStore()];
  await second.open();
  expect([first.featureLevel, second.featureLevel]).toEqual([1, 1]);
  expect(await Promise.all([first.raiseFeatureLevel(2), second.raiseFeatureLevel(2)])).toContain(1);
  expect(await storedLevel()).toBe('2');
  expect(await second.raiseFeatureLevel(2)).toBe(2);
  expect(await first.raiseFeatureLevel(1)).toBe(2);
  expect(await first.getFeatureLevel()).toBe(2);
});

test('sees at the next check that another daemon raised the feature level', async () => {
  const [first, second] = [await openOld(), makeStore()];
  await second.open();
  await first.raiseFeatureLevel(2);
  expect(second.featureLevel).toBe(1);
  await second.check();
  expect(second.featureLevel).toBe(2);
});

test('claims a flushed Redis with the feature level that was in force', async () => {
  const store = await openOld();
  await own.redis.del(`${own.keyPrefix}layout`);
  await store.check();
  expect(await storedLevel()).toBe('1');
  await store.raiseFeatureLevel(2);
  await own.redis.del(`${own.keyPrefix}layout`);
  await store.check();
  expect(await storedLevel()).toBe('2');
});

test('restores a raised feature level that Redis lost, or that an older daemon claimed after a flush', async () => {
  const store = await openOld();
  await store.raiseFeatureLevel(2);
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', '1');
  await store.check();
  expect(await storedLevel()).toBe('2');
  await own.redis.del(`${own.keyPrefix}layout`);
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', '1', 'shards', '4');
  await store.check();
  expect(await storedLevel()).toBe('2');
});

test('leaves the feature level of another store alone that is in force at the same address', async () => {
  const store = await openOld();
  await store.raiseFeatureLevel(2);
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', '1', 'id', 'another');
  await store.check();
  expect(await storedLevel()).toBe('1');
  expect(store.featureLevel).toBe(1);
});

test('reports that Redis rejected the new feature level', async () => {
  const server = await startRedis();
  const admin = new Redis(server.url);
  try {
    await admin.hset(`${own.keyPrefix}layout`, 'version', '1', 'shards', '4');
    const store = makeStore({ url: server.url });
    await store.open();
    await admin.config('SET', 'maxmemory', '1');
    await expect(store.raiseFeatureLevel(2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(store.featureLevel).toBe(1);
    await admin.config('SET', 'maxmemory', '0');
    expect(await store.raiseFeatureLevel(2)).toBe(1);
    await store.close();
  } finally {
    admin.disconnect();
    await server.stop();
  }
});

test('separates stores with two prefixes', async () => {
  const [a, b] = [makeStore(), makeStore({ prefix: `${own.keyPrefix}other:` })];
  await Promise.all([a.open(), b.open()]);
  await a.online(login());
  expect(await b.getUser('alice')).toEqual([]);
});

test('claims a Redis that lost everything again with the same shards', async () => {
  const store = makeStore({ shards: 4 });
  await store.open();
  await own.redis.del(`${own.keyPrefix}layout`);
  await store.check();
  expect(await own.redis.hget(`${own.keyPrefix}layout`, 'shards')).toBe('4');
  await store.online(login());
  expect(await store.getDevice('alice', 'phone')).toMatchObject({ online: true });
});

test('fails only changes of a user with a foreign value under its key, and keeps the value', async () => {
  const store = makeStore({ shards: 1 });
  await store.open();
  await own.redis.set(`${own.keyPrefix}{0}:u:bob`, 'not ours');
  const outcomes = await Promise.allSettled([
    store.online(login()),
    store.online(login({ userId: 'bob' })),
    store.online(login({ userId: 'carol' })),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({
    reason: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('WRONGTYPE') },
  });
  expect(await own.redis.get(`${own.keyPrefix}{0}:u:bob`)).toBe('not ours');
});

test('fails only reads of a user with a foreign or damaged value', async () => {
  const store = makeStore({ shards: 1 });
  await store.open();
  await store.online(login());
  await own.redis.set(`${own.keyPrefix}{0}:u:bob`, 'not ours');
  await own.redis.hset(`${own.keyPrefix}{0}:u:carol`, 'phone', 'x');
  const outcomes = await Promise.allSettled([
    store.getUser('alice'),
    store.getUser('bob'),
    store.getUser('carol'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
});

test('rejects a different layout that was claimed after a flush, until it is restored', async () => {
  const store = makeStore({ shards: 4 });
  await store.open();
  await own.redis.hset(`${own.keyPrefix}layout`, 'shards', '8');
  expect(await store.check()).toMatchObject({
    shards: 4,
    unavailable: [0, 1, 2, 3],
    failure: { code: 'LAYOUT_MISMATCH' },
  });
  await expect(store.online(login())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(store.getUser('alice')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await own.redis.hset(`${own.keyPrefix}layout`, 'shards', '4');
  await store.check();
  await store.online(login());
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test('keeps one identity for all that open the store', async () => {
  const [first, second] = [makeStore(), makeStore()];
  expect(first.identity).toBeUndefined();
  await Promise.all([first.open(), second.open()]);
  expect(first.identity).toMatch(UUID);
  expect(second.identity).toBe(first.identity);
  expect(await own.redis.hget(`${own.keyPrefix}layout`, 'id')).toBe(first.identity);
  const other = makeStore({ prefix: `${own.keyPrefix}other:` });
  await other.open();
  expect(other.identity).not.toBe(first.identity);
});

test('creates an identity for a store of an older version', async () => {
  await own.redis.hset(`${own.keyPrefix}layout`, 'version', '1', 'shards', '4');
  const store = makeStore();
  await store.open();
  expect(await own.redis.hgetall(`${own.keyPrefix}layout`)).toEqual({
    version: '1',
    shards: '4',
    id: store.identity,
  });
});

test('restores the identity of a flushed store', async () => {
  const store = makeStore();
  await store.open();
  const { identity } = store;
  await own.redis.del(`${own.keyPrefix}layout`);
  await store.check();
  expect(await own.redis.hget(`${own.keyPrefix}layout`, 'id')).toBe(identity);
  expect(store.identity).toBe(identity);
});

test('prefers the identity in the store over a remembered one', async () => {
  const old = makeStore();
  await old.open();
  const before = old.identity;
  await own.redis.del(`${own.keyPrefix}layout`);
  const fresh = makeStore();
  await fresh.open();
  await Promise.all([old.check(), fresh.check()]);
  expect(old.identity).toBe(fresh.identity);
  expect(old.identity).not.toBe(before);
  await own.redis.del(`${own.keyPrefix}layout`);
  await old.check();
  expect(await own.redis.hget(`${own.keyPrefix}layout`, 'id')).toBe(fresh.identity);
});

test('uses a full Redis of an older version, and creates the identity when memory is available', async () => {
  const server = await startRedis();
  const admin = new Redis(server.url);
  const store = makeStore({ url: server.url });
  try {
    await admin.hset(`${own.keyPrefix}layout`, 'version', '1', 'shards', '4');
    await admin.config('SET', 'maxmemory', '1');
    await store.open();
    expect(store.identity).toBeUndefined();
    await admin.config('SET', 'maxmemory', '0');
    await store.check();
    expect(store.identity).toMatch(UUID);
  } finally {
    await store.close();
    admin.disconnect();
    await server.stop();
  }
});
