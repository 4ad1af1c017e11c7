import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { registerDeadDaemon } from '../../support/deadDaemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { startEtcd } from '../../support/servers.ts';

const web = testConsole();

test('shows health, latency, version, uptime and store of every daemon', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const options = { redis: inject('redisUrl'), keyPrefix: `${randomUUID()}:`, etcd: etcd.host };
  const daemon = await startDaemon({ ...options, http });
  const other = await startDaemon(options);
  const killed = await registerDeadDaemon(etcd.host);
  const page = await web.openUrl(`${daemon.http}/console/#/cluster`);
  await page.getByRole('link', { name: 'Health and latency' }).click();
  const facts = `serving.*ms.*\\d+\\.\\d+\\.\\d+.* s.*${daemon.storeId?.slice(0, 8)}`;
  await see(page, '#daemons tr', new RegExp(`${daemon.addr}.*serves this page.*${facts}`, 's'));
  await see(page, '#daemons tr', new RegExp(`${other.addr}.*${facts}`, 's'));
  await see(page, '#daemons tr', new RegExp(`${killed}.*unreachable`, 's'));
  expect(new URL(page.url()).hash).toBe('#/daemons');
  await other.stop();
  await page.locator('#daemons tr', { hasText: other.addr }).waitFor({ state: 'detached' });
});

test('warns of daemons with different stores', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const options = { redis: inject('redisUrl'), etcd: etcd.host, allowOtherStore: true };
  const daemon = await startDaemon({ ...options, keyPrefix: `${randomUUID()}:`, http });
  await startDaemon({ ...options, keyPrefix: `${randomUUID()}:` });
  const page = await web.openUrl(`${daemon.http}/console/#/daemons`, { locale: 'zh-CN' });
  await see(page, '#daemons .bad', '守护进程使用了 2 个不同的存储');
  await see(page, '#daemons tr', /正常服务.*毫秒/s);
});
