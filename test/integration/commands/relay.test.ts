import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { WebhookReceiver } from '../../e2e/relay/receiver.ts';
import { clientOf, disposables } from '../../support/disposables.ts';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();

/** A relay that a process holds, with a position; its claim runs out within 4 s. */
async function makeRelay(name: string, lastError = '') {
  const client = await clientOf(cli.daemon.addr);
  const watch = client.watch({ everything: true, initialState: false });
  let revision = '';
  for await (const event of watch) {
    if (event.type !== 'synced') continue;
    revision = event.revision;
    break;
  }
  const holderId = randomUUID();
  const { fence } = await client.claimRelay({
    name,
    holderId,
    holder: 'host-a:7',
    target: 'webhook https://x',
  });
  await client.commitRelay({
    name,
    holderId,
    fence,
    revision,
    delivered: 1_234,
    failed: lastError ? 2 : 0,
    lastError,
  });
  return client;
}

test('list and status show a relay, its lag and its last error', async () => {
  expect((await cli.run('relay', 'list')).stdout).toBe('there are no relays: imstate relay run starts one\n');
  const client = await makeRelay('billing', 'HTTP 500');
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  const { stdout } = await cli.run('relay', 'list');
  expect(stdout).toMatch(
    /billing +RUNNING +host-a:7 +1,234 +2 +\d+\S*, 1 change +webhook https:\/\/x +HTTP 500/,
  );
  const status = await cli.run('relay', 'status', 'billing');
  expect([status.exitCode, status.stdout]).toEqual([
    0,
    expect.stringMatching(/delivered {2}1,234 events.*\nfailed {5}2 attempts/),
  ]);
  expect(status.stdout).toContain('error      HTTP 500');
  expect(await cli.json('relay', 'list')).toEqual({
    relays: [
      {
        name: 'billing',
        target: 'webhook https://x',
        state: 'RUNNING',
        holder: 'host-a:7',
        revision: expect.any(String),
        deliveredTime: null,
        delivered: 1_234,
        failed: 2,
        snapshots: 0,
        lastError: 'HTTP 500',
        lagChanges: 1,
        lagMs: expect.any(Number),
        isBehindLog: false,
        createTime: expect.stringMatching(ISO),
      },
    ],
  });
});

test('pauses, resumes, replays and deletes a relay', async () => {
  await makeRelay('bus');
  expect((await cli.run('relay', 'pause', 'bus')).stdout).toBe(
    'bus is paused: imstate relay resume bus goes on\n',
  );
  const paused = await cli.run('relay', 'status', 'bus');
  expect([paused.exitCode, paused.stdout]).toEqual([1, expect.stringContaining('bus, PAUSED')]);
  expect(await cli.json('relay', 'resume', 'bus')).toEqual({ name: 'bus', paused: false });
  expect(await cli.json('relay', 'replay', 'bus', '--from', '2026-01-01')).toEqual({
    name: 'bus',
    from: '2026-01-01T00:00:00.000Z',
  });
  expect(await cli.json('relay', 'delete', 'bus')).toMatchObject({
    error: {
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('host-a:7 delivers for the relay bus'),
    },
  });
  await expect
    .poll(async () => (await cli.run('relay', 'delete', 'bus')).stdout, { timeout: 30_000 })
    .toBe('relay bus is deleted\n');
  expect((await cli.run('relay', 'status', 'bus')).exitCode).toBe(2);
});

test('test delivers one sample to a target', async () => {
  const receiver = await WebhookReceiver.start();
  disposables.push(() => receiver.close());
  const { stdout, exitCode } = await cli.run('relay', 'test', '--to', receiver.url, '--allow-private');
  const [event] = receiver.events;
  expect([exitCode, stdout]).toEqual([
    0,
    `webhook ${new URL(receiver.url).origin} has acknowledged ${event?.id}\n`,
  ]);
  expect(event).toMatchObject({ type: 'presence.session.started', subject: 'test-user' });
  receiver.isDown = true;
  const failed = await cli.run('relay', 'test', '--to', receiver.url, '--allow-private');
  expect([failed.exitCode, failed.stderr]).toEqual([3, expect.stringContaining('503')]);
});

test.each<[args: string[], message: string, exitCode: number]>([
  [['run', '--to', 'https://example.com'], 'Missing required flag --name', 2],
  [['run', '--name', 'x'], 'Missing required flag --to', 2],
  [['run', '--name', 'A', '--to', 'redis://127.0.0.1:1/events'], 'name must be 1 to 63', 2],
  [['run', '--name', 'x', '--to', 'ftp://x'], '--to must be https://HOST/PATH', 2],
  [['run', '--name', 'x', '--to', 'nonsense'], '--to must be https://HOST/PATH', 2],
  [['run', '--name', 'x', '--to', 'http://example.com/x'], '--allow-private', 2],
  [['run', '--name', 'x', '--to', 'https://127.0.0.1/x'], '--allow-private', 2],
  [
    ['run', '--name', 'x', '--to', 'https://example.com', '--type', 'nonsense'],
    'Expected --type=nonsense',
    2,
  ],
  [['run', '--name', 'x', '--to', 'https://example.com', '--max-length', '5'], '--max-length is not for', 2],
  [['run', '--name', 'x', '--to', 'https://example.com', '--secret-file', '/nonexistent'], '/nonexistent', 2],
  [['test', '--to', 'redis://127.0.0.1/'], 'stream', 2],
  [['replay', 'x', '--from', 'yesterday'], '--from must be a duration', 2],
  [['replay', 'x', '--from', '1h'], 'there is no relay "x"', 2],
  [['pause', 'x'], 'there is no relay "x"', 2],
  [['status', 'x'], 'there is no relay "x"', 2],
])('relay %j is rejected', async (args, message, exitCode) => {
  const result = await cli.run('relay', ...args);
  expect([result.stderr, result.exitCode]).toEqual([expect.stringContaining(message), exitCode]);
});
