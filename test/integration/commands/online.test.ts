import { expect, test } from 'vitest';
import { runCli } from '../../support/runCli.ts';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();

test('stores time to live, metadata and platform of a session', async () => {
  const flags = [
    '--ttl',
    '60s',
    '--metadata',
    'app=3.1,os=17',
    '--metadata',
    'note=a=b',
    '--platform',
    'ios',
  ];
  await cli.run('online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000', ...flags);
  expect(await cli.json('query', 'alice', '--explain')).toMatchObject({
    devices: [
      {
        platform: 'ios',
        metadata: { app: '3.1', os: '17', note: 'a=b' },
        explanation: { ttlMs: 60_000, expireTime: expect.stringMatching(ISO) },
      },
    ],
  });
});

test('reads metadata from the environment like the flag', async () => {
  const env = { IMSTATE_DATA_DIR: cli.daemon.dataDir, IMSTATE_METADATA: 'a=1,b=2' };
  await runCli(['online', 'env', 'phone', '--server-addr', '10.0.0.1:9000'], env);
  expect(await cli.json('query', 'env')).toMatchObject({ devices: [{ metadata: { a: '1', b: '2' } }] });
});

test('--policy ends sessions on other devices and names them', async () => {
  const login = (device: string, ...flags: string[]) =>
    cli.run('online', 'bob', device, '--server-addr', '10.0.0.1:9000', '--session', device, ...flags);
  await login('phone', '--platform', 'ios');
  await login('tablet', '--platform', 'ios');
  await login('web');
  const same = await login('phone-2', '--platform', 'ios', '--policy', 'replace-same-platform');
  expect(same.stdout.match(/replaced session \S+/g)?.sort()).toEqual([
    'replaced session phone',
    'replaced session tablet',
  ]);
  const all = await login('tv', '--policy', 'REPLACE_ALL');
  expect(all.stdout.match(/replaced session \S+/g)?.sort()).toEqual([
    'replaced session phone-2',
    'replaced session web',
  ]);
});

test('does not change an ended session, and exits with 1 and the reason', async () => {
  const login = ['online', 'carol', 'phone', '--server-addr', '10.0.0.1:9000', '--session'];
  await cli.run(...login, 's-1');
  await cli.run(...login, 's-2');
  const { stdout, exitCode } = await cli.run(...login, 's-1');
  expect(stdout).toBe(
    'nothing changed: session s-1 of carol/phone had ended already, another login replaced it; close its connection\n',
  );
  expect(exitCode).toBe(1);
  expect(await cli.json(...login, 's-1')).toMatchObject({
    sessionId: 's-1',
    endReason: 'REPLACED',
    replaced: [],
  });
  expect(await cli.json('query', 'carol')).toMatchObject({ devices: [{ sessionId: 's-2', online: true }] });
});

test('--incarnation puts the session under the lease of its chat server', async () => {
  await cli.run('online', 'dave', 'phone', '--server-addr', '10.0.0.5:9000', '--incarnation', '7');
  const { stdout } = await cli.run('query', 'dave', '--explain');
  expect(stdout).toMatch(
    /^ {2}lease +of 10\.0\.0\.5:9000, incarnation 7, is alive, and its chat server must send/m,
  );
  expect(await cli.json('servers')).toMatchObject({
    servers: expect.arrayContaining([
      {
        serverAddr: '10.0.0.5:9000',
        sessions: 1,
        lease: {
          state: 'RESYNC',
          incarnation: 7,
          ttlMs: 10_000,
          expireTime: expect.stringMatching(ISO),
          drainDeadline: null,
        },
      },
    ]),
  });
});

test.each([
  [['--ttl', '500ms'], /--ttl must be from 1s to 30d/],
  [['--metadata', 'novalue'], /--metadata must be KEY=VALUE,…; "novalue" is not/],
  [['--metadata', ''], /--metadata must not be empty/],
  [['--policy', 'replace-some'], /--policy/],
  [['--incarnation', '0'], /--incarnation/],
])('rejects %j', async (flags, message) => {
  const { stderr, exitCode } = await cli.run('online', 'eve', 'phone', '--server-addr', 'a:1', ...flags);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(2);
});

test('stores the IP address, label and app version of a session', async () => {
  const flags = ['--client-ip', '203.0.113.7', '--label', "Anna's phone", '--app-version', '4.2.1'];
  const { stderr } = await cli.run('online', 'anna', 'phone', '--server-addr', '10.0.0.1:9000', ...flags);
  expect(stderr).toBe('');
  const details = { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.2.1' };
  expect(await cli.json('query', 'anna')).toMatchObject({ devices: [details] });
  expect(await cli.json('sessions')).toMatchObject({
    sessions: expect.arrayContaining([expect.objectContaining(details)]),
  });
  for (const command of [
    ['query', 'anna'],
    ['history', 'anna'],
    ['query', 'anna', '--explain'],
  ]) {
    const { stdout } = await cli.run(...command);
    for (const detail of Object.values(details)) expect(stdout).toContain(detail);
  }
  await cli.run('offline', 'anna', 'phone');
  expect(await cli.json('history', 'anna')).toMatchObject({
    entries: [{ ...details, clientIp: '203.0.113.0/24' }],
  });
});

test.each([
  ['--client-ip', '1.2.3.4:80'],
  ['--client-ip', 'host'],
  ['--label', 'x'.repeat(65)],
  ['--app-version', 'v'.repeat(33)],
])('rejects %s %s by the name of the flag', async (flag, value) => {
  const { stderr, exitCode } = await cli.run(
    'online',
    'bad',
    'd',
    '--server-addr',
    '10.0.0.1:9000',
    flag,
    value,
  );
  expect(stderr).toContain(`${flag} must be`);
  expect(exitCode).toBe(2);
});

test('shows when an offline user was last seen', async () => {
  await cli.run('online', 'seen', 'phone', '--server-addr', '10.0.0.1:9000');
  expect((await cli.run('query', 'seen')).stdout).not.toContain('last seen');
  await cli.run('offline', 'seen', 'phone');
  expect((await cli.run('query', 'seen')).stdout).toMatch(
    /^seen is offline, last seen (now|\d+ seconds? ago)\n/,
  );
  expect(await cli.json('query', 'seen')).toMatchObject({ lastSeen: expect.stringMatching(ISO) });
  expect(await cli.json('query', 'nobody')).toMatchObject({ lastSeen: null });
  expect(await cli.json('query', 'seen', 'phone')).not.toHaveProperty('lastSeen');
});
