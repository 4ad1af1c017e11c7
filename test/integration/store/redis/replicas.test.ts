import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { STORE_DEFAULTS } from '../../../../src/presence/defaults.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { disposables } from '../../../support/disposables.ts';
import { startProxy, type TcpProxy } from '../../../support/proxy.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';
import { keepAlive, login, logout } from '../contract/underTest.ts';

const UNSAFE = {
  code: 'STORE_UNAVAILABLE',
  message: expect.stringMatching(/the change was made, but.*only 0 of 1/),
};

describe('with one replica that must confirm each change', () => {
  let store: RedisStore;
  let link: TcpProxy;
  let replica: Redis;

  beforeEach(async () => {
    const [master, copy] = await Promise.all([startRedis('--repl-diskless-sync-delay', '0'), startRedis()]);
    disposables.push(() => Promise.all([master.stop(), copy.stop()]));
    link = await startProxy(master.port);
    disposables.push(() => link.close());
    replica = new Redis(copy.url);
    disposables.push(() => replica.disconnect());
    await replica.replicaof('127.0.0.1', link.port);
    const isUp = async () => (await replica.info('replication')).includes('master_link_status:up');
    await until(isUp, 'the replica has its first copy');
    store = new RedisStore({ ...STORE_DEFAULTS, url: master.url, shards: 4, waitReplicas: 1 });
    disposables.push(() => store.close());
    await store.open();
  });

  /** Logs in until the replica confirms: on a busy machine, a confirmation may be late. */
  async function acknowledged(changes: Parameters<typeof login>[0] = {}): Promise<void> {
    const isSafe = () => store.online(login(changes)).catch(() => false);
    await until(isSafe, `the replica has the login ${JSON.stringify(changes)}`);
  }

  const users = Array.from({ length: 50 }, (_, i) => `user-${i}`);

  test('an acknowledged change is on the replica', async () => {
    for (const userId of users) {
      await acknowledged({ userId });
      const [key] = await replica.keys(`im:*:u:${userId}`);
      expect(await replica.hexists(key as string, 'phone')).toBe(1);
    }
  });

  test('without the replica, changes fail as made but not safe, reads succeed, and it recovers', async () => {
    await acknowledged();
    link.pause();
    const changes = [
      ...users.map((userId) => store.online(login({ userId }))),
      store.keepServerAlive(keepAlive()),
      store.offline(logout()),
    ];
    for (const outcome of await Promise.allSettled(changes))
      expect(outcome).toMatchObject({ reason: UNSAFE });
    await expect(store.evictServer(login().serverAddr)).rejects.toMatchObject(UNSAFE);
    expect(await store.getUser('user-1')).toHaveLength(1);
    // A sweep does not report unconfirmed changes.
    await store.sweep();
    await store.check();
    link.heal();
    await acknowledged({ sessionId: 's2' });
    expect(await store.getUser('alice')).toMatchObject([{ sessionId: 's2', online: true }]);
  });
});
