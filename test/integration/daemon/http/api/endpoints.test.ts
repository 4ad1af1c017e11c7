import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { startTestDaemon } from '../../../../support/daemon.ts';
import { disposables } from '../../../../support/disposables.ts';
import { startEtcd } from '../../../../support/servers.ts';
import { until } from '../../../../support/until.ts';

test('answers 503, not 401, when etcd rejects the credentials of the daemon', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const daemon = await startTestDaemon({
    redis: inject('redisUrl'),
    keyPrefix: `${randomUUID()}:`,
    etcd: etcd.host,
    http: { addr: '127.0.0.1', port: 0 },
  });
  disposables.push(() => daemon.remove());
  const endpoints = () => fetch(`${daemon.http}/api/v1/endpoints`);
  expect((await endpoints()).status).toBe(200);

  const admin = new Etcd3({ hosts: `http://${etcd.host}` });
  disposables.push(() => admin.close());
  await admin.user('root').create('secret');
  await admin.role('root').create();
  await admin.user('root').addRole('root');
  await admin.auth.authEnable();
  let response = await endpoints();
  await until(async () => {
    response = await endpoints();
    return response.status !== 200;
  }, 'etcd rejects the daemon');
  expect(response.status).toBe(503);
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(await response.json()).toMatchObject({
    error: { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('--etcd-user') },
  });
});
