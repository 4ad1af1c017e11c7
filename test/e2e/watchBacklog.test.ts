import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { StatusObject } from '@grpc/grpc-js';
import { beforeEach, expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { type Imstate, startImstateWith } from '../support/imstate.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { field, numberField } from '../support/protobuf.ts';
import { frame, rawGrpc } from '../support/rawGrpc.ts';
import { UnreadWatch } from '../support/unreadWatch.ts';
import { until } from '../support/until.ts';

const HEAP = '--max-old-space-size=160';
const BACKLOG_MIB = 16;
const UNREAD = 240;
/** Watches of 1 MB each. */
const LARGE = 22;
const MAX_LOGINS = 20_000;
const SERVER = '10.0.0.1:9000';

let daemon: Imstate;
let v1: ReturnType<typeof grpcClients>['v1'];

beforeEach(async () => {
  const args = ['serve', '--port', '0', '--http-port', '0', '--max-watch-backlog', `${BACKLOG_MIB}`];
  daemon = await startImstateWith([HEAP], ...args);
  disposables.push(() => daemon.kill());
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  v1 = clients.v1;
});

/** Logs in a user with so many devices that a snapshot has about 1 MB. */
async function logInLarge(userId: string): Promise<void> {
  const metadata = { note: 'x'.repeat(900) };
  for (let i = 0; i < 1_000; i++)
    await v1.online({ userId, deviceId: `device-${i}`, serverAddr: SERVER, metadata });
}

test('survives hundreds of unread watches, closes the largest, and resumes them without a gap', {
  timeout: 300_000,
}, async () => {
  const live = v1.watch({ everything: true });
  await until(() => live.syncs > 0, 'the live watch is synced');
  const unread: UnreadWatch[] = [];
  for (let i = 0; i < UNREAD; i++) {
    // Each coalescing watch has its own backlog; the others share one.
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
  // Each watch has every change or was closed.
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
    await until(() => rest.syncs > 0, 'the remaining changes have arrived');
    const names = [...watch.sessions, ...rest.changes.map(({ session }) => session?.sessionId)];
    expect(names.sort()).toEqual([...sent].sort());
    rest.cancel();
  }
  await until(() => live.changes.length === count, 'the live watch has every change');
  expect(live.changes.map(({ session }) => session?.sessionId).sort()).toEqual([...sent].sort());
  live.cancel();
});

test('survives hundreds of simultaneous watches of a user with many devices', {
  timeout: 300_000,
}, async () => {
  await logInLarge('alice');

  const start = { everything: true, initialState: true };
  const unread = Array.from({ length: UNREAD }, () => new UnreadWatch(daemon.addr, start));
  let over = 0;
  for (const watch of unread) void watch.ended.then(() => over++);
  const begun = () => unread.filter(({ isReading }) => isReading).length;
  await until(() => begun() + over >= UNREAD, 'each watch has its first response or was closed');
  expect(await v1.getUser({ userId: 'alice' })).toMatchObject({ online: true });
});

test('closes only as many unread watches with large messages as necessary', {
  timeout: 300_000,
}, async () => {
  await logInLarge('alice');
  const caller = rawGrpc(daemon.addr);
  disposables.push(() => caller.destroy());
  const start = Buffer.concat([field(1, 'alice'), numberField(4, 1)]);
  const unread: ClientHttp2Stream[] = [];
  /** How each ended: a gRPC status or a reset. */
  const endings: string[] = [];
  for (let i = 0; i < LARGE; i++) {
    const stream = caller.begin('/imstate.v1.PresenceService/Watch', frame(field(1, start)));
    const note = (headers: IncomingHttpHeaders) => {
      const status = headers['grpc-status'];
      if (status !== undefined) endings.push(`status ${status}`);
    };
    // A watch that was closed before its first message has its status in the headers.
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('error', () => endings.push(`reset ${stream.rstCode}`));
    let hasBegun = false;
    stream.once('response', () => {
      hasBegun = true;
    });
    await until(() => hasBegun, 'the network has the snapshot');
    unread.push(stream);
  }
  const url = /http:\/\/[0-9.:]+/.exec(daemon.stdout())?.[0];
  const closed = sumOf(await scrape(url), 'imstate_watches_closed_backlog_total');
  expect(closed).toBeGreaterThan(0);
  // All messages have the same size, and at least half of the budget is in use.
  expect(LARGE - closed).toBeGreaterThanOrEqual(BACKLOG_MIB / 2);
  for (const stream of unread) stream.resume();
  await until(() => endings.length === closed, 'the closed watches have ended');
  expect(endings).toContain('status 8');
  expect(endings.filter((ending) => !['status 8', 'reset 11'].includes(ending))).toEqual([]);
});
