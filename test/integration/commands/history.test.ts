import { describe, expect, test } from 'vitest';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, device: string, session: string, ...flags: string[]) =>
  cli.run('online', user, device, '--server-addr', '10.0.0.1:9000', '--session', session, ...flags);

describe('history', () => {
  test('lists open sessions, then ended ones, newest first', async () => {
    await login('alice', 'phone', 's-1', '--platform', 'ios');
    await login('alice', 'phone', 's-2');
    await cli.run('offline', 'alice', 'phone');
    await login('alice', 'web', 's-3');
    const { stdout, exitCode } = await cli.run('history', 'alice');
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^Device +Platform +Chat server +Session +Login +End +Status$/);
    expect(rows).toEqual([
      expect.stringMatching(/^web +- +10\.0\.0\.1:9000 +s-3 +\d{4}-\S+ \S+Z +- +online$/),
      expect.stringMatching(/^phone +- +10\.0\.0\.1:9000 +s-2 +\d{4}-\S+ \S+Z +\d{4}-\S+ \S+Z +logout$/),
      expect.stringMatching(/^phone +ios +10\.0\.0\.1:9000 +s-1 +\d{4}-\S+ \S+Z +\d{4}-\S+ \S+Z +replaced$/),
    ]);
    expect(exitCode).toBe(0);
  });

  test('--json has the shape of the contract, also for one device', async () => {
    await login('bob', 'phone', 's-1', '--platform', 'ios');
    await login('bob', 'web', 's-2');
    await cli.run('offline', 'bob', 'phone');
    const shared = {
      serverAddr: '10.0.0.1:9000',
      loginTime: expect.stringMatching(ISO),
      reasonText: null,
      clientIp: null,
      label: null,
      appVersion: null,
    };
    const ended = {
      ...shared,
      deviceId: 'phone',
      sessionId: 's-1',
      platform: 'ios',
      endTime: expect.stringMatching(ISO),
      reason: 'LOGOUT',
    };
    expect(await cli.json('history', 'bob')).toEqual({
      userId: 'bob',
      entries: [
        { ...shared, deviceId: 'web', sessionId: 's-2', platform: null, endTime: null, reason: null },
        ended,
      ],
      more: false,
    });
    expect(await cli.json('history', 'bob', 'phone')).toEqual({
      userId: 'bob',
      entries: [ended],
      more: false,
    });
  });

  test('--limit truncates the list, and reports it', async () => {
    for (const session of ['s-1', 's-2', 's-3']) await login('carol', 'phone', session);
    const { stdout, stderr } = await cli.run('history', 'carol', '--limit', '2');
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stderr).toBe('there may be more than 2: raise --limit, up to 10000\n');
    expect((await cli.run('history', 'carol', '--limit', '3')).stderr).toBe('');
    expect((await cli.run('history', 'carol', '--limit', '0')).exitCode).toBe(2);
  });

  test('reports a user without history', async () => {
    expect(await cli.run('history', 'nobody')).toEqual({
      stdout: 'nobody has no history\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await cli.json('history', 'nobody')).toEqual({ userId: 'nobody', entries: [], more: false });
  });
});
