import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { Redis } from 'ioredis';
import { beforeEach, expect, inject, test } from 'vitest';
import { listEndpoints } from '../../../packages/client/src/connection/endpoints.ts';
import type { DaemonOptions } from '../../../src/daemon/daemonOptions.ts';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { look } from '../../support/doctor.ts';
import { failedStart } from '../../support/failedStart.ts';
import { runCli } from '../../support/runCli.ts';
import { startEtcd, startRedis, temporaryDirectory } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let common: { etcd: string; service: string; startTimeoutMs: number; redis: string; keyPrefix: string };

beforeEach(() => {
  common = {
    etcd: inject('etcdHost'),
    service: `test/${randomUUID()}`,
    startTimeoutMs: 30_000,
    redis: inject('redisUrl'),
    keyPrefix: `test-${randomUUID()}:`,
  };
});

function start(overrides: Partial<DaemonOptions> = {}): Promise<TestDaemon> {
  return startDaemon({ ...common, ...overrides });
}

async function listed(overrides: Partial<DaemonOptions> = {}) {
  const { etcd, service, etcdUsername, etcdPassword } = { ...common, ...overrides };
  return (await listEndpoints({ etcd, service, etcdUsername, etcdPassword })).endpoints;
}

test('rejects a daemon with another Redis in the same registry, and explains what to do', async () => {
  const first = await start();
  const failure = await failedStart({ ...common, keyPrefix: `test-${randomUUID()}:` });
  expect(failure).toMatchObject({ code: 'STORE_MISMATCH', exitCode: 2 });
  expect(failure.message).toContain(first.storeId);
  expect(failure.message).toContain(first.advertised);
  expect((await listed()).map(({ addr, storeId }) => [addr, storeId])).toEqual([
    [first.advertised, first.storeId],
  ]);
  const other = await start({ keyPrefix: `test-${randomUUID()}:`, allowOtherStore: true });
  const storeIds = (await listed()).map(({ storeId }) => storeId);
  expect(new Set(storeIds)).toEqual(new Set([first.storeId, other.storeId]));
});

test('reports different stores of daemons in doctor and endpoints', async () => {
  const first = await start();
  const shared = { etcd: common.etcd, service: common.service, keyPrefix: common.keyPrefix };
  expect((await look(shared))['registry-stores']).toMatchObject({
    status: 'ok',
    message: `all use store ${first.storeId}`,
  });
  const elsewhere = { ...shared, redis: common.redis, keyPrefix: `test-${randomUUID()}:` };
  const other = await start({ keyPrefix: elsewhere.keyPrefix, allowOtherStore: true });
  const report = (await look(shared))['registry-stores'];
  expect(report).toMatchObject({ status: 'failed', code: 'STORE_MISMATCH' });
  expect(report?.message).toContain(`${other.addr} uses store ${other.storeId}`);
  const flags = ['--etcd', common.etcd, '--service', common.service];
  const { stdout, stderr } = await runCli(['endpoints', ...flags]);
  expect(stdout).toContain(other.storeId?.slice(0, 8));
  expect(stderr).toContain('daemons use 2 different stores');
  const json = JSON.parse((await runCli(['endpoints', ...flags, '--json'])).stdout);
  expect(json.endpoints.map(({ storeId }: { storeId: string }) => storeId)).toContain(first.storeId);
  await first.stop();
  expect((await look({ ...elsewhere, keyPrefix: common.keyPrefix }))['registry-stores']).toMatchObject({
    status: 'failed',
    message: expect.stringContaining(`--redis is store ${first.storeId}`),
  });
});

test('registers daemons of one store together', async () => {
  const [first, second] = [await start(), await start()];
  expect(second.storeId).toBe(first.storeId);
  expect(await listed()).toHaveLength(2);
});

test('separates daemons of two Redis servers in the registry of one machine', async () => {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const local = { etcd: undefined, dataDir: folder.path };
  const first = await start(local);
  const failure = await failedStart({ ...common, ...local, keyPrefix: `test-${randomUUID()}:` });
  expect(failure).toMatchObject({ code: 'STORE_MISMATCH', message: expect.stringContaining(first.addr) });
});

test('registers a daemon that starts after a flush before the others restore their identity', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const first = await start({ redis: redis.url });
  const before = first.storeId;
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  await admin
    .multi()
    .flushall()
    .hset(`${common.keyPrefix}layout`, 'version', 1, 'shards', 16, 'id', 'new')
    .exec();
  const second = await start({ redis: redis.url, startTimeoutMs: 60_000 });
  expect(second.storeId).toBe('new');
  expect(before).not.toBe('new');
  await until(async () => (await listed()).every(({ storeId }) => storeId === 'new'), 'both daemons agree');
  expect(await listed()).toHaveLength(2);
});

test('restores the identity after a flush, and keeps the daemons registered', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const first = await start({ redis: redis.url });
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  await admin.flushall();
  const key = `${common.keyPrefix}layout`;
  await until(async () => (await admin.hget(key, 'id')) === first.storeId, 'the identity is restored');
  await start({ redis: redis.url });
  expect(await listed()).toHaveLength(2);
});

test('keeps serving, not ready, after losing its entry to a daemon of another store', async () => {
  const first = await start({ http: { addr: '127.0.0.1', port: 0 } });
  const etcd = new Etcd3({ hosts: `http://${common.etcd}` });
  disposables.push(() => etcd.close());
  await etcd.put(`${common.service}.store/10.0.0.9:1`).value('{"storeId":"another"}');
  await etcd.delete().prefix(`${common.service}/`);
  const ready = async () => fetch(`${first.http}/readyz`);
  await until(async () => (await ready()).status === 503, 'the daemon is not ready');
  expect(await (await ready()).text()).toContain('10.0.0.9:1');
  expect(await (await fetch(`${first.http}/metrics`)).text()).toContain('imstate_registry_other_stores 1');
  const { v1, close } = grpcClients(first.addr);
  expect(await v1.getStats()).toMatchObject({ usersOnline: 0 });
  close();
  await etcd.delete().key(`${common.service}.store/10.0.0.9:1`);
  await until(async () => (await ready()).status === 200, 'the daemon is ready again');
  expect(await listed()).toHaveLength(1);
});

test('registers with one warning if etcd denies the key beside the entry', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  await grantEntriesOnly(etcd.host, `${common.service}/`);
  const credentials = { etcd: etcd.host, etcdUsername: 'imstate', etcdPassword: 'secret' };
  const daemon = await start({ ...credentials, startTimeoutMs: 30_000 });
  const warnings = () => daemon.logged.filter((line) => line.includes('grant-permission'));
  expect(warnings()).toHaveLength(1);
  expect(await listed(credentials)).toMatchObject([{ addr: daemon.addr, storeId: undefined }]);
});

/** Enables authentication, with a user that may access only the entries. */
async function grantEntriesOnly(host: string, prefix: string): Promise<void> {
  const client = new Etcd3({ hosts: `http://${host}` });
  const { auth } = client;
  await auth.userAdd({ name: 'root', password: 'root' } as never);
  await auth.userGrantRole({ user: 'root', role: 'root' });
  await auth.userAdd({ name: 'imstate', password: 'secret' } as never);
  await auth.roleAdd({ name: 'presence' });
  const [key, end] = [Buffer.from(prefix), Buffer.from(prefix.replace(/\/$/, '0'))];
  await auth.roleGrantPermission({ name: 'presence', perm: { permType: 2, key, range_end: end } } as never);
  await auth.userGrantRole({ user: 'imstate', role: 'presence' });
  await auth.authEnable();
  client.close();
}
