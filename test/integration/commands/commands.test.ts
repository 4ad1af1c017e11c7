import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { runCli } from '../../support/runCli.ts';
import { freePort, temporaryDirectory } from '../../support/servers.ts';

let daemon: TestDaemon;
let env: Record<string, string>;
let counter = 0;
let user: string;

beforeAll(async () => {
  daemon = await startTestDaemon();
  env = { IMSTATE_DATA_DIR: daemon.dataDir };
});

afterAll(() => daemon.remove());

beforeEach(() => {
  counter += 1;
  user = `user-${counter}`;
});

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const cli = (...args: string[]) => runCli(args, env);
const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout);
const login = (...flags: string[]) =>
  cli('online', user, 'phone', '--server-addr', '10.0.0.1:9000', ...flags);

describe('online', () => {
  test('reports a login', async () => {
    const { stdout, stderr, exitCode } = await login('--session', 's-1');
    expect(stdout).toMatch(new RegExp(`^${user}/phone is online at 10\\.0\\.0\\.1:9000, session s-1 since `));
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  test('names the replaced session', async () => {
    await login('--session', 's-1');
    const { stdout } = await cli('online', user, 'phone', '--server-addr', '10.0.0.2:9000');
    expect(stdout).toContain('replaced session s-1 of phone at 10.0.0.1:9000: close it there');
  });

  test('--json has the shape of the contract', async () => {
    await login('--session', 's-1');
    expect(await json('online', user, 'phone', '--server-addr', '10.0.0.2:9000', '--session', 's-2')).toEqual(
      {
        userId: user,
        deviceId: 'phone',
        sessionId: 's-2',
        serverAddr: '10.0.0.2:9000',
        loginTime: expect.stringMatching(ISO),
        replaced: [
          {
            deviceId: 'phone',
            sessionId: 's-1',
            serverAddr: '10.0.0.1:9000',
            reason: 'REPLACED',
            reasonText: null,
            by: null,
          },
        ],
        endReason: null,
        policy: null,
        rejected: false,
      },
    );
  });

  test('prints a rejection by the daemon with the names of its flags, exit code 2', async () => {
    const { stderr, exitCode } = await cli('online', user, 'phone', '--server-addr', 'nowhere');
    expect(stderr).toBe('Error: --server-addr must be HOST:PORT, such as 10.0.0.1:9000\n');
    expect(exitCode).toBe(2);
  });
});

describe('offline', () => {
  test('ends the session, and reports if there is none', async () => {
    await login();
    expect(await cli('offline', user, 'phone')).toEqual({
      stdout: `${user}/phone is offline\n`,
      stderr: '',
      exitCode: 0,
    });
    expect((await cli('offline', user, 'phone')).stdout).toBe(
      `nothing changed: ${user}/phone was not online\n`,
    );
  });

  test('is fenced by --session', async () => {
    await login('--session', 's-2');
    expect((await cli('offline', user, 'phone', '--session', 's-1')).stdout).toContain('session s-1');
    expect(await json('offline', user, 'phone', '--session', 's-1')).toEqual({
      userId: user,
      deviceId: 'phone',
      applied: false,
    });
    expect(await json('offline', user, 'phone', '--session', 's-2')).toEqual({
      userId: user,
      deviceId: 'phone',
      applied: true,
    });
  });
});

describe('query', () => {
  test('lists the devices of a user', async () => {
    await login('--session', 's-1', '--platform', 'ios');
    await cli('online', user, 'web', '--server-addr', '10.0.0.2:9000');
    await cli('offline', user, 'phone');
    const { stdout } = await cli('query', user);
    expect(stdout).toContain(`${user} is online on 1 of 2 devices`);
    expect(stdout).toMatch(/^Device +Platform +Status +Reason +Chat server +Session +Since +Time$/m);
    expect(stdout).toMatch(/^phone +ios +offline +logout +10\.0\.0\.1:9000 +s-1 +/m);
    expect(stdout).toMatch(
      /^web +- +online +- +10\.0\.0\.2:9000 +\S{16} +(now|1 second ago|\d seconds ago) +\d{4}-/m,
    );
  });

  test('--json has the shape of the contract', async () => {
    await login('--session', 's-1', '--platform', 'ios');
    const online = {
      deviceId: 'phone',
      online: true,
      serverAddr: '10.0.0.1:9000',
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
      metadata: {},
    };
    expect(await json('query', user)).toEqual({
      userId: user,
      online: true,
      lastSeen: expect.stringMatching(ISO),
      devices: [online],
    });
    await cli('offline', user, 'phone');
    expect(await json('query', user, 'phone')).toEqual({
      userId: user,
      online: false,
      devices: [{ ...online, online: false, logoutTime: expect.stringMatching(ISO), reason: 'LOGOUT' }],
    });
  });

  test('shows one device, known or unknown', async () => {
    await login();
    expect((await cli('query', user, 'phone')).stdout).toMatch(new RegExp(`^${user}/phone is online\n`));
    expect(await cli('query', user, 'tv')).toEqual({
      stdout: `${user}/tv is offline\n`,
      stderr: '',
      exitCode: 0,
    });
  });

  test('--exit-code exits with 1 for offline, also with --json', async () => {
    expect((await cli('query', user, '--exit-code')).exitCode).toBe(1);
    expect((await cli('query', user, '--exit-code', '--json')).exitCode).toBe(1);
    await login();
    expect((await cli('query', user, '--exit-code')).exitCode).toBe(0);
    expect((await cli('query', user, 'tv', '--exit-code')).exitCode).toBe(1);
  });
});

describe('endpoints', () => {
  test('lists daemons with health and latency', async () => {
    const { stdout, exitCode } = await cli('endpoints');
    const row = `${daemon.addr} +SERVING +[\\d.]+ ms +${daemon.storeId?.slice(0, 8)}`;
    expect(stdout).toMatch(new RegExp(`^Address +Health +Latency +Store\n${row}\n$`));
    expect(exitCode).toBe(0);
  });

  test('--json has the shape of the contract', async () => {
    expect(await json('endpoints')).toEqual({
      service: 'im/state-server',
      endpoints: [
        { addr: daemon.addr, health: 'SERVING', latencyMs: expect.any(Number), storeId: daemon.storeId },
      ],
    });
  });

  test('reports an address without a daemon, and an empty registry', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    expect(await json('endpoints', '--endpoint', nowhere)).toMatchObject({
      service: null,
      endpoints: [{ addr: nowhere, health: 'UNREACHABLE', latencyMs: null }],
    });
    const folder = await temporaryDirectory();
    const { stdout, exitCode } = await cli('endpoints', '--data-dir', folder.path);
    expect(stdout).toContain('no daemon is registered as im/state-server');
    expect(exitCode).toBe(0);
    await folder.remove();
  });
});

describe('discovery of daemons by commands', () => {
  test('--endpoint overrides the registry', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const { stderr, exitCode } = await cli('query', user, '--endpoint', nowhere);
    expect(stderr).toContain(`no daemon answers at ${nowhere}`);
    expect(exitCode).toBe(3);
    expect((await cli('query', user, '--endpoint', daemon.addr)).exitCode).toBe(0);
  });

  test('a flag overrides its environment variable', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    expect((await runCli(['query', user], { ...env, IMSTATE_ENDPOINT: nowhere })).exitCode).toBe(3);
    const both = await runCli(['query', user, '--endpoint', daemon.addr], {
      ...env,
      IMSTATE_ENDPOINT: nowhere,
    });
    expect(both.exitCode).toBe(0);
  });

  test('accepts several endpoints, also in the environment', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const named = `${nowhere}, ${daemon.addr}`;
    expect((await runCli(['query', user], { IMSTATE_ENDPOINT: named })).exitCode).toBe(0);
  });

  test('fails if no daemon is registered', async () => {
    const folder = await temporaryDirectory();
    const { stderr, exitCode } = await cli('query', user, '--data-dir', folder.path);
    expect(stderr).toContain('no daemon is registered as im/state-server');
    expect(exitCode).toBe(3);
    await folder.remove();
  });
});

describe('errors', () => {
  test.each<[args: string[], message: RegExp, exitCode: number, field?: string]>([
    [['query'], /^(Error: )?Missing 1 required arg: USER; --help shows how$/m, 2],
    [['query', 'alice', 'phone', 'tv'], /Unexpected argument: tv; --help shows how$/m, 2],
    [['serve', '--port', '99999'], /--port: expected an integer less than or equal to 65535/, 2, '--port'],
    [['offline', 'alice', 'phone', '--session', ''], /--session must not be empty/, 2, '--session'],
    [
      ['serve', '--lease-ttl', '2500ms'],
      /--lease-ttl must be from 2s to 1h, in whole units of 1s/,
      2,
      '--lease-ttl',
    ],
    [['query', 'alice', '--service', '..'], /--service must be words/, 2, '--service'],
    [['online', 'alice', 'phone'], /Missing required flag --server-addr/, 2],
    [['query', 'alice', '--timeout', '5'], /must be a duration with a unit/, 2, '--timeout'],
    [['query', 'alice', '--timeout', '0s'], /--timeout must be from 1ms to 1h/, 2, '--timeout'],
    [['query', 'alice', '--service', 'a//b'], /--service must be words/, 2, '--service'],
    [['query', 'alice', '--nothing'], /Nonexistent flag: --nothing; --help/, 2],
    [['query', 'alice', '-o', 'yaml'], /Expected --output=yaml to be one of: json, text; --help/, 2],
    [['query', 'alice', '--jsno'], /Nonexistent flag: --jsno: did you mean --json\? --help shows how/, 2],
    [['query', 'alice', 'x'.repeat(257)], /DEVICE must be at most 256 bytes/, 2, 'DEVICE'],
    [['sessions', '--server-addr', '\u0001'], /--server-addr must/, 2, '--server-addr'],
    [['query', 'alice', '--endpoint', 'nowhere'], /must be HOST:PORT/, 2, '--endpoint'],
    [['query', ''], /USER must not be empty: give it a value$/m, 2],
    [['query', 'alice', ''], /DEVICE must not be empty: give it a value, or leave it out$/m, 2],
    [['watch', 'alice', ''], /USER must not be empty/, 2],
    [['query', 'x'.repeat(257)], /USER must be at most 256 bytes/, 2, 'USER'],
    [['serve', '--etcd', '127.0.0.1:2379'], /--etcd needs --redis/, 2, '--etcd'],
    [['nothing'], /"nothing" is not a command of imstate: imstate --help lists the commands$/m, 2],
    [['qeury', 'alice'], /"qeury" is not a command of imstate: did you mean query\?$/m, 2],
    [['context', 'lst'], /"context lst" is not a command of imstate: did you mean context list\?$/m, 2],
    [['sessions', '10.0.0.1'], /sessions takes flags and no arguments/, 2],
    [['stats', 'now', 'please'], /stats takes flags and no arguments/, 2],
  ])('%j', async (args, message, exitCode, field) => {
    const plain = await cli(...args);
    expect(plain.stderr).toMatch(message);
    expect(plain.stderr).toMatch(/^Error: /);
    expect({ stdout: plain.stdout, exitCode: plain.exitCode }).toEqual({ stdout: '', exitCode });
    const asJson = await cli(...args, '--json');
    const { error } = JSON.parse(asJson.stdout);
    expect(error).toEqual({
      code: expect.stringMatching(/^[A-Z_]+$/),
      message: expect.stringMatching(message),
      field,
    });
    expect({ stderr: asJson.stderr, exitCode: asJson.exitCode }).toEqual({ stderr: '', exitCode });
  });

  test.each([['query'], ['nothing']])('%s fails in one line', async (...args) => {
    expect((await cli(...args)).stderr).toMatch(/^Error: [^\n]+\n$/);
  });

  test('IMSTATE_JSON is --json, also for an unknown command', async () => {
    const unknown = await runCli(['nothing'], { IMSTATE_JSON: '1' });
    expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'WRONG_USAGE' } });
  });

  test.each([
    { args: ['nothing', '-o', 'json'], isJson: true },
    { args: ['query', '--output=json'], isJson: true },
    { args: ['query', '-ojson'], isJson: true },
    { args: ['evict', '-yo', 'json'], isJson: true },
    { args: ['query', '--', '-o', 'json', 'x'], isJson: false },
    { args: ['query', '-o', 'text'], env: { IMSTATE_JSON: '1' }, isJson: false },
    { args: ['query'], env: { IMSTATE_OUTPUT: 'json' }, isJson: true },
    { args: ['query', '--json'], env: { IMSTATE_OUTPUT: 'text' }, isJson: true },
  ])('$args with $env prints its error as JSON: $isJson', async ({ args, env: extra = {}, isJson }) => {
    const { stdout, stderr, exitCode } = await runCli(args, extra);
    if (isJson) expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'WRONG_USAGE' } });
    expect([stderr.startsWith('Error: '), exitCode]).toEqual([!isJson, 2]);
  });

  test('-o json prints what --json prints, and -o text beside --json is an error', async () => {
    const asJson = await cli('query', user, '--json');
    expect(await cli('query', user, '-o', 'json')).toEqual(asJson);
    const both = JSON.parse((await cli('query', user, '--json', '-o', 'text')).stdout);
    expect(both.error.message).toBe('--json and --output text contradict each other: give one of them');
  });

  test('-e and -s are --endpoint and --server-addr', async () => {
    const login = await runCli(['online', user, 'tv', '-s', '10.0.0.1:9000', '-e', daemon.addr, '-ojson']);
    expect(JSON.parse(login.stdout)).toMatchObject({ serverAddr: '10.0.0.1:9000' });
    const nowhere = { IMSTATE_ENDPOINT: `127.0.0.1:${await freePort()}` };
    expect((await runCli(['query', user, '-e', daemon.addr], nowhere)).exitCode).toBe(0);
  });

  test('the variable of a boolean flag must be true or false, or is rejected by its name', async () => {
    const stats = (tls: string) => runCli(['stats'], { ...env, IMSTATE_TLS: tls });
    expect((await stats('off')).exitCode).toBe(0);
    expect((await stats('on')).stderr).toMatch(/TLS/);
    const { stderr, exitCode } = await stats('maybe');
    expect([stderr, exitCode]).toEqual([
      'Error: --tls must be true or false, and is "maybe" (--tls is set by IMSTATE_TLS)\n',
      2,
    ]);
  });

  test('IMSTATE_JSON is --json', async () => {
    const { stdout } = await runCli(['query', user], { ...env, IMSTATE_JSON: '1' });
    expect(JSON.parse(stdout)).toEqual({ userId: user, online: false, lastSeen: null, devices: [] });
  });
});

describe('--help', () => {
  const commands = [
    'serve',
    'online',
    'offline',
    'query',
    'endpoints',
    'history',
    'sessions',
    'servers',
    'stats',
    'evict',
  ];
  test.each(commands)('%s has examples', async (command) => {
    const { stdout, exitCode } = await runCli([command, '--help']);
    expect(stdout).toMatch(/EXAMPLES\n/);
    expect(stdout).toContain(`$ imstate ${command}`);
    expect(exitCode).toBe(0);
  });
});

test('commands change the state that other clients see', async () => {
  const { pb, close } = grpcClients(daemon.addr);
  await login();
  expect(await pb.query({ UserID: user, DeviceID: 'phone' })).toEqual({
    Status: true,
    ServerAddr: '10.0.0.1:9000',
  });
  close();
});
