import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { STORE_DEFAULTS } from '../../src/presence/defaults.ts';
import { RedisStore } from '../../src/store/redis/RedisStore.ts';
import { login } from '../integration/store/contract/underTest.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { failedStart } from '../support/failedStart.ts';
import { spawnImstate } from '../support/imstate.ts';
import { startSentinels, type TestSentinels } from '../support/sentinels.ts';
import { NOBODY, temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { Following } from './following.ts';
import { Load } from './load.ts';

test('keeps connections to a master whose name has several addresses', async () => {
  const redis = await startSentinels(0, ['--bind', '127.0.0.1', '127.0.0.2'], 'localhost');
  disposables.push(() => redis.stop());
  const folder = await temporaryDirectory();
  const resolver = fileURLToPath(new URL('../support/rotatingLookup.mjs', import.meta.url));
  const daemon = spawnImstate(['serve', '--port', '0', '--data-dir', folder.path, '--redis', redis.url], {
    NODE_OPTIONS: `--import ${resolver}`,
  });
  const master = new Redis(redis.master.port, { protocol: 2, enableReadyCheck: false });
  disposables.push(async () => {
    daemon.signal('SIGKILL');
    await daemon.ended;
    await folder.remove();
    master.disconnect();
  });
  await until(() => daemon.stdout().includes('service'), 'the daemon is ready');
  const connections = async () => String(await master.client('LIST')).match(/^id=\d+ (?=.* name=imstate )/gm);
  const before = await connections();
  expect(before).not.toBeNull();
  const lookups = () => daemon.stderr().split('looked up').length - 1;
  await until(() => lookups() >= 60, 'three Sentinels have been queried twenty times');
  expect(await connections()).toEqual(before);
});

describe('a master that Sentinels replace', () => {
  let redis: TestSentinels;

  beforeEach(async () => {
    redis = await startSentinels();
    disposables.push(() => redis.stop());
  });

  test.each([
    ['killed', () => redis.master.kill()],
    ['frozen', async () => redis.master.freeze()],
  ])('%s under load: service resumes without loss of acknowledged logins', async (_, fail) => {
    const daemons = await Promise.all(
      [1, 2].map(() => startDaemon({ redis: redis.url, keyPrefix: 'im:', waitReplicas: 1 })),
    );
    const client = await clientOf(...daemons.map(({ addr }) => addr));
    const following = new Following(client);
    await following.synced();
    const load = new Load(client);
    await load.proceed(300);
    await fail();
    await until(() => load.failures.length > 0, 'calls fail because of the lost master');
    await load.proceed(300);
    redis.master.thaw();
    await load.proceed(300);
    await load.stop();

    expect(load.failures.filter(({ code }) => code !== 'UNAVAILABLE')).toEqual([]);
    // A daemon that connects to the returning old master reads old data until the Sentinels agree.
    await until(async () => (await load.lost()).length === 0, 'all acknowledged users are online');
    const isReceived = ([userId, sessionId]: [string, string]) =>
      following.sessions.get(userId) === sessionId;
    await until(
      () => [...load.acknowledged].every(isReceived),
      'the watch has received all acknowledged logins',
    );
  });

  test('receives notifications of the new master after the old one freezes', async () => {
    const store = new RedisStore({ ...STORE_DEFAULTS, url: redis.url, shards: 1 });
    disposables.push(() => store.close());
    await store.open();
    let notifications = 0;
    disposables.push(
      store.changeLog().onGrowth(() => {
        notifications += 1;
      }),
    );
    const change = (round: number) => store.online(login({ sessionId: `s${round}` })).catch(() => undefined);
    let round = 0;
    const isNotifiedAfter = (before: number) => async () => {
      await change(++round);
      return notifications > before;
    };
    await until(isNotifiedAfter(0), 'a notification arrives');
    redis.master.freeze();
    await until(() => change(++round).then((result) => !result), 'calls fail because of the lost master');
    await until(isNotifiedAfter(notifications), 'a notification arrives again');
  });
});

test('disconnects from a replaced master that still claims to be a master', async () => {
  // Sentinels cannot demote this master.
  const withoutDemotion = [
    '--rename-command',
    'SLAVEOF',
    'disabled1',
    '--rename-command',
    'REPLICAOF',
    'disabled2',
  ];
  const redis = await startSentinels(1, withoutDemotion);
  disposables.push(() => redis.stop());
  const store = new RedisStore({ ...STORE_DEFAULTS, url: redis.url, shards: 1 });
  disposables.push(() => store.close());
  await store.open();
  await store.online(login({ userId: 'before', sessionId: 'before' }));
  const open = (port: number) => {
    const connection = new Redis(port, { protocol: 2, enableReadyCheck: false });
    disposables.push(() => connection.disconnect());
    return connection;
  };
  const [sentinel, replica] = [
    open(redis.sentinels[0]?.port as number),
    open(redis.replicas[0]?.port as number),
  ];
  const replace = () => sentinel.call('SENTINEL', 'FAILOVER', 'presence').catch(() => undefined);
  await until(replace, 'the master is replaced');
  const reachesNewMaster = async () => {
    await store.online(login({ userId: 'after', sessionId: 'after' })).catch(() => undefined);
    return (await replica.keys('*:u:after')).length === 1;
  };
  await until(reachesNewMaster, 'logins reach the new master');
  expect(await open(redis.master.port).info('replication')).toContain('role:master');
});

describe('at the start', () => {
  test('fails with the reason if the Sentinels do not know the master', async () => {
    const redis = await startSentinels(0);
    disposables.push(() => redis.stop());
    const url = redis.url.replace('/presence', '/absence');
    expect(await failedStart({ redis: url })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/absence\/0 cannot be used.*No such master with that name/),
    });
  });

  test('fails with the reason if no Sentinel responds', async () => {
    const url = `redis+sentinel://${NOBODY}/presence`;
    expect(await failedStart({ redis: url })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('failed to connect to sentinel'),
    });
  });
});
