import { expect, test } from 'vitest';
import { weightOf } from '../../../../src/daemon/watch/admittedWatches.ts';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

const SERVER = '10.0.0.1:9000';

async function clientsOf(limits: Parameters<typeof startDaemon>[0]) {
  const { addr } = await startDaemon(limits);
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return clients.v1;
}

type Clients = Awaited<ReturnType<typeof clientsOf>>;

async function open(v1: Clients, start: Parameters<Clients['watch']>[0]) {
  const watch = v1.watch(start);
  await until(() => watch.syncs > 0, 'the watch is synced');
  return watch;
}

function users(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `user-${from + i}`);
}

test.each([
  [{ userIds: { size: 0 }, serverAddrs: undefined }, 1],
  [{ userIds: { size: 1_000 }, serverAddrs: undefined }, 1],
  [{ userIds: { size: 1_001 }, serverAddrs: undefined }, 2],
  [{ userIds: { size: 10_000 }, serverAddrs: undefined }, 10],
  [{ userIds: undefined, serverAddrs: { size: 1 } }, 1],
  [{ userIds: undefined, serverAddrs: { size: 1_000 } }, 10],
  [{ userIds: undefined, serverAddrs: undefined }, 10],
])('counts a watch of %j as %i', (scope, weight) => {
  expect(weightOf(scope)).toBe(weight);
});

test('rejects a watch of everything beyond the limit, and accepts it when others end', async () => {
  const v1 = await clientsOf({ maxWatches: 12 });
  const everything = await open(v1, { everything: true });
  const rest = [await open(v1, { userIds: ['alice'] }), await open(v1, { serverAddrs: [SERVER] })];
  rest.pop()?.cancel();
  const refused = await v1.watch({ everything: true }).ended;
  expect(refused).toMatchObject({
    code: 8,
    details: expect.stringMatching(/count as 1[12] of 12 \(--max-watches\), and this one adds 10/),
  });
  everything.cancel();
  const again = async () => {
    const watch = v1.watch({ everything: true });
    const began = until(() => watch.syncs > 0, 'the watch is synced').then(() => true);
    return Promise.race([began, watch.ended.then(() => false)]);
  };
  await until(again, 'the watch is accepted');
});

test('rejects an update that exceeds the limit', async () => {
  const v1 = await clientsOf({ maxWatches: 12 });
  await open(v1, { everything: true });
  const watch = await open(v1, { userIds: users(10) });
  watch.update({ addUserIds: users(1_500, 10) });
  await until(() => watch.syncs === 2, 'the update is done');
  watch.update({ addUserIds: users(1_000, 1_510) });
  expect(await watch.ended).toMatchObject({ code: 8, details: expect.stringContaining('--max-watches') });
});

test('limits the IDs of watches to half of the budget, and releases them', async () => {
  const v1 = await clientsOf({ maxWatchBacklogBytes: 512 * 1_024 });
  const watch = await open(v1, { userIds: users(1_000) });
  const refused = await v1.watch({ userIds: users(1_000, 5_000) }).ended;
  expect(refused).toMatchObject({
    code: 8,
    details: expect.stringContaining('(half of --max-watch-backlog)'),
  });
  watch.update({ removeUserIds: users(900) });
  await until(() => watch.syncs === 2, 'the update is done');
  await open(v1, { userIds: users(1_000, 5_000) });
});
