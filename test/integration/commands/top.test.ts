import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { spawnImstate, startImstate } from '../../support/imstate.ts';
import { freePort, startEtcd } from '../../support/servers.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { ISO, testCli } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

const cli = testCli();
/** A terminal that is closed at the end of the test. */
async function login(user: string, ...flags: string[]): Promise<void> {
  await cli.run('online', user, 'phone', '--server-addr', '10.0.0.1:9000', ...flags);
  disposables.push(() => cli.run('offline', user, 'phone'));
}

function top(columns: number, rows = 24, env: Record<string, string> = {}, ...args: string[]) {
  const dataDir = cli.daemon.dataDir;
  return TestTerminal.start(
    ['top', '--interval', '200ms', ...args],
    { columns, rows },
    { IMSTATE_DATA_DIR: dataDir, NO_COLOR: undefined, ...env },
  );
}

const HIDE = '\x1b[?25l';
const SHOW = '\x1b[?25h';
const CLEAR = '\x1b[2J';
const END_OF_FRAME = '\x1b[?2026l';

test.each([80, 200])(
  'shows daemons, chat servers and activity on %i columns, and ends with q',
  async (columns) => {
    await login('alice', '--platform', 'ios');
    const terminal = await top(columns);
    const lines = await terminal.shows(/CHAT SERVER[\s\S]*10\.0\.0\.1:9000 +1\b/);
    expect(terminal.buffer).toBe('alternate');
    expect(lines[0]).toMatch(/^imstate top {2}im\/state-server {2}embedded, .*\d\d:\d\d:\d\dZ {2}q leaves$/);
    expect(lines[0]).toHaveLength(columns);
    expect(lines.join('\n')).toMatch(new RegExp(`${cli.daemon.addr} +SERVING +\\d+\\.\\d\\d ms`));
    await login('bob', '--platform', 'ios');
    await terminal.shows(/users 2 +devices 2 +[▁-█]+/);
    await terminal.shows(/logins 0\.[1-9]\/s|logins [1-9]/);
    await cli.run('offline', 'bob', 'phone');
    await terminal.shows(/ends \d+\.\d\/s: logout \d+\.\d/);
    terminal.press('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.buffer).toBe('normal');
    expect(terminal.output.lastIndexOf(SHOW)).toBeGreaterThan(terminal.output.lastIndexOf(HIDE));
    expect(await terminal.after()).toMatch(/ echo .* icanon | icanon .* echo /s);
  },
);

test('redraws after a resize, and otherwise only changed lines', async () => {
  const terminal = await top(80);
  await terminal.shows('CHAT SERVER');
  await terminal.resize({ columns: 200, rows: 50 });
  const wide = await terminal.shows(/DAEMON .* CHAT SERVER/);
  expect(wide[0]).toHaveLength(200);
  await terminal.resize({ columns: 60, rows: 12 });
  const narrow = await until(async () => {
    const lines = await terminal.screen();
    return lines[0]?.endsWith('q leaves') && lines[0].length === 60 && lines;
  }, 'it is drawn for 60 columns');
  expect(narrow).toHaveLength(12);
  // Columns and rows are set one after the other, which are two resizes.
  const frames = () => terminal.output.split(CLEAR).at(-1)?.split(END_OF_FRAME) as string[];
  await until(() => frames().length > 10, 'ten frames follow without another resize');
  const later = frames().slice(1).join('');
  // The header and the platforms do not change, because there are no logins.
  expect(later).not.toContain('platforms');
  terminal.press('\x03');
  expect(await terminal.ended).toBe(0);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s restores the terminal', async (name) => {
  const terminal = await top(80);
  await terminal.shows('CHAT SERVER');
  await terminal.signal(name);
  expect(await terminal.ended).toBe(0);
  expect(terminal.buffer).toBe('normal');
  expect(terminal.output.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l')).toBe(true);
  expect(await terminal.after()).toMatch(/\sicanon/);
});

test('a crash restores the terminal, and is printed there', async () => {
  const terminal = await top(80, 24, {
    NODE_OPTIONS: `--import=data:text/javascript,process.on('SIGUSR2',()=>{throw(new(Error)('crashed'))})`,
  });
  await terminal.shows('CHAT SERVER');
  await terminal.signal('SIGUSR2');
  expect(await terminal.ended).not.toBe(0);
  expect(terminal.buffer).toBe('normal');
  expect((await terminal.screen()).join('\n')).toContain('Error: crashed');
  expect(await terminal.after()).toMatch(/\sicanon/);
});

test('continues while its daemon is unavailable, and shows it', async () => {
  const port = `${await freePort()}`;
  const daemon = await startImstate('serve', '--port', port);
  disposables.push(() => daemon.kill());
  const terminal = await top(120, 24, { IMSTATE_ENDPOINT: daemon.addr }, '--timeout', '1s');
  await terminal.shows(/SERVING/);
  daemon.signal('SIGKILL');
  await daemon.ended;
  await terminal.shows(/UNREACHABLE/);
  await terminal.shows(/no daemon answers|no connection/);
  const again = await startImstate('serve', '--port', port, '--data-dir', daemon.dataDir);
  disposables.push(() => again.kill());
  await until(async () => {
    const text = (await terminal.screen()).join('\n');
    return / SERVING/.test(text) && !/UNREACHABLE|no daemon answers|no connection/.test(text);
  }, 'the registry is available again');
  terminal.press('q');
  expect(await terminal.ended).toBe(0);
});

test('continues while the registry is unavailable, and shows it', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const shared = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:`, etcd: etcd.host };
  const daemon = await startDaemon(shared);
  const terminal = await top(120, 24, { IMSTATE_ETCD: etcd.host });
  await terminal.shows(`${daemon.addr} `);
  await etcd.kill();
  await terminal.shows(/^etcd cannot be reached|^etcd does not answer/m);
  expect((await terminal.screen()).join('\n')).toMatch(/ SERVING/);
  await etcd.restart();
  await until(
    async () => !/^etcd /m.test((await terminal.screen()).join('\n')),
    'the registry is available again',
  );
  terminal.press('q');
  expect(await terminal.ended).toBe(0);
});

test('NO_COLOR disables colours', async () => {
  const plain = await top(80, 24, { NO_COLOR: '1' });
  await plain.shows('CHAT SERVER');
  plain.press('q');
  await plain.ended;
  const sequences = plain.output.split('\x1b[').slice(1);
  expect(sequences.filter((sequence) => /^[\d;]*m/.test(sequence))).toEqual([]);
  const colored = await top(80);
  await colored.shows('CHAT SERVER');
  expect(colored.output).toContain('\x1b[32mSERVING');
});

test('prints one plain frame if stdout is not a terminal', async () => {
  await login('carol');
  const { stdout, exitCode } = await cli.run('top', '--interval', '200ms');
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain('\x1b');
  expect(stdout).toMatch(/^imstate top .*\d\d:\d\d:\d\dZ\nusers 1 +devices 1 /);
  expect(stdout).toMatch(/\n10\.0\.0\.1:9000 +1 +- +-\n$/);
});

test('--json prints one object per interval, and only one with --once', async () => {
  await login('dave', '--platform', 'web');
  const shape = {
    time: expect.stringMatching(ISO),
    service: 'im/state-server',
    usersOnline: 1,
    devicesOnline: 1,
    devicesByPlatform: { web: 1 },
    loginsPerSecond: 0,
    endsPerSecond: 0,
    endsByReason: {},
    endpoints: [{ addr: cli.daemon.addr, health: 'SERVING', latencyMs: expect.any(Number) }],
    servers: [{ serverAddr: '10.0.0.1:9000', sessions: 1, lease: null }],
    faults: [],
  };
  const fixed = await cli.run('top', '--json', '--once', '--endpoint', cli.daemon.addr);
  expect(JSON.parse(fixed.stdout)).toMatchObject({ ...shape, service: null });
  const { stdout } = await cli.run('top', '--json', '--once', '--interval', '200ms');
  expect(JSON.parse(stdout)).toEqual(shape);
  const stream = spawnImstate(['top', '--json', '--interval', '200ms'], {
    IMSTATE_DATA_DIR: cli.daemon.dataDir,
  });
  await until(() => stream.stdout().split('\n').length > 3, 'three lines are printed');
  stream.signal('SIGINT');
  expect(await stream.ended).toBe(0);
  for (const line of stream.stdout().trimEnd().split('\n')) expect(JSON.parse(line)).toEqual(shape);
});

test('reports a missing daemon without changing the terminal', async () => {
  const terminal = await top(80, 24, { IMSTATE_ENDPOINT: `127.0.0.1:${await freePort()}` });
  expect(await terminal.ended).toBe(3);
  expect(terminal.output).not.toContain('\x1b[?1049h');
  expect(terminal.output).toContain('no daemon answers at');
});
