import { expect, test } from 'vitest';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, session = 's-1') =>
  cli.run('online', user, 'phone', '--server-addr', '10.0.0.1:9000', '--session', session);

test('offline --grace announces the logout, and a login cancels it', async () => {
  await login('alice');
  const { stdout } = await cli.run('offline', 'alice', 'phone', '--grace', '1h');
  expect(stdout).toBe('alice/phone goes offline within 1h unless it logs in before\n');
  const waiting = await cli.run('query', 'alice', '--explain');
  expect(waiting.stdout).toMatch(/^phone is online: .* its logout takes effect after its grace/m);
  expect(waiting.stdout).toMatch(
    /^ {2}grace +the logout takes effect \d{4}-.* unless the device logs in before$/m,
  );
  expect(await cli.json('query', 'alice', '--explain')).toMatchObject({
    devices: [{ online: true, explanation: { graceEndTime: expect.stringMatching(ISO) } }],
  });
  await login('alice', 's-2');
  expect(await cli.json('query', 'alice', '--explain')).toMatchObject({
    devices: [{ online: true, explanation: { graceEndTime: null } }],
  });
});

test('a grace of 0 is an immediate logout', async () => {
  await login('bob');
  expect((await cli.run('offline', 'bob', 'phone', '--grace', '0s')).stdout).toBe('bob/phone is offline\n');
});

test('rejects a grace of more than an hour', async () => {
  const { stderr, exitCode } = await cli.run('offline', 'bob', 'phone', '--grace', '2h');
  expect(stderr).toContain('--grace must be from 0ms to 1h');
  expect(exitCode).toBe(2);
});
