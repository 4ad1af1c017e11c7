import { expect, inject, test } from 'vitest';
import { EtcdRegistry } from '../../../../src/registry/etcd/EtcdRegistry.ts';
import { freePort } from '../../../support/servers.ts';
import { describeRegistry } from '../contract.ts';
import { makeEtcdRegistries } from '../registries.ts';

describeRegistry('etcd', () => makeEtcdRegistries(inject('etcdHost')));

test.each([
  ['no port', '127.0.0.1', 'must look like HOST:PORT'],
  ['another scheme', 'ftp://127.0.0.1:2379', 'must look like HOST:PORT'],
  ['nothing', '', 'must look like HOST:PORT'],
  ['a path', 'http://127.0.0.1:2379/v3', 'must look like HOST:PORT'],
  ['a password', 'http://root:secret@127.0.0.1:2379', 'IMSTATE_ETCD_PASSWORD'],
  ['a mix', 'http://127.0.0.1:2379,https://127.0.0.1:2380', 'all of them'],
])('an etcd address with %s is rejected, without repeating a secret', (_, hosts, rule) => {
  let failure: Error | undefined;
  try {
    new EtcdRegistry(options(hosts));
  } catch (error) {
    failure = error as Error;
  }
  expect(failure).toMatchObject({ code: 'BAD_URL', message: expect.stringContaining(rule) });
  expect(failure?.message).not.toContain('secret');
});

test('the error names an unavailable etcd', async () => {
  const registry = new EtcdRegistry(options(`127.0.0.1:${await freePort()}`));
  await expect(registry.list()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  await expect(registry.register('127.0.0.1:1')).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  await registry.close();
});

function options(hosts: string) {
  const log = { info: () => {}, warn: () => {} };
  return { hosts, service: 'im/state-server', leaseTtlMs: 2_000, log };
}
