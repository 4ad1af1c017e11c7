import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Authority } from '../../../support/authority.ts';
import { TokenFile } from '../../../support/credentials.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };

test('does not serve HTTP by default', async () => {
  expect((await startDaemon()).http).toBeUndefined();
});

test('a serving daemon is alive and ready', async () => {
  const { http: url } = await startDaemon({ http });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await ask(`${url}/healthz`)).toMatchObject({ status: 200, text: 'alive\n' });
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, text: 'ready\n' });
  expect(await ask(`${url}/readyz`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
});

test('is alive and not ready while its store does not respond', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { http: url } = await startDaemon({ http, redis: redis.url });
  redis.freeze();
  await until(async () => (await ask(`${url}/readyz`)).status === 503, 'the daemon is not ready');
  expect((await ask(`${url}/readyz`)).text).toBe('not ready: the store does not answer\n');
  expect((await ask(`${url}/healthz`)).status).toBe(200);
  redis.thaw();
  await until(async () => (await ask(`${url}/readyz`)).status === 200, 'the daemon is ready again');
});

test('serves probes without credential or certificate', async () => {
  const authority = await Authority.make();
  const pair = await authority.issue();
  const { path } = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: path }, tls: { ...pair, ca: authority.file } });
  expect(daemon.http).toMatch(/^https:/);
  expect((await ask(`${daemon.http}/readyz`, { rejectUnauthorized: false })).status).toBe(200);
});

test('returns 404 for unknown paths, and 405 for other methods', async () => {
  const { http: url } = await startDaemon({ http });
  expect(await ask(`${url}/nothing`)).toMatchObject({ status: 404, text: 'nothing is served at /nothing\n' });
  const post = await ask(`${url}/healthz`, { method: 'POST' });
  expect(post).toMatchObject({ status: 405, headers: { allow: 'GET' } });
});

test('uses raw paths, and the path of an absolute URL', async () => {
  const { http: url } = await startDaemon({ http });
  const statusOf = async (path: string) => (await ask(url as string, { path })).status;
  for (const path of ['/healthz', '/healthz?a=b', 'http://imstate.example/healthz'])
    expect([path, await statusOf(path)]).toEqual([path, 200]);
  for (const path of ['//x/healthz', '/x/../healthz', '/./healthz', '/healthz/', '*'])
    expect([path, await statusOf(path)]).toEqual([path, 404]);
});

test('closes idle HTTP connections on shutdown', async () => {
  const { http: url, stop } = await startDaemon({ http });
  const { hostname, port } = new URL(url as string);
  const socket = connect(Number(port), hostname);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await stop();
  await closed;
});

test('names the flag of a port that is in use', async () => {
  const { http: url } = await startDaemon({ http });
  const used = { addr: '127.0.0.1', port: Number(new URL(url as string).port) };
  await expect(startDaemon({ http: used })).rejects.toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    message: expect.stringContaining('choose another --http-port'),
  });
});
