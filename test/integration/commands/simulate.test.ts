import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { disposables } from '../../support/disposables.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { temporaryDirectory } from '../../support/servers.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { testCli } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

const cli = testCli();
const short = ['--duration', '1s', '--users', '50', '--seed', '5', '--timeout', '30s'];
const usersOnline = async () => ((await cli.json('stats')) as { usersOnline: number }).usersOnline;

describe('simulate', () => {
  test('shows the results of each type of call, and the seed to repeat the run', async () => {
    const { stdout, stderr, exitCode } = await cli.run('simulate', ...short);
    expect(stderr).toMatch(/^seed 5: 50 users, 5 chat servers, 20 logins\/s, 100 queries\/s for 1 s\n/);
    expect(stdout).toMatch(/^Call +Calls +Rate +p50 +p95 +p99 +Max +Errors +Missed\n/);
    expect(stdout).toMatch(/^query +\d+ +\d+\/s( +[\d.]+ m?s){4} +0 +\d+\n/m);
    expect(stdout).toMatch(
      /^seed 5, [\d.]+ s: 0 crashes of chat servers.*\nlogged out: (\d+) of \1 sessions?$/m,
    );
    expect(exitCode).toBe(0);
    expect(await usersOnline()).toBe(0);
  });

  test('prints exactly one object with --json', async () => {
    const { stdout, stderr, exitCode } = await cli.run(
      'simulate',
      ...short,
      '--json',
      '--assert',
      'errors==0',
    );
    const figures = {
      calls: expect.any(Number),
      errors: 0,
      missed: expect.any(Number),
      rate: expect.any(Number),
      p50Ms: expect.any(Number),
      p95Ms: expect.any(Number),
      p99Ms: expect.any(Number),
      maxMs: expect.any(Number),
    };
    const none = { p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null };
    const printed = JSON.parse(stdout);
    expect(printed).toEqual({
      seed: 5,
      durationMs: expect.any(Number),
      stopped: false,
      online: expect.any(Number),
      calls: {
        all: figures,
        online: figures,
        query: figures,
        offline: printed.calls.offline.calls > 0 ? figures : { ...figures, ...none },
      },
      errors: [],
      crashes: 0,
      cut: 0,
      ended: expect.any(Number),
      disconnections: 0,
      late: expect.any(Number),
      lateMs: expect.any(Number),
      kept: false,
      left: 0,
      assertions: [{ assertion: 'errors==0', holds: true, value: 0 }],
    });
    // On a busy machine calls are late, which causes a warning.
    expect(stderr).toMatch(/^(warning: [\d,]+ of [\d,]+ calls were late, .*\n)?$/);
    expect(exitCode).toBe(0);
  });

  test('exits with 1 if an assertion fails, with the measured value', async () => {
    const asserts = ['--assert', 'errors==0,rate>1000000', '--assert', 'p99 < 1us'];
    const { stdout, exitCode } = await cli.run('simulate', ...short, ...asserts);
    expect(stdout).toMatch(/^holds {2}errors==0 {2}\(it was 0\)$/m);
    expect(stdout).toMatch(/^fails {2}rate>1000000 {2}\(it was [\d.]+\/s\)$/m);
    expect(stdout).toMatch(/^fails {2}p99 < 1us {2}\(it was [\d.]+ m?s\)$/m);
    expect(exitCode).toBe(1);
  });

  test('reads assertions from the environment (the real binary)', async () => {
    const env = { IMSTATE_ASSERT: 'errors==0,rate>1000000', IMSTATE_DATA_DIR: cli.daemon.dataDir };
    const { stdout, ended } = spawnImstate(['simulate', ...short], env);
    expect(await ended).toBe(1);
    expect(stdout()).toMatch(/^holds {2}errors==0 .*\nfails {2}rate>1000000 /m);
  });

  test('leaves all users online with --keep', async () => {
    const { stdout } = await cli.run('simulate', ...short, '--keep', '--prefix', 'kept-', '--queries', '0');
    expect(stdout).toMatch(/^left online for an hour: (\d+) of \1 sessions?$/m);
    expect(await usersOnline()).toBeGreaterThan(0);
    for (let i = 1; i <= 5; i++) await cli.run('evict', '--server-addr', `kept-chat-${i}:9000`, '--yes');
    expect(await usersOnline()).toBe(0);
  });

  test.each([
    [['--assert', 'p98<20ms'], /^Error: --assert "p98<20ms": must be METRIC OP VALUE/],
    [['--assert', ''], /^Error: --assert must not be empty/],
    [['--prefix', 'a b'], /^Error: --prefix must be 1 to 32 letters, digits, dots and dashes/],
    [['--devices', '5'], /--devices/],
    [['--duration', '10'], /^Error: --duration must be a duration with a unit/],
  ])('rejects the usage %j before the start', async (flags, message) => {
    const { stdout, stderr, exitCode } = await cli.run('simulate', ...flags);
    expect(stderr).toMatch(message);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });

  test('exits with 3 if no daemon is registered', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const { stderr, exitCode } = await cli.run('simulate', ...short, '--data-dir', folder.path);
    expect(stderr).toContain('Error: no daemon is registered');
    expect(exitCode).toBe(3);
  });

  test('Ctrl-C prints the summary and logs all users out (the real binary)', async () => {
    const flags = ['--duration', '0s', '--timeout', '30s', '--data-dir', cli.daemon.dataDir];
    const { stdout, stderr, signal, ended } = spawnImstate(['simulate', ...flags]);
    await until(async () => (await usersOnline()) > 5, 'some users are online');
    signal('SIGINT');
    expect(await ended).toBe(0);
    expect(stderr()).toMatch(/queries\/s until Ctrl-C\n/);
    expect(stdout()).toMatch(/^all +\d/m);
    expect(await usersOnline()).toBe(0);
  });
});

describe('demo', () => {
  async function demo(...flags: string[]) {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    return { folder, ...spawnImstate(['demo', ...flags], { TMPDIR: folder.path }) };
  }

  test('runs simulated traffic on a temporary daemon, and removes its data afterwards', async () => {
    const { folder, stdout, ended } = await demo('--duration', '1s', '--json');
    expect(await ended).toBe(0);
    expect(JSON.parse(stdout())).toMatchObject({ errors: [], stopped: false, left: 0 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('serves other clients until Ctrl-C', async () => {
    const { folder, stdout, stderr, signal, ended } = await demo();
    const [, addr] = await until(() => /--endpoint (\S+:\d+)/.exec(stderr()), 'the address is printed');
    await until(async () => {
      const { stdout: printed } = await cli.run('stats', '--endpoint', addr as string, '--json');
      return JSON.parse(printed).usersOnline > 0;
    }, 'somebody is online');
    signal('SIGINT');
    expect(await ended).toBe(0);
    expect(stdout()).toMatch(/^all +\d/m);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a second signal ends it immediately, without leftovers', async () => {
    const { folder, stderr, signal, ended } = await demo();
    await until(() => stderr().includes('--endpoint'), 'the address is printed');
    expect(await readdir(folder.path)).toHaveLength(1);
    // Both signals are pending when the process resumes: the first cannot complete its work.
    for (const name of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) signal(name);
    expect(await ended).toBe(130);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('shows top on a terminal, and prints the summary after q', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const env = { TMPDIR: folder.path, NO_COLOR: undefined };
    const terminal = await TestTerminal.start(['demo'], { columns: 80, rows: 40 }, env);
    await terminal.shows(/CHAT SERVER[\s\S]*sim-chat-1:9000 +[1-9]/);
    terminal.press('q');
    expect(await terminal.ended).toBe(0);
    await terminal.shows(/│ all +│ \d/);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
