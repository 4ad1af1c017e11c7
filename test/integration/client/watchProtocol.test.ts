import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Client, connect, type WatchOptions } from '../../../packages/client/src/index.ts';
import { Delivered } from '../../support/delivered.ts';
import { disposables } from '../../support/disposables.ts';
import { startFakeWatchServer } from '../../support/fakeWatchServer.ts';
import { until } from '../../support/until.ts';

let server: Awaited<ReturnType<typeof startFakeWatchServer>>;
let client: Client;

beforeEach(async () => {
  server = await startFakeWatchServer();
  disposables.push(() => server.stop());
  client = await connect({ endpoints: [server.addr], timeoutMs: 30_000, connectTimeoutMs: 30_000 });
  disposables.push(() => client.close());
});

function watch(options: WatchOptions) {
  const made = client.watch(options);
  disposables.push(() => made.close());
  return { made, delivered: new Delivered(made) };
}

const snapshot = (...userIds: string[]) => ({ snapshot: userIds.map((userId) => ({ userId })) });
const synced = (revision: string) => ({ synced: true, revision });
const change = (userId: string, revision: string) => ({
  userId,
  deviceId: 'phone',
  online: true,
  userOnline: true,
  revision,
  session: { sessionId: revision, serverAddr: '10.0.0.1:9000' },
});
const changes = (...all: ReturnType<typeof change>[]) => ({
  changes: all,
  revision: all.at(-1)?.revision ?? '',
});
const broken = 'the connection broke';

describe('a watch that is resumed', () => {
  test('continues after the last delivered revision, and reports that', async () => {
    const { made, delivered } = watch({ users: ['alice', 'bob'], coalesce: true });
    const first = await server.watch(0);
    expect(first.requests[0]?.start).toMatchObject({
      userIds: ['alice', 'bob'],
      initialState: true,
      resumeRevision: '',
      coalesce: true,
    });
    first.send(snapshot('alice', 'bob'), synced('r1'));
    first.send({ ...changes(change('alice', 'r2'), change('bob', 'r3')), coalesced: 3 });
    await delivered.has(2, 'change');
    first.fail(status.UNAVAILABLE, broken);
    const second = await server.watch(1);
    expect(second.requests[0]?.start).toMatchObject({
      userIds: ['alice', 'bob'],
      initialState: false,
      resumeRevision: 'r3',
      coalesce: true,
    });
    second.send(changes(change('bob', 'r4')), synced('r4'), { revision: 'r5', coalesced: 2 });
    await delivered.has(1, 'progress');
    expect(made.coalesced).toBe(5);
    expect(delivered.events.map(({ type }) => type)).toEqual([
      ...['snapshot', 'snapshot', 'synced', 'change', 'change'],
      ...['disconnected', 'reconnected', 'change', 'synced', 'progress'],
    ]);
    expect(delivered.of('disconnected')).toMatchObject([{ error: { code: 'UNAVAILABLE', message: broken } }]);
    expect(made.revision).toBe('r5');
  });

  test('delivers no change twice', async () => {
    const { delivered } = watch({ everything: true });
    const first = await server.watch(0);
    first.send(synced('r1'), changes(change('alice', 'r2'), change('alice', 'r3')));
    await delivered.has(2, 'change');
    first.fail(status.UNAVAILABLE, broken);
    const second = await server.watch(1);
    second.send(changes(change('alice', 'r2'), change('alice', 'r3'), change('alice', 'r4')));
    await delivered.has(3, 'change');
    expect(delivered.sessionsOf('alice')).toEqual(['r2', 'r3', 'r4']);
  });

  test('resumes when the daemon ends it for reading too slowly', async () => {
    const { delivered } = watch({ servers: ['10.0.0.1:9000'] });
    const first = await server.watch(0);
    first.send(synced('r1'));
    first.fail(status.RESOURCE_EXHAUSTED, 'too slow');
    const { requests } = await server.watch(1);
    expect(requests[0]?.start).toMatchObject({ serverAddrs: ['10.0.0.1:9000'], resumeRevision: 'r1' });
    await delivered.has(1, 'disconnected');
  });

  test('starts where the earlier watch ended', async () => {
    watch({ users: ['alice'], resumeRevision: 'r7' });
    const { requests } = await server.watch(0);
    expect(requests[0]?.start).toMatchObject({
      userIds: ['alice'],
      initialState: false,
      resumeRevision: 'r7',
    });
  });

  test('starts again while its snapshot is incomplete, and reports lost', async () => {
    const { delivered } = watch({ everything: true });
    const first = await server.watch(0);
    first.send(snapshot('alice'), { changes: [change('alice', 'r1')] });
    await delivered.has(1, 'change');
    first.fail(status.UNAVAILABLE, broken);
    const second = await server.watch(1);
    expect(second.requests[0]?.start).toMatchObject({ initialState: true, resumeRevision: '' });
    second.send(snapshot('bob'), synced('r2'));
    await delivered.has(1, 'synced');
    expect(delivered.events.map(({ type }) => type)).toEqual([
      ...['snapshot', 'change', 'disconnected', 'lost', 'reconnected', 'snapshot', 'synced'],
    ]);
  });
});

describe('a watch whose changes are gone', () => {
  test('starts again with a snapshot', async () => {
    const { delivered } = watch({ users: ['alice'], resumeRevision: 'old' });
    (await server.watch(0)).fail(status.OUT_OF_RANGE, 'gone');
    const second = await server.watch(1);
    expect(second.requests[0]?.start).toMatchObject({ initialState: true, resumeRevision: '' });
    second.send(snapshot('alice'), synced('r1'));
    await delivered.has(1, 'synced');
    expect(delivered.events).toMatchObject([
      { type: 'lost', reason: 'gone' },
      { type: 'snapshot' },
      { type: 'synced' },
    ]);
  });

  test('continues from now without snapshots', async () => {
    const { delivered } = watch({ everything: true, initialState: false });
    const first = await server.watch(0);
    expect(first.requests[0]?.start).toMatchObject({ everything: true, initialState: false });
    first.send(synced('r1'));
    first.fail(status.OUT_OF_RANGE, 'gone');
    const second = await server.watch(1);
    expect(second.requests[0]?.start).toMatchObject({ initialState: false, resumeRevision: '' });
    second.send(synced('r9'));
    await delivered.has(2, 'synced');
    expect(delivered.events.map(({ type }) => type)).toEqual(['synced', 'lost', 'synced']);
  });
});

describe('a watch whose users change', () => {
  test('resumes the complete ones, and adds the others again', async () => {
    const { made, delivered } = watch({ users: ['alice', 'carol'] });
    const first = await server.watch(0);
    first.send(snapshot('alice', 'carol'), synced('r1'));
    await delivered.has(1, 'synced');
    made.add(['bob', 'alice']);
    made.remove(['carol', 'nobody']);
    made.add(['dave']);
    expect((await first.received(4)).slice(1)).toMatchObject([
      { update: { addUserIds: ['bob'], removeUserIds: [] } },
      { update: { addUserIds: [], removeUserIds: ['carol'] } },
      { update: { addUserIds: ['dave'], removeUserIds: [] } },
    ]);
    first.send(snapshot('bob'), synced('r2'), synced('r3'), snapshot('dave'), changes(change('alice', 'r4')));
    await delivered.has(1, 'change');
    first.fail(status.UNAVAILABLE, broken);
    const second = await server.watch(1);
    const [start, update] = await second.received(2);
    expect(start).toMatchObject({ start: { userIds: ['alice', 'bob'], resumeRevision: 'r4' } });
    expect(update).toMatchObject({ update: { addUserIds: ['dave'] } });
    second.send(synced('r5'), snapshot('dave'), synced('r6'));
    await delivered.has(5, 'synced');
    second.fail(status.UNAVAILABLE, broken);
    const third = await server.watch(2);
    expect(third.requests).toMatchObject([
      { start: { userIds: ['alice', 'bob', 'dave'], resumeRevision: 'r6' } },
    ]);
  });

  test('delivers nothing about a removed user', async () => {
    const { made, delivered } = watch({ users: ['alice', 'bob'] });
    const first = await server.watch(0);
    first.send(snapshot('alice', 'bob'), synced('r1'));
    await delivered.has(1, 'synced');
    made.remove(['alice']);
    first.send(snapshot('alice'), changes(change('alice', 'r2'), change('bob', 'r3')));
    await delivered.has(1, 'change');
    expect(delivered.sessionsOf('alice')).toEqual([]);
    expect(delivered.of('snapshot')).toHaveLength(2);
  });

  test('a user that was removed and added again gets a snapshot', async () => {
    const { made, delivered } = watch({ users: ['alice', 'bob'] });
    const first = await server.watch(0);
    first.send(snapshot('alice', 'bob'), synced('r1'));
    await delivered.has(1, 'synced');
    made.remove(['bob']);
    made.add(['bob']);
    first.fail(status.UNAVAILABLE, broken);
    const second = await server.watch(1);
    expect(await second.received(2)).toMatchObject([
      { start: { userIds: ['alice'], resumeRevision: 'r1' } },
      { update: { addUserIds: ['bob'] } },
    ]);
  });

  test('waits for a first user', async () => {
    const { made, delivered } = watch({ users: [] });
    made.add(['alice']);
    const first = await server.watch(0);
    expect(first.requests).toMatchObject([{ start: { userIds: ['alice'], initialState: true } }]);
    first.send(snapshot('alice'), synced('r1'));
    await delivered.has(1, 'synced');
    made.remove(['alice']);
    first.fail(status.UNAVAILABLE, broken);
    await delivered.has(1, 'disconnected');
    made.add(['bob']);
    const second = await server.watch(1);
    expect(second.requests).toMatchObject([
      { start: { userIds: ['bob'], initialState: true, resumeRevision: '' } },
    ]);
  });

  test('adds many users in several updates', async () => {
    const { made } = watch({ users: ['alice'] });
    const first = await server.watch(0);
    made.add(Array.from({ length: 2_500 }, (_, i) => `user-${i}`));
    const sizes = (await first.received(4)).slice(1).map(({ update }) => update?.addUserIds.length);
    expect(sizes).toEqual([1_000, 1_000, 500]);
  });

  test('rejects too many users, and stays unchanged', async () => {
    const { made } = watch({ users: ['alice'] });
    const many = Array.from({ length: 10_000 }, (_, i) => `user-${i}`);
    const long = Array.from({ length: 9_000 }, (_, i) => `${i}`.padEnd(120, 'x'));
    for (const users of [many, long]) {
      expect(() => made.add(users)).toThrow('a watch has at most 10000 users');
      expect(() => client.watch({ users: [...users, 'one more'] })).toThrow('use several watches');
    }
    const { requests } = await server.watch(0);
    made.add(['bob']);
    await until(() => requests.length > 1, 'bob is added');
    expect(requests).toMatchObject([{ start: { userIds: ['alice'] } }, { update: { addUserIds: ['bob'] } }]);
  });

  test('is a watch of users', () => {
    const { made } = watch({ everything: true });
    expect(() => made.add(['alice'])).toThrow('only a watch of users');
    expect(() => made.remove(['alice'])).toThrow('only a watch of users');
  });
});

describe('a watch ends', () => {
  test.each([
    ['INVALID_ARGUMENT', 2],
    ['UNIMPLEMENTED', 1],
    ['UNAUTHENTICATED', 4],
    ['PERMISSION_DENIED', 4],
  ] as const)('with %s at once', async (code, exitCode) => {
    const { delivered } = watch({ everything: true });
    (await server.watch(0)).fail(status[code], 'no');
    expect(await delivered.ended).toMatchObject({ code, exitCode, message: expect.stringContaining('no') });
  });

  test('with INVALID_ARGUMENT later too, but not because of a daemon of another version', async () => {
    const { delivered } = watch({ everything: true });
    const first = await server.watch(0);
    first.send(synced('r1'));
    first.fail(status.UNIMPLEMENTED, 'older');
    (await server.watch(1)).fail(status.INVALID_ARGUMENT, 'no');
    expect(await delivered.ended).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('by close(), its signal, or leaving the loop; its stream ends too', async () => {
    const stop = new AbortController();
    const { made, delivered } = watch({ everything: true });
    const { delivered: signalled } = watch({ everything: true, signal: stop.signal });
    await server.watch(1);
    made.close();
    made.close();
    expect(await delivered.ended).toBeUndefined();
    stop.abort(new Error('no longer needed'));
    expect(await signalled.ended).toMatchObject({ message: 'no longer needed' });

    const left = (async () => {
      for await (const _ of client.watch({ everything: true })) break;
    })();
    (await server.watch(2)).send(synced('r1'));
    await left;
    for (const n of [0, 1, 2]) {
      const stream = await server.watch(n);
      await until(() => stream.isOver, `the stream of watch ${n} is over`);
    }
  });

  test('with its client, also during a backoff', async () => {
    const { delivered } = watch({ everything: true });
    (await server.watch(0)).fail(status.UNAVAILABLE, broken);
    await client.close();
    expect(await delivered.ended).toBeUndefined();
    expect(await new Delivered(client.watch({ everything: true })).ended).toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  test('before the start if its signal has aborted', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    const { delivered } = watch({ everything: true, signal });
    expect(await delivered.ended).toMatchObject({ message: 'too late' });
  });
});

test.each([{}, { users: ['alice'], everything: true }, { servers: ['a:1'], users: [] }] as const)(
  'a watch of %j is refused',
  (options) => {
    expect(() => client.watch(options as WatchOptions)).toThrow('one of users, servers and everything');
  },
);

test('a loop that does not read slows the daemon down, and loses nothing', async () => {
  const made = client.watch({ everything: true });
  disposables.push(() => made.close());
  const events = made[Symbol.asyncIterator]();
  const next = events.next();
  const daemon = await server.watch(0);
  const total = 20_000;
  const padding = 'x'.repeat(1_000);
  const sent = daemon.flood(total, (i) => changes(change(`${i}-${padding}`, `r${i}`)));
  await next;
  // Slowed down: less than a tenth is sent, in a time in which all could have been.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(sent()).toBeLessThan(total / 10);
  for (let i = 1; i < total; i++) {
    const { value } = await events.next();
    expect(value).toMatchObject({ type: 'change', revision: `r${i}` });
  }
});
