import { expect, test } from 'vitest';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, device: string, serverAddr: string, ...flags: string[]) =>
  cli.run('online', user, device, '--server-addr', serverAddr, '--session', `${user}-${device}`, ...flags);

test('report that nothing is online', async () => {
  expect((await cli.run('sessions')).stdout).toBe('no session is online\n');
  expect((await cli.run('sessions', '--server-addr', 'a:1')).stdout).toBe('no session is online at a:1\n');
  expect((await cli.run('servers')).stdout).toBe('no chat server has sessions or a lease\n');
  expect((await cli.run('stats')).stdout).toBe('users online    0\ndevices online  0\n');
  expect(await cli.json('sessions')).toEqual({ sessions: [], more: false, partial: false });
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
  expect(cut.stderr).toContain('there may be more than these 2');

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
