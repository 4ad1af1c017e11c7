import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { UserRead } from '../../../../src/store/operations.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { disposables } from '../../../support/disposables.ts';
import { startRedis } from '../../../support/servers.ts';
import { login } from '../contract/underTest.ts';

const MAX_DEVICES = 500;

test('leaves operations on a user with many records to the next script call', async () => {
  const server = await startRedis();
  disposables.push(() => server.stop());
  const redis = new Redis(server.url);
  disposables.push(() => redis.disconnect());
  const store = new RedisStore({
    url: server.url,
    keyPrefix: 'im:',
    shards: 1,
    retentionMs: 60_000,
    historyLimit: 100,
    historyRetentionMs: 60_000,
    historyIp: 'prefix',
    changeLimit: 10_000,
    auditLimit: 100,
    maxDevices: MAX_DEVICES,
  });
  disposables.push(() => store.close());
  await store.open();
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
  const large = Array.from({ length: MAX_DEVICES }, (_, i) => login({ userId: 'large', deviceId: `d${i}` }));
  for (const request of large) await store.online(request);

  const others = Array.from({ length: 100 }, (_, i) => ({
    type: 'online' as const,
    request: login({ userId: `user-${i}` }),
  }));
  for (const userId of ['user-0', 'large']) {
    const before = await calls();
    const read = { type: 'getUser' as const, request: { userId } };
    const tooMany = { type: 'online' as const, request: login({ userId, deviceId: 'further' }) };
    const answers = await store.apply([...others, read, tooMany]);
    expect((await calls()) - before).toBe(userId === 'large' ? 3 : 1);
    expect((answers[100] as UserRead).sessions).toHaveLength(userId === 'large' ? MAX_DEVICES : 1);
    expect(answers[101] instanceof Error).toBe(userId === 'large');
  }
});
