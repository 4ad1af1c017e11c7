import { expect, test } from 'vitest';
import { ROLES } from '../../../src/daemon/auth/roles.ts';
import { TokenFile } from '../../support/credentials.ts';
import { startDaemon } from '../../support/disposables.ts';
import { runImstate } from '../../support/imstate.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();

test('prints what administrators did, newest first, as a table and as JSON', async () => {
  expect((await cli.run('audit', '--user', 'alice')).stdout).toBe('no record matches\n');
  await cli.run('online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000', '--session', 's1');
  await cli.run('evict', 'alice', 'phone', '--session', 's1', '--yes');
  await cli.run('evict', 'alice', '--yes');
  const { stdout, exitCode } = await cli.run('audit', '--user', 'alice');
  const [head, first = '', second = '', ...rest] = stdout.trimEnd().split('\n');
  expect([exitCode, rest]).toEqual([0, []]);
  expect(head).toMatch(/^Time +Source +By +Role +Action +Outcome +Target +Detail$/);
  expect(first).toMatch(
    /^\d{4}-.*Z +127\.0\.0\.1:\d+ +anonymous +admin +evict +ok +alice +sessions ended: 0$/,
  );
  expect(second).toMatch(/ alice\/phone\/s1 +sessions ended: 1$/);
  const { records, more } = (await cli.json('audit', '--user', 'alice', '--limit', '1')) as {
    records: object[];
    more: boolean;
  };
  expect(more).toBe(true);
  expect(records).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: expect.stringMatching(/Z$/),
      action: 'evict',
      outcome: 'OK',
      code: null,
      detail: 'sessions ended: 0',
      omitted: 0,
      identity: { kind: 'ANONYMOUS', name: 'anonymous' },
      role: 'admin',
      source: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      via: 'GRPC',
      target: {
        type: 'user',
        userId: 'alice',
        deviceId: null,
        sessionId: null,
        serverAddr: null,
        name: null,
      },
      requestId: expect.stringMatching(/./),
      daemon: cli.daemon.addr,
    },
  ]);
});

test('filters by time, identity, action and outcome', async () => {
  await cli.run('evict', 'bob', '--yes');
  const count = async (...filter: string[]) => {
    const { records } = (await cli.json('audit', '--user', 'bob', ...filter)) as { records: object[] };
    return records.length;
  };
  expect(await count('--since', '1h')).toBe(1);
  expect(await count('--since', '2020-01-01T00:00:00Z')).toBe(1);
  expect(await count('--since', '2999-01-01')).toBe(0);
  expect(await count('--by', 'anonymous', '--action', 'evict', '--outcome', 'ok')).toBe(1);
  expect(await count('--by', 'ops')).toBe(0);
  expect(await count('--action', 'set_log_level')).toBe(0);
  expect(await count('--outcome', 'DENIED')).toBe(0);
  const wrong = await cli.run('audit', '--since', 'yesterday');
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('--since must be a duration')]);
});

test('fits a terminal of 80 columns', async () => {
  await cli.run('evict', 'carol', 'phone', '--session', 's-0123456789', '--yes');
  const env = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NO_COLOR: undefined };
  const terminal = await TestTerminal.start(['audit', '--user', 'carol'], { columns: 80, rows: 24 }, env);
  expect(await terminal.ended).toBe(0);
  const shown = (await terminal.shows(/carol/)).join('\n');
  expect(shown).toMatch(/│ carol\/phone\/s-0123456789 +│/);
  expect(shown).toMatch(/│ sessions ended: 0 +│/);
});

test('needs the role admin', async () => {
  const file = await TokenFile.make();
  const { addr } = await startDaemon({ auth: { tokens: file.path } });
  for (const role of ROLES) {
    const env = { IMSTATE_TOKEN: file.tokens[role] as string };
    const { exitCode, stderr } = await runImstate(['audit', '--endpoint', addr], env);
    expect([role, exitCode]).toEqual([role, role === 'admin' ? 0 : 4]);
    if (role !== 'admin') expect(stderr).toContain('needs the role admin');
  }
});
