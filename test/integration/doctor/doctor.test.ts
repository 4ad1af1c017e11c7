import { randomUUID } from 'node:crypto';
import { chmod, readdir } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import type { Report } from '../../../src/doctor/check.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { look, redisWith } from '../../support/doctor.ts';
import { startEtcd } from '../../support/servers.ts';

/** The checks with one of these statuses. */
function namesOf(reports: Record<string, Report>, ...statuses: Report['status'][]): string[] {
  return Object.values(reports).flatMap(({ check, status }) => (statuses.includes(status) ? [check] : []));
}

const GOOD_REDIS = ['--appendonly', 'yes', '--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'];

test('an embedded daemon: all checks are ok, or skipped because they do not apply', async () => {
  const daemon = await startDaemon();
  await chmod(daemon.dataDir, 0o700);
  const reports = await look({ dataDir: daemon.dataDir });
  expect(namesOf(reports, 'warning', 'failed')).toEqual([]);
  expect(namesOf(reports, 'ok')).toEqual([
    ...['versions', 'configuration', 'folder-rights', 'folder-space', 'folder-lock', 'folder-data'],
    ...['registry', 'registry-stores', 'daemon-health', 'daemon-versions', 'daemon-levels'],
    ...['daemon-max-devices', 'daemon-call'],
  ]);
  expect(reports['folder-lock']?.message).toBe(
    `the daemon at ${daemon.addr} (pid ${process.pid}) uses the directory`,
  );
  expect(reports['daemon-versions']?.message).toBe(`all are imstate ${pkg.version}, as this is`);
  for (const { check, status, message } of Object.values(reports))
    if (status === 'skipped') expect([check, message]).toEqual([check, expect.stringMatching(/\w+ \w+/)]);
});

test('a daemon on Redis and etcd: all checks are ok', async () => {
  const redis = await redisWith(...GOOD_REDIS);
  const shared = {
    redis: redis.url,
    keyPrefix: 'im:',
    etcd: inject('etcdHost'),
    service: `test/${randomUUID()}`,
  };
  await startDaemon(shared);
  const reports = await look(shared);
  expect(namesOf(reports, 'warning', 'failed')).toEqual([]);
  expect(namesOf(reports, 'skipped')).toEqual([
    ...['tls-files', 'tls-daemon-files', 'tls-client-ca', 'tls-redis-files', 'tls-etcd-files'],
    ...['auth-tokens', 'auth-jwt', 'auth-certificates', 'redis-dns', 'redis-certificates', 'redis-coverage'],
    ...['etcd-dns', 'etcd-certificates'],
    ...['folder-rights', 'folder-space', 'folder-lock', 'folder-data', 'daemon-certificates'],
  ]);
  expect(reports['redis-layout']?.message).toMatch(/^feature level 2, 16 shards, identity [0-9a-f-]{36}$/);
});

test('it changes nothing in Redis, etcd and the data directory', async () => {
  const [redis, etcd] = [await redisWith(), await startEtcd()];
  disposables.push(() => etcd.stop());
  const dataDir = await scratchDirectory();
  const { Etcd3 } = await import('etcd3');
  const client = new Etcd3({ hosts: etcd.host });
  disposables.push(() => client.close());
  const revision = async () => (await client.get('none').exec()).header.revision;
  const before = await revision();
  const reports = await look({ redis: redis.url, etcd: etcd.host, dataDir });
  expect(reports['redis-layout']?.message).toMatch(
    /no test-\S+layout yet: the first imstate serve creates 16 shards/,
  );
  expect(reports['etcd-rights']?.status).toBe('ok');
  expect(await revision()).toBe(before);
  const connection = new Redis(redis.url);
  disposables.push(() => connection.disconnect());
  expect(await connection.dbsize()).toBe(0);
  expect(await readdir(dataDir)).toEqual([]);
  await look({ dataDir });
  expect(await readdir(dataDir)).toEqual([]);
});

test('an invalid configuration fails its check, and those that need it', async () => {
  const reports = await look({ redis: 'http://me:secret@127.0.0.1', etcd: 'nonsense' });
  for (const name of ['configuration', 'redis-dns', 'redis-dial', 'etcd-dial'])
    expect(reports[name]).toMatchObject({ status: 'failed', code: 'BAD_URL' });
  expect(JSON.stringify(reports)).not.toContain('secret');
});
