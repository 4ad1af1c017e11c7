import { beforeEach, describe, expect, inject, test } from 'vitest';
import type { ApplyResponse } from '../../../../packages/client/src/generated/imstate/v1/ApplyResponse.ts';
import type { Operation } from '../../../../packages/client/src/generated/imstate/v1/Operation.ts';
import { loadCodec } from '../../../../packages/client/src/wire/codec.ts';
import { LIMITS } from '../../../../src/presence/limits.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const RESOURCE_EXHAUSTED = 8;
const http = { addr: '127.0.0.1', port: 0 };
/** Logins of maximum size, which together fill a response. */
const metadata = { about: 'm'.repeat(1_000) };
/** How many devices of the users below fit with their metadata, and how many without. */
const FEW = 500;
const MANY = 2_900;
const VERY_MANY = 4_900;
const REPLACE_ALL = 3 as const;

/** The size of a response on the wire. */
function bytesOf(response: ApplyResponse): number {
  return loadCodec().writer<ApplyResponse>('imstate.v1.ApplyResponse')(response).length;
}

describe.each(['embedded', 'redis'])('responses about users with many devices: %s', (kind) => {
  let daemon: TestDaemon;
  let clients: ReturnType<typeof grpcClients>;

  beforeEach(async () => {
    const redis = kind === 'redis' ? inject('redisUrl') : undefined;
    daemon = await startDaemon({ http, redis, maxDevices: 5_000 });
    clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
  });

  /** Logs in `count` devices of a user, and the first ten out. */
  async function logIn(userId: string, count: number, more: object): Promise<void> {
    const apply = clients.v1.apply();
    for (let from = 0; from < count; from += FEW) {
      const operations = Array.from({ length: Math.min(FEW, count - from) }, (_, i): Operation => {
        const deviceId = `${from + i}`.padStart(5, '0');
        return { online: { userId, deviceId, serverAddr: '10.0.0.1:9000', ...more } };
      });
      const { results } = await apply.send({ operations });
      expect(results.filter(({ error }) => error)).toEqual([]);
    }
    const logouts = Array.from(
      { length: 10 },
      (_, i): Operation => ({
        offline: { userId, deviceId: `${i}`.padStart(5, '0') },
      }),
    );
    await apply.send({ operations: logouts });
    apply.end();
    await apply.ended;
  }

  test('omit metadata that does not fit, and mark it as omitted', async () => {
    await logIn('few', FEW, { metadata });
    await logIn('many', MANY, { metadata });
    const few = await clients.v1.getUser({ userId: 'few' });
    expect(few).toMatchObject({ metadataOmitted: false, devicesOmitted: 0, devices: { length: FEW } });
    expect(few.devices[0]?.metadata).toEqual(metadata);
    const many = await clients.v1.getUser({ userId: 'many', explain: true });
    expect(many).toMatchObject({ metadataOmitted: true, devicesOmitted: 0, devices: { length: MANY } });
    expect(many.devices[0]).toMatchObject({ metadata: {}, explanation: { timeToLive: null } });
    const one = await clients.v1.getUser({ userId: 'many', deviceId: '00011' });
    expect(one.devices).toMatchObject([{ metadata }]);

    // Each fits alone, but not both together.
    const { users } = await clients.v1.batchGetUsers({ userIds: ['many', 'few', 'nobody'] });
    expect(users).toMatchObject([
      { metadataOmitted: true, devices: { length: MANY } },
      { metadataOmitted: true, devices: { length: FEW } },
      { devices: [] },
    ]);
    const json = JSON.parse((await ask(`${daemon.http}/api/v1/query?userId=many`)).text);
    expect(json).toMatchObject({ online: true, metadataOmitted: true, devices: { length: MANY } });
    expect(json).not.toHaveProperty('devicesOmitted');
    const read = await (await clientOf(daemon.addr)).getUser({ userId: 'many' });
    expect(read).toMatchObject({ online: true, metadataOmitted: true, devices: { length: MANY } });
  });

  test('reject a batch that does not fit even without metadata, also if it repeats a user', async () => {
    await logIn('many', MANY, {});
    const userIds = Array.from({ length: 1_000 }, () => 'many');
    await expect(clients.v1.batchGetUsers({ userIds })).rejects.toMatchObject({
      code: RESOURCE_EXHAUSTED,
      details: 'the answer would be larger than 3 MiB: ask for fewer users at once',
    });
    const apply = clients.v1.apply();
    const operations = userIds.map((userId): Operation => ({ getUser: { userId } }));
    const { results } = await apply.send({ operations });
    apply.end();
    await apply.ended;
    expect(results[0]?.getUser?.devices).toHaveLength(MANY);
    expect(results[500]?.error).toMatchObject({ code: RESOURCE_EXHAUSTED });
  });

  test('omit devices only as the last resort, offline ones first', async () => {
    const sessionId = 's'.repeat(250);
    const serverAddr = `${'h'.repeat(63)}.${'h'.repeat(63)}.${'h'.repeat(63)}.example:9000`;
    await logIn('very many', VERY_MANY, { sessionId, serverAddr });
    const user = await clients.v1.getUser({ userId: 'very many', explain: true });
    expect(user).toMatchObject({ online: true, metadataOmitted: true });
    expect(user.devices.length).toBeGreaterThan(VERY_MANY / 2);
    expect(user.devices.length + user.devicesOmitted).toBe(VERY_MANY);
    expect(user.devicesOmitted).toBeGreaterThan(10);
    expect(user.devices.filter(({ online }) => !online)).toEqual([]);
    await expect(clients.v1.batchGetUsers({ userIds: ['very many', 'very many'] })).rejects.toMatchObject({
      code: RESOURCE_EXHAUSTED,
    });
    const watch = clients.v1.watch({ userIds: ['very many'], initialState: true });
    await until(() => watch.syncs > 0, 'the snapshot is complete');
    watch.cancel();
    const { status, text } = await ask(`${daemon.http}/api/v1/query?userId=very%20many&explain=true`);
    expect([status, JSON.parse(text).devicesOmitted]).toEqual([200, user.devicesOmitted]);
  });

  test('show one user in a batch as in a call of its own', async () => {
    const sessionId = 's'.repeat(250);
    await logIn('very many', VERY_MANY, { sessionId, label: 'a phone' });
    const user = await clients.v1.getUser({ userId: 'very many' });
    expect(user.devicesOmitted).toBeGreaterThan(10);
    expect((await clients.v1.batchGetUsers({ userIds: ['very many'] })).users).toEqual([user]);
    const client = await clientOf(daemon.addr);
    const users = await client.getUsers(['very many', 'nobody']);
    expect(users.map(({ devicesOmitted }) => devicesOmitted)).toEqual([user.devicesOmitted, undefined]);
  });

  test('split the snapshot of many such users into responses that clients accept', async () => {
    const users = Array.from({ length: 12 }, (_, i) => `user ${i}`);
    for (const userId of users) await logIn(userId, FEW, { metadata });
    const watch = clients.v1.watch({ userIds: users, initialState: true });
    await until(() => watch.syncs > 0, 'the snapshot is complete');
    watch.cancel();
    expect(users.length * FEW * 1_000).toBeGreaterThan(LIMITS.answerBytes.max);
  });

  test('omit and count replaced sessions that do not fit', async () => {
    const sessionId = 's'.repeat(250);
    const serverAddr = `${'h'.repeat(63)}.${'h'.repeat(63)}.${'h'.repeat(63)}.example:9000`;
    const userIds = Array.from({ length: 10 }, (_, i) => `${i}`.padEnd(200, 'u'));
    for (const userId of userIds) await logIn(userId, FEW, { sessionId, serverAddr });
    await logIn('watched', FEW, { metadata });
    const replacing = (userId: string) => ({
      userId,
      deviceId: 'the one',
      serverAddr,
      loginPolicy: REPLACE_ALL,
    });
    const operations: Operation[] = [
      { online: replacing(userIds[0] as string) },
      { getUser: { userId: 'watched' } },
      ...userIds.slice(1).map((userId): Operation => ({ online: replacing(userId) })),
      { heartbeat: { userId: '', deviceId: '', sessionId: '' } },
    ];
    const apply = clients.v1.apply();
    const response = await apply.send({ operations });
    apply.end();
    await apply.ended;
    const { results } = response;
    expect(bytesOf(response)).toBeLessThanOrEqual(LIMITS.answerBytes.max);
    expect(results[1]?.getUser).toMatchObject({ metadataOmitted: true, devices: { length: FEW } });
    expect(results.at(-1)?.error).toMatchObject({ code: 3 });
    const logins = results.flatMap(({ online }) => online ?? []);
    // Ten devices of each user are offline.
    expect(logins.map((login) => login.replaced.length + login.replacedOmitted)).toEqual(
      userIds.map(() => FEW - 10),
    );
    expect(logins[0]?.replacedOmitted).toBe(0);
    expect(logins.at(-1)?.replacedOmitted).toBeGreaterThan(0);
    expect(logins.every(({ sessionId: own }) => own !== '')).toBe(true);
  });

  test('omit and count replaced sessions of a single login', async () => {
    const sessionId = 's'.repeat(250);
    const serverAddr = `${'h'.repeat(63)}.${'h'.repeat(63)}.${'h'.repeat(63)}.example:9000`;
    const userId = 'u'.repeat(250);
    await logIn(userId, VERY_MANY, { sessionId, serverAddr });
    const request = { userId, deviceId: 'the one', serverAddr, loginPolicy: REPLACE_ALL };
    const login = await clients.v1.online(request);
    expect(login.replacedOmitted).toBeGreaterThan(0);
    expect(login.replaced.length + login.replacedOmitted).toBe(VERY_MANY - 10);
    expect(login.replaced.length).toBeGreaterThan(VERY_MANY / 2);
    const again = await (await clientOf(daemon.addr)).online({
      userId,
      deviceId: 'the one',
      serverAddr,
      policy: 'REPLACE_ALL',
    });
    expect(again).toMatchObject({ replaced: [{ deviceId: 'the one' }], replacedOmitted: 0 });
  });
});
