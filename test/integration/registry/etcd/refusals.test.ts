import { Etcd3 } from 'etcd3';
import { expect, test } from 'vitest';
import { registryError } from '../../../../packages/client/src/registry/etcd/faults.ts';
import { disposables } from '../../../support/disposables.ts';
import { startEtcd } from '../../../support/servers.ts';
import { makeEtcdRegistries } from '../registries.ts';

const ADDR = '127.0.0.1:7395';

test('the error of an etcd without space says what to do', async () => {
  const etcd = await startEtcd(undefined, ['--quota-backend-bytes', String(1024 * 1024)]);
  disposables.push(() => etcd.stop());
  const raw = new Etcd3({ hosts: `http://${etcd.host}` });
  disposables.push(() => raw.close());
  const fill = async () => {
    for (let i = 0; i < 100; i++) await raw.put(`fill/${i}`).value('x'.repeat(100 * 1024));
  };
  await expect(fill()).rejects.toThrow('database space exceeded');
  const registries = await makeEtcdRegistries(etcd.host);
  disposables.push(() => registries.remove());
  await expect(registries.daemon.register(ADDR)).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
    message: expect.stringMatching(/^etcd is out of space and takes no writes .* etcdctl alarm disarm/),
  });
  expect(await registries.daemon.list()).toEqual([]);
});

test('the error of a user without a right names the right', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const admin = new Etcd3({ hosts: `http://${etcd.host}` });
  disposables.push(() => admin.close());
  const root = admin.user('root');
  await root.create('secret');
  await admin.role('root').create();
  await root.addRole('root');
  await admin.user('nobody').create('secret');
  await admin.auth.authEnable();
  const nobody = new Etcd3({
    hosts: `http://${etcd.host}`,
    auth: { username: 'nobody', password: 'secret' },
  });
  disposables.push(() => nobody.close());
  const refused = await nobody
    .put('im/state-server/x')
    .value('')
    .then(() => undefined, registryError);
  expect(refused).toMatchObject({
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining('grant-permission'),
  });
  const stranger = new Etcd3({ hosts: `http://${etcd.host}`, auth: { username: 'x', password: 'x' } });
  disposables.push(() => stranger.close());
  const unknown = await stranger.get('x').then(() => undefined, registryError);
  expect(unknown).toMatchObject({ code: 'UNAUTHENTICATED' });
});

// As api/v3rpc/rpctypes of etcd and gRPC word them.
test.each([
  ['8 RESOURCE_EXHAUSTED: etcdserver: too many requests', /^etcd is overloaded/],
  ['3 INVALID_ARGUMENT: etcdserver: request is too large', /^a message of etcd is too large/],
  [
    '8 RESOURCE_EXHAUSTED: Received message larger than max (5000000 vs 4194304)',
    /^a message of etcd is too large/,
  ],
  ['14 UNAVAILABLE: etcdserver: no leader', /^etcd has no leader/],
  ['14 UNAVAILABLE: etcdserver: leader changed', /^etcd has no leader/],
  ['14 UNAVAILABLE: etcdserver: request timed out', /^etcd has no leader/],
  ['15 DATA_LOSS: etcdserver: corrupt cluster', /^etcd has an alarm for corrupt data/],
  ['14 UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:1', /^etcd cannot be reached/],
])('%s is explained', (text, message) => {
  expect(registryError(new Error(text))).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  expect(registryError(new Error(text)).message).toMatch(message);
});
