import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { runCli } from '../../support/runCli.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

test.runIf(hasIpv6)('a daemon on IPv6 that is registered without brackets is found and called', async () => {
  const etcd = new Etcd3({ hosts: `http://${inject('etcdHost')}` });
  const service = `test-${randomUUID()}`;
  disposables.push(async () => {
    await etcd.delete().prefix(`${service}/`).exec();
    etcd.close();
  });
  const daemon = await startDaemon({ addr: '::1' });
  const port = daemon.addr.split(':').at(-1);
  const entry = { Op: 0, Addr: `::1:${port}`, Metadata: null };
  await etcd.put(`${service}/::1:${port}`).value(JSON.stringify(entry));
  const flags = ['--etcd', inject('etcdHost'), '--service', service, '--json', '--timeout', '30s'];
  const endpoints = JSON.parse((await runCli(['endpoints', ...flags])).stdout);
  expect(endpoints).toMatchObject({ service, endpoints: [{ addr: `[::1]:${port}`, health: 'SERVING' }] });
  const query = await runCli(['query', 'alice', ...flags]);
  expect(JSON.parse(query.stdout)).toMatchObject({ userId: 'alice', online: false });
});
