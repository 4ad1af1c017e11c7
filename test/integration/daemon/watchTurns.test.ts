import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Follower } from '../../../src/daemon/watch/follower.ts';
import { WatchHub } from '../../../src/daemon/watch/hub.ts';
import type { PublishedChange } from '../../../src/daemon/watch/publishedChange.ts';
import type { ChangeLogEntry } from '../../../src/store/changeLog.ts';
import { disposables } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';
import { HISTORY_LIMIT, HISTORY_RETENTION, login, RETENTION } from '../store/contract/underTest.ts';
import { makeEmbeddedStore } from '../store/stores.ts';

const CHANGES = 20;
/** Longer than changes are delivered in one turn. Milliseconds. */
const OFFER_MS = 3;

/** So many that they get a change one after the other. */
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
    changeLimit: 10_000,
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

/** Notes each turn of the event loop, in which calls are served, until the end of the test. */
function noteTurns(order: string[]): void {
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

/** A follower that takes its time, and what it was offered. */
class SlowFollower implements Follower {
  readonly userIds: ReadonlySet<string> | undefined;
  readonly serverAddrs = undefined;
  readonly got: string[] = [];
  readonly revisions: string[] = [];
  readonly #order: string[];

  constructor(order: string[], userIds?: ReadonlySet<string>) {
    this.#order = order;
    this.userIds = userIds;
  }

  offer(_: number, { change }: ChangeLogEntry, publish: () => PublishedChange): void {
    this.#order.push('offer');
    this.got.push(change.deviceId);
    this.revisions.push(publish().revision);
    passTime(OFFER_MS);
  }

  tick(): void {}

  fail(): void {}
}

test('calls have their turn between the changes of a page, and the positions are those of what was delivered', async () => {
  const { store, hub } = await startHub();
  const order: string[] = [];
  const positions: unknown[] = [];
  const entries: ChangeLogEntry[] = [];
  const follower: Follower = {
    userIds: undefined,
    serverAddrs: undefined,
    offer: (shard, entry) => {
      order.push('offer');
      entries.push(entry);
      positions.push(hub.places[shard]);
      passTime(OFFER_MS);
    },
    tick: () => {},
    fail: () => {},
  };
  await hub.join(follower);
  disposables.push(() => hub.leave(follower));
  noteTurns(order);
  const logins = Array.from({ length: CHANGES }, (_, i) =>
    store.online(login({ deviceId: `d${i}`, sessionId: `s${i}` })),
  );
  await Promise.all(logins);
  await until(() => entries.length === CHANGES, 'all changes are delivered');
  const heldUp = order.filter((each, i) => each === 'offer' && order[i - 1] === 'offer');
  expect(heldUp).toEqual([]);
  expect(entries.map(({ change }) => change.deviceId)).toEqual(
    Array.from({ length: CHANGES }, (_, i) => `d${i}`),
  );
  expect(positions).toEqual(entries.map(({ place }) => place));
});

test('calls have their turn while one change goes to very many followers', async () => {
  const { store, hub } = await startHub();
  const order: string[] = [];
  const userIds = new Set([login().userId]);
  const followers = Array.from({ length: FOLLOWERS }, () => new SlowFollower(order, userIds));
  for (const follower of followers) {
    await hub.join(follower);
    disposables.push(() => hub.leave(follower));
  }
  noteTurns(order);
  const devices = ['phone', 'web'];
  for (const deviceId of devices) await store.online(login({ deviceId, sessionId: deviceId }));
  await until(() => followers.every(({ got }) => got.length === 2), 'all have both changes');
  expect(order.filter((each, i) => each === 'offer' && order[i - 1] === 'offer')).toEqual([]);
  expect(new Set(followers.map(({ got }) => got.join()))).toEqual(new Set([devices.join()]));
  // All send the same bytes.
  expect(new Set(followers.map(({ revisions }) => revisions.join())).size).toBe(1);
});

test('followers that catch up, leave or come while a change is delivered have each change once, and in order', async () => {
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
  await until(() => first.got.length === 1, 'the change is on its way');
  const before = hub.revision;
  expect([early.got, former.got]).toEqual([[], []]);
  hub.catchUp(early);
  // It covers the change, which this one has now.
  expect([early.got, early.revisions]).toEqual([['phone'], [before]]);
  userIds.clear();
  const joined = hub.join(late);
  disposables.push(() => hub.leave(late));
  await store.online(login({ deviceId: 'web', sessionId: 'b' }));
  // The second change waits until all have the first.
  expect(first.got).toEqual(['phone']);
  await joined;
  await until(() => late.got.length === 1, 'the last one has the second change');
  expect(new Set([...followers, early].map(({ got }) => got.join()))).toEqual(new Set(['phone,web']));
  expect([late.got, former.got]).toEqual([['web'], []]);
});
