import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EtcdRegistry } from '../../../../src/registry/etcd/EtcdRegistry.ts';
import { startEtcdCluster } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';
import { follow } from '../contract.ts';

/** Clients in a row: without attempts at other nodes, a third of them would fail. */
const CLIENTS = 100;
const ADDR = '127.0.0.1:7395';

let nodes: Awaited<ReturnType<typeof startEtcdCluster>>;
let service: string;
const warnings: string[] = [];

beforeEach(async () => {
  nodes = await startEtcdCluster(3);
  service = `test/${randomUUID()}`;
  warnings.length = 0;
});

afterEach(async () => {
  for (const node of nodes) node.thaw();
  await Promise.all(nodes.map((node) => node.stop()));
});

const hosts = (of = nodes) => of.map(({ host }) => host).join(',');
const makeRegistry = (etcd: string, user: { username?: string; password?: string } = {}) =>
  new EtcdRegistry({
    hosts: etcd,
    service,
    leaseTtlMs: 6_000,
    ...user,
    log: { info: () => {}, warn: (message) => void warnings.push(message) },
  });

/** Freezes the first node; resolves when the others have a leader again. */
async function freezeFirst(): Promise<void> {
  nodes[0]?.freeze();
  const rest = new Etcd3({ hosts: nodes.slice(1).map(({ host }) => `http://${host}`) });
  await until(
    () =>
      rest
        .put('probe')
        .value('')
        .catch(() => undefined),
    'the others have a leader',
  );
  rest.close();
}

test('no new client fails while one node of three is silent', async () => {
  const daemon = await makeRegistry(hosts());
  const registration = await daemon.register(ADDR);
  await freezeFirst();
  for (let i = 0; i < CLIENTS; i++) {
    const client = await makeRegistry(hosts());
    expect(await client.list()).toEqual([{ addr: ADDR, metadata: null }]);
    await client.close();
  }
  await registration.close();
  await daemon.close();
}, 180_000);

test('daemons register and keep their lease while one of two named nodes is silent', async () => {
  await freezeFirst();
  for (let i = 0; i < 10; i++) {
    const daemon = await makeRegistry(hosts(nodes.slice(0, 2)));
    await (await daemon.register(ADDR)).close();
    await daemon.close();
  }
  const daemon = await makeRegistry(hosts(nodes.slice(0, 2)));
  const registration = await daemon.register(ADDR);
  const raw = new Etcd3({ hosts: `http://${nodes[1]?.host}` });
  const entry = async () => (await raw.get(`${service}/${ADDR}`).exec()).kvs[0];
  const { lease } = (await entry()) ?? {};
  const secondsLeft = async () =>
    Number((await raw.leaseClient.leaseTimeToLive({ ID: lease as string })).TTL);
  for (let renewals = 0, before = await secondsLeft(); renewals < 3; ) {
    const now: number = await until(async () => {
      const left = await secondsLeft();
      return left === before ? undefined : left;
    }, 'the time of the lease changes');
    if (now > before) renewals += 1;
    before = now;
  }
  expect((await entry())?.lease).toBe(lease);
  expect(warnings).toEqual([]);
  await registration.close();
  await daemon.close();
  raw.close();
});

test('a watch is opened on a node that answers', async () => {
  await freezeFirst();
  const daemon = await makeRegistry(hosts());
  for (let i = 0; i < 10; i++) {
    const client = await makeRegistry(hosts());
    const { delivered, watch } = follow(client);
    await until(() => delivered.length > 0, 'the first list is delivered');
    const registration = await daemon.register(ADDR);
    await until(() => delivered.at(-1)?.includes(ADDR), 'the change is delivered');
    await registration.close();
    await watch.close();
    await client.close();
  }
  await daemon.close();
});

test('a user of etcd gets a token from a node that answers', async () => {
  const user = { username: 'root', password: 'secret' };
  const admin = new Etcd3({ hosts: `http://${nodes[1]?.host}` });
  await admin.auth.roleAdd({ name: 'root' });
  await admin.auth.userAdd({ name: user.username, password: user.password });
  await admin.auth.userGrantRole({ user: 'root', role: 'root' });
  await admin.auth.authEnable();
  admin.close();
  nodes[0]?.freeze();
  const patient = await makeRegistry(hosts(nodes.slice(1)), user);
  await until(
    () =>
      patient.list().then(
        () => true,
        () => false,
      ),
    'the others have a leader',
  );
  await patient.close();
  for (let i = 0; i < 20; i++) {
    const client = await makeRegistry(hosts(), user);
    expect(await client.list()).toEqual([]);
    await client.close();
  }
});
