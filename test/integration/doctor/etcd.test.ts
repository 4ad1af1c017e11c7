import { describe, expect, inject, test } from 'vitest';
import { disposables } from '../../support/disposables.ts';
import { look } from '../../support/doctor.ts';
import { freePort, startEtcd } from '../../support/servers.ts';

describe('etcd', () => {
  test('that is unavailable fails one check, and the others are skipped', async () => {
    const reports = await look({ redis: inject('redisUrl'), etcd: `127.0.0.1:${await freePort()}` });
    expect(reports['etcd-dial']).toMatchObject({ status: 'failed', code: 'REGISTRY_UNAVAILABLE' });
    expect(reports['etcd-version']).toMatchObject({ status: 'skipped', message: 'etcd does not respond' });
    expect(reports.registry).toMatchObject({ status: 'failed', code: 'REGISTRY_UNAVAILABLE' });
    expect(reports['daemon-health']).toMatchObject({ status: 'skipped' });
  });

  test('with one unavailable node warns', async () => {
    const etcd = `${inject('etcdHost')},127.0.0.1:${await freePort()}`;
    const reports = await look({ redis: inject('redisUrl'), etcd });
    expect(reports['etcd-dial']).toMatchObject({ status: 'warning' });
    expect(reports['etcd-version']).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^etcd 3\./),
    });
    expect(reports['etcd-health']).toMatchObject({ status: 'ok' });
  });

  test('whose user may only read fails with the command that grants the rest', async () => {
    const etcd = await startEtcd();
    disposables.push(() => etcd.stop());
    const { Etcd3 } = await import('etcd3');
    const client = new Etcd3({ hosts: etcd.host });
    disposables.push(() => client.close());
    const [root, reader] = [client.role('root'), client.role('reader')];
    await root.create();
    await reader.create();
    await reader.grant({ permission: 'Read', range: client.range({ prefix: 'im/state-server/' }) });
    await client.user('root').create('secret');
    await client.user('root').addRole('root');
    await client.user('reader').create('secret');
    await client.user('reader').addRole('reader');
    const writer = client.role('writer');
    await writer.create();
    await writer.grant({ permission: 'Readwrite', range: client.range({ prefix: 'im/state-server/' }) });
    await client.user('writer').create('secret');
    await client.user('writer').addRole('writer');
    await client.auth.authEnable();
    const judged = async (etcdUsername: string) =>
      look({ redis: inject('redisUrl'), etcd: etcd.host, etcdUsername, etcdPassword: 'secret' });
    const reports = await judged('reader');
    expect(reports['etcd-rights']).toMatchObject({ status: 'failed', code: 'PERMISSION_DENIED' });
    expect(reports['etcd-rights']?.message).toContain('readwrite im/state-server/');
    expect((await judged('writer'))['etcd-rights']).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('readwrite im/state-server.store/'),
    });
    expect((await judged('root'))['etcd-rights']).toMatchObject({ status: 'ok' });
    expect(JSON.stringify(reports)).not.toContain('secret');
  });
});
