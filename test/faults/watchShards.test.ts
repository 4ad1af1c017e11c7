import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { Client, WatchEvent, WatchOptions } from '../../packages/client/src/index.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { type PartialMaster, startPartialCluster, victims } from '../support/partialCluster.ts';
import { until } from '../support/until.ts';

const serverAddr = '10.0.0.1:9000';

/** A watch and the events that it received. */
class Watching {
  readonly events: WatchEvent[] = [];
  readonly close: () => void;
  readonly #watch: ReturnType<Client['watch']>;

  constructor(client: Client, options: WatchOptions) {
    this.#watch = client.watch(options);
    this.close = this.#watch.close;
    disposables.push(this.close);
    void this.#collect();
  }

  get revision(): string {
    return this.#watch.revision;
  }

  count(type: WatchEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }

  /** Waits for a change of the user, or for a snapshot that already contains it. */
  receives(userId: string): Promise<unknown> {
    const isOfUser = (event: WatchEvent) =>
      (event.type === 'change' || (event.type === 'snapshot' && event.devices.length > 0)) &&
      event.userId === userId;
    return until(() => this.events.some(isOfUser), `the watch receives an event of ${userId}`);
  }

  async #collect(): Promise<void> {
    for await (const event of this.#watch) this.events.push(event);
  }
}

async function start() {
  const { url: redis, masters } = await startPartialCluster();
  const daemon = await startDaemon({ redis, keyPrefix: 'im:' });
  const client = await clientOf(daemon.addr);
  const login = (userId: string) => client.online({ userId, deviceId: 'phone', serverAddr });
  const begin = async (options: WatchOptions) => {
    const watching = new Watching(client, options);
    await until(() => watching.count('synced') === 1, 'the watch is synced');
    return watching;
  };
  return { client, masters, login, begin };
}

function oneAlive(masters: PartialMaster[], victim: PartialMaster): PartialMaster {
  return masters.find((master) => master !== victim) as PartialMaster;
}

test.for(['layout', 'other'] as const)(
  'delivers changes of other masters while one is frozen (%s), and reports affected watches as lagging',
  async (away) => {
    const { client, masters, login, begin } = await start();
    const victim = victims(masters)[away];
    const alive = oneAlive(masters, victim);
    const all = await begin({ everything: true });
    const mixed = await begin({ users: [alive.user(0), victim.user(0)] });
    const spared = await begin({ users: [alive.user(0)] });
    victim.node.freeze();
    await until(() => all.count('lagging') === 1 && mixed.count('lagging') === 1, 'two watches lag');
    await login(alive.user(0));
    for (const watching of [all, mixed, spared]) await watching.receives(alive.user(0));

    // Meanwhile one watch ends, and others start: one fresh, one resumed.
    spared.close();
    const resumed = new Watching(client, { everything: true, resumeRevision: all.revision });
    const fresh = new Watching(client, { everything: true });
    await fresh.receives(alive.user(0));
    await until(
      () => fresh.count('lagging') > 0 && resumed.count('lagging') > 0,
      'both watches lag from the start',
    );
    await login(alive.user(1));
    for (const watching of [all, resumed, fresh]) await watching.receives(alive.user(1));
    expect([fresh.count('synced'), resumed.count('synced'), spared.count('lagging')]).toEqual([0, 0, 0]);

    victim.node.thaw();
    await until(() => login(victim.user(0)).catch(() => undefined), 'users of the master can log in');
    for (const watching of [all, mixed, resumed, fresh]) {
      await until(() => watching.count('caughtUp') > 0, 'the watch has caught up');
      expect([watching.count('disconnected'), watching.count('lost')]).toEqual([0, 0]);
    }
    for (const watching of [all, mixed, resumed]) await watching.receives(victim.user(0));
    for (const watching of [resumed, fresh]) await until(() => watching.count('synced') === 1, 'synced');
  },
);

test('adds users to a watch while the master of some is unavailable', async () => {
  const { client, masters, login } = await start();
  const { layout: victim } = victims(masters);
  const alive = oneAlive(masters, victim);
  await login(alive.user(1));
  await login(victim.user(1));
  const watch = client.watch({ users: [alive.user(0)] });
  disposables.push(watch.close);
  const events: WatchEvent[] = [];
  void (async () => {
    for await (const event of watch) events.push(event);
  })();
  const count = (type: WatchEvent['type']) => events.filter((event) => event.type === type).length;
  const hasSnapshotOf = (userId: string) =>
    events.some((event) => event.type === 'snapshot' && event.userId === userId);
  await until(() => count('synced') === 1, 'the watch is synced');
  victim.node.freeze();
  const isAway = () =>
    login(victim.user(0)).then(
      () => false,
      () => true,
    );
  await until(isAway, 'users of the master cannot log in');
  watch.add([victim.user(1)]);
  watch.add([alive.user(1)]);
  await until(
    () => hasSnapshotOf(alive.user(1)),
    'the snapshot of the user that was added last arrives first',
  );
  expect([count('synced'), hasSnapshotOf(victim.user(1))]).toEqual([1, false]);
  victim.node.thaw();
  await until(() => hasSnapshotOf(victim.user(1)) && count('synced') === 3, 'the watch has all snapshots');
  expect([count('disconnected'), count('lost')]).toEqual([0, 0]);
});

test('restarts only the affected watches when a master loses its change log', async () => {
  const { masters, login, begin } = await start();
  const { other: victim } = victims(masters);
  const alive = oneAlive(masters, victim);
  const all = await begin({ everything: true });
  const affected = await begin({ users: [victim.user(0)] });
  const spared = await begin({ users: [alive.user(0)] });
  const redis = new Redis(victim.node.url);
  disposables.push(() => redis.disconnect());
  await redis.flushall();
  await until(() => all.count('lost') === 1 && affected.count('lost') === 1, 'two watches restart');
  await login(alive.user(0));
  await spared.receives(alive.user(0));
  await login(victim.user(0));
  for (const watching of [all, affected]) await watching.receives(victim.user(0));
  expect([spared.count('lost'), spared.count('disconnected'), spared.count('synced')]).toEqual([0, 0, 1]);
});
