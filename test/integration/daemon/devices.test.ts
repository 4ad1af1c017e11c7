import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import type { Operation } from '../../../packages/client/src/generated/imstate/v1/Operation.ts';
import { grpcClients } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { scrape, sumOf } from '../../support/metrics.ts';

const RESOURCE_EXHAUSTED = 8;
const http = { addr: '127.0.0.1', port: 0 };
const login = { userId: 'alice', serverAddr: '10.0.0.1:9000' };

function callerOf({ addr }: { addr: string }) {
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return clients;
}

/** Logs in `count` devices of alice. */
function logins(count: number): Operation[] {
  return Array.from({ length: count }, (_, i) => ({ online: { ...login, deviceId: `d${i}` } }));
}

async function apply({ v1 }: ReturnType<typeof callerOf>, operations: Operation[]) {
  const stream = v1.apply();
  const { results } = await stream.send({ operations });
  stream.end();
  await stream.ended;
  return results;
}

test.each(['embedded', 'redis'])('rejects and counts a login beyond --max-devices: %s', async (kind) => {
  const redis = kind === 'redis' ? inject('redisUrl') : undefined;
  const daemon = await startDaemon({ http, redis, maxDevices: 3 });
  const caller = callerOf(daemon);
  const results = await apply(caller, [
    ...logins(4),
    { online: { ...login, userId: 'bob', deviceId: 'd0' } },
  ]);
  expect(results.map(({ error }) => error?.code)).toEqual([
    ...[undefined, undefined, undefined],
    RESOURCE_EXHAUSTED,
    undefined,
  ]);
  const refused = await caller.v1.online({ ...login, deviceId: 'd4' }).catch((error) => error);
  expect(refused).toMatchObject({
    code: RESOURCE_EXHAUSTED,
    details:
      'the user has 3 devices online, the limit (--max-devices), and nothing was changed: log a device out, or raise the limit',
  });
  // A retry would not help.
  expect(refused.metadata.get('grpc-retry-pushback-ms')).toEqual([]);
  await expect(
    caller.pb.online({ UserID: 'alice', DeviceID: 'd5', ServerAddr: login.serverAddr }),
  ).rejects.toMatchObject({ code: RESOURCE_EXHAUSTED });
  expect(sumOf(await scrape(daemon.http), 'imstate_logins_rejected_total')).toBe(3);
  expect((await caller.v1.getUser({ userId: 'alice' })).devices).toHaveLength(3);
});

test('keeps users above a lowered limit readable, and accepts logins again below it', async () => {
  const store = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
  const before = callerOf(await startDaemon({ ...store, maxDevices: 50 }));
  await apply(before, logins(30));
  const { v1 } = callerOf(await startDaemon({ ...store, maxDevices: 10 }));
  expect((await v1.getUser({ userId: 'alice' })).devices).toHaveLength(30);
  const another = () => v1.online({ ...login, deviceId: 'another' });
  for (let i = 0; i < 20; i++) {
    expect(await v1.offline({ userId: 'alice', deviceId: `d${i}` })).toMatchObject({ applied: true });
    await expect(another()).rejects.toMatchObject({ code: RESOURCE_EXHAUSTED });
  }
  await v1.offline({ userId: 'alice', deviceId: 'd20' });
  await another();
  const { devices } = await v1.getUser({ userId: 'alice' });
  expect(devices.filter(({ online }) => online)).toHaveLength(10);
  // Devices that went offline do not count.
  expect(devices).toHaveLength(10);
});

test('returns a user as often as a batch names it', async () => {
  const { v1 } = callerOf(await startDaemon());
  await v1.online({ ...login, deviceId: 'phone' });
  const { users } = await v1.batchGetUsers({ userIds: ['alice', 'bob', 'alice', 'bob', 'alice'] });
  expect(users.map(({ userId, devices }) => [userId, devices.length])).toEqual([
    ['alice', 1],
    ['bob', 0],
    ['alice', 1],
    ['bob', 0],
    ['alice', 1],
  ]);
});
