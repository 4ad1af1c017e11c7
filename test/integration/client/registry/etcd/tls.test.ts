import { readFile } from 'node:fs/promises';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import type { ImstateError } from '../../../../../packages/client/src/shared/errors.ts';
import type { TlsFiles } from '../../../../../packages/client/src/tls/names.ts';
import { EtcdRegistry, type EtcdRegistryOptions } from '../../../../../src/registry/etcd/EtcdRegistry.ts';
import { Authority } from '../../../../support/authority.ts';
import { disposables } from '../../../../support/disposables.ts';
import { startEtcd } from '../../../../support/servers.ts';
import { until } from '../../../../support/until.ts';
import { follow } from '../../../registry/contract.ts';

const ADDR = '127.0.0.1:7395';
const SERVICE = 'im/state-server';

async function makeRegistry(
  options: Partial<EtcdRegistryOptions> & { hosts: string },
): Promise<EtcdRegistry> {
  const log = { info: () => {}, warn: () => {} };
  const registry = new EtcdRegistry({ service: SERVICE, leaseTtlMs: 2_000, log, ...options });
  disposables.push(() => registry.close());
  return registry;
}

/** An etcd that requires client certificates, and such a certificate, until the end of the test. */
async function startTlsEtcd() {
  const authority = await Authority.make();
  const etcd = await startEtcd({ ca: authority.file, ...(await authority.issue({ subject: 'etcd' })) });
  disposables.push(() => etcd.stop());
  const tls = { ca: authority.file, ...(await authority.issue({ subject: 'imstate' })) };
  return { etcd, tls, authority };
}

async function administratorOf(hosts: string, { ca, cert, key }: Required<TlsFiles>): Promise<Etcd3> {
  const [rootCertificate, certChain, privateKey] = await Promise.all(
    [ca, cert, key].map((file) => readFile(file as string)),
  );
  const credentials = { rootCertificate, certChain, privateKey } as { rootCertificate: Buffer };
  return new Etcd3({ hosts, credentials });
}

/** Enables authentication, with a user whose rights are limited to the service. */
async function demandUsers(etcd: Etcd3): Promise<void> {
  const { auth } = etcd;
  await auth.userAdd({ name: 'root', password: 'root' } as never);
  await auth.userGrantRole({ user: 'root', role: 'root' });
  await auth.userAdd({ name: 'imstate', password: 'secret' } as never);
  await auth.roleAdd({ name: 'presence' });
  const key = Buffer.from(`${SERVICE}/`);
  const end = Buffer.from(`${SERVICE}0`);
  await auth.roleGrantPermission({ name: 'presence', perm: { permType: 2, key, range_end: end } } as never);
  await auth.userGrantRole({ user: 'imstate', role: 'presence' });
  await auth.authEnable();
}

test('a daemon registers in an etcd with TLS, client certificates and users, and again when its token is no longer valid', async () => {
  const { etcd, tls } = await startTlsEtcd();
  const administrator = await administratorOf(etcd.host, tls);
  disposables.push(() => administrator.close());
  await demandUsers(administrator);
  const options = { hosts: etcd.host, tls, username: 'imstate', password: 'secret' };
  const [daemon, client] = [await makeRegistry(options), await makeRegistry(options)];
  const registration = await daemon.register(ADDR);
  disposables.push(() => registration.close());
  const { delivered, watch } = follow(client);
  disposables.push(() => watch.close());
  await until(() => delivered.at(-1)?.join() === ADDR, 'the endpoint is delivered');

  await etcd.restart();
  const second = await until(() => daemon.register('127.0.0.1:7396').catch(() => undefined), 'etcd is back');
  disposables.push(() => second.close());
  await until(() => delivered.at(-1)?.join() === `${ADDR},127.0.0.1:7396`, 'both are delivered');
  const runtime = async () => (await client.list().catch(() => [])).length;
  await until(async () => (await runtime()) === 2, 'both stand');
});

test('errors of TLS and users of etcd say what is wrong and what to do', async () => {
  const { etcd, tls, authority } = await startTlsEtcd();
  const refusal = async (options: Partial<EtcdRegistryOptions>) => {
    const registry = await makeRegistry({ hosts: etcd.host, ...options });
    const { code, message } = (await registry.list().catch((thrown: ImstateError) => thrown)) as ImstateError;
    return { code, message };
  };
  expect(await refusal({})).toEqual({
    code: 'TLS_FAILED',
    message:
      'etcd has a certificate of a CA that is not trusted here (unable to verify the first certificate): ' +
      'name the file of that CA with --etcd-tls-ca',
  });
  expect(await refusal({ tls: { ca: authority.file } })).toEqual({
    code: 'TLS_FAILED',
    message: expect.stringMatching(
      /^etcd refused the TLS handshake .* with --etcd-tls-cert and --etcd-tls-key$/,
    ),
  });
  expect(await refusal({ hosts: `https://${inject('etcdHost')}`, tls })).toEqual({
    code: 'REGISTRY_UNAVAILABLE',
    message: expect.stringMatching(
      /^etcd cannot be reached .* (or write http:\/\/ instead of https:\/\/ in --etcd$|http:\/\/ if not)/,
    ),
  });
  expect(await refusal({ hosts: etcd.host.replace('https://', '') })).toEqual({
    code: 'REGISTRY_UNAVAILABLE',
    message: expect.stringMatching(/^etcd cannot be reached .* in --etcd if it uses TLS/),
  });
  await expect(makeRegistry({ hosts: inject('etcdHost'), tls })).rejects.toMatchObject({
    code: 'BAD_URL',
    message: expect.stringContaining('need https:// in front of each node'),
  });
  const administrator = await administratorOf(etcd.host, tls);
  disposables.push(() => administrator.close());
  await demandUsers(administrator);
  expect(await refusal({ tls, username: 'imstate', password: 'wrong' })).toMatchObject({
    code: 'UNAUTHENTICATED',
  });
});
