import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { EtcdRegistry } from '../../../src/registry/etcd/EtcdRegistry.ts';
import type { Registration } from '../../../src/registry/registry.ts';
import { startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { Delivered } from '../../support/delivered.ts';
import { startImstate } from '../../support/imstate.ts';
import { type LegacyServer, startLegacyServer } from '../../support/legacyServer.ts';
import { runCli } from '../../support/runCli.ts';
import { startEtcd, startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

describe('a mixed registry', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  let registry: EtcdRegistry;
  let legacy: { server: LegacyServer; entry: Registration }[];
  let daemons: TestDaemon[];
  let clients: Client[];
  let service: string;

  beforeAll(async () => {
    [redis, etcd] = await Promise.all([startRedis(), startEtcd()]);
  });

  afterAll(() => Promise.all([redis.stop(), etcd.stop()]));

  beforeEach(async () => {
    service = `mixed/${randomUUID()}`;
    [legacy, daemons, clients] = [[], [], []];
    const log = { info: () => {}, warn: () => {} };
    registry = new EtcdRegistry({ hosts: etcd.host, service, leaseTtlMs: 10_000, log });
  });

  afterEach(async () => {
    for (const client of clients) await client.close();
    for (const daemon of daemons) await daemon.remove();
    for (const { server, entry } of legacy) {
      await entry.close();
      server.stop();
    }
    await registry.close();
  });

  /** Registers without a store identity, like the Go server. */
  async function addLegacy(port?: number): Promise<LegacyServer> {
    const server = await startLegacyServer(redis.url, port);
    legacy.push({ server, entry: await registry.register(server.addr) });
    return server;
  }

  async function addDaemon(port = 0): Promise<TestDaemon> {
    const daemon = await startTestDaemon({ redis: redis.url, etcd: etcd.host, service, port });
    daemons.push(daemon);
    return daemon;
  }

  async function newClient(options: { endpoints?: string[] } = {}): Promise<Client> {
    const client = await connect({ etcd: etcd.host, service, timeoutMs: 20_000, ...options });
    clients.push(client);
    return client;
  }

  test('every call of every client reaches the daemon', async () => {
    await Promise.all([addLegacy(), addLegacy(), addDaemon()]);
    const first = await newClient();
    const { sessionId } = await first.online(LOGIN);
    expect(sessionId).toBeTypeOf('string');
    for (let i = 0; i < 10; i++) {
      const client = await newClient();
      const states = await Promise.all([
        client.getUser({ userId: 'alice', deviceId: 'phone' }),
        client.getUser({ userId: 'alice' }),
        client.getUsers(['alice']).then(([user]) => user),
      ]);
      for (const state of states) expect(state).toMatchObject({ online: true, devices: [{ sessionId }] });
      expect(await client.getStats()).toMatchObject({ devicesOnline: 1 });
      expect((await client.listHistory({ userId: 'alice' })).entries).toHaveLength(1);
      expect((await client.listSessions()).sessions).toHaveLength(1);
    }
    expect(legacy.map(({ server }) => server.answered)).toEqual([0, 0]);
  });

  test('operations of one batch keep their order', async () => {
    await Promise.all([addLegacy(), addLegacy(), addDaemon()]);
    for (let i = 0; i < 10; i++) {
      const client = await newClient();
      const calls = [
        client.online({ ...LOGIN, userId: `u${i}` }),
        client.offline({ ...LOGIN, userId: `u${i}` }),
      ];
      const state = client.getUser({ userId: `u${i}`, deviceId: 'phone' });
      expect(await Promise.all(calls)).toMatchObject([{ replaced: [] }, { applied: true }]);
      expect(await state).toMatchObject({ online: false });
    }
    expect(legacy.map(({ server }) => server.answered)).toEqual([0, 0]);
  });

  test('watches and leases of chat servers are kept by the daemon', async () => {
    await Promise.all([addLegacy(), addLegacy(), addDaemon()]);
    for (let i = 0; i < 5; i++) {
      const client = await newClient();
      const watch = client.watch({ users: [`w${i}`] });
      const delivered = new Delivered(watch);
      await delivered.has(1, 'synced');
      const server = client.server({ addr: `10.0.0.${i + 1}:9000` });
      await server.ready;
      await server.online({ userId: `w${i}`, deviceId: 'phone' });
      await delivered.has(1, 'change');
      watch.close();
      server.close();
    }
  });

  test('a client of legacy servers finds a daemon that starts, and returns when it has stopped', async () => {
    const server = await addLegacy();
    const client = await newClient();
    expect(await client.online(LOGIN)).toMatchObject({ sessionId: undefined });
    expect(server.answered).toBe(1);
    const daemon = await addDaemon();
    await until(async () => (await client.online(LOGIN)).sessionId !== undefined, 'a daemon answers');
    const { answered } = server;
    for (let i = 0; i < 20; i++) expect((await client.online(LOGIN)).sessionId).toBeTypeOf('string');
    expect(server.answered).toBe(answered);
    await daemon.stop();
    await until(async () => {
      const state = await client.getUser({ userId: 'alice', deviceId: 'phone' }).catch(() => undefined);
      return state !== undefined && server.answered > answered;
    }, 'the legacy server answers');
  });

  test('a client with fixed endpoints prefers the daemon too, also one that replaces a legacy server', async () => {
    const [old, other] = await Promise.all([addLegacy(), addLegacy()]);
    const client = await newClient({ endpoints: [old.addr, other.addr] });
    expect(await client.online(LOGIN)).toMatchObject({ sessionId: undefined });
    old.stop();
    await addDaemon(Number(old.addr.split(':')[1]));
    await until(
      async () => (await client.online(LOGIN).catch(() => undefined))?.sessionId !== undefined,
      'the daemon answers',
    );
    const { answered } = other;
    for (let i = 0; i < 20; i++) expect((await client.online(LOGIN)).sessionId).toBeTypeOf('string');
    expect(other.answered - answered).toBeLessThanOrEqual(1);
  });

  test('endpoints may have host names', async () => {
    const servers = [await addLegacy(), await addDaemon()];
    const endpoints = servers.map(({ addr }) => addr.replace('127.0.0.1', 'localhost'));
    for (let i = 0; i < 10; i++) {
      const client = await newClient({ endpoints });
      expect((await client.online(LOGIN)).sessionId).toBeTypeOf('string');
      expect(await client.getStats()).toMatchObject({ devicesOnline: 1 });
    }
    expect(legacy[0]?.server.answered).toBe(0);
  });

  test('while a killed daemon is still registered, no legacy server is called instead', async () => {
    const server = await addLegacy();
    const where = ['--redis', redis.url, '--etcd', etcd.host, '--service', service];
    const daemon = await startImstate('serve', '--port', '0', '--lease-ttl', '1h', ...where);
    await daemon.kill();
    const client = await newClient();
    await expect(client.online(LOGIN)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(client.getStats()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(server.answered).toBe(0);
  });

  test('endpoints, doctor and the log of the daemon warn and say what to do', async () => {
    const server = await addLegacy();
    const daemon = await addDaemon();
    const warning =
      `mixed registry: ${server.addr} serves only pb.UserStatus and does not share sessions with the imstate ` +
      'daemons: finish the migration and stop it, as docs/migrating.md describes';
    const where = ['--etcd', etcd.host, '--service', service];
    expect((await runCli(['endpoints', ...where])).stderr).toBe(`warning: ${warning}\n`);
    expect((await runCli(['endpoints', ...where, '--json'])).stderr).toBe(`warning: ${warning}\n`);
    const report = await runCli(['doctor', ...where, '--json']);
    const { checks } = JSON.parse(report.stdout) as { checks: { check: string }[] };
    expect(checks.find(({ check }) => check === 'daemon-health')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(warning),
    });
    expect(report.exitCode).toBe(1);
    await until(() => daemon.logged.some((line) => line.includes(warning)), 'the daemon has warned');
    const warned = daemon.logged.find((line) => line.includes(warning)) as string;
    expect(JSON.parse(warned)).toMatchObject({ level: 40, warning });
  });

  test('there is no warning if all are daemons, or all are legacy servers', async () => {
    await addLegacy();
    const where = ['--etcd', etcd.host, '--service', service];
    expect((await runCli(['endpoints', ...where])).stderr).toBe('');
    await addDaemon();
    for (const { entry } of legacy) await entry.close();
    expect((await runCli(['endpoints', ...where])).stderr).toBe('');
  });
});
