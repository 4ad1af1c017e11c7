import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Etcd3 } from 'etcd3';
import { describe, expect, inject, test } from 'vitest';
import { connect } from '../../packages/client/src/index.ts';
import { eachWithStore, keepAlive, login, START } from '../integration/store/contract/underTest.ts';
import { makeEmbeddedStore, makeRedisStore } from '../integration/store/stores.ts';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { startProgram } from '../support/imstate.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;
const SERVER = { addr: '10.0.0.1:9000', incarnation: 1 };

describe.each([
  ['Redis', makeRedisStore],
  ['embedded', makeEmbeddedStore],
])('the clock of the %s store', (_, makeStore) => {
  const fixture = eachWithStore(makeStore);
  const alive = async () => {
    const { resyncToken } = await fixture.store.keepServerAlive(
      keepAlive({ incarnation: SERVER.incarnation }),
    );
    await fixture.store.keepServerAlive(
      keepAlive({ incarnation: SERVER.incarnation, resynced: resyncToken }),
    );
  };

  test.each([
    ['forward', HOUR],
    ['back', -HOUR],
  ])('jumps %s: chat servers keep their sessions, and changes keep their order', async (_direction, jump) => {
    const { store, underTest } = fixture;
    await alive();
    await store.online(login({ incarnation: SERVER.incarnation }));
    const changeLog = store.changeLog();
    const shard = changeLog.shardOf('alice');
    const before = await changeLog.ends(shard);

    await fixture.sweepAll();
    underTest.setClock(START + jump);
    await fixture.sweepAll();
    await alive();
    await fixture.sweepAll();
    expect(await store.getDevice('alice', 'phone')).toMatchObject({ online: true, sessionId: 's1' });
    await store.online(login({ sessionId: 's2', incarnation: SERVER.incarnation }));
    await store.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's2', graceMs: 0 });
    const { entries = [] } = (await changeLog.read(shard, before?.newest ?? [0, 0], 10)) ?? {};
    const order = entries.map(({ change: { began, ended } }) => began?.sessionId ?? `-${ended?.sessionId}`);
    expect(order).toEqual(['s2', '-s2']);
    expect(await store.getHistory('alice')).toMatchObject([{ sessionId: 's2' }, { sessionId: 's1' }]);
  });

  test('jumps forward: a session whose time to live is over by that clock has ended', async () => {
    await fixture.store.online(login({ ttlMs: 60_000 }));
    fixture.underTest.setClock(START + 90_000);
    expect(await fixture.store.getDevice('alice', 'phone')).toMatchObject({
      online: false,
      endReason: 'EXPIRED',
    });
  });
});

test('watches and the registration continue when the clock of a daemon is set back', async () => {
  const [etcd, service] = [inject('etcdHost'), `test/${randomUUID()}`];
  const clock = fileURLToPath(new URL('../support/jumpingClock.mjs', import.meta.url));
  const flags = [
    'serve',
    '--port',
    '0',
    '--redis',
    inject('redisUrl'),
    '--key-prefix',
    `test-${randomUUID()}:`,
  ];
  flags.push('--etcd', etcd, '--service', service, '--lease-ttl', '2s');
  const daemon = await startProgram(flags, { env: { NODE_OPTIONS: `--import=${clock}` } });
  disposables.push(() => daemon.kill());
  const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
  disposables.push(() => client.close());
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  const watch = clients.v1.watch({ userIds: ['alice'], initialState: true });
  await until(() => watch.syncs > 0, 'the watch is synced');

  daemon.signal('SIGUSR2');
  const received = watch.responses.length;
  await until(() => watch.responses.length > received, 'the watch sends a keep-alive response');
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: SERVER.addr });
  await until(() => watch.changes.length === 1, 'the watch receives the change');
  const raw = new Etcd3({ hosts: `http://${etcd}` });
  disposables.push(() => raw.close());
  await raw.delete().all().prefix(`${service}/`).exec();
  await until(() => raw.get(`${service}/${daemon.addr}`).string(), 'the entry is written again');
});
