import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { Delivered } from '../../support/delivered.ts';
import { type LegacyServer, startLegacyServer } from '../../support/legacyServer.ts';
import { runCli } from '../../support/runCli.ts';
import { startRedis } from '../../support/servers.ts';

describe('a legacy server', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let server: LegacyServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.stop());

  beforeEach(async () => {
    server = await startLegacyServer(redis.url);
  });

  afterEach(() => server.stop());

  test('logins, logouts and queries of a device work, and what it does not know is undefined', async () => {
    const client = await connect({ endpoints: [server.addr], timeoutMs: 30_000 });
    const login = await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    expect(login).toMatchObject({
      sessionId: undefined,
      loginTime: undefined,
      replaced: [],
      rejected: false,
    });
    expect(await client.getUser({ userId: 'alice', deviceId: 'phone' })).toMatchObject({
      online: true,
      devices: [{ deviceId: 'phone', online: true, serverAddr: '10.0.0.1:9000', sessionId: undefined }],
    });
    expect(await client.offline({ userId: 'alice', deviceId: 'phone' })).toEqual({ applied: undefined });
    const after = await client.getUser({ userId: 'alice', deviceId: 'phone' });
    expect(after).toEqual({ userId: 'alice', online: false, devices: [] });
    await client.close();
  });

  test('what it cannot express is rejected, not ignored', async () => {
    const client = await connect({ endpoints: [server.addr], timeoutMs: 30_000 });
    const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
    for (const call of [
      () => client.online({ ...login, sessionId: 's1' }),
      () => client.online({ ...login, platform: 'ios' }),
      () => client.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's1' }),
      () => client.getUser({ userId: 'alice' }),
      () => client.online({ ...login, ttlMs: 60_000 }),
      () => client.online({ ...login, metadata: { app: '3' } }),
      () => client.online({ ...login, policy: 'REPLACE_ALL' }),
      () => client.online({ ...login, serverIncarnation: 1 }),
      () => client.online({ ...login, loginTime: new Date() }),
      () => client.offline({ userId: 'alice', deviceId: 'phone', graceMs: 5_000 }),
      () => client.getUser({ userId: 'alice', deviceId: 'phone', explain: true }),
      () => client.heartbeat([{ userId: 'alice', deviceId: 'phone', sessionId: 's1' }]),
      () => client.listHistory({ userId: 'alice' }),
      () => client.listSessions(),
      () => client.listServers(),
      () => client.getStats(),
      () => client.listAudit(),
      () => client.evict({ userId: 'alice' }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'UNIMPLEMENTED',
        message: expect.stringMatching(/pb\.UserStatus/),
      });
    }
    await client.close();
  });

  test('what it can express is accepted: empty metadata, and the policy that ends nothing', async () => {
    const client = await connect({ endpoints: [server.addr], timeoutMs: 30_000 });
    const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
    await client.online({ ...login, metadata: {}, policy: 'KEEP_ALL' });
    await client.close();
  });

  test('it has no leases: a lease is lost at once', async () => {
    const client = await connect({ endpoints: [server.addr], timeoutMs: 30_000 });
    const own = client.server({ addr: '10.0.0.1:9000' });
    expect(await own.lost).toMatchObject({ code: 'UNIMPLEMENTED' });
    await expect(own.ready).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
    await client.close();
  });

  test('it cannot be watched: a watch fails at once', async () => {
    const client = await connect({ endpoints: [server.addr], timeoutMs: 30_000 });
    const { ended } = new Delivered(client.watch({ users: ['alice'] }));
    const message = expect.stringContaining('pb.UserStatus');
    expect(await ended).toMatchObject({ code: 'UNIMPLEMENTED', message });
    expect((await runCli(['watch', 'alice', '--endpoint', server.addr])).exitCode).toBe(1);
    await client.close();
  });

  test('the commands work with it, and report what it does not know', async () => {
    const cli = (...args: string[]) => runCli([...args, '--endpoint', server.addr]);
    const online = await cli('online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000');
    expect(online.stdout).toBe('alice/phone is online at 10.0.0.1:9000\n');
    expect((await cli('query', 'alice', 'phone')).stdout).toContain('alice/phone is online');
    const json = JSON.parse((await cli('offline', 'alice', 'phone', '--json')).stdout);
    expect(json).toEqual({ userId: 'alice', deviceId: 'phone', applied: null });
    expect((await cli('query', 'alice', 'phone', '--exit-code')).exitCode).toBe(1);
    const { endpoints } = JSON.parse((await cli('endpoints', '--json')).stdout);
    expect(endpoints).toEqual([
      { addr: server.addr, health: 'UNKNOWN', latencyMs: expect.any(Number), storeId: null },
    ]);
  });
});
