import { Etcd3 } from 'etcd3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Registration } from '../../../../../src/registry/registry.ts';
import { startProxy, type TcpProxy } from '../../../../support/proxy.ts';
import { startEtcd } from '../../../../support/servers.ts';
import { until } from '../../../../support/until.ts';
import { follow, type RegistryUnderTest } from '../../../registry/contract.ts';
import { makeEtcdRegistries } from '../../../registry/registries.ts';

const ADDR = '127.0.0.1:7395';

describe('an etcd that fails', () => {
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  let proxy: TcpProxy;
  let underTest: RegistryUnderTest;
  let registration: Registration;
  let raw: Etcd3;
  let service: string;

  beforeEach(async () => {
    etcd = await startEtcd();
    proxy = await startProxy(etcd.port);
    underTest = await makeEtcdRegistries(`127.0.0.1:${proxy.port}`);
    registration = await underTest.daemon.register(ADDR);
    raw = new Etcd3({ hosts: `http://${etcd.host}` });
    service = underTest.daemon.service;
  });

  afterEach(async () => {
    proxy.heal();
    etcd.thaw();
    await registration.close();
    await underTest.remove();
    raw.close();
    await proxy.close();
    await etcd.stop();
  });

  const entry = () =>
    raw
      .get(`${service}/${ADDR}`)
      .string()
      .catch(() => null);
  const isPresent = () => until(entry, 'the entry is present again');
  const isGone = () => until(async () => (await entry()) === null, 'the entry is gone');

  test('a lease that was revoked is granted again', async () => {
    const { leases } = await raw.leaseClient.leaseLeases();
    await Promise.all(leases.map(({ ID }) => raw.leaseClient.leaseRevoke({ ID })));
    await isGone();
    await isPresent();
  });

  test('connections that are cut, for longer than the lease', async () => {
    proxy.cut();
    await isGone();
    proxy.heal();
    await isPresent();
  });

  test('a network that swallows everything, for longer than the lease', async () => {
    proxy.pause();
    await isGone();
    proxy.heal();
    await isPresent();
  });

  test('a restart with its data', async () => {
    await etcd.restart();
    await isPresent();
  });

  test('a restart with an empty data directory', async () => {
    await etcd.restart({ wipe: true });
    await isPresent();
  });

  test('frozen for longer than the lease, then thawed', async () => {
    etcd.freeze();
    await until(() => underTest.warnings.length > 0, 'the daemon notices');
    etcd.thaw();
    await isPresent();
    await until(async () => (await underTest.client.list().catch(() => [])).length === 1, 'clients see it');
  });

  test('a watch keeps its list while etcd is unavailable, and continues after a wipe', async () => {
    const { delivered, errors, watch } = follow(underTest.client);
    await until(() => delivered.length > 0, 'the first list is delivered');
    proxy.cut();
    await until(() => errors.length > 0, 'the watch notices');
    expect(delivered).toEqual([[ADDR]]);
    await etcd.restart({ wipe: true });
    proxy.heal();
    await isPresent();
    const other = await underTest.daemon.register('127.0.0.1:2');
    await until(() => delivered.at(-1)?.length === 2, 'the new endpoint is delivered');
    await other.close();
    await watch.close();
  });

  test('a watch whose revision was compacted starts again with a fresh list', async () => {
    const { delivered, watch } = follow(underTest.client);
    await until(() => delivered.length > 0, 'the first list is delivered');
    proxy.cut();
    for (let i = 0; i < 5; i++) await raw.put(`${service}/127.0.0.1:2`).value(entryOf('127.0.0.1:2'));
    const { header } = await raw.put('unrelated').value('x');
    await raw.kv.compact({ revision: header.revision, physical: true });
    proxy.heal();
    await until(() => delivered.at(-1)?.includes('127.0.0.1:2'), 'the missed change is delivered');
    await watch.close();
  });
});

function entryOf(addr: string): string {
  return JSON.stringify({ Op: 0, Addr: addr, Metadata: null });
}
