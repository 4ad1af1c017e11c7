import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { probeEndpoint } from '../../packages/client/src/connection/probe.ts';
import type { Client } from '../../packages/client/src/index.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startProxy, type TcpProxy } from '../support/proxy.ts';
import { freePort, startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';

const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's1' };

describe('an impaired Redis', () => {
  let admin: Redis;
  let link: TcpProxy;
  let daemon: TestDaemon;
  let client: Client;

  beforeEach(async () => {
    const redis = await startRedis();
    disposables.push(() => redis.stop());
    admin = new Redis(redis.url);
    disposables.push(() => admin.disconnect());
    link = await startProxy(redis.port);
    disposables.push(() => link.close());
    daemon = await startDaemon({ redis: `redis://127.0.0.1:${link.port}` });
    client = await clientOf(daemon.addr);
    await client.online(LOGIN);
  });

  const health = async () => (await probeEndpoint(daemon.addr, { timeoutMs: 30_000 })).health;
  const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
  const loginAll = () => Promise.all(users.map((userId) => client.online({ ...LOGIN, userId })));

  test('read-only like a replica: changes fail, reads succeed, and the daemon recovers', async () => {
    await admin.replicaof('127.0.0.1', await freePort());
    const refused = { code: 'UNAVAILABLE', message: expect.stringMatching(/READONLY.*nothing was changed/) };
    await expect(client.online({ ...LOGIN, sessionId: 's2' })).rejects.toMatchObject(refused);
    await expect(client.offline(LOGIN)).rejects.toMatchObject(refused);
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({
      devices: [{ sessionId: 's1', online: true }],
    });
    expect(await health()).toBe('SERVING');
    await admin.call('REPLICAOF', 'NO', 'ONE');
    expect(await client.offline(LOGIN)).toMatchObject({ applied: true });
  });

  test('reconnects from a demoted master to the master that its address now leads to', async () => {
    const other = await startRedis();
    disposables.push(() => other.stop());
    const successor = new Redis(other.url);
    disposables.push(() => successor.disconnect());
    link.lead(other.port);
    await admin.replicaof('127.0.0.1', other.port);
    await until(
      () => client.online({ ...LOGIN, sessionId: 's2' }).catch(() => false),
      'changes succeed again',
    );
    expect(await successor.keys('*:u:alice')).toHaveLength(1);
  });

  test('0.2 s slow: calls take that long, and none fails', async () => {
    link.slow(100);
    const before = performance.now();
    await loginAll();
    expect(performance.now() - before).toBeGreaterThan(190);
    expect((await client.getUsers(users)).every(({ online }) => online)).toBe(true);
    expect(await health()).toBe('SERVING');
  });

  test('slower than the deadline: calls fail and state the outcome, and the daemon recovers', async () => {
    link.slow(2_000);
    const unsure = { code: 'UNAVAILABLE', message: expect.stringContaining('may have been applied') };
    await expect(client.online({ ...LOGIN, sessionId: 's2' })).rejects.toMatchObject(unsure);
    await until(async () => (await health()) === 'NOT_SERVING', 'health is NOT_SERVING');
    link.heal();
    await until(async () => (await health()) === 'SERVING', 'health is SERVING');
    await loginAll();
    const { devices } = await client.getUser({ userId: 'alice' });
    expect(['s1', 's2']).toContain(devices[0]?.sessionId);
  });

  test('disconnected: calls fail, and the daemon recovers when the network is back', async () => {
    link.cut();
    await expect(client.online({ ...LOGIN, sessionId: 's2' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await until(async () => (await health()) === 'NOT_SERVING', 'health is NOT_SERVING');
    link.heal();
    await until(async () => (await health()) === 'SERVING', 'health is SERVING');
    await loginAll();
  });
});
