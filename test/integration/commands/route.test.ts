import { expect, test } from 'vitest';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, device: string, server: string) =>
  cli.run('online', user, device, '--server-addr', server, '--session', `${user}-${device}`);

test('route lists sessions by chat server, then who is offline', async () => {
  await login('alice', 'web', '10.0.0.2:9000');
  await login('bob', 'phone', '10.0.0.1:9000');
  await cli.run('offline', 'alice', 'web', '--grace', '1h');
  const { stdout, exitCode } = await cli.run('route', 'alice', 'nobody', 'bob', 'nobody-else');
  expect(stdout.replaceAll(/ +/g, ' ').replaceAll(/ \n/g, '\n')).toBe(
    [
      'Chat server User Device Platform Session State',
      '10.0.0.1:9000 bob phone - bob-phone online',
      '10.0.0.2:9000 alice web - alice-web grace',
      '2 users offline: nobody, nobody-else',
      '',
    ].join('\n'),
  );
  expect(exitCode).toBe(0);
  expect(await cli.json('route', 'nobody', 'bob')).toEqual({
    servers: [
      {
        serverAddr: '10.0.0.1:9000',
        draining: false,
        sessions: [
          { userId: 'bob', deviceId: 'phone', sessionId: 'bob-phone', platform: null, inGrace: false },
        ],
      },
    ],
    offline: ['nobody'],
    unavailable: [],
  });
});

test('route says that nobody is online', async () => {
  expect((await cli.run('route', 'nobody')).stdout).toBe('no session is online\n1 user offline: nobody\n');
});

test('route needs users', async () => {
  const { stderr, exitCode } = await cli.run('route');
  expect([stderr, exitCode]).toEqual([expect.stringContaining('Missing 1 required arg: USER'), 2]);
  const long = await cli.run('route', 'x'.repeat(257));
  expect([long.stderr, long.exitCode]).toEqual([
    expect.stringContaining('USER must be at most 256 bytes'),
    2,
  ]);
});
