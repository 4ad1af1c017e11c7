import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { STORE_DEFAULTS } from '../../src/presence/defaults.ts';
import { RedisStore } from '../../src/store/redis/RedisStore.ts';
import { login } from '../integration/store/contract/underTest.ts';
import { startCluster } from '../support/cluster.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startProxy } from '../support/proxy.ts';
import { startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { Following } from './following.ts';
import { Load } from './load.ts';

/** Moves a slot from one master to the other, as redis-cli does. */
class Resharding {
  readonly #from: Redis;
  readonly #to: Redis;
  readonly #slot: number;

  constructor(from: Redis, to: Redis, slot: number) {
    this.#from = from;
    this.#to = to;
    this.#slot = slot;
  }

  async begin(): Promise<void> {
    const [from, to] = await this.#ids();
    await this.#to.call('CLUSTER', 'SETSLOT', this.#slot, 'IMPORTING', from);
    await this.#from.call('CLUSTER', 'SETSLOT', this.#slot, 'MIGRATING', to);
  }

  /** Moves all present keys except the deadlines, which is the key that every script names. */
  async moveMost(): Promise<void> {
    const keys = await this.#keys();
    await this.#move(keys.filter((key) => !key.endsWith(':x')));
  }

  async end(): Promise<void> {
    for (let keys = await this.#keys(); keys.length > 0; keys = await this.#keys()) await this.#move(keys);
    const [, to] = await this.#ids();
    for (const node of [this.#to, this.#from]) await node.call('CLUSTER', 'SETSLOT', this.#slot, 'NODE', to);
  }

  #keys(): Promise<string[]> {
    return this.#from.call('CLUSTER', 'GETKEYSINSLOT', this.#slot, 100_000) as Promise<string[]>;
  }

  async #move(keys: string[]): Promise<void> {
    const { port } = this.#to.options as { port: number };
    await this.#from.call('MIGRATE', '127.0.0.1', port, '', 0, 30_000, 'KEYS', ...keys);
  }

  async #ids(): Promise<[string, string]> {
    const ids = await Promise.all([this.#from, this.#to].map((node) => node.call('CLUSTER', 'MYID')));
    return ids as [string, string];
  }
}

test('loses nothing while slots are moved under load; calls on these slots fail without a change', async () => {
  const cluster = await startCluster(2);
  disposables.push(() => cluster.stop());
  const [from, to] = cluster.nodes.map(({ url }) => new Redis(url)) as [Redis, Redis];
  disposables.push(() => [from, to].map((node) => node.disconnect()));
  const daemon = await startDaemon({ redis: cluster.url, keyPrefix: 'im:', shards: 4 });
  const client = await clientOf(daemon.addr);
  const following = new Following(client);
  await following.synced();
  // Creates deadlines in each shard.
  const timed = Array.from({ length: 40 }, (_, i) => `timed-${i}`);
  const timedLogin = { deviceId: 'phone', serverAddr: '10.0.0.1:9000', ttlMs: 3_600_000 };
  await Promise.all(timed.map((userId) => client.online({ ...timedLogin, userId })));
  const load = new Load(client);
  await load.proceed(300);

  const slots = await Promise.all([0, 1, 2, 3].map((shard) => from.cluster('KEYSLOT', `{${shard}}`)));
  const moving = slots.filter((slot) => slot < 8_192).map((slot) => new Resharding(from, to, slot));
  expect(moving.length).toBeGreaterThan(0);
  for (const resharding of moving) {
    const failed = load.failures.length;
    await resharding.begin();
    await resharding.moveMost();
    await until(() => load.failures.length > failed, 'calls on the moving slot fail');
    await load.proceed(100);
    await resharding.end();
  }
  await load.proceed(300);
  await load.stop();

  const unchanged = { code: 'UNAVAILABLE', message: expect.stringContaining('nothing was changed') };
  for (const failure of load.failures) expect(failure).toMatchObject(unchanged);
  expect(await load.lost()).toEqual([]);
  const online = load.acknowledged.size + timed.length;
  expect(await client.getStats()).toMatchObject({ usersOnline: online, devicesOnline: online });
  await until(() => following.sessions.size === online, 'the watch has received all logins');
  expect(following.losses).toBe(0);
});

test('does not resend a change when the connection breaks before the response', async () => {
  const proxy = await startProxy(0);
  disposables.push(() => proxy.close());
  const announced = ['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', `${proxy.port}`];
  const node = await startRedis('--cluster-enabled', 'yes', ...announced);
  disposables.push(() => node.stop());
  proxy.redirect(node.port);
  const admin = new Redis(node.url);
  disposables.push(() => admin.disconnect());
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  const url = `redis+cluster://127.0.0.1:${proxy.port}`;
  const store = new RedisStore({ ...STORE_DEFAULTS, url, shards: 1 });
  disposables.push(() => store.close());
  const isOpen = () =>
    store.open().then(
      () => true,
      () => false,
    );
  await until(isOpen, 'the cluster has its slots');
  await store.online(login());
  proxy.holdAnswers();
  const change = store.online(login({ deviceId: 'web' }));
  const outcome = expect(change).rejects.toThrow('the change may have been applied');
  await until(() => admin.hexists('im:{0}:u:alice', 'web'), 'Redis has executed the login');
  proxy.cut();
  proxy.heal();
  await outcome;
  await until(() => store.getUser('alice').catch(() => undefined), 'the store responds again');
});

test('loses no change that replicas confirmed when a master is killed', async () => {
  const cluster = await startCluster(3, 3);
  disposables.push(() => cluster.stop());
  const daemon = await startDaemon({ redis: cluster.url, keyPrefix: 'im:', waitReplicas: 1 });
  const client = await clientOf(daemon.addr);
  const load = new Load(client);
  await load.proceed(300);
  await cluster.nodes[0]?.kill();
  await until(() => load.failures.length > 0, 'calls fail because of the lost master');
  await load.proceed(300);
  expect(await load.lost()).toEqual([]);
  await load.stop();
});
