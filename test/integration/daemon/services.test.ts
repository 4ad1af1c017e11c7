import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { EndReason } from '../../../packages/client/src/generated/imstate/v1/EndReason.ts';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

const STORES = [
  ['embedded', () => ({})],
  ['Redis', () => ({ redis: inject('redisUrl') })],
] as const;

describe.each(STORES)('the services on the %s store', (_, options) => {
  let daemon: TestDaemon;
  let clients: ReturnType<typeof grpcClients>;

  beforeEach(async () => {
    daemon = await startTestDaemon(options());
    clients = grpcClients(daemon.addr);
  });

  afterEach(async () => {
    clients.close();
    await daemon.remove();
  });

  const pb = {
    online: (UserID: string, DeviceID: string, ServerAddr: string) =>
      clients.pb.online({ UserID, DeviceID, ServerAddr }),
    offline: (UserID: string, DeviceID: string) => clients.pb.offline({ UserID, DeviceID }),
    query: (UserID: string, DeviceID: string) => clients.pb.query({ UserID, DeviceID }),
  };

  test('pb.UserStatus: shows logins and logouts', async () => {
    expect(await pb.online('alice', 'phone', '10.0.0.1:9000')).toEqual({});
    expect(await pb.query('alice', 'phone')).toEqual({ Status: true, ServerAddr: '10.0.0.1:9000' });
    expect(await pb.offline('alice', 'phone')).toEqual({});
    expect(await pb.query('alice', 'phone')).toEqual({ Status: false, ServerAddr: '' });
    expect(await pb.query('nobody', 'phone')).toEqual({ Status: false, ServerAddr: '' });
  });

  test('pb.UserStatus: returns the newest login of the user for an empty DeviceID', async () => {
    expect(await pb.query('alice', '')).toEqual({ Status: false, ServerAddr: '' });
    await pb.online('alice', 'phone', '10.0.0.1:9000');
    const before = Date.now();
    await until(() => Date.now() > before, 'the second login is later');
    await pb.online('alice', 'web', '10.0.0.2:9000');
    expect(await pb.query('alice', '')).toEqual({ Status: true, ServerAddr: '10.0.0.2:9000' });
    await pb.offline('alice', 'web');
    expect(await pb.query('alice', '')).toEqual({ Status: true, ServerAddr: '10.0.0.1:9000' });
  });

  test('pb.UserStatus: accepts any name of a chat server, as the legacy server did', async () => {
    await pb.online('alice', 'phone', 'gateway-7');
    expect(await pb.query('alice', 'phone')).toEqual({ Status: true, ServerAddr: 'gateway-7' });
  });

  test('imstate.v1: returns the session of a login and the replaced ones', async () => {
    const first = await clients.v1.online({
      userId: 'alice',
      deviceId: 'phone',
      serverAddr: '10.0.0.1:9000',
      platform: 'ios',
    });
    expect(first.sessionId).toMatch(/^[\w-]{16}$/);
    expect(first.replaced).toEqual([]);
    const second = await clients.v1.online({
      userId: 'alice',
      deviceId: 'phone',
      serverAddr: '10.0.0.2:9000',
      sessionId: 's2',
    });
    expect(second).toMatchObject({
      sessionId: 's2',
      replaced: [
        {
          deviceId: 'phone',
          sessionId: first.sessionId,
          serverAddr: '10.0.0.1:9000',
          endReason: EndReason.END_REASON_REPLACED,
        },
      ],
    });
    const again = await clients.v1.online({
      userId: 'alice',
      deviceId: 'phone',
      serverAddr: '10.0.0.2:9000',
      sessionId: 's2',
    });
    expect(again).toEqual({ ...second, replaced: [] });
  });

  test('imstate.v1: fences Offline by the session, and records the logout time', async () => {
    await clients.v1.online({
      userId: 'alice',
      deviceId: 'phone',
      serverAddr: '10.0.0.1:9000',
      sessionId: 's1',
    });
    expect(await clients.v1.offline({ userId: 'alice', deviceId: 'phone', sessionId: 'old' })).toEqual({
      applied: false,
    });
    expect(await clients.v1.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's1' })).toEqual({
      applied: true,
    });
    const { online, devices } = await clients.v1.getUser({ userId: 'alice' });
    expect(online).toBe(false);
    expect(devices).toMatchObject([
      { online: false, sessionId: 's1', endReason: EndReason.END_REASON_LOGOUT },
    ]);
    const [device] = devices;
    expect(device?.logoutTime?.seconds).toBeGreaterThanOrEqual(device?.loginTime?.seconds ?? Number.NaN);
  });

  test('imstate.v1: GetUser returns a user or one device', async () => {
    await clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: 'a:1', platform: 'ios' });
    await clients.v1.online({ userId: 'alice', deviceId: 'web', serverAddr: 'a:1' });
    expect((await clients.v1.getUser({ userId: 'alice' })).devices).toHaveLength(2);
    expect(await clients.v1.getUser({ userId: 'alice', deviceId: 'phone' })).toMatchObject({
      userId: 'alice',
      online: true,
      devices: [
        { deviceId: 'phone', platform: 'ios', logoutTime: null, endReason: EndReason.END_REASON_UNSPECIFIED },
      ],
    });
    expect(await clients.v1.getUser({ userId: 'nobody' })).toEqual({
      userId: 'nobody',
      online: false,
      devices: [],
      metadataOmitted: false,
      devicesOmitted: 0,
      lastSeenTime: null,
    });
  });

  test('shows the same sessions in both services', async () => {
    await clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    expect(await pb.query('alice', 'phone')).toEqual({ Status: true, ServerAddr: '10.0.0.1:9000' });
    await pb.offline('alice', 'phone');
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
  });

  test.each([
    [{ deviceId: 'd', serverAddr: 'a:1' }, 'user_id must not be empty'],
    [{ userId: 'u', serverAddr: 'a:1' }, 'device_id must not be empty'],
    [{ userId: 'u', deviceId: 'd' }, 'server_addr must not be empty'],
    [{ userId: 'u', deviceId: 'd', serverAddr: 'a' }, 'server_addr must be HOST:PORT'],
    [{ userId: 'u', deviceId: 'd', serverAddr: 'a:0' }, 'server_addr must be HOST:PORT'],
    [{ userId: 'u', deviceId: 'd', serverAddr: 'a:65536' }, 'server_addr must be HOST:PORT'],
    [
      { userId: 'u', deviceId: 'd', serverAddr: `${'h'.repeat(260)}:1` },
      'server_addr must be at most 255 bytes',
    ],
    [{ userId: '用'.repeat(86), deviceId: 'd', serverAddr: 'a:1' }, 'user_id must be at most 256 bytes'],
    [
      { userId: 'u\n', deviceId: 'd', serverAddr: 'a:1' },
      'user_id must not contain control characters; this one has U+000A',
    ],
    [
      { userId: 'u', deviceId: 'd\u0085', serverAddr: 'a:1' },
      'device_id must not contain control characters',
    ],
    [
      { userId: 'u', deviceId: 'd', serverAddr: 'a:1', sessionId: '\u007f' },
      'session_id must not contain control',
    ],
    [
      { userId: 'u', deviceId: 'd', serverAddr: 'a:1', platform: 'p'.repeat(33) },
      'platform must be at most 32 bytes',
    ],
  ])('rejects an invalid login with field and rule: %j', async (request, rule) => {
    await expect(clients.v1.online(request)).rejects.toMatchObject({
      code: 3,
      details: expect.stringContaining(rule),
    });
  });

  test('accepts IDs of maximum length', async () => {
    const userId = `${'用'.repeat(85)}x`;
    await clients.v1.online({
      userId,
      deviceId: 'd'.repeat(256),
      serverAddr: `${'h'.repeat(253)}:1`,
      sessionId: 's'.repeat(256),
    });
    expect(await clients.v1.getUser({ userId })).toMatchObject({ online: true });
  });
});
