import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Follower } from '../../../../src/daemon/watch/follower.ts';
import { WatchHub } from '../../../../src/daemon/watch/hub.ts';
import type { PublishedChange } from '../../../../src/daemon/watch/publishedChange.ts';
import type { ChangeLogEntry } from '../../../../src/store/changeLog.ts';
import { disposables } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';
import { HISTORY_LIMIT, HISTORY_RETENTION, login, RETENTION } from '../../store/contract/underTest.ts';
import { makeEmbeddedStore } from '../../store/stores.ts';

const CHANGES = 20;
/** Longer than one turn of delivery lasts. Milliseconds. */
const DELIVERY_MS = 3;

/** So many that a change is delivered to them one after the other. */
const FOLLOWERS = 200;

function passTime(ms: number): void {
  const endAt = performance.now() + ms;
  while (performance.now() < endAt);
}

/** A hub on an embedded store. */
async function startHub() {
  const { store, remove } = await makeEmbeddedStore({
    retentionMs: RETENTION,
    historyLimit: HISTORY_LIMIT,
    historyRetentionMs: HISTORY_RETENTION,
    historyIp: 'prefix',
    changeLimit: 10_000,
    auditLimit: 100,
    maxDevices: CHANGES,
  });
  disposables.push(remove);
  await store.open();
  const hub = new WatchHub(store, pino({ enabled: false }), {
    maxWatches: 100,
    maxWatchBacklogBytes: 2 ** 24,
  });
  return { store, hub };
}

/** Records each turn of the event loop, in which calls are served, until the end of the test. */
function recordTurns(order: string[]): void {
  let isOver = false;
  disposables.push(() => {
    isOver = true;
  });
  const call = () => {
    order.push('call');
    if (!isOver) setImmediate(call);
  };
  setImmediate(call);
}

/** A slow follower, and the changes that it received. */
class SlowFollower implements Follower {
  readonly userIds: ReadonlySet<string> | undefined;
  readonly serverAddrs = undefined;
  readonly received: string[] = [];
  readonly revisions: string[] = [];
  readonly #order: string[];

  constructor(order: string[], userIds?: ReadonlySet<string>) {
    this.#order = order;
    this.userIds = userIds;
  }

  deliver(_: number, { change }: ChangeLogEntry, publish: () => PublishedChange): void {
    this.#order.push('deliver');
    this.received.push(change.deviceId);
    this.revisions.push(publish().revision);
    passTime(DELIVERY_MS);
  }

  tick(): void {}

  fail(): void {}
}

test('serves calls between the changes of a page, and tracks the delivered positions', async () => {
  const { store, hub } = await startHub();
  const order: string[] = [];
  const positions: unknown[] = [];
  const entries: ChangeLogEntry[] = [];
  const follower: Follower = {
    userIds: undefined,
    serverAddrs: undefined,
    deliver: (shard, entry) => {
      order.push('deliver');
      entries.push(entry);
      positions.push(hub.positions[shard]);
      passTime(DELIVERY_MS);
    },
    tick: () => {},
    fail: () => {},
  };
  await hub.join(follower);
  disposables.push(() => hub.leave(follower));
  recordTurns(order);
  const logins = Array.from({ length: CHANGES }, (_, i) =>
    store.online(login({ deviceId: `d${i}`, sessionId: `s${i}` })),
  );
  await Promise.all(logins);
  await until(() => entries.length === CHANGES, 'all changes are delivered');
  const blocked = order.filter((each, i) => each === 'deliver' && order[i - 1] === 'deliver');
  expect(blocked).toEqual([]);
  expect(entries.map(({ change }) => change.deviceId)).toEqual(
    Array.from({ length: CHANGES }, (_, i) => `d${i}`),
  );
  expect(positions).toEqual(entries.map(({ position }) => position));
});

test('serves calls while one change is delivered to very many followers', async () => {
  const { store, hub } = await startHub();
  const order: string[] = [];
  const userIds = new Set([login().userId]);
  const followers = Array.from({ length: FOLLOWERS }, () => new SlowFollower(order, userIds));
  for (const follower of followers) {
    await hub.join(follower);
    disposables.push(() => hub.leave(follower));
  }
  recordTurns(order);
  const devices = ['phone', 'web'];
  for (const deviceId of devices) await store.online(login({ deviceId, sessionId: deviceId }));
  await until(
    () => followers.every(({ received }) => received.length === 2),
    'all followers have both changes',
  );
  expect(order.filter((each, i) => each === 'deliver' && order[i - 1] === 'deliver')).toEqual([]);
  expect(new Set(followers.map(({ received }) => received.join()))).toEqual(new Set([devices.join()]));
  // All followers send the same bytes.
  expect(new Set(followers.map(({ revisions }) => revisions.join())).size).toBe(1);
});

test('delivers each change once and in order to followers that join, leave or catch up', async () => {
  const { store, hub } = await startHub();
  const order: string[] = [];
  const followers = Array.from({ length: FOLLOWERS }, () => new SlowFollower(order));
  const [early, late] = [new SlowFollower(order), new SlowFollower(order)];
  const userIds = new Set([login().userId]);
  const former = new SlowFollower(order, userIds);
  for (const follower of [...followers, early, former]) {
    await hub.join(follower);
    disposables.push(() => hub.leave(follower));
  }
  const [first] = followers as [SlowFollower];
  await store.online(login({ deviceId: 'phone', sessionId: 'a' }));
  await until(() => first.received.length === 1, 'the delivery has started');
  const before = hub.revision;
  expect([early.received, former.received]).toEqual([[], []]);
  hub.catchUp(early);
  // The revision covers the change, which this follower now has.
  expect([early.received, early.revisions]).toEqual([['phone'], [before]]);
  userIds.clear();
  const joined = hub.join(late);
  disposables.push(() => hub.leave(late));
  await store.online(login({ deviceId: 'web', sessionId: 'b' }));
  // The second change waits until all followers have the first.
  expect(first.received).toEqual(['phone']);
  await joined;
  await until(() => late.received.length === 1, 'the last follower has the second change');
  expect(new Set([...followers, early].map(({ received }) => received.join()))).toEqual(
    new Set(['phone,web']),
  );
  expect([late.received, former.received]).toEqual([['web'], []]);
});
