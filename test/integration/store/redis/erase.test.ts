import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { disposables } from '../../../support/disposables.ts';
import { startRedis } from '../../../support/servers.ts';
import { login, STORE_OPTIONS } from '../contract/underTest.ts';

/** More than one script call copies. */
const CHANGES = 3_500;
/** The TTL of a key that does not exist. */
const NONE = -2;

/** Removes entries from the end of a stream; replies in how many milliseconds it expires, -2 if there is none. */
const DAMAGE = `
  local ttl = redis.call('PTTL', KEYS[1])
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
  for _, entry in ipairs(newest) do redis.call('XDEL', KEYS[1], entry[1]) end
  if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1]) end
  return ttl
`;

async function storeOnOwnRedis() {
  const server = await startRedis();
  disposables.push(() => server.stop());
  const redis = new Redis(server.url);
  disposables.push(() => redis.disconnect());
  const store = new RedisStore({ url: server.url, keyPrefix: 'im:', shards: 1, ...STORE_OPTIONS });
  disposables.push(() => store.close());
  await store.open();
  return { redis, store };
}

test.each(['is lost', 'loses its last entries'])(
  'begins again if the copy of the change log %s',
  async (how) => {
    const { redis, store } = await storeOnOwnRedis();
    const logins = Array.from({ length: CHANGES }, (_, i) => login({ sessionId: `s${i}` }));
    await store.apply(logins.map((request) => ({ type: 'online', request })));
    const [key = ''] = await redis.keys('im:*:e');
    const entries = await redis.xrange(key, '-', '+');

    // As a failover does between two parts.
    const damage = () => redis.eval(DAMAGE, 1, `${key}:copy`, how === 'is lost' ? CHANGES : 10);
    const erasure = store.eraseUser('bob');
    let isOver = false;
    const over = erasure.then(() => {
      isOver = true;
    });
    let ttl = NONE;
    while (!isOver && ttl === NONE) ttl = Number(await damage());
    await over;
    expect(ttl).toBeGreaterThan(0);
    expect(await erasure).toMatchObject({ changes: 0, left: 0 });
    expect((await redis.xrange(key, '-', '+')).map(([id]) => id)).toEqual(entries.map(([id]) => id));
    expect(await redis.ttl(key)).toBe(-1);
    expect(await redis.exists(`${key}:copy`, `${key}:lock`)).toBe(0);
  },
);

test('erases a user in a Redis that is full', async () => {
  const { redis, store } = await storeOnOwnRedis();
  await store.online(login());
  await store.evictUser('alice', '');
  await redis.config('SET', 'maxmemory', '1');
  const pseudonym = await store.pseudonymOf('alice');
  expect(await store.eraseUser('alice')).toMatchObject({ left: 0, devicesOnline: 0 });
  expect(await store.eraseFromAudit('alice', pseudonym)).toBe(0);
  expect(await store.pseudonymOf('alice')).toBe(pseudonym);
});

test('an erased change is not taken for the begin of the change log', async () => {
  const { store } = await storeOnOwnRedis();
  const changeLog = store.changeLog();
  await store.online(login());
  await store.offline({ userId: 'alice', deviceId: 'phone', sessionId: undefined, graceMs: 0 });
  // Older changes may be gone: the log has no entry before this one.
  expect(await changeLog.positionBefore(0, 0)).toBeUndefined();
  await store.eraseUser('alice');
  expect(await changeLog.positionBefore(0, 0)).toBeUndefined();
});
