import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { probeEndpoint } from '../../../packages/client/src/connection/probe.ts';
import { STORE_DEFAULTS } from '../../../src/presence/defaults.ts';
import { RedisStore } from '../../../src/store/redis/RedisStore.ts';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

describe('a Redis that fails under a daemon', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let daemon: TestDaemon;
  let clients: ReturnType<typeof grpcClients>;

  beforeEach(async () => {
    redis = await startRedis('--appendonly', 'yes');
    daemon = await startTestDaemon({ redis: redis.url });
    clients = grpcClients(daemon.addr);
    await online();
  });

  afterEach(async () => {
    redis.thaw();
    clients.close();
    await daemon.remove();
    await redis.stop();
  });

  const online = () => clients.v1.online(LOGIN);
  const getUser = () => clients.v1.getUser({ userId: 'alice' });
  const health = async () => (await probeEndpoint(daemon.addr, { timeoutMs: 30_000 })).health;
  const serves = () =>
    until(async () => (await getUser().catch(() => undefined))?.online, 'the daemon serves again');

  test('killed: calls fail with UNAVAILABLE and the outcome, and health follows', async () => {
    await redis.kill();
    await expect(getUser()).rejects.toMatchObject({ code: 14 });
    await until(async () => (await health()) === 'NOT_SERVING', 'health is NOT_SERVING');
    await expect(online()).rejects.toMatchObject({
      code: 14,
      details: expect.stringMatching(/nothing was changed/),
    });
    await redis.restart();
    await serves();
    await until(async () => (await health()) === 'SERVING', 'health is SERVING');
  });

  test('frozen: a call fails within its deadline, later ones immediately, and the daemon recovers', async () => {
    redis.freeze();
    await expect(online()).rejects.toMatchObject({
      code: 14,
      details: expect.stringMatching(/may have been applied/),
    });
    await until(async () => (await health()) === 'NOT_SERVING', 'health is NOT_SERVING');
    await expect(getUser()).rejects.toMatchObject({ code: 14 });
    redis.thaw();
    await serves();
    await until(async () => (await health()) === 'SERVING', 'health is SERVING');
  });

  test('does not consider Redis unavailable after the daemon itself was blocked', async () => {
    const store = new RedisStore({ ...STORE_DEFAULTS, url: redis.url, keyPrefix: 'held:', shards: 1 });
    await store.open();
    const response = store.getUser('alice');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const until = Date.now() + 1_500;
    while (Date.now() < until);
    expect(await response).toEqual([]);
    await store.close();
  });

  test('full: a login fails with the reason, and existing data stays readable', async () => {
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    await admin.config('SET', 'maxmemory', '1');
    await expect(online()).rejects.toMatchObject({
      code: 14,
      details: expect.stringMatching(/OOM.*nothing was changed/),
    });
    expect(await getUser()).toMatchObject({ online: true });
    expect(await health()).toBe('SERVING');
    await admin.config('SET', 'maxmemory', '0');
    await online();
    admin.disconnect();
  });

  test('scripts flushed: calls continue', async () => {
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    await admin.script('FLUSH');
    admin.disconnect();
    await online();
    expect(await getUser()).toMatchObject({ online: true });
  });
});
