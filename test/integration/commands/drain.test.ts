import { expect, test } from 'vitest';
import { clientOf, disposables } from '../../support/disposables.ts';
import { ISO, testCli } from '../../support/testCli.ts';

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

test('drain --wait ends with 1 if the chat server is restarted with sessions', async () => {
  const addr = '10.0.0.4:9000';
  const server = await startServer(addr, ['erin'], false);
  const waiting = cli.run('drain', addr, '--over', '1h', '--wait');
  const client = await clientOf(cli.daemon.addr);
  const stateOf = async () =>
    (await client.listServers()).servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.state;
  await expect.poll(stateOf, { timeout: 30_000 }).toBe('DRAINING');
  await server.offline({ userId: 'erin', deviceId: 'phone', sessionId: [...server][0]?.sessionId as string });
  // In its grace it is still online.
  server.close();
  const next = client.server({ addr, incarnation: Date.now() });
  disposables.push(() => next.close());
  await next.ready;
  const { stderr, exitCode } = await waiting;
  expect([stderr, exitCode]).toEqual([`${addr} was restarted, with 1 session, which ended its drain\n`, 1]);
});

test('drain --wait ends with 1 if the drain is cancelled', async () => {
  const addr = '10.0.0.3:9000';
  await startServer(addr, ['dave'], false);
  const waiting = cli.run('drain', addr, '--over', '1h', '--wait');
  const client = await clientOf(cli.daemon.addr);
  const state = async () =>
    (await client.listServers()).servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.state;
  await expect.poll(state, { timeout: 30_000 }).toBe('DRAINING');
  await client.drainServer({ serverAddr: addr, cancel: true });
  const { stderr, exitCode } = await waiting;
  expect([stderr, exitCode]).toEqual([`the drain of ${addr} was cancelled, with 1 session left\n`, 1]);
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
