import { expect, test } from 'vitest';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { ask } from '../support/http.ts';
import { type PartialMaster, startPartialCluster, victims } from '../support/partialCluster.ts';
import { runCli } from '../support/runCli.ts';
import { until } from '../support/until.ts';

const SERVER = '10.0.0.1:9000';
const TTL_MS = 10_000;
/** Time without a sweep after which a shard restarts all leases; see OUTAGE_MS. */
const OUTAGE_MS = 3_000;

/** A cluster, a daemon, and a chat server with a user on each master. */
async function startChatServer() {
  const { url: redis, masters } = await startPartialCluster();
  const daemon = await startDaemon({ redis, keyPrefix: 'im:', http: { addr: '127.0.0.1', port: 0 } });
  const client = await clientOf(daemon.addr);
  const failures: unknown[] = [];
  const server = client.server({
    addr: SERVER,
    leaseTtlMs: TTL_MS,
    onError: (error) => failures.push(error.message),
  });
  disposables.push(() => server.close());
  await server.ready;
  const users = masters.map((master) => master.user(0));
  await Promise.all(users.map((userId) => server.online({ userId, deviceId: 'phone' })));
  const isOnline = async (userId: string) => (await client.getUser({ userId })).online;
  return { daemon, client, server, masters, users, failures, isOnline };
}

function without(masters: PartialMaster[], victim: PartialMaster): PartialMaster[] {
  return masters.filter((master) => master !== victim);
}

test.for(['layout', 'other'] as const)(
  'a lease survives a frozen master (%s) for users of all masters',
  async (away) => {
    const { client, server, masters, isOnline } = await startChatServer();
    const victim = victims(masters)[away];
    const alive = without(masters, victim);
    const frozenAt = performance.now();
    victim.node.freeze();
    // The freeze must last longer than the lease and the outage limit.
    while (performance.now() - frozenAt < TTL_MS + OUTAGE_MS) {
      for (const { user } of alive) expect(await isOnline(user(0))).toBe(true);
    }
    for (const { user } of alive) await server.online({ userId: user(1), deviceId: 'phone' });
    victim.node.thaw();
    await until(() => isOnline(victim.user(0)).catch(() => false), 'the user is online');
    await until(async () => {
      const lease = (await client.listServers()).servers.find((each) => each.serverAddr === SERVER)?.lease;
      return lease?.state === 'ALIVE';
    }, 'all shards have the lease');
    for (const { user } of masters) {
      const userId = user(0);
      expect((await client.listHistory({ userId })).entries).toMatchObject([{ endTime: undefined }]);
    }
  },
);

test('resyncs a master that returns without its data', async () => {
  const { client, masters, isOnline } = await startChatServer();
  const { other: victim } = victims(masters);
  await victim.node.kill();
  const isAway = () =>
    isOnline(victim.user(0)).then(
      () => false,
      () => true,
    );
  await until(isAway, 'users of the master cannot be read');
  for (const { user } of without(masters, victim)) expect(await isOnline(user(0))).toBe(true);
  await victim.node.restart();
  await until(() => isOnline(victim.user(0)).catch(() => false), 'the user is online again');
  for (const { user } of without(masters, victim)) {
    const { entries } = await client.listHistory({ userId: user(0) });
    expect(entries).toMatchObject([{ endTime: undefined }]);
  }
});

test('records ends and evicts sessions in the available shards', async () => {
  const { client, masters } = await startChatServer();
  const { layout: victim } = victims(masters);
  const [alive] = without(masters, victim) as [PartialMaster];
  victim.node.freeze();
  const userId = alive.user(1);
  await client.online({ userId, deviceId: 'phone', serverAddr: '10.0.0.2:9000', ttlMs: 1_000 });
  await until(async () => {
    const [entry] = (await client.listHistory({ userId })).entries;
    return entry?.reason === 'EXPIRED';
  }, 'the sweep records the end');
  const eviction = client.evict({ serverAddr: SERVER });
  await expect(eviction).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/^2 sessions were evicted, but not all: shard \d+ [^;]*; evict again$/),
  });
  expect((await client.getUser({ userId: alive.user(0) })).online).toBe(false);
  victim.node.thaw();
  // The frozen master may execute the pending eviction when it resumes.
  const evicted = async () => (await client.evict({ serverAddr: SERVER })).more === false;
  await until(() => evicted().catch(() => false), 'the eviction is complete');
  expect((await client.getUser({ userId: victim.user(0) })).online).toBe(false);
});

test('marks listings and counts of the available masters as partial, and continues them', async () => {
  const { client, daemon, masters } = await startChatServer();
  const { other: victim } = victims(masters);
  const alive = without(masters, victim);
  const users = alive.map((master) => master.user(0)).sort();
  expect(await client.getStats()).toMatchObject({ usersOnline: 3, partial: false });
  // With one session per page, one page begins in an unavailable shard.
  const first = await client.listSessions({ pageSize: 1 });
  victim.node.freeze();
  const isPartial = async () => (await client.getStats()).partial;
  await until(isPartial, 'the counts are partial');

  expect(await client.getStats()).toMatchObject({ usersOnline: 2, devicesByServer: { [SERVER]: 2 } });
  const { servers, partial } = await client.listServers();
  expect([servers.map(({ sessions }) => sessions), partial]).toEqual([[2], true]);
  const whole = await client.listSessions({});
  expect([whole.sessions.map(({ userId }) => userId).sort(), whole.partial]).toEqual([users, true]);

  const listed = new Set(first.sessions.map(({ userId }) => userId));
  let isMarked = false;
  for (let token = first.nextPageToken; token !== undefined; ) {
    const page = await client.listSessions({ pageSize: 1, pageToken: token });
    for (const { userId } of page.sessions) listed.add(userId);
    isMarked ||= page.partial;
    token = page.nextPageToken;
  }
  for (const userId of users) expect(listed).toContain(userId);
  expect(isMarked || listed.has(victim.user(0))).toBe(true);

  // The client merges what a shard does not answer; the order is that of the call.
  const everyone = [victim.user(0), 'nobody', ...alive.map((master) => master.user(0))];
  const { servers: routes, offline, unavailable } = await client.route(everyone);
  expect(routes.flatMap(({ sessions }) => sessions.map(({ userId }) => userId)).sort()).toEqual(users);
  expect([...offline, ...unavailable]).toEqual(expect.arrayContaining([victim.user(0), 'nobody']));
  expect(unavailable).toContain(victim.user(0));
  // Batches of 500: all users of the second one are unavailable.
  const many = [
    ...Array.from({ length: 500 }, (_, i) => (alive[0] as PartialMaster).user(i)),
    victim.user(0),
  ];
  const routed = await client.route(many);
  expect([routed.unavailable, routed.offline.length]).toEqual([[victim.user(0)], 499]);
  await expect(client.route([victim.user(0)])).rejects.toMatchObject({ code: 'UNAVAILABLE' });

  const metrics = async () => (await ask(`${daemon.http}/metrics`)).text;
  await until(async () => !/^imstate_users_online \d/m.test(await metrics()), 'metrics omit partial counts');
  for (const path of ['stats', 'servers', 'sessions']) {
    const { text } = await ask(`${daemon.http}/api/v1/${path}`);
    expect(JSON.parse(text)).toMatchObject({ partial: true });
  }
  for (const command of ['stats', 'servers', 'sessions']) {
    const json = await runCli([command, '--endpoint', daemon.addr, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ partial: true });
    const { stderr } = await runCli([command, '--endpoint', daemon.addr]);
    expect(stderr).toContain('part of the store does not answer');
  }
  victim.node.thaw();
  await until(async () => !(await isPartial()), 'the counts are complete again');
  expect((await client.getStats()).usersOnline).toBe(3);
});
