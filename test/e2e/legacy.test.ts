import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { grpcClients, startTestDaemon, type TestDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';

const STORES = [
  ['embedded', () => ({})],
  ['Redis', () => ({ redis: inject('redisUrl') })],
] as const;

/** Short enough to pass in real time. The contract suite covers other retentions with a controlled clock. */
const RETENTION_MS = 300;

describe.each(STORES)('the faults of the legacy server, on the %s store', (_, options) => {
  let daemon: TestDaemon;
  let clients: ReturnType<typeof grpcClients>;

  beforeEach(async () => {
    daemon = await startTestDaemon({ ...options(), retentionMs: RETENTION_MS });
    clients = grpcClients(daemon.addr);
  });

  afterEach(async () => {
    clients.close();
    await daemon.remove();
  });

  const login = (UserID: string, DeviceID: string, ServerAddr = 'a:1') =>
    clients.pb.online({ UserID, DeviceID, ServerAddr });
  const logout = (UserID: string, DeviceID: string) => clients.pb.offline({ UserID, DeviceID });
  const isOnline = async (UserID: string, DeviceID: string) =>
    (await clients.pb.query({ UserID, DeviceID })).Status;
  const devices = async (userId: string) => (await clients.v1.getUser({ userId })).devices;

  test('keeps a login when the retention of an earlier logout ends', async () => {
    await login('alice', 'phone');
    await login('witness', 'phone');
    await logout('alice', 'phone');
    await logout('witness', 'phone');
    await login('alice', 'phone');
    await until(async () => (await devices('witness')).length === 0, 'the retention is over');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await isOnline('alice', 'phone')).toBe(true);
  });

  test('stores nothing for a logout of an unknown device', async () => {
    await logout('nobody', 'phone');
    expect(await devices('nobody')).toEqual([]);
  });

  test('records the logout time', async () => {
    await login('alice', 'phone');
    await logout('alice', 'phone');
    expect((await devices('alice'))[0]?.logoutTime?.seconds).toBeGreaterThan(1_700_000_000);
  });

  test('returns the device of the requested user', async () => {
    await login('alice', 'phone', 'a:1');
    await login('bob', 'phone', 'b:1');
    expect(await clients.pb.query({ UserID: 'alice', DeviceID: 'phone' })).toMatchObject({
      ServerAddr: 'a:1',
    });
    await logout('mallory', 'phone');
    expect(await isOnline('alice', 'phone')).toBe(true);
    expect(await isOnline('mallory', 'phone')).toBe(false);
    await expect(login('alice', '')).rejects.toMatchObject({ code: 3 });
  });
});
