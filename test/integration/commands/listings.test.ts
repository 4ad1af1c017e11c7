import { expect, test } from 'vitest';
import { TestTerminal } from '../../support/terminal.ts';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, device: string, serverAddr: string, ...flags: string[]) =>
  cli.run('online', user, device, '--server-addr', serverAddr, '--session', `${user}-${device}`, ...flags);

test('report that nothing is online', async () => {
  expect((await cli.run('sessions')).stdout).toBe('no session is online\n');
  expect((await cli.run('sessions', '--server-addr', 'a:1')).stdout).toBe('no session is online at a:1\n');
  expect((await cli.run('servers')).stdout).toBe('no chat server has sessions or a lease\n');
  expect((await cli.run('stats')).stdout).toBe('users online    0\ndevices online  0\n');
  expect(await cli.json('sessions')).toEqual({ sessions: [], more: false, partial: false, scanned: 0 });
  expect(await cli.json('servers')).toEqual({ servers: [], partial: false });
  expect(await cli.json('stats')).toEqual({
    usersOnline: 0,
    devicesOnline: 0,
    devicesByPlatform: {},
    devicesByServer: {},
    devicesOnOtherServers: 0,
    partial: false,
  });
});

test('list and count online sessions', async () => {
  await login('alice', 'phone', '10.0.0.1:9000', '--platform', 'ios');
  await login('alice', 'web', '10.0.0.2:9000');
  await login('bob', 'phone', '10.0.0.1:9000', '--platform', 'ios', '--metadata', 'a=b');
  await login('gone', 'phone', '10.0.0.1:9000');
  await cli.run('offline', 'gone', 'phone');

  const { sessions } = (await cli.json('sessions')) as { sessions: { sessionId: string }[] };
  expect(sessions.map(({ sessionId }) => sessionId).sort()).toEqual([
    'alice-phone',
    'alice-web',
    'bob-phone',
  ]);
  expect(sessions).toContainEqual({
    userId: 'bob',
    deviceId: 'phone',
    online: true,
    serverAddr: '10.0.0.1:9000',
    sessionId: 'bob-phone',
    platform: 'ios',
    metadata: { a: 'b' },
    logoutTime: null,
    reason: null,
    reasonText: null,
    clientIp: null,
    label: null,
    appVersion: null,
    loginTime: expect.stringMatching(ISO),
    lastSeen: expect.stringMatching(ISO),
  });
  const ofServer = await cli.run('sessions', '--server-addr', '10.0.0.2:9000');
  expect(ofServer.stdout).toMatch(/^User +Device .*\nalice +web +- +10\.0\.0\.2:9000 +alice-web +.*\n$/);

  const cut = await cli.run('sessions', '--limit', '2');
  expect(cut.stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(cut.stderr).toContain('there may be more than 2');

  expect(await cli.json('servers')).toEqual({
    servers: [
      { serverAddr: '10.0.0.1:9000', sessions: 2, lease: null },
      { serverAddr: '10.0.0.2:9000', sessions: 1, lease: null },
    ],
    partial: false,
  });
  expect((await cli.run('servers')).stdout).toMatch(/^10\.0\.0\.1:9000 +2 +- +- +- +-$/m);
  expect(await cli.json('stats')).toEqual({
    usersOnline: 2,
    devicesOnline: 3,
    devicesByPlatform: { '': 1, ios: 2 },
    devicesByServer: { '10.0.0.1:9000': 2, '10.0.0.2:9000': 1 },
    devicesOnOtherServers: 0,
    partial: false,
  });
  const stats = await cli.run('stats');
  expect(stats.stdout).toMatch(
    /^users online {4}2\ndevices online {2}3\n\nPlatform +Devices\nios +2\nnot named +1\n/,
  );
});

test('search the sessions that are online', async () => {
  for (const user of ['alice', 'bob']) await cli.run('evict', user, '--yes');
  await login('andrea', 'phone', '10.0.0.1:9000');
  await login('andrew', 'web', '10.0.0.2:9000');
  await login('zoe', 'phone', '10.0.0.1:9000');
  const found = async (...flags: string[]) => {
    const { sessions, scanned } = (await cli.json('sessions', ...flags)) as {
      sessions: { userId: string }[];
      scanned: number;
    };
    return [scanned, ...sessions.map(({ userId }) => userId).sort()];
  };
  expect(await found('--user-prefix', 'and')).toEqual([3, 'andrea', 'andrew']);
  expect(await found('--device', 'phone')).toEqual([3, 'andrea', 'zoe']);
  expect(await found('--session', 'zoe-phone')).toEqual([3, 'zoe']);
  expect(await found('--device', 'phone', '--user-prefix', 'a')).toEqual([3, 'andrea']);
  expect((await cli.run('sessions', '--user-prefix', 'carol')).stdout).toBe(
    'no session matches: 3 sessions compared\n',
  );
  expect((await cli.run('sessions', '--device', 'web', '--server-addr', '10.0.0.1:9000')).stdout).toBe(
    'no session matches: 2 sessions compared at 10.0.0.1:9000\n',
  );
  const cut = await cli.run('sessions', '--user-prefix', 'and', '--limit', '1');
  expect(cut.stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(cut.stderr).toContain('there may be more than 1');
});

test('show the progress of a search on a terminal', async () => {
  await login('peter', 'phone', '10.0.0.1:9000');
  const flags = ['--data-dir', cli.daemon.dataDir];
  const size = { columns: 120, rows: 20 };
  const search = await TestTerminal.start(['sessions', '--user-prefix', 'pet', ...flags], size);
  expect(await search.ended).toBe(0);
  expect(search.output).toMatch(/\d sessions? compared, .*peter/s);
  const listing = await TestTerminal.start(['sessions', ...flags], size);
  expect(await listing.ended).toBe(0);
  expect(listing.output).not.toContain('compared');
});

test.each([
  ['--user-prefix', 'a\u0001', 'must not contain control characters'],
  ['--user-prefix', 'x'.repeat(300), 'must be at most 256 bytes'],
  ['--device', 'x'.repeat(300), 'must be at most 256 bytes'],
  ['--session', '\u007f', 'must not contain control characters'],
])('reject a search by an invalid %s', async (flag, text, rule) => {
  const { exitCode, stderr } = await cli.run('sessions', flag, text);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${flag} ${rule}`);
});
