import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import type { Client, Relay as RelayRecord } from '../../../packages/client/src/index.ts';
import type { EventType } from '../../../src/relay/eventTypes.ts';
import { Relay } from '../../../src/relay/relay.ts';
import { DeliveryError, type RelayEvent, type RelayTarget } from '../../../src/relay/target.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const SERVER = '10.0.0.1:9000';

/** Receives events in this process. */
class Receiver implements RelayTarget {
  readonly description = 'a receiver';
  readonly maxEvents = 100;
  readonly events: RelayEvent[] = [];
  readonly deliveryIds: string[] = [];
  /** Why deliveries fail; undefined to accept them. */
  fault: DeliveryError | undefined;
  /** Called before each delivery. */
  before: () => Promise<void> = async () => {};

  async deliver(events: readonly RelayEvent[], deliveryId: string): Promise<void> {
    await this.before();
    this.deliveryIds.push(deliveryId);
    if (this.fault) throw this.fault;
    this.events.push(...events);
  }

  async close(): Promise<void> {}

  /** Types and users of what was received. */
  get brief(): string[] {
    return this.events.map(({ type, subject }) => `${type.replace('presence.', '')} ${subject ?? ''}`.trim());
  }

  ofType(type: string): RelayEvent[] {
    return this.events.filter((event) => event.type === type);
  }
}

interface Running {
  receiver: Receiver;
  stop(): Promise<void>;
}

/** Runs a relay until the end of the test. */
function run(
  client: Client,
  {
    name = 'billing',
    ...filter
  }: { name?: string; userPrefix?: string; servers?: string[]; types?: EventType[] } = {},
  receiver = new Receiver(),
): Running {
  const stop = new AbortController();
  const { userPrefix, servers, types } = filter;
  const relay = new Relay({
    name,
    holder: `test:${randomUUID().slice(0, 4)}`,
    client,
    target: receiver,
    filter: { userPrefix, servers, types: types && new Set(types) },
    log: { info: () => {}, warn: () => {} },
  });
  const ended = relay.run(stop.signal);
  const end = async () => {
    stop.abort();
    await ended;
  };
  disposables.push(end);
  return { receiver, stop: end };
}

async function relayOf(client: Client, name = 'billing'): Promise<RelayRecord | undefined> {
  return (await client.listRelays()).find((relay) => relay.name === name);
}

/** Waits until the relay has begun: what happens from now on is delivered. */
async function begun(client: Client): Promise<void> {
  await until(async () => (await relayOf(client))?.revision, 'the relay has begun');
}

function login(client: Client, userId: string, deviceId = 'phone', serverAddr = SERVER) {
  return client.online({ userId, deviceId, serverAddr });
}

describe.each(['embedded', 'Redis'])('a relay on the %s store', (store) => {
  const start = async () => {
    const { addr } = await startDaemon(store === 'Redis' ? { redis: inject('redisUrl') } : {});
    return clientOf(addr);
  };

  test('delivers sessions and users in order, and continues where it was', async () => {
    const client = await start();
    const { receiver, stop } = run(client);
    await begun(client);
    await login(client, 'alice');
    await login(client, 'alice', 'web');
    await login(client, 'alice', 'phone', '10.0.0.2:9000');
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await client.offline({ userId: 'alice', deviceId: 'web' });
    const expected = [
      'session.started alice',
      'user.online alice',
      'session.started alice',
      'session.moved alice',
      'session.ended alice',
      'session.ended alice',
      'user.offline alice',
    ];
    await until(() => receiver.events.length >= expected.length, 'the events arrive');
    expect(receiver.brief).toEqual(expected);
    expect(receiver.events.map(({ data }) => (data as { devicesOnline: number }).devicesOnline)).toEqual([
      1, 1, 2, 2, 1, 0, 0,
    ]);
    expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(expected.length);
    expect(receiver.events[0]).toMatchObject({
      specversion: '1.0',
      source: expect.stringMatching(/^urn:uuid:/),
    });
    await until(async () => (await relayOf(client))?.delivered === expected.length, 'they are committed');
    expect(await relayOf(client)).toMatchObject({ lagChanges: 0, lagMs: 0, state: 'RUNNING' });
    await stop();

    await login(client, 'bob');
    expect(await relayOf(client)).toMatchObject({ lagChanges: 1, lagMs: expect.any(Number) });
    const second = run(client);
    await until(() => second.receiver.events.length === 2, 'the missed events arrive');
    expect(second.receiver.brief).toEqual(['session.started bob', 'user.online bob']);
  });

  test('filters users, chat servers and types', async () => {
    const client = await start();
    const { receiver } = run(client, {
      userPrefix: 'a',
      servers: [SERVER],
      types: ['presence.session.started', 'presence.session.ended'],
    });
    await begun(client);
    await login(client, 'alice');
    await login(client, 'bob');
    await login(client, 'anna', 'phone', '10.0.0.2:9000');
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await until(() => receiver.events.length === 2, 'the events arrive');
    expect(receiver.brief).toEqual(['session.started alice', 'session.ended alice']);
  });

  test('tries again until the target accepts, with the same ID of the delivery', async () => {
    const client = await start();
    const { receiver } = run(client);
    await begun(client);
    receiver.fault = new DeliveryError('HTTP 500', { retryAfterMs: 10 });
    await login(client, 'alice');
    await until(async () => ((await relayOf(client))?.failed ?? 0) >= 3, 'three attempts failed');
    expect(await relayOf(client)).toMatchObject({ delivered: 0, lastError: 'HTTP 500', lagChanges: 1 });
    receiver.fault = undefined;
    await until(() => receiver.events.length === 2, 'the events arrive');
    expect(new Set(receiver.deliveryIds).size).toBe(1);
    await until(async () => (await relayOf(client))?.lastError === undefined, 'the error is gone');
  });

  test('pauses when the target is gone, and resumes', async () => {
    const client = await start();
    const { receiver } = run(client);
    await begun(client);
    receiver.fault = new DeliveryError('HTTP 410', { isGone: true });
    await login(client, 'alice');
    await until(async () => (await relayOf(client))?.state === 'PAUSED', 'the relay is paused');
    receiver.fault = undefined;
    expect(receiver.events).toEqual([]);
    await client.resumeRelay('billing');
    await until(() => receiver.events.length === 2, 'the events arrive');
  });

  test('replays what happened since a time, with the same IDs', async () => {
    const client = await start();
    const { receiver } = run(client);
    await begun(client);
    await login(client, 'alice');
    await login(client, 'bob');
    await until(async () => (await relayOf(client))?.delivered === 4, 'the events are committed');
    const ids = receiver.events.map(({ id }) => id).sort();
    // Users are in any order.
    const times = receiver.events.map(({ time }) => Date.parse(time as string));
    await client.replayRelay('billing', new Date(Math.min(...times)));
    await until(() => receiver.events.length >= 8, 'they arrive again');
    // Users are in order, each by itself.
    expect(
      receiver.events
        .slice(4)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    await expect(client.replayRelay('nothing', new Date())).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'name',
    });
  });

  test('is replayed while it is paused, and while its target fails', async () => {
    const client = await start();
    const { receiver } = run(client);
    await begun(client);
    await login(client, 'alice');
    await until(async () => (await relayOf(client))?.delivered === 2, 'the events are committed');
    const since = new Date(receiver.events[0]?.time as string);
    await client.pauseRelay('billing');
    await client.replayRelay('billing', since);
    await client.resumeRelay('billing');
    await until(() => receiver.events.length >= 4, 'they arrive again');
    receiver.fault = new DeliveryError('HTTP 503', { retryAfterMs: 3_600_000 });
    await login(client, 'bob');
    await until(async () => ((await relayOf(client))?.failed ?? 0) > 0, 'an attempt has failed');
    receiver.fault = undefined;
    await client.replayRelay('billing', since);
    await until(() => receiver.brief.includes('user.online bob'), 'everything arrives');
  });

  test('of two processes one delivers, and the other takes over', async () => {
    const client = await start();
    const first = run(client);
    await begun(client);
    const second = run(client);
    await login(client, 'alice');
    await until(() => first.receiver.events.length === 2, 'the first one delivers');
    await expect(client.deleteRelay('billing')).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await until(async () => (await relayOf(client))?.delivered === 2, 'that is committed');
    await first.stop();
    await login(client, 'bob');
    await until(() => second.receiver.events.length === 2, 'the second one takes over');
    expect([first.receiver.events.length, second.receiver.brief]).toEqual([
      2,
      ['session.started bob', 'user.online bob'],
    ]);
    await second.stop();
    await until(
      () =>
        client.deleteRelay('billing').then(
          () => true,
          () => false,
        ),
      'the claim runs out',
    );
    expect(await client.listRelays()).toEqual([]);
  });
});

test('sends snapshots of all who are online when changes are gone, and says so', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { addr } = await startDaemon({ redis: redis.url });
  const client = await clientOf(addr);
  const { receiver, stop } = run(client);
  await begun(client);
  await login(client, 'alice');
  await until(async () => (await relayOf(client))?.delivered === 2, 'the events are committed');
  await stop();
  // Its change logs are emptied, as by a fail-over that loses them.
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  await admin.del(...(await admin.keys('*{*}:e')));
  await login(client, 'bob');
  await login(client, 'bob', 'web');
  const second = run(client, {}, receiver);
  await until(() => receiver.ofType('presence.snapshot.ended').length === 1, 'the snapshots arrive');
  expect(receiver.brief.slice(2, 5).sort()).toEqual(['snapshot alice', 'snapshot bob', 'snapshot.begun']);
  expect(receiver.ofType('presence.snapshot.ended')[0]?.data).toMatchObject({ snapshots: 2 });
  await until(async () => (await relayOf(client))?.snapshots === 1, 'that is committed');
  await login(client, 'carol');
  await until(() => receiver.brief.includes('user.online carol'), 'changes follow');
  await second.stop();
});

test('each snapshot of a user has the devices at all chat servers of the filter', async () => {
  const { addr } = await startDaemon({ changeLimit: 1_000 });
  const client = await clientOf(addr);
  const servers = [SERVER, '10.0.0.2:9000'];
  const first = run(client, { servers });
  await begun(client);
  await first.stop();
  await login(client, 'alice');
  await login(client, 'alice', 'web', servers[1]);
  await login(client, 'alice', 'tablet', '10.0.0.3:9000');
  // More changes than the change log keeps.
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => login(client, `user-${i}`, 'phone', servers[1])));
  const { receiver } = run(client, { servers });
  await until(() => receiver.ofType('presence.snapshot.ended').length === 1, 'the snapshots arrive');
  const ofAlice = receiver.ofType('presence.snapshot').filter(({ subject }) => subject === 'alice');
  expect(ofAlice.length).toBeGreaterThan(0);
  for (const { data } of ofAlice) {
    const { devicesOnline, devices } = data as { devicesOnline: number; devices: { deviceId: string }[] };
    expect(devices.map(({ deviceId }) => deviceId).sort()).toEqual(['phone', 'web']);
    expect(devicesOnline).toBe(2);
  }
});

test('continues after the store lost everything', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { addr } = await startDaemon({ redis: redis.url });
  const client = await clientOf(addr);
  const { receiver } = run(client);
  await begun(client);
  await login(client, 'alice');
  await until(async () => (await relayOf(client))?.delivered === 2, 'the events are committed');
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  await admin.flushall();
  await until(() => receiver.ofType('presence.snapshot.ended').length > 0, 'a snapshot arrives');
  await login(client, 'bob');
  await until(() => receiver.brief.includes('user.online bob'), 'changes follow');
});

test('a standby continues with snapshots after the store lost everything', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { addr } = await startDaemon({ redis: redis.url });
  const client = await clientOf(addr);
  // Both deliver to one target, as two processes do.
  const { receiver } = run(client);
  await begun(client);
  run(client, {}, receiver);
  await login(client, 'alice');
  await until(async () => (await relayOf(client))?.delivered === 2, 'the events are committed');
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  for (let rounds = 1; rounds <= 3; rounds++) {
    await admin.flushall();
    await until(
      () => receiver.ofType('presence.snapshot.ended').length >= rounds,
      'snapshots arrive, whichever process is first',
    );
    await login(client, `user-${rounds}`);
    // As a change, or in the snapshots of the other process if that took over meanwhile.
    const arrivals = [`user.online user-${rounds}`, `snapshot user-${rounds}`];
    await until(() => receiver.brief.some((event) => arrivals.includes(event)), 'the login arrives');
    await until(async () => (await relayOf(client))?.lagChanges === 0, 'they are committed');
  }
});

test('completes snapshots while changes go on', async () => {
  const { addr } = await startDaemon({ changeLimit: 1_000 });
  const client = await clientOf(addr);
  const first = run(client);
  await begun(client);
  await first.stop();
  const users = Array.from({ length: 2_000 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => login(client, userId)));
  const second = run(client);
  const { receiver } = second;
  let isOver = false;
  // Each delivery is slower than some changes.
  receiver.before = async () => {
    for (let i = 0; i < 20 && !isOver; i++) await login(client, `other-${i % 10}`, `device-${i}`);
  };
  await until(() => receiver.ofType('presence.snapshot.ended').length > 0, 'the snapshots are complete');
  isOver = true;
  expect(
    new Set(receiver.ofType('presence.snapshot').map(({ subject }) => subject)).size,
  ).toBeGreaterThanOrEqual(2_000);
  await login(client, 'last');
  await until(() => receiver.brief.includes('user.online last'), 'changes follow');
});

test('a slow target holds up a bounded number of events, and loses none', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  const { receiver } = run(client);
  await begun(client);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  receiver.before = () => released;
  const users = Array.from({ length: 3_000 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => login(client, userId)));
  release();
  await until(() => receiver.ofType('presence.user.online').length === users.length, 'all events arrive');
  expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(2 * users.length);
});
