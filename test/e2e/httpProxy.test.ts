import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { Authority } from '../support/authority.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/credentials.ts';
import { disposables } from '../support/disposables.ts';
import { startHttpProxy } from '../support/httpProxy.ts';
import { type Imstate, runImstate, spawnImstate } from '../support/imstate.ts';
import { freePort, startEtcd, temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** All variables that configure a proxy for grpc-js and other libraries. */
function environment(url: string): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];
  const direct = { no_proxy: '', NO_PROXY: '', no_grpc_proxy: '' };
  return { ...Object.fromEntries(names.map((name) => [name, url])), ...direct };
}

/** Starts a daemon for the duration of the test; resolves when it is ready or has exited. */
async function serve(args: string[], env: Record<string, string>): Promise<Pick<Imstate, 'addr' | 'stderr'>> {
  const folder = await temporaryDirectory();
  const daemon = spawnImstate(['serve', '--port', '0', '--data-dir', folder.path, ...args], env);
  let isOver = false;
  void daemon.ended.then(() => {
    isOver = true;
  });
  disposables.push(async () => {
    daemon.signal('SIGKILL');
    await daemon.ended;
    await folder.remove();
  });
  await until(() => isOver || daemon.stdout().includes('service'), 'the daemon is ready');
  return { addr: /^address\s+(\S+?),?(\s|$)/m.exec(daemon.stdout())?.[1] ?? '', stderr: daemon.stderr };
}

/** An etcd with authentication, whose user has the name and the password `root`. */
async function startEtcdWithAuth(): Promise<string> {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const admin = new Etcd3({ hosts: `http://${etcd.host}` });
  await admin.auth.roleAdd({ name: 'root' });
  await admin.auth.userAdd({ name: 'root', password: 'root' });
  await admin.auth.userGrantRole({ user: 'root', role: 'root' });
  await admin.auth.authEnable();
  admin.close();
  return etcd.host;
}

test('uses no HTTP proxy of the environment for calls and etcd', async () => {
  const proxy = await startHttpProxy(await freePort());
  const env = { ...environment(proxy.url), IMSTATE_ETCD_PASSWORD: 'root' };
  const etcd = ['--etcd', await startEtcdWithAuth(), '--etcd-user', 'root'];
  const redis = ['--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
  const { addr } = await serve([...redis, ...etcd], env);
  expect(addr).not.toBe('');
  for (const command of [
    ['query', 'alice', '--endpoint', addr],
    ['query', 'alice', ...etcd],
    ['stats', ...etcd],
    ['endpoints', ...etcd],
  ]) {
    const { exitCode, stderr } = await runImstate(command, env);
    expect([command[0], exitCode, stderr]).toEqual([command[0], 0, expect.not.stringContaining('rror')]);
  }
  const { stdout } = await runImstate(['doctor', '--redis', inject('redisUrl'), ...etcd], env);
  expect(stdout).toMatch(/^ok +etcd-rights/m);
  expect(stdout).toMatch(/^ok +daemon-call/m);
  expect(proxy.asked).toEqual([]);
}, 180_000);

test('requests the keys of an issuer through the proxy, unless no_proxy names its host', async () => {
  const authority = await Authority.make();
  const pair = await authority.issue({ names: ['DNS:issuer.test'] });
  const issuer = await Issuer.make();
  const files = { cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
  const server = createTlsServer(files, (_, response) => {
    response.end(JSON.stringify({ keys: [issuer.jwk] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  disposables.push(() => server.close());
  const proxy = await startHttpProxy((server.address() as { port: number }).port);
  const env = { ...environment(proxy.url), NODE_EXTRA_CA_CERTS: authority.file };
  const jwt = ['--auth-jwt-issuer', ISSUER, '--auth-jwt-audience', AUDIENCE];
  const args = [...jwt, '--auth-jwt-jwks', 'https://issuer.test/jwks'];
  const proxied = await serve(args, env);
  expect(proxied.stderr()).not.toContain('Error');
  expect(proxy.asked).toEqual(['CONNECT issuer.test:443']);
  const direct = await serve([...args, '--start-timeout', '1s'], {
    ...env,
    no_proxy: 'localhost,issuer.test',
    NO_PROXY: '',
  });
  expect(direct).toMatchObject({ addr: '' });
  expect(direct.stderr()).toContain('issuer.test');
  expect(proxy.asked).toEqual(['CONNECT issuer.test:443']);
});

test('sends traces through the proxy, except to the local machine', async () => {
  const paths: string[] = [];
  const collector = createServer((request, response) => {
    paths.push(`${request.url} of ${request.headers.host}`);
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  disposables.push(() => collector.close());
  const { port } = collector.address() as { port: number };
  const proxy = await startHttpProxy(port);
  const env = { ...environment(proxy.url), OTEL_BSP_SCHEDULE_DELAY: '100' };
  for (const host of ['collector.test:4318', `127.0.0.1:${port}`]) {
    const { addr } = await serve(['--otlp-endpoint', `http://${host}`], env);
    expect((await runImstate(['query', 'alice', '--endpoint', addr], env)).exitCode).toBe(0);
    await until(() => paths.includes(`/v1/traces of ${host}`), `spans reach ${host}`);
  }
  expect(new Set(proxy.asked)).toEqual(new Set(['POST http://collector.test:4318/v1/traces']));
}, 180_000);
