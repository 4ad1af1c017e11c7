import { connect } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { type Imstate, startImstateWith } from '../support/imstate.ts';
import { UnreadWatch } from '../support/unreadWatch.ts';
import { until } from '../support/until.ts';

const WATCHES = 120;
const USERS = ['alice', 'bob', 'carol'];
const DEVICES = 1_000;
const LIMITS = { timeout: 300_000 };

let daemon: Imstate;
let clients: ReturnType<typeof grpcClients>;

/** Users with so many devices that the snapshots of all watches do not fit into the heap. */
beforeEach(async () => {
  const args = ['serve', '--port', '0', '--http-port', '0', '--max-watch-backlog', '32'];
  daemon = await startImstateWith(['--max-old-space-size=256'], ...args);
  disposables.push(() => daemon.kill());
  clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  const metadata = { note: 'x'.repeat(900) };
  for (const userId of USERS) {
    const login = (_: unknown, i: number) =>
      clients.v1.online({ userId, deviceId: `device-${i}`, serverAddr: '10.0.0.1:9000', metadata });
    await Promise.all(Array.from({ length: DEVICES }, login));
  }
}, 120_000);

/** Waits for the condition, and expects every query until then to succeed. */
async function queryUntil(isDone: () => boolean, what: string): Promise<void> {
  let queries = 0;
  const query = async () => {
    expect(await clients.v1.getUser({ userId: 'dave' })).toMatchObject({ online: false });
    queries += 1;
    return isDone();
  };
  await until(query, what);
  expect(queries).toBeGreaterThan(0);
}

test(
  'closes the largest unread watches of users with many devices, and answers queries',
  LIMITS,
  async () => {
    const start = { userIds: USERS, initialState: true };
    const unread = Array.from({ length: WATCHES }, () => new UnreadWatch(daemon.addr, start));
    const codes: number[] = [];
    for (const watch of unread) void watch.ended.then(({ code }) => codes.push(code));
    const isOver = () => daemon.stderr().includes('the backlog of all watches is over --max-watch-backlog');
    await queryUntil(isOver, 'the largest watches are closed');
    for (const watch of unread) watch.resume();
    await until(() => codes.length > 0, 'a watch has ended');
    expect(new Set(codes)).toEqual(new Set([8]));
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: true });
  },
);

test('answers queries despite unread HTTP watches of users with many devices', LIMITS, async () => {
  const url = new URL(/http:\/\/[0-9.:]+/.exec(daemon.stdout())?.[0] ?? '');
  const query = USERS.map((userId) => `userId=${userId}`).join('&');
  let begun = 0;
  for (let i = 0; i < WATCHES; i++) {
    const socket = connect(Number(url.port), url.hostname);
    disposables.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(`GET /api/v1/watch?${query} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      // More than the headers: the snapshot has begun.
      if (bytes < 10_000) return;
      socket.pause();
      begun += 1;
    });
  }
  await queryUntil(() => begun >= WATCHES, 'each watch has begun');
  expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: true });
});
