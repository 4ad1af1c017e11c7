import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { connect } from '../../packages/client/src/index.ts';
import { disposables, startDaemon } from '../support/disposables.ts';
import { startEtcdCluster } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { Load } from './load.ts';

/** Asks the JSON API of a node whether it is the leader. */
async function leads({ host }: { host: string }): Promise<boolean> {
  const response = await fetch(`http://${host}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  const { leader, header } = (await response.json()) as { leader?: string; header: { member_id: string } };
  return leader === header.member_id;
}

test('no call fails and daemons can start and stop when the leader of three nodes is killed', async () => {
  const nodes = await startEtcdCluster(3);
  disposables.push(() => Promise.all(nodes.map((node) => node.stop())));
  const etcd = nodes.map(({ host }) => host).join(',');
  const shared = {
    etcd,
    service: 'im/state-server',
    redis: inject('redisUrl'),
    keyPrefix: `test-${randomUUID()}:`,
  };
  const first = await startDaemon(shared);
  const client = await connect({ etcd, timeoutMs: 30_000 });
  disposables.push(() => client.close());
  const load = new Load(client);
  disposables.push(() => load.stop());
  await load.proceed(100);

  const led = await Promise.all(nodes.map(leads));
  const leader = nodes[led.indexOf(true)];
  await leader?.kill();
  await load.proceed(300);
  const raw = new Etcd3({
    hosts: nodes.filter((node) => node !== leader).map(({ host }) => `http://${host}`),
  });
  disposables.push(() => raw.close());
  const listed = () =>
    raw
      .getAll()
      .prefix(`${shared.service}/`)
      .keys()
      .catch(() => []);
  await until(async () => (await listed()).length === 1, 'a new leader lists the entry');
  const second = await startDaemon(shared);
  await until(async () => (await listed()).length === 2, 'a new daemon is registered');
  await load.proceed(300);
  await first.stop();
  await until(
    async () => (await listed()).join() === `${shared.service}/${second.addr}`,
    'the stopped daemon has deregistered',
  );
  await load.proceed(300);
  await load.stop();
  expect(load.failures).toEqual([]);
});
