import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import type { DaemonOptions } from '../../../src/daemon/daemonOptions.ts';
import { Authority } from '../../support/authority.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const NAME = 'presence.test';
const { lookup } = dns.promises;
/** The addresses of {@link NAME} at the name server, and the number of queries. */
let addresses: string[];
let asked: number;

/** Returns them in varying order, like name servers. */
async function answer(name: string, options: dns.LookupAllOptions): Promise<dns.LookupAddress[]> {
  if (name !== NAME) return lookup(name, options);
  asked += 1;
  addresses = [...addresses.slice(1), ...addresses.slice(0, 1)];
  if (addresses.length === 0) throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
}

dns.promises.lookup = answer as typeof lookup;
syncBuiltinESMExports();
afterAll(() => {
  dns.promises.lookup = lookup;
  syncBuiltinESMExports();
});

let port: number;

beforeEach(async () => {
  port = await freePort();
  asked = 0;
});

const daemonAt = (addr: string, options: Partial<DaemonOptions> = {}) =>
  startDaemon({ addr, port, ...options });

async function clientOf(options: object = {}) {
  const client = await connect({ endpoints: [`${NAME}:${port}`], timeoutMs: 30_000, ...options });
  disposables.push(() => client.close());
  return client;
}

type TestClient = Awaited<ReturnType<typeof clientOf>>;

/** Makes calls until each daemon has had one of them. */
async function reach(client: TestClient, ...daemons: TestDaemon[]): Promise<void> {
  const isCalled = ({ logged }: TestDaemon) => logged.some((line) => line.includes('user_id'));
  await until(async () => {
    await client.listHistory({ userId: '' }).catch(() => {});
    return daemons.every(isCalled);
  }, 'all daemons are called');
}

test('calls to one name go to all its addresses, and to one that is added later', async () => {
  addresses = ['127.0.0.1', '127.0.0.2'];
  const first = await daemonAt('127.0.0.1');
  const second = await daemonAt('127.0.0.2');
  const client = await clientOf();
  await reach(client, first, second);
  const before = asked;
  addresses.push('127.0.0.3');
  const third = await daemonAt('127.0.0.3');
  await reach(client, third);
  expect(asked).toBeGreaterThan(before);
});

test('a name is resolved again when its daemon has stopped', async () => {
  addresses = ['127.0.0.1'];
  const first = await daemonAt('127.0.0.1');
  const client = await clientOf();
  await client.getUser({ userId: 'alice' });
  addresses = ['127.0.0.2'];
  await daemonAt('127.0.0.2');
  const stoppedAt = performance.now();
  await first.stop();
  await until(() => client.getUser({ userId: 'alice' }).catch(() => undefined), 'the other one is found');
  // A name is resolved again after 30 s in any case.
  expect(performance.now() - stoppedAt).toBeLessThan(25_000);
});

test('addresses that are known stay while the name server fails', async () => {
  addresses = ['127.0.0.1'];
  const daemon = await daemonAt('127.0.0.1');
  const client = await clientOf();
  await client.getUser({ userId: 'alice' });
  addresses = [];
  await daemon.stop();
  await until(async () => asked > 1, 'the name server is asked again');
  await daemonAt('127.0.0.1');
  await until(() => client.getUser({ userId: 'alice' }).catch(() => undefined), 'the daemon is found');
});

test('a host that listens on only one of IPv4 and IPv6 is called on that', async () => {
  addresses = ['::1', '127.0.0.1'];
  await daemonAt('127.0.0.1');
  const client = await clientOf();
  for (let i = 0; i < 10; i++) await client.listHistory({ userId: 'alice' });
});

test('the error contains a name that cannot be resolved', async () => {
  addresses = [];
  const failing = (await clientOf()).getUser({ userId: 'alice' });
  await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('ENOTFOUND') });
});

test('a certificate is checked for the name, at each of its addresses', async () => {
  addresses = ['127.0.0.1', '127.0.0.2'];
  const authority = await Authority.make();
  const tls = await authority.issue({ names: [`DNS:${NAME}`] });
  const first = await daemonAt('127.0.0.1', { tls });
  const second = await daemonAt('127.0.0.2', { tls });
  await reach(await clientOf({ tls: { ca: authority.file } }), first, second);
  const byAddress = await connect({ endpoints: [`127.0.0.1:${port}`], tls: { ca: authority.file } });
  disposables.push(() => byAddress.close());
  await expect(byAddress.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 'TLS_FAILED' });
});
