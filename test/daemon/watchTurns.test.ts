import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type Follower, WatchHub } from '../../src/daemon/watch/hub.ts';
import type { LedgerEntry } from '../../src/store/ledger.ts';
import { HISTORY_LIMIT, HISTORY_RETENTION, login, RETENTION } from '../store/contract/underTest.ts';
import { makeEmbeddedStore } from '../store/stores.ts';
import { undo } from '../support/undo.ts';
import { until } from '../support/until.ts';

const CHANGES = 20;
/** Longer than changes are delivered in one turn. Milliseconds. */
const OFFER_MS = 3;

function passTime(ms: number): void {
  const endAt = performance.now() + ms;
  while (performance.now() < endAt);
}

test('calls have their turn between the changes of a page, and the positions are those of what was delivered', async () => {
  const { store, remove } = await makeEmbeddedStore({
    retentionMs: RETENTION,
    historyLimit: HISTORY_LIMIT,
    historyRetentionMs: HISTORY_RETENTION,
    changeLimit: 10_000,
    maxDevices: CHANGES,
  });
  undo.push(remove);
  await store.open();
  const hub = new WatchHub(store, pino({ enabled: false }), {
    maxWatches: 100,
    maxWatchBacklogBytes: 2 ** 24,
  });
  const order: string[] = [];
  const positions: unknown[] = [];
  const entries: LedgerEntry[] = [];
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
  undo.push(() => hub.leave(follower));
  let isOver = false;
  undo.push(() => {
    isOver = true;
  });
  const call = () => {
    order.push('call');
    if (!isOver) setImmediate(call);
  };
  setImmediate(call);
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
