import { expect, test } from 'vitest';
import { formatPageToken } from '../../../src/store/pageToken.ts';
import { grpcClients } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { dumpRedis } from '../store/stores.ts';

/** An ID that stands nowhere but in what is kept of this user. */
const USER = 'user-to-erase-93b1';
const serverAddr = '10.0.0.1:9000';
const DETAILS = { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.2.1' };

test('exports everything that is kept of a user', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  await client.online({ userId: USER, deviceId: 'phone', sessionId: 's1', serverAddr, ...DETAILS });
  await client.online({ userId: USER, deviceId: 'web', sessionId: 's2', serverAddr });
  await client.online({ userId: 'bob', deviceId: 'web', serverAddr });
  await client.evict({ device: { userId: USER, deviceId: 'phone' }, reasonText: 'stolen' });
  const exported = await client.exportUser(USER);
  expect(exported).toMatchObject({
    userId: USER,
    devices: [
      { deviceId: 'web', online: true },
      { deviceId: 'phone', online: false, ...DETAILS, reasonText: 'stolen' },
    ],
    history: [{ deviceId: 'phone', reason: 'EVICTED', label: DETAILS.label, clientIp: '203.0.113.0/24' }],
    changes: [
      { deviceId: 'phone' },
      { deviceId: 'web' },
      { deviceId: 'phone', ended: { reasonText: 'stolen' } },
    ],
  });
  expect(exported.devices[0]?.explanation).toBeDefined();
  expect(exported.audit.map(({ action }) => action)).toEqual(['evict']);
  expect((await client.listAudit()).records.map(({ action }) => action)).toEqual(['export_user', 'evict']);
  expect(JSON.stringify(exported)).not.toContain('bob');
  expect(await client.exportUser('nobody')).toMatchObject({ devices: [], history: [], changes: [] });
});

test('exports more devices and changes than fit into a page', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  const devices = Array.from({ length: 1_000 }, (_, i) => `d${i}`);
  await Promise.all(
    devices.map((deviceId) =>
      client.online({ userId: USER, deviceId, serverAddr, metadata: { text: 'm'.repeat(1_000) } }),
    ),
  );
  for (let i = 0; i < 300; i++) await client.online({ userId: USER, deviceId: 'd0', serverAddr });
  const exported = await client.exportUser(USER);
  expect(new Set(exported.devices.map(({ deviceId }) => deviceId)).size).toBe(1_000);
  expect(
    exported.devices.every(({ metadata }) => metadata.text?.length === 1_000 || metadata.text === undefined),
  ).toBe(true);
  expect(exported.changes).toHaveLength(1_300);
});

test('an erasure leaves nothing in Redis, and a pseudonym in the audit trail', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { addr } = await startDaemon({ redis: redis.url });
  const client = await clientOf(addr);
  for (const deviceId of ['phone', 'web'])
    await client.online({ userId: USER, deviceId, serverAddr, ...DETAILS });
  await client.offline({ userId: USER, deviceId: 'web' });
  await client.evict({ userId: USER, reasonText: `goodbye ${USER}` });
  await client.exportUser(USER);
  await client.online({ userId: USER, deviceId: 'tv', serverAddr });
  expect((await dumpRedis(redis.url)).includes(USER)).toBe(true);
  const erased = await client.eraseUser(USER);
  expect(erased).toMatchObject({ sessionsEnded: 1, entriesLeft: 0, devicesOnline: 0, changesErased: 6 });
  expect(erased.auditRecordsRewritten).toBe(2);
  const dump = await dumpRedis(redis.url);
  expect(dump.includes(USER)).toBe(false);
  expect(dump.includes(DETAILS.label)).toBe(false);
  const { records } = await client.listAudit();
  expect(records[0]).toMatchObject({ action: 'erase_user', outcome: 'OK' });
  const pseudonym = records[0]?.target.userId;
  expect(pseudonym).toMatch(/^erased:[0-9a-f]{32}$/);
  expect(new Set(records.map(({ target }) => target.userId))).toEqual(new Set([pseudonym]));
  expect(records.find(({ action }) => action === 'evict')?.detail).toBeUndefined();
  expect((await client.exportUser(USER)).changes).toEqual([]);
});

test('watches receive the ends before they are erased, and resume over them', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const store = { redis: redis.url, keyPrefix: 'im:' };
  const daemons = [await startDaemon(store), await startDaemon(store)];
  const [eraser, other] = await Promise.all(daemons.map(({ addr }) => clientOf(addr)));
  const seen: string[] = [];
  let revision = '';
  const watch = other?.watch({ everything: true });
  void (async () => {
    for await (const event of watch ?? []) {
      if (event.type === 'change') seen.push(`${event.userId} ${event.online}`);
      if ('revision' in event) revision = event.revision;
    }
  })();
  await until(() => revision !== '', 'the watch is synced');
  const before = revision;
  await eraser?.online({ userId: USER, deviceId: 'phone', serverAddr });
  await eraser?.eraseUser(USER);
  expect(seen).toEqual([`${USER} true`, `${USER} false`]);
  await eraser?.online({ userId: 'bob', deviceId: 'phone', serverAddr });
  await until(() => seen.length === 3, 'the watch goes on');
  watch?.close();
  const resumed: string[] = [];
  const later = other?.watch({ everything: true, resumeRevision: before });
  for await (const event of later ?? []) {
    if (event.type === 'lost') throw new Error(event.reason);
    if (event.type === 'change') resumed.push(event.userId);
    if (event.type === 'synced') break;
  }
  expect(resumed).toEqual(['bob']);
});

test('keeps a device that logs in during the erasure, and says so', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  await client.online({ userId: USER, deviceId: 'phone', sessionId: 's1', serverAddr });
  const erasing = client.eraseUser(USER);
  await until(async () => !(await client.getUser({ userId: USER })).online, 'the sessions have ended');
  await client.online({ userId: USER, deviceId: 'phone', sessionId: 's2', serverAddr });
  expect(await erasing).toMatchObject({ devicesOnline: 1, entriesLeft: 0 });
  expect(await client.getUser({ userId: USER })).toMatchObject({
    devices: [{ sessionId: 's2', online: true }],
  });
});

test.each(['exportUser', 'eraseUser'] as const)('%s rejects an invalid user', async (call) => {
  const client = await clientOf((await startDaemon()).addr);
  await expect(client[call]('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'user_id' });
  await expect(client[call]('x'.repeat(257))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('an export rejects a page token of another call', async () => {
  const { addr } = await startDaemon();
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  const tokens = [
    'x',
    ...[
      ['nothing', ''],
      ['changes', 'x'],
      ['devices', '-1'],
    ].map(formatPageToken),
  ];
  for (const pageToken of tokens)
    await expect(clients.v1.exportUser({ userId: USER, pageToken })).rejects.toMatchObject({ code: 3 });
});
