import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { Authority } from '../../../../support/authority.ts';
import { startTestDaemon } from '../../../../support/daemon.ts';
import { registerDeadDaemon } from '../../../../support/deadDaemon.ts';
import { disposables, startDaemon } from '../../../../support/disposables.ts';
import { ask } from '../../../../support/http.ts';
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

const http = { addr: '127.0.0.1', port: 0 };

test('checks the health of each daemon on request only', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const options = { redis: inject('redisUrl'), keyPrefix: `${randomUUID()}:`, etcd: etcd.host };
  const daemon = await startDaemon({ ...options, http });
  const other = await startDaemon(options);
  const killed = await registerDeadDaemon(etcd.host);
  const list = async (query: string) => {
    const { text } = await ask(`${daemon.http}/api/v1/endpoints${query}`);
    const { endpoints } = JSON.parse(text);
    return new Map(endpoints.map((each: { addr: string }) => [each.addr, each]));
  };
  const unknown = { health: null, latencyMs: null, version: null, uptimeMs: null };
  expect((await list('')).get(other.addr)).toMatchObject({ self: false, ...unknown });
  const checked = await list('?check=true');
  for (const { addr } of [daemon, other])
    expect(checked.get(addr)).toEqual({
      addr,
      self: addr === daemon.addr,
      storeId: daemon.storeId,
      health: 'SERVING',
      latencyMs: expect.any(Number),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      uptimeMs: expect.any(Number),
    });
  const lost = { addr: killed, self: false, storeId: null, ...unknown, health: 'UNREACHABLE' };
  expect(checked.get(killed)).toEqual(lost);
});

test.each(['TLS', 'mutual TLS'])('checks daemons with %s', async (kind) => {
  const authority = await Authority.make();
  const ca = kind === 'TLS' ? undefined : authority.file;
  const daemon = await startDaemon({ http, tls: { ...(await authority.issue()), ca } });
  const { cert, key } = await authority.issue();
  const answer = await ask(`${daemon.http}/api/v1/endpoints?check=true`, {
    rejectUnauthorized: false,
    cert: await readFile(cert),
    key: await readFile(key),
  });
  expect(JSON.parse(answer.text).endpoints).toMatchObject([{ addr: daemon.addr, health: 'SERVING' }]);
});
