import type { StatusObject } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { startImstateWith } from '../support/imstate.ts';
import { undo } from '../support/undo.ts';
import { UnreadWatch } from '../support/unreadWatch.ts';
import { until } from '../support/until.ts';

const HEAP = '--max-old-space-size=160';
const BACKLOG_MIB = 16;
const UNREAD = 240;
const MAX_LOGINS = 20_000;
const SERVER = '10.0.0.1:9000';

test('hundreds of watches that never read: the daemon lives, closes the largest, and they resume without a gap', {
  timeout: 300_000,
}, async () => {
  const args = ['serve', '--port', '0', '--max-watch-backlog', `${BACKLOG_MIB}`];
  const daemon = await startImstateWith([HEAP], ...args);
  undo.push(() => daemon.kill());
  const clients = grpcClients(daemon.addr);
  undo.push(() => clients.close());
  const { v1 } = clients;

  const live = v1.watch({ everything: true });
  await until(() => live.syncs > 0, 'the live watch is synced');
  const unread: UnreadWatch[] = [];
  for (let i = 0; i < UNREAD; i++) {
    // Those that coalesce have a backlog of their own; the others share one.
    const start = i % 2 ? { everything: true } : { serverAddrs: [SERVER], coalesce: true };
    const watch = new UnreadWatch(daemon.addr, start);
    await until(() => watch.isReading, 'the watch is synced');
    unread.push(watch);
  }

  const sent: string[] = [];
  const login = async () => {
    const sessionId = `s-${sent.length}`;
    sent.push(sessionId);
    const userId = `${sessionId}-`.padEnd(200, 'x');
    await v1.online({ userId, deviceId: 'phone', serverAddr: SERVER, sessionId });
  };
  const isOverBudget = () =>
    daemon.stderr().includes('the backlog of all watches is over --max-watch-backlog');
  while (!isOverBudget() && sent.length < MAX_LOGINS) await Promise.all(Array.from({ length: 100 }, login));
  expect(isOverBudget()).toBe(true);
  const count = sent.length;

  const statuses: StatusObject[] = [];
  for (const watch of unread) {
    watch.resume();
    void watch.ended.then((status) => statuses.push(status));
  }
  const isWhole = ({ sessions }: UnreadWatch) => sessions.length === count;
  // Each has every change, or was closed.
  await until(
    () => unread.filter(isWhole).length + statuses.length >= UNREAD,
    'each watch has every change or is closed',
  );
  const closed = unread.filter((watch) => !isWhole(watch));
  expect(closed.length).toBeGreaterThan(0);
  expect(closed.length).toBeLessThan(UNREAD);
  for (const watch of closed.slice(0, 5)) {
    const { code, details } = await watch.ended;
    expect([code, details]).toEqual([8, expect.stringContaining('(--max-watch-backlog)')]);
    const resumeRevision = /resume from ([\w-]+)/.exec(details)?.[1] ?? '';
    const rest = v1.watch({ serverAddrs: [SERVER], resumeRevision });
    await until(() => rest.syncs > 0, 'the rest has come');
    const names = [...watch.sessions, ...rest.changes.map(({ session }) => session?.sessionId)];
    expect(names.sort()).toEqual([...sent].sort());
    rest.cancel();
  }
  await until(() => live.changes.length === count, 'the live watch has every change');
  expect(live.changes.map(({ session }) => session?.sessionId).sort()).toEqual([...sent].sort());
  live.cancel();
});

test('hundreds of watches that begin together beside a user with many devices: the daemon lives', {
  timeout: 300_000,
}, async () => {
  const args = ['serve', '--port', '0', '--max-watch-backlog', `${BACKLOG_MIB}`];
  const daemon = await startImstateWith([HEAP], ...args);
  undo.push(() => daemon.kill());
  const clients = grpcClients(daemon.addr);
  undo.push(() => clients.close());
  const { v1 } = clients;
  const metadata = { note: 'x'.repeat(900) };
  const devices = Array.from({ length: 1_000 }, (_, i) => `device-${i}`);
  for (const deviceId of devices)
    await v1.online({ userId: 'alice', deviceId, serverAddr: SERVER, metadata });

  const start = { everything: true, initialState: true };
  const unread = Array.from({ length: UNREAD }, () => new UnreadWatch(daemon.addr, start));
  let over = 0;
  for (const watch of unread) void watch.ended.then(() => over++);
  const begun = () => unread.filter(({ isReading }) => isReading).length;
  await until(() => begun() + over >= UNREAD, 'each watch has its first response or was closed');
  expect(await v1.getUser({ userId: 'alice' })).toMatchObject({ online: true });
});
