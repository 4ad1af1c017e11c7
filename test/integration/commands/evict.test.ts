import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { TokenFile } from '../../support/credentials.ts';
import { startDaemon } from '../../support/disposables.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, device: string, serverAddr: string) =>
  cli.run('online', user, device, '--server-addr', serverAddr, '--session', `${user}-${device}`);

test('ends the sessions of a user; repeating their logins changes nothing', async () => {
  await login('alice', 'phone', '10.0.0.1:9000');
  await login('alice', 'web', '10.0.0.2:9000');
  expect(await cli.run('evict', 'alice', '--yes')).toEqual({
    stdout: '2 sessions were evicted\n',
    stderr: '',
    exitCode: 0,
  });
  expect(await cli.json('query', 'alice')).toMatchObject({
    online: false,
    devices: [{ reason: 'EVICTED' }, { reason: 'EVICTED' }],
  });
  expect((await login('alice', 'phone', '10.0.0.1:9000')).stdout).toContain('it was evicted');
});

test('ends one session if it is still current', async () => {
  await login('bob', 'phone', '10.0.0.1:9000');
  const evict = ['evict', '--user', 'bob', '--device', 'phone', '--yes', '--session'];
  expect(await cli.json(...evict, 'another')).toEqual({ evicted: 0 });
  expect(await cli.json('query', 'bob')).toMatchObject({ online: true });
  expect(await cli.json(...evict, 'bob-phone')).toEqual({ evicted: 1 });
  expect(await cli.json('query', 'bob')).toMatchObject({ online: false });
});

test('ends all sessions of a chat server, and no others', async () => {
  const file = `${cli.daemon.dataDir}/logins.ndjson`;
  const records = Array.from({ length: 3_000 }, (_, i) =>
    JSON.stringify({ userId: `u-${i}`, deviceId: 'phone' }),
  );
  await writeFile(file, records.join('\n'));
  await cli.run('online', '--file', file, '--server-addr', '10.0.0.3:9000');
  await login('carol', 'phone', '10.0.0.4:9000');
  expect((await cli.run('evict', '--server-addr', '10.0.0.3:9000', '--yes')).stdout).toBe(
    '3,000 sessions were evicted\n',
  );
  expect(await cli.json('stats')).toMatchObject({ devicesByServer: { '10.0.0.4:9000': 1 } });
  expect(await cli.json('query', 'carol')).toMatchObject({ online: true });
});

test('requires --yes without a terminal', async () => {
  await login('dave', 'phone', '10.0.0.1:9000');
  const { stderr, exitCode } = await cli.run('evict', '--user', 'dave');
  expect(stderr).toBe('Error: cannot ask for confirmation without a terminal: add --yes\n');
  expect(exitCode).toBe(2);
  expect(await cli.json('query', 'dave')).toMatchObject({ online: true });
});

test('rejects an eviction without permission before the confirmation', async () => {
  const file = await TokenFile.make();
  const { addr } = await startDaemon({ auth: { tokens: file.path } });
  const evict = (role: string) =>
    TestTerminal.start(
      ['evict', '--user', 'dave', '--endpoint', addr],
      { columns: 150, rows: 20 },
      { IMSTATE_TOKEN: file.tokens[role] },
    );
  for (const role of ['reader', 'writer']) {
    const terminal = await evict(role);
    expect(await terminal.ended).toBe(4);
    expect(terminal.output).toContain(`Evict needs the role admin, and token "${role}" has ${role}`);
    expect(terminal.output).not.toContain('[y/N]');
  }
  const admin = await evict('admin');
  await admin.shows(/End 0 sessions of user dave\?/);
  admin.press('n\r');
  expect(await admin.ended).toBe(1);
});

test('ends the current session of a device', async () => {
  await login('frank', 'phone', '10.0.0.1:9000');
  await login('frank', 'web', '10.0.0.1:9000');
  expect(await cli.json('evict', 'frank', 'phone', '--yes')).toEqual({ evicted: 1 });
  expect(await cli.json('evict', 'frank', 'phone', '--yes')).toEqual({ evicted: 0 });
  expect(await cli.json('query', 'frank', 'web')).toMatchObject({ online: true });
  expect(await cli.json('evict', '--user', 'frank', '--device', 'web', '--yes')).toEqual({ evicted: 1 });
});

test('takes the user and device as arguments, as flags, or as both if they agree', async () => {
  await login('grace', 'phone', '10.0.0.1:9000');
  expect(await cli.json('evict', 'grace', 'phone', '--session', 'another', '--yes')).toEqual({ evicted: 0 });
  expect(await cli.json('evict', 'grace', '--user', 'grace', '--yes')).toEqual({ evicted: 1 });
});

test.each([
  [[], /needs one of USER, --server-addr and --file/],
  [['--server-addr', 'a:1', '--user', 'eve'], /needs one of USER, --server-addr and --file/],
  [['eve', '--server-addr', 'a:1'], /needs one of USER, --server-addr and --file/],
  [['--device', 'phone'], /name the user/],
  [['eve', '--session', 's'], /--session needs the device/],
  [
    ['--server-addr', 'a:1', '--device', 'd', '--session', 's'],
    /needs one of USER, --server-addr and --file/,
  ],
  [['eve', '--user', 'adam'], /USER is "eve" and --user is "adam": give one of them/],
  [['eve', 'phone', '--device', 'web'], /DEVICE is "phone" and --device is "web": give one of them/],
])('rejects %j, which selects no sessions', async (words, message) => {
  const { stderr, exitCode } = await cli.run('evict', '--yes', ...words);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(2);
});

test('--reason stands in the record and the history, and reaches a watch', async () => {
  await login('henry', 'phone', '10.0.0.1:9000');
  await cli.run('evict', 'henry', 'phone', '--yes', '--reason', 'reported stolen');
  expect(await cli.json('query', 'henry')).toMatchObject({ devices: [{ reasonText: 'reported stolen' }] });
  expect(await cli.json('history', 'henry')).toMatchObject({ entries: [{ reasonText: 'reported stolen' }] });
  expect((await cli.run('query', 'henry', '--explain')).stdout).toContain(
    'it was evicted: "reported stolen"',
  );
  const long = await cli.run('evict', 'henry', '--yes', '--reason', 'x'.repeat(257));
  expect(long.stderr).toContain('--reason must be at most 256 bytes');
  expect(long.exitCode).toBe(2);
});

async function evictFile(records: (object | string)[], ...flags: string[]) {
  const file = `${cli.daemon.dataDir}/evictions.ndjson`;
  const lines = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record)));
  await writeFile(file, lines.join('\n'));
  return cli.run('evict', '--file', file, '--yes', ...flags);
}

test('--file ends the sessions of its records, one line each', async () => {
  for (const user of ['i1', 'i2', 'i3']) await login(user, 'phone', '10.0.0.5:9000');
  const records = [
    { userId: 'i1', reason: 'their own' },
    { userId: 'i2', deviceId: 'phone' },
    { userId: 'i3', deviceId: 'phone', sessionId: 'another' },
    { serverAddr: '10.0.0.5:9000' },
  ];
  const { stdout, stderr, exitCode } = await evictFile(records, '--reason', 'for all');
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    '1 user i1: 1 session',
    '2 i2/phone: 1 session',
    '3 i3/phone: 0 sessions',
  ]);
  expect(stderr).toMatch(/^\d evicted, \d had no session, 0 failed in /);
  expect(exitCode).toBe(1);
  expect(await cli.json('history', 'i1')).toMatchObject({ entries: [{ reasonText: 'their own' }] });
  expect(await cli.json('history', 'i2')).toMatchObject({ entries: [{ reasonText: 'for all' }] });
});

test.each([
  ['{"userId":"a","serverAddr":"b:1"}', 'one of userId and serverAddr'],
  ['{}', 'one of userId and serverAddr'],
  ['{"deviceId":"d","serverAddr":"b:1"}', 'need userId'],
  ['{"userId":"a","sessionId":"s"}', 'sessionId needs the deviceId'],
  ['{"userId":7}', 'userId must be a string'],
  ['{"userId":""}', 'userId must not be empty'],
  ['{"userId":"a","deviceId":""}', 'failed: deviceId must not be empty'],
  ['{"userId":"a","deviceId":"d\\u0000"}', 'failed: deviceId '],
  ['{"user":"a"}', '"user" is not a key'],
  ['[]', 'must be a JSON object'],
  [`{"userId":"a","reason":"${'x'.repeat(257)}"}`, 'reason must be at most 256 bytes'],
])('--file rejects the record %s', async (record, message) => {
  const { stdout, exitCode } = await evictFile([record]);
  expect(stdout).toContain('1 failed: ');
  expect(stdout).toContain(message);
  expect(exitCode).toBe(2);
});

test('--file reads a pipe once: what ends is what was confirmed', async () => {
  await login('judy', 'phone', '10.0.0.6:9000');
  const pipe = `${cli.daemon.dataDir}/evictions.pipe`;
  execFileSync('mkfifo', [pipe]);
  const terminal = await TestTerminal.start(
    ['evict', '--file', pipe, '--endpoint', cli.daemon.addr],
    { columns: 150, rows: 20 },
    {},
  );
  await writeFile(pipe, '{"userId":"judy"}\n');
  await terminal.shows(/End the sessions of 1 record of/);
  terminal.press('y\r');
  expect(await terminal.ended).toBe(0);
  expect(terminal.output).toContain('user judy: 1 session');
  expect(await cli.json('query', 'judy')).toMatchObject({ online: false });
});

test('--file allows no other target, and asks nothing of standard input', async () => {
  expect((await cli.run('evict', 'alice', '--file', 'f', '--yes')).stderr).toContain(
    'takes its targets from its records',
  );
  expect((await cli.run('evict', '--file', '/nowhere', '--yes')).stderr).toContain('cannot be read');
});
