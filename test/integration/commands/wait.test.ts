import { beforeEach, expect, test } from 'vitest';
import { disposables } from '../../support/disposables.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { freePort, temporaryDirectory } from '../../support/servers.ts';
import { ISO, testCli } from '../../support/testCli.ts';

const cli = testCli();
const serverAddr = '10.0.0.1:9000';
let counter = 0;
let user: string;

beforeEach(() => {
  counter += 1;
  user = `user-${counter}`;
});

const login = (device: string, session: string) =>
  cli.run('online', user, device, '--server-addr', serverAddr, '--session', session);

test('ends immediately if the state is already reached, and prints it', async () => {
  expect(await cli.run('wait', user, '--for', 'offline')).toEqual({
    stdout: `${user} is offline\n`,
    stderr: '',
    exitCode: 0,
  });
  await login('phone', 's-1');
  expect(await cli.run('wait', user, '--for', 'online')).toEqual({
    stdout: `${user} is online\nphone  ${serverAddr}  s-1\n`,
    stderr: '',
    exitCode: 0,
  });
  expect((await cli.run('wait', user, 'tv', '--for', 'offline')).stdout).toBe(`${user}/tv is offline\n`);
});

test('--json has the shape of the contract', async () => {
  await login('phone', 's-1');
  await login('web', 's-2');
  expect(await cli.json('wait', user, 'phone', '--for', 'online')).toEqual({
    userId: user,
    deviceId: 'phone',
    online: true,
    reached: true,
    devices: [
      {
        deviceId: 'phone',
        serverAddr,
        sessionId: 's-1',
        platform: null,
        loginTime: expect.stringMatching(ISO),
        clientIp: null,
        label: null,
        appVersion: null,
      },
    ],
  });
  expect(await cli.json('wait', user, '--for', 'offline', '--timeout', '0s')).toMatchObject({
    userId: user,
    deviceId: null,
    online: true,
    reached: false,
    devices: [{ deviceId: 'web' }, { deviceId: 'phone' }],
  });
});

test('waits for a login, and for the logout of the last device', async () => {
  const env = { IMSTATE_DATA_DIR: cli.daemon.dataDir, IMSTATE_TIMEOUT: '1h' };
  const online = spawnImstate(['wait', user, 'phone', '--for', 'online'], env);
  await login('web', 's-1');
  await login('phone', 's-2');
  expect(await online.ended).toBe(0);
  expect(online.stdout()).toBe(`${user}/phone is online\nphone  ${serverAddr}  s-2\n`);
  const offline = spawnImstate(['wait', user, '--for', 'offline'], env);
  await cli.run('offline', user, 'web');
  await cli.run('offline', user, 'phone');
  expect(await offline.ended).toBe(0);
  expect(offline.stdout()).toBe(`${user} is offline\n`);
});

test('exits with 1 at the time limit, also with --json', async () => {
  await login('phone', 's-1');
  const { stdout, stderr, exitCode } = await cli.run('wait', user, '--for', 'offline', '--timeout', '200ms');
  expect(stdout).toContain(`${user} is online\n`);
  expect(stderr).toBe('it was not offline within 200ms\n');
  expect(exitCode).toBe(1);
  expect((await cli.run('wait', user, '--for', 'offline', '--timeout', '1ms', '--json')).exitCode).toBe(1);
});

test('exits with 3 if no daemon responds', async () => {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const nobody = ['wait', user, '--for', 'online', '--data-dir', folder.path];
  const { stdout, exitCode } = await cli.run(...nobody, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NO_ENDPOINT' } });
  expect(exitCode).toBe(3);
  const endpoint = `127.0.0.1:${await freePort()}`;
  expect((await cli.run('wait', user, '--for', 'online', '--endpoint', endpoint)).exitCode).toBe(3);
});

test.each([
  [['alice'], 'Missing required flag --for'],
  [['--for', 'online'], 'Missing 1 required arg: USER'],
  [['alice', '--for', 'lunch'], '--for'],
  [['alice', '--for', 'online', '--timeout', '2d'], '--timeout must be from 0'],
])('rejects the usage %j', async (args, message) => {
  const { stderr, exitCode } = await cli.run('wait', ...args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});
