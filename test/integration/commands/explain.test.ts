import { expect, test } from 'vitest';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();

test('--explain shows what keeps a device online', async () => {
  const flags = ['--server-addr', '10.0.0.1:9000', '--session', 's-1', '--ttl', '90s', '--platform', 'ios'];
  await cli.run('online', 'alice', 'phone', ...flags, '--metadata', 'app=3');
  const { stdout, exitCode } = await cli.run('query', 'alice', '--explain');
  expect(stdout).toMatch(
    /^alice is online on 1 of 1 device\n\nphone is online: it logged in .*, and nothing has ended/,
  );
  expect(stdout).toMatch(/^ {2}session +s-1 at 10\.0\.0\.1:9000, platform ios$/m);
  expect(stdout).toMatch(/^ {2}metadata +app=3$/m);
  expect(stdout).toMatch(/^ {2}time to live +90s: expires \d{4}-.* unless it is renewed$/m);
  expect(stdout).toMatch(/^ {2}grace +none$/m);
  expect(stdout).toMatch(/^ {2}lease +none: the session does not end with its chat server$/m);
  expect(exitCode).toBe(0);
});

test('--explain shows why a device is offline, and for how long it is kept', async () => {
  await cli.run('online', 'bob', 'phone', '--server-addr', '10.0.0.1:9000');
  await cli.run('offline', 'bob', 'phone');
  const { stdout } = await cli.run('query', 'bob', 'phone', '--explain');
  expect(stdout).toMatch(/^phone went offline .*: its session ended, because it was logged out\.$/m);
  expect(stdout).toMatch(/^ {2}ended +\d{4}-.*: LOGOUT$/m);
  expect(stdout).toMatch(/^ {2}removed +\d{4}-.* \(in \d minutes?\)$/m);
});

test('--json has an explanation only with --explain', async () => {
  await cli.run('online', 'carol', 'phone', '--server-addr', '10.0.0.1:9000');
  expect(await cli.json('query', 'carol', '--explain')).toMatchObject({
    devices: [
      { explanation: { ttlMs: null, expireTime: null, graceEndTime: null, forgetTime: null, lease: null } },
    ],
  });
  const { devices } = (await cli.json('query', 'carol')) as { devices: object[] };
  expect(devices[0]).not.toHaveProperty('explanation');
  await cli.run('offline', 'carol', 'phone');
  expect(await cli.json('query', 'carol', '--explain')).toMatchObject({
    devices: [{ explanation: { forgetTime: expect.stringMatching(ISO) } }],
  });
});
