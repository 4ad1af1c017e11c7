import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { startTestDaemon } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { type ImstateProcess, spawnImstate, startImstate } from '../../support/imstate.ts';
import { freePort, startRedis } from '../../support/servers.ts';
import { ISO, testCli } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

const cli = testCli();
const serverAddr = '10.0.0.1:9000';
let counter = 0;
let user: string;

beforeEach(() => {
  counter += 1;
  user = `user-${counter}`;
});

/** Starts `imstate watch` on the daemon of this file, or on given endpoints. */
function watch(...args: string[]): ImstateProcess {
  const started = spawnImstate(['watch', ...args], { IMSTATE_DATA_DIR: cli.daemon.dataDir });
  disposables.push(async () => {
    started.signal('SIGKILL');
    await started.ended;
  });
  return started;
}

const login = (session: string, addr = serverAddr, ...flags: string[]) =>
  cli.run('online', user, 'phone', '--server-addr', addr, '--session', session, ...flags);

/** Waits until `count` lines are printed, and returns them. */
async function lines({ stdout }: ImstateProcess, count: number): Promise<string[]> {
  await until(() => stdout().split('\n').length > count, `${count} lines are printed`);
  return stdout().trimEnd().split('\n');
}

/** Waits for `count` events of --json, without progress, and returns them. */
async function events(started: ImstateProcess, count: number) {
  const read = () =>
    (started.stdout().match(/.*\n/g) ?? [])
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type !== 'progress');
  await until(() => read().length >= count, `${count} events are printed`);
  return read();
}

describe('watch', () => {
  test('prints a snapshot, then every change; Ctrl-C ends it with exit code 0', async () => {
    await login('s-1', serverAddr, '--platform', 'ios');
    const started = watch(user, 'nobody');
    await lines(started, 3);
    await login('s-2', '10.0.0.2:9000');
    await cli.run('online', user, 'web', '--server-addr', serverAddr, '--session', 'w-1');
    await cli.run('offline', user, 'phone');
    const time = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\dZ';
    const patterns = [
      `^${time}  ${user}/phone  ● online   10\\.0\\.0\\.1:9000  s-1  ios$`,
      '^ {22}nobody +  ○ offline$',
      '^synced$',
      `^${time}  ${user}/phone  ● online   10\\.0\\.0\\.2:9000  s-2  instead of s-1 at 10\\.0\\.0\\.1:9000$`,
      `^${time}  ${user}/web    ● online   10\\.0\\.0\\.1:9000  w-1$`,
      `^${time}  ${user}/phone  ○ offline  10\\.0\\.0\\.2:9000  s-2  logout  ${user} is online elsewhere$`,
    ];
    const printed = await lines(started, patterns.length);
    for (const [i, pattern] of patterns.entries()) expect(printed[i]).toMatch(new RegExp(pattern));
    started.signal('SIGINT');
    expect(await started.ended).toBe(0);
    expect(started.stderr()).toMatch(/^to continue from here: --resume \S+\n$/);
  });

  test('--json has the shape of the contract', async () => {
    await login('s-1', serverAddr, '--platform', 'ios', '--metadata', 'app=1');
    const started = watch(user, '--json');
    await events(started, 2);
    await login('s-2');
    await cli.run('offline', user, 'phone');
    const [snapshot, synced, ...changes] = await events(started, 4);
    expect(snapshot).toEqual({
      type: 'snapshot',
      userId: user,
      devices: [
        {
          deviceId: 'phone',
          online: true,
          serverAddr,
          sessionId: 's-1',
          platform: 'ios',
          loginTime: expect.stringMatching(ISO),
          lastSeen: expect.stringMatching(ISO),
          logoutTime: null,
          reason: null,
          reasonText: null,
          clientIp: null,
          label: null,
          appVersion: null,
          metadata: { app: '1' },
        },
      ],
    });
    expect(synced).toEqual({ type: 'synced', revision: expect.stringMatching(/^\S+$/) });
    const session = {
      sessionId: 's-2',
      serverAddr,
      platform: null,
      loginTime: expect.stringMatching(ISO),
      clientIp: null,
      label: null,
      appVersion: null,
    };
    const common = {
      type: 'change',
      userId: user,
      deviceId: 'phone',
      wasOnline: true,
      moved: false,
      time: expect.stringMatching(ISO),
      changeId: expect.stringMatching(/^\d+-\d+-\d+$/),
      revision: expect.stringMatching(/^\S+$/),
    };
    expect(changes).toEqual([
      {
        ...common,
        online: true,
        userOnline: true,
        devicesOnline: 1,
        session,
        ended: {
          sessionId: 's-1',
          serverAddr,
          reason: 'REPLACED',
          reasonText: null,
          by: { deviceId: 'phone', ...session },
        },
      },
      {
        ...common,
        online: false,
        userOnline: false,
        devicesOnline: 0,
        session: null,
        ended: { sessionId: 's-2', serverAddr, reason: 'LOGOUT', reasonText: null, by: null },
      },
    ]);
    started.signal('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(started.stderr()).toBe('');
  });

  test('--resume continues where another watch ended', async () => {
    const first = watch(user, '--json', '--no-initial');
    const [synced] = await events(first, 1);
    expect(synced.type).toBe('synced');
    await login('s-1');
    await login('s-2');
    const all = await events(first, 3);
    const second = watch(user, '--json', '--resume', all[1].revision);
    expect(await events(second, 2)).toMatchObject([
      { type: 'change', session: { sessionId: 's-2' }, revision: all[2].revision },
      { type: 'synced' },
    ]);
  });

  test('watches chat servers, or everything', async () => {
    const ofServers = watch('--server', 'elsewhere:1, elsewhere:2', '--json');
    const ofAll = watch('--all', '--no-initial', '--coalesce', '--json');
    await events(ofServers, 1);
    await events(ofAll, 1);
    await login('s-1');
    await login('s-2', 'elsewhere:2');
    expect((await events(ofServers, 2))[1]).toMatchObject({ userId: user, session: { sessionId: 's-2' } });
    const last = (await events(ofAll, 2)).at(-1);
    expect(last).toMatchObject({ type: 'change', userId: user });
  });

  test('ends when its reader is gone', async () => {
    await login('s-1');
    const command = 'set -o pipefail; "$@" | head -n 1';
    const args = [process.execPath, 'bin/run.js', 'watch', user, '--data-dir', cli.daemon.dataDir];
    const child = spawn('bash', ['-c', command, 'bash', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    let exitCode: number | null | undefined;
    child.once('close', (code) => {
      exitCode = code;
    });
    // The command notices when it prints the next change.
    for (let i = 2; exitCode === undefined; i++) {
      await login(`s-${i}`);
      await delay(50);
    }
    expect(text).toContain(`${user}/phone`);
    expect(exitCode).toBe(0);
  });

  test('reports when it switches to another daemon, and when changes are lost', async () => {
    const server = await startRedis();
    disposables.push(() => server.stop());
    const config = { redis: server.url, keyPrefix: `test-${randomUUID()}:` };
    const first = await startImstate(
      'serve',
      '--port',
      '0',
      '--redis',
      config.redis,
      '--key-prefix',
      config.keyPrefix,
    );
    disposables.push(() => first.kill());
    const text = watch(user, '--endpoint', first.addr);
    const json = watch(user, '--endpoint', first.addr, '--json');
    await lines(text, 2);
    await events(json, 2);
    await first.kill();
    await until(() => text.stderr().includes('connection lost ('), 'the lost connection is reported');
    const second = await startTestDaemon({ ...config, port: Number(first.addr.split(':')[1]) });
    disposables.push(() => second.remove());
    await until(() => text.stderr().includes('reconnected'), 'the new connection is reported');
    expect(await events(json, 5)).toMatchObject([
      { type: 'snapshot' },
      { type: 'synced' },
      { type: 'disconnected', error: { code: 'UNAVAILABLE', message: expect.any(String) } },
      { type: 'reconnected' },
      { type: 'synced' },
    ]);
    const redis = new Redis(server.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await until(() => text.stderr().includes('changes were lost ('), 'the lost changes are reported');
    expect((await events(json, 8)).slice(5)).toMatchObject([
      { type: 'lost', reason: expect.any(String) },
      { type: 'snapshot', userId: user, devices: [] },
      { type: 'synced' },
    ]);
  });
});

describe('watch fails', () => {
  test.each([[[]], [['alice', '--all']], [['--all', '--server', 'a:1']]])(
    'with wrong usage: %j',
    async (args) => {
      const { stderr, exitCode } = await cli.run('watch', ...args);
      expect(stderr).toBe('Error: watch needs one of USER..., --server and --all; --help shows how\n');
      expect(exitCode).toBe(2);
    },
  );

  test.each([
    [['alice', '--resume', 'nonsense!'], 'Error: --resume must be a revision that a watch has sent\n'],
    [['--server', 'x'.repeat(256)], 'Error: --server must be at most 255 bytes of UTF-8; this one has 256\n'],
  ])('with a rejection by the daemon, in terms of the flags: %j', async (args, message) => {
    const { stderr, exitCode } = await cli.run('watch', ...args);
    expect(stderr).toBe(message);
    expect(exitCode).toBe(2);
  });

  test('without a daemon, --json in one line', async () => {
    const endpoint = `127.0.0.1:${await freePort()}`;
    const { stdout, exitCode } = await cli.run('watch', user, '--endpoint', endpoint, '--json');
    expect(stdout).toMatch(/^\{"error":\{"code":"UNAVAILABLE",.*\}\}\n$/);
    expect(exitCode).toBe(3);
  });
});
