import { describe, expect, test } from 'vitest';
import type { SessionRef } from '../../../packages/client/src/index.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { runCli } from '../../support/runCli.ts';
import { startRedis } from '../../support/servers.ts';
import { ISO, testCli } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

const SERVER = '10.0.0.9:9000';
const cli = testCli();

/** A chat server with sessions; `onDrain` logs them out as a closed connection does. */
async function startServer(addr: string, users: string[], closes = true) {
  const client = await clientOf(cli.daemon.addr);
  const server = client.server({
    addr,
    leaseTtlMs: 6_000,
    onDrain: closes ? (session) => void server.offline(session) : undefined,
  });
  disposables.push(() => server.close());
  await server.ready;
  await Promise.all(users.map((userId) => server.online({ userId, deviceId: 'phone' })));
  return server;
}

test('drain moves the sessions of a chat server, and waits for the last', async () => {
  const addr = '10.0.0.1:9000';
  const server = await startServer(addr, ['alice', 'bob']);
  const { stdout, stderr, exitCode } = await cli.run(
    'drain',
    addr,
    '--over',
    '0s',
    '--grace',
    '1s',
    '--wait',
  );
  expect([stdout, stderr, exitCode]).toEqual([
    `${addr} closes 2 sessions within 0ms\n${addr} has no sessions left\n`,
    '',
    0,
  ]);
  expect(server.size).toBe(0);
  expect((await cli.run('query', 'alice')).stdout).toContain('alice is offline');
});

test('drain says when it will be done, and servers shows it', async () => {
  const addr = '10.0.0.2:9000';
  await startServer(addr, ['carol'], false);
  expect(await cli.json('drain', addr, '--over', '1h')).toEqual({
    serverAddr: addr,
    sessions: 1,
    deadline: expect.stringMatching(ISO),
    partial: false,
  });
  expect((await cli.run('servers')).stdout).toMatch(/10\.0\.0\.2:9000 +1 +DRAINING, in (1 hour|\d+ minutes)/);
  expect((await cli.run('query', 'carol', '--explain')).stdout).toContain(
    'is alive, and its chat server drains',
  );
  expect(await cli.json('route', 'carol')).toMatchObject({
    servers: [{ serverAddr: addr, draining: true }],
  });
  const { stdout } = await cli.run('drain', addr, '--cancel');
  expect(stdout).toBe(`${addr} does not drain any more; it has 1 session\n`);
  expect((await cli.run('servers')).stdout).toMatch(/10\.0\.0\.2:9000 +1 +ALIVE /);
});

test('an error has a code and the argument that it is about', async () => {
  expect(await cli.json('drain', SERVER)).toMatchObject({ error: { code: 'NOT_FOUND', field: 'SERVER' } });
  expect(await cli.json('drain', 'nowhere')).toMatchObject({
    error: { code: 'INVALID_ARGUMENT', field: 'SERVER' },
  });
});

describe('drain --wait', () => {
  let lastServer = 0;

  /** Waits for the drain of a chat server that does not close its sessions, until it has begun. */
  async function startWaiting(daemon: TestDaemon, leaseTtlMs?: number) {
    lastServer += 1;
    const addr = `10.0.1.${lastServer}:9000`;
    const client = await clientOf(daemon.addr);
    const server = client.server({ addr, leaseTtlMs });
    disposables.push(() => server.close());
    await server.ready;
    await server.online({ userId: 'erin', deviceId: 'phone' });
    const flags = ['--endpoint', daemon.addr, '--over', '1h', '--wait', '--json'];
    const waiting = runCli(['drain', addr, ...flags]);
    const state = async () =>
      (await client.listServers()).servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.state;
    await expect.poll(state, { timeout: 30_000 }).toBe('DRAINING');
    const outcome = async () => {
      const { stdout, stderr, exitCode } = await waiting;
      const { outcome, left } = JSON.parse(stdout);
      return { outcome, left, stderr, exitCode };
    };
    return { addr, client, server, outcome };
  }

  test('ends with 1 if the chat server is restarted', async () => {
    const { addr, client, server, outcome } = await startWaiting(cli.daemon);
    server.close();
    const next = client.server({ addr, incarnation: Date.now() });
    disposables.push(() => next.close());
    await next.ready;
    expect(await outcome()).toMatchObject({ outcome: 'ended', left: 0, exitCode: 1 });
  });

  test('ends with 1 if the drain is cancelled', async () => {
    const { addr, client, outcome } = await startWaiting(cli.daemon);
    await client.drainServer({ serverAddr: addr, cancel: true });
    expect(await outcome()).toMatchObject({ outcome: 'ended', left: 1, exitCode: 1 });
  });

  test('ends with 1 if the chat server loses its lease, which ends its sessions', async () => {
    const { addr, client, server, outcome } = await startWaiting(cli.daemon, 1_000);
    // Without the grace, for which a lease is kept that has run out.
    await client.drainServer({ serverAddr: addr, overMs: 3_600_000, graceMs: 0 });
    server.close();
    expect(await outcome()).toMatchObject({ outcome: 'lost', left: 0, exitCode: 1 });
  });

  test('waits on while no daemon answers', async () => {
    const redis = await startRedis();
    disposables.push(() => redis.stop());
    const daemon = await startDaemon({ redis: redis.url });
    const { client, server, outcome } = await startWaiting(daemon);
    redis.freeze();
    await until(async () => {
      return client.listServers({}, { timeoutMs: 1_000 }).then(
        () => false,
        () => true,
      );
    }, 'the store does not answer');
    redis.thaw();
    const [session] = [...server];
    await server.offline(session as SessionRef);
    await client.online({ userId: 'erin', deviceId: 'phone', serverAddr: '10.0.0.5:9000' });
    expect(await outcome()).toEqual({ outcome: 'drained', left: 0, stderr: '', exitCode: 0 });
  });
});

test.each<[args: string[], message: string, exitCode: number]>([
  [['nowhere'], 'SERVER must be HOST:PORT', 2],
  [[SERVER], `chat server ${SERVER} has no lease, so that it cannot drain`, 2],
  [[SERVER, '--over', '2h'], '--over must be from 0ms to 1h', 2],
  [[SERVER, '--grace', '5'], '--grace', 2],
  [[SERVER, '--cancel', '--wait'], '--cancel cannot be combined with --wait', 2],
  [[], 'Missing 1 required arg: SERVER', 2],
])('drain %j is rejected', async (args, message, exitCode) => {
  const result = await cli.run('drain', ...args);
  expect([result.stderr, result.exitCode]).toEqual([expect.stringContaining(message), exitCode]);
});
