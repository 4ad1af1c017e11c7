import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { EndReason } from '../../../../packages/client/src/generated/imstate/v1/EndReason.ts';
import type { Operation } from '../../../../packages/client/src/generated/imstate/v1/Operation.ts';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../../support/daemon.ts';
import { startProxy } from '../../../support/proxy.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const SERVER = '10.0.0.1:9000';
const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;

let daemon: TestDaemon;
let clients: ReturnType<typeof grpcClients>;
let v1: ReturnType<typeof grpcClients>['v1'];

/** The options of another daemon on the same store. */
let store: { redis: string | undefined; keyPrefix: string };

async function start(redis: string | undefined): Promise<void> {
  store = { redis, keyPrefix: `test-${randomUUID()}:` };
  daemon = await startTestDaemon(store);
  clients = grpcClients(daemon.addr);
  v1 = clients.v1;
}

const disposables: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of disposables.splice(0)) await step();
  clients.close();
  await daemon.remove();
});

const login = (userId: string, sessionId: string): Operation => ({
  online: { userId, deviceId: 'phone', serverAddr: SERVER, sessionId },
});
const logout = (userId: string, sessionId = ''): Operation => ({
  offline: { userId, deviceId: 'phone', sessionId },
});
const heartbeat = (userId: string, sessionId: string): Operation => ({
  heartbeat: { userId, deviceId: 'phone', sessionId },
});
const ask = (userId: string): Operation => ({ getUser: { userId } });

/** A stream whose responses can be held back, and a user whose state takes 100 KB. */
async function slowCaller() {
  const metadata = { note: 'x'.repeat(1_000) };
  const devices = Array.from({ length: 100 }, (_, i) => `d${i}`);
  await apply(
    ...devices.map((deviceId) => ({ online: { userId: 'alice', deviceId, serverAddr: SERVER, metadata } })),
  );
  const proxy = await startProxy(Number(daemon.addr.split(':')[1]));
  const slow = grpcClients(`127.0.0.1:${proxy.port}`);
  disposables.push(async () => {
    slow.close();
    await proxy.close();
  });
  const stream = slow.v1.apply();
  await stream.send({ operations: [ask('bob')] });
  return { proxy, stream };
}

/** Sends one batch on a separate stream. */
async function apply(...operations: Operation[]) {
  const stream = v1.apply();
  const { results } = await stream.send({ operations });
  stream.end();
  expect(await stream.ended).toMatchObject({ code: 0 });
  return results;
}

const refused = (message: string | RegExp, code = INVALID_ARGUMENT) => ({
  error: { code, message: expect.stringMatching(message) },
});

describe.each(['embedded', 'redis'] as const)('Apply, %s store', (kind) => {
  beforeEach(() => start(kind === 'redis' ? inject('redisUrl') : undefined));

  test('returns for each operation the result of the corresponding call', async () => {
    const results = await apply(
      login('alice', 's1'),
      login('alice', 's2'),
      heartbeat('alice', 's1'),
      heartbeat('alice', 's2'),
      ask('alice'),
      logout('alice', 's1'),
      logout('alice', 's2'),
      ask('alice'),
      { getUser: { userId: 'alice', deviceId: 'web' } },
      { online: { userId: 'bob', deviceId: 'web', serverAddr: SERVER } },
    );
    const replaced = { deviceId: 'phone', sessionId: 's1', endReason: EndReason.END_REASON_REPLACED };
    expect(results).toMatchObject([
      { online: { sessionId: 's1', replaced: [], endReason: 0 } },
      { online: { sessionId: 's2', replaced: [{ ...replaced, userId: 'alice', serverAddr: SERVER }] } },
      { heartbeat: { ended: [replaced] } },
      { heartbeat: { ended: [] } },
      { getUser: { userId: 'alice', online: true, devices: [{ sessionId: 's2', online: true }] } },
      { offline: { applied: false } },
      { offline: { applied: true } },
      { getUser: { online: false, devices: [{ endReason: EndReason.END_REASON_LOGOUT }] } },
      { getUser: { userId: 'alice', online: false, devices: [] } },
      { online: { sessionId: expect.stringMatching(/^.{16}$/) } },
    ]);
    expect(await v1.getStats()).toMatchObject({ usersOnline: 1, devicesOnline: 1 });
  });

  test('executes operations on a user in order, within and across batches', async () => {
    const stream = v1.apply();
    const users = ['alice', 'bob', 'carol'];
    const batchOf = (batch: number) => ({
      operations: Array.from({ length: 100 }, (_, i) => [
        ...users.map((userId) => login(userId, `s${batch}-${i}`)),
        ...users.map(ask),
      ]).flat(),
    });
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((batch) => stream.send(batchOf(batch))));
    stream.end();
    let before = '';
    for (const [batch, { results }] of answers.entries()) {
      for (const [i, { online, getUser }] of results.entries()) {
        const turn = Math.floor(i / 6);
        const sessionId = `s${batch}-${turn}`;
        if (online) {
          expect(online.replaced.map((session) => session.sessionId)).toEqual(before ? [before] : []);
        } else {
          expect(getUser?.devices).toMatchObject([{ sessionId }]);
          before = sessionId;
        }
      }
    }
  });

  test('executes valid operations beside invalid ones', async () => {
    const results = await apply(
      login('alice', 's1'),
      login('', 's1'),
      {},
      logout('x'.repeat(257)),
      { heartbeat: { userId: 'alice', deviceId: 'phone' } },
      { online: { userId: 'alice', deviceId: 'phone', serverAddr: 'nowhere' } },
      { getUser: { userId: 'a\u0000b' } },
      ask('alice'),
    );
    expect(results).toMatchObject([
      { online: { sessionId: 's1' } },
      refused(/^user_id must not be empty/),
      refused(/^operation must be given: online, offline, heartbeat or get_user/),
      refused(/^user_id must be at most 256 bytes/),
      refused(/^heartbeat\.session_id must not be empty/),
      refused(/^server_addr must be HOST:PORT/),
      refused(/^user_id must not contain control characters/),
      { getUser: { online: true } },
    ]);
  });

  test('accepts 1,000 operations in a batch', async () => {
    const results = await apply(...Array.from({ length: 1_000 }, (_, i) => login(`user-${i}`, 's1')));
    expect(results.map(({ online }) => online?.sessionId)).toEqual(Array.from({ length: 1_000 }, () => 's1'));
    expect(await v1.getStats()).toMatchObject({ usersOnline: 1_000 });
  });

  test.each([0, 1_001])(
    'ends the stream at %i operations, after it has answered earlier batches',
    async (count) => {
      const stream = v1.apply();
      const good = stream.send({ operations: [login('alice', 's1')] });
      const operations = Array.from({ length: count }, (_, i) => login(`user-${i}`, 's1'));
      const bad = expect(stream.send({ operations })).rejects.toMatchObject({
        code: INVALID_ARGUMENT,
        details: `operations must be 1 to 1,000; these are ${count}: send several batches`,
      });
      expect((await good).results).toMatchObject([{ online: { sessionId: 's1' } }]);
      await bad;
      expect(await v1.getStats()).toMatchObject({ usersOnline: 1 });
    },
  );

  test('answers all batches after the caller half-closes the stream', async () => {
    const stream = v1.apply();
    const answers = Array.from({ length: 20 }, (_, i) =>
      stream.send({ operations: [login('alice', `s${i}`), ask('alice')] }),
    );
    stream.end();
    const last = (await Promise.all(answers)).at(-1);
    expect(last?.results).toMatchObject([{}, { getUser: { devices: [{ sessionId: 's19' }] } }]);
    expect(await stream.ended).toMatchObject({ code: 0 });
  });

  test('waits for a caller that pauses its reading, without leaking listeners', async () => {
    const { proxy, stream } = await slowCaller();
    const warned = vi.fn();
    process.on('warning', warned);
    for (let round = 0; round < 12; round++) {
      proxy.holdAnswers();
      const answers = Array.from({ length: 40 }, () => stream.send({ operations: [ask('alice')] }));
      for (let i = 0; i < 20; i++) await v1.getUser({ userId: 'bob' });
      proxy.heal();
      for (const { results } of await Promise.all(answers)) {
        expect(results[0]?.getUser?.devices).toHaveLength(100);
      }
    }
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });

  test('waits on shutdown for a caller that reads slowly', async () => {
    const { proxy, stream } = await slowCaller();
    proxy.holdAnswers();
    const answers = Array.from({ length: 10 }, () => stream.send({ operations: [ask('alice')] }));
    for (let i = 0; i < 20; i++) await v1.getUser({ userId: 'bob' });
    const stopped = daemon.stop();
    // Longer than a daemon waits for idle connections.
    await delay(1_000);
    proxy.heal();
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await stream.ended).toMatchObject({ code: 0 });
    stream.end();
    await stopped;
  });

  test('answers accepted batches on shutdown, ends with OK, and executes nothing else', async () => {
    const stream = v1.apply();
    const answered: string[] = [];
    const unanswered: string[] = [];
    const sent: Promise<unknown>[] = [];
    let isOver = false;
    const send = (userId: string) => {
      const operations = [login(userId, 's1')];
      sent.push(
        stream.send({ operations }).then(
          () => answered.push(userId),
          () => unanswered.push(userId),
        ),
      );
    };
    const flow = (async () => {
      for (let i = 0; !isOver; i++) {
        send(`user-${i}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await until(() => answered.length > 50, 'some batches are answered');
    const stopped = daemon.stop();
    expect(await stream.ended).toMatchObject({ code: 0 });
    isOver = true;
    await flow;
    await stopped;
    stream.end();
    expect(daemon.logged.join()).not.toContain('calls in flight were cut');

    const { dataDir } = daemon;
    clients.close();
    const after = await startTestDaemon({ ...store, dataDir });
    const reader = grpcClients(after.addr);
    expect(await reader.v1.getStats()).toMatchObject({ usersOnline: answered.length });
    for (const userId of answered.slice(-5)) {
      expect(await reader.v1.getUser({ userId })).toMatchObject({ online: true });
    }
    reader.close();
    await after.remove();
  });
});

describe('Apply, Redis unavailable', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;

  beforeEach(async () => {
    redis = await startRedis();
    await start(redis.url);
  });

  afterEach(() => redis.stop());

  test('states the outcome of each operation, and continues the stream', async () => {
    const stream = v1.apply();
    const operations = [login('alice', 's1'), login('bob', ''), logout('carol'), ask('alice'), login('', '')];
    await stream.send({ operations });
    redis.freeze();
    expect((await stream.send({ operations })).results).toMatchObject([
      ...[0, 1, 2].map(() => refused(/; the change may have been applied$/, UNAVAILABLE)),
      refused(/^((?!change).)*$/, UNAVAILABLE),
      refused(/^user_id must not be empty/),
    ]);
    redis.thaw();
    await redis.kill();
    const isGone = async () =>
      (await stream.send({ operations })).results[0]?.error?.message.includes('nothing was changed');
    await until(isGone, 'the daemon notices that Redis is down');
    await redis.restart();
    const isBack = async () => (await stream.send({ operations })).results[0]?.online;
    await until(isBack, 'the daemon has reconnected to Redis');
    stream.end();
    expect(await stream.ended).toMatchObject({ code: 0 });
  });
});

describe.each(['embedded', 'redis'] as const)('BatchGetUsers, %s store', (kind) => {
  beforeEach(() => start(kind === 'redis' ? inject('redisUrl') : undefined));

  test('returns users in the order of the request, including repeated and unknown ones', async () => {
    await apply(login('alice', 's1'), login('bob', 's2'), logout('bob'));
    const userIds = ['bob', 'nobody', 'alice', 'bob', '用户'];
    const { users } = await v1.batchGetUsers({ userIds });
    expect(users.map(({ userId }) => userId)).toEqual(userIds);
    const bob = { online: false, devices: [{ sessionId: 's2', endReason: EndReason.END_REASON_LOGOUT }] };
    const nobody = { online: false, devices: [] };
    expect(users).toMatchObject([bob, nobody, { online: true, devices: [{ sessionId: 's1' }] }, bob, nobody]);
  });

  test('accepts 1 to 1,000 users', async () => {
    const userIds = Array.from({ length: 1_001 }, (_, i) => `user-${i}`);
    const { users } = await v1.batchGetUsers({ userIds: userIds.slice(1) });
    expect(users.map(({ userId }) => userId)).toEqual(userIds.slice(1));
    for (const [bad, rule] of [
      [[], 'user_ids must be 1 to 1,000: name at least one'],
      [userIds, 'user_ids must be 1 to 1,000; these are 1001'],
      [['alice', ''], 'user_ids[1] must not be empty'],
    ] as const) {
      await expect(v1.batchGetUsers({ userIds: [...bad] })).rejects.toMatchObject({
        code: INVALID_ARGUMENT,
        details: expect.stringContaining(rule),
      });
    }
  });
});
