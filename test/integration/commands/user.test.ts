import { expect, test } from 'vitest';
import { TokenFile } from '../../support/credentials.ts';
import { startDaemon } from '../../support/disposables.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();
const login = (user: string, ...flags: string[]) =>
  cli.run('online', user, 'phone', '--server-addr', '10.0.0.1:9000', ...flags);

test('export prints everything as JSON, with and without --json', async () => {
  await login('alice', '--label', "Anna's phone");
  await cli.run('offline', 'alice', 'phone');
  const expected = {
    userId: 'alice',
    devices: [{ deviceId: 'phone', label: "Anna's phone", explanation: expect.any(Object) }],
    history: [{ deviceId: 'phone', reason: 'LOGOUT' }],
    changes: [{ online: true }, { online: false, ended: { reason: 'LOGOUT' } }],
    audit: expect.any(Array),
  };
  expect(JSON.parse((await cli.run('user', 'export', 'alice')).stdout)).toMatchObject(expected);
  expect(await cli.json('user', 'export', 'alice')).toMatchObject(expected);
});

test('erase requires --yes without a terminal', async () => {
  const { stderr, exitCode } = await cli.run('user', 'erase', 'bob');
  expect(stderr).toBe('Error: cannot ask for confirmation without a terminal: add --yes\n');
  expect(exitCode).toBe(2);
});

test('erase leaves nothing, and says what it did', async () => {
  await login('bob');
  const { stdout, stderr, exitCode } = await cli.run('user', 'erase', 'bob', '--yes');
  expect(stdout).toMatch(
    /^bob was erased: 1 session ended, \d+ records and 2 changes removed, 0 audit records rewritten\n$/,
  );
  expect([stderr, exitCode]).toEqual(['', 0]);
  expect(await cli.json('query', 'bob')).toMatchObject({ devices: [], lastSeen: null });
  expect(await cli.json('user', 'erase', 'bob', '--yes')).toEqual({
    sessionsEnded: 0,
    recordsErased: 0,
    changesErased: 0,
    auditRecordsRewritten: 0,
    entriesLeft: 0,
    devicesOnline: 0,
  });
  expect(await cli.json('audit', '--action', 'erase_user')).toMatchObject({
    records: [
      { action: 'erase_user', target: { userId: expect.stringMatching(/^erased:/) } },
      { action: 'erase_user', outcome: 'OK' },
    ],
  });
});

test('erase asks, and needs the role admin before', async () => {
  const file = await TokenFile.make();
  const { addr } = await startDaemon({ auth: { tokens: file.path } });
  const erase = (role: string) =>
    TestTerminal.start(
      ['user', 'erase', 'dave', '--endpoint', addr],
      { columns: 150, rows: 20 },
      { IMSTATE_TOKEN: file.tokens[role] },
    );
  const writer = await erase('writer');
  expect(await writer.ended).toBe(4);
  expect(writer.output).not.toContain('[y/N]');
  const admin = await erase('admin');
  await admin.shows(/Erase everything that is kept of dave, and end 0 sessions\? There is no way back\./);
  admin.press('n\r');
  expect(await admin.ended).toBe(1);
});

test.each([['export'], ['erase']])('%s needs a user', async (command) => {
  const { stderr, exitCode } = await cli.run('user', command);
  expect(stderr).toMatch(/USER/i);
  expect(exitCode).toBe(2);
});
