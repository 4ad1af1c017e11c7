import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { Client, WatchEvent, WatchOptions } from '../../packages/client/src/index.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { type PartialMaster, startPartialCluster, victims } from '../support/partialCluster.ts';
import { until } from '../support/until.ts';

const serverAddr = '10.0.0.1:9000';

/** A watch, and what it was sent. */
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

  /** Waits until it was sent something of the user: a change, or a snapshot where it began after that. */
  hears(userId: string): Promise<unknown> {
    const isIt = (event: WatchEvent) =>
      (event.type === 'change' || (event.type === 'snapshot' && event.devices.length > 0)) &&
      event.userId === userId;
    return until(() => this.events.some(isIt), `news of ${userId}`);
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
    await until(() => watching.count('synced') === 1, 'the watch is up to date');
    return watching;
  };
  return { client, masters, login, begin };
}

function oneAlive(masters: PartialMaster[], victim: PartialMaster): PartialMaster {
  return masters.find((master) => master !== victim) as PartialMaster;
}

test.for(['layout', 'other'] as const)(
  'a master is frozen (%s): users of the others are delivered, and the watches that it concerns say that they lag',
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
    for (const watching of [all, mixed, spared]) await watching.hears(alive.user(0));

    // While it lasts users come and go on a watch, and other watches begin, anew or where another ended.
    spared.close();
    const resumed = new Watching(client, { everything: true, resumeRevision: all.revision });
    const fresh = new Watching(client, { everything: true });
    await fresh.hears(alive.user(0));
    await until(() => fresh.count('lagging') > 0 && resumed.count('lagging') > 0, 'they lag from the start');
    await login(alive.user(1));
    for (const watching of [all, resumed, fresh]) await watching.hears(alive.user(1));
    expect([fresh.count('synced'), resumed.count('synced'), spared.count('lagging')]).toEqual([0, 0, 0]);

    victim.node.thaw();
    await until(() => login(victim.user(0)).catch(() => undefined), 'its users can log in');
    for (const watching of [all, mixed, resumed, fresh]) {
      await until(() => watching.count('caughtUp') > 0, 'the watch has caught up');
      expect([watching.count('disconnected'), watching.count('lost')]).toEqual([0, 0]);
    }
    for (const watching of [all, mixed, resumed]) await watching.hears(victim.user(0));
    for (const watching of [resumed, fresh]) await until(() => watching.count('synced') === 1, 'synced');
  },
);

test('users are added to a watch while the master of some of them is away', async () => {
  const { client, masters, login } = await start();
  const { layout: victim } = victims(masters);
  const alive = oneAlive(masters, victim);
  await login(alive.user(1));
  await login(victim.user(1));
  const watch = client.watch({ users: [alive.user(0)] });
  disposables.push(watch.close);
  const told: WatchEvent[] = [];
  void (async () => {
    for await (const event of watch) told.push(event);
  })();
  const count = (type: WatchEvent['type']) => told.filter((event) => event.type === type).length;
  const hasSnapshotOf = (userId: string) =>
    told.some((event) => event.type === 'snapshot' && event.userId === userId);
  await until(() => count('synced') === 1, 'the watch is up to date');
  victim.node.freeze();
  const isAway = () =>
    login(victim.user(0)).then(
      () => false,
      () => true,
    );
  await until(isAway, 'its users cannot log in');
  watch.add([victim.user(1)]);
  watch.add([alive.user(1)]);
  await until(() => hasSnapshotOf(alive.user(1)), 'who was added later does not wait for the one before');
  expect([count('synced'), hasSnapshotOf(victim.user(1))]).toEqual([1, false]);
  victim.node.thaw();
  await until(() => hasSnapshotOf(victim.user(1)) && count('synced') === 3, 'all of them are known');
  expect([count('disconnected'), count('lost')]).toEqual([0, 0]);
});

test('a master that lost its change log ends the watches that it concerns, and no other', async () => {
  const { masters, login, begin } = await start();
  const { other: victim } = victims(masters);
  const alive = oneAlive(masters, victim);
  const all = await begin({ everything: true });
  const concerned = await begin({ users: [victim.user(0)] });
  const spared = await begin({ users: [alive.user(0)] });
  const redis = new Redis(victim.node.url);
  disposables.push(() => redis.disconnect());
  await redis.flushall();
  await until(() => all.count('lost') === 1 && concerned.count('lost') === 1, 'two watches begin anew');
  await login(alive.user(0));
  await spared.hears(alive.user(0));
  await login(victim.user(0));
  for (const watching of [all, concerned]) await watching.hears(victim.user(0));
  expect([spared.count('lost'), spared.count('disconnected'), spared.count('synced')]).toEqual([0, 0, 1]);
});
