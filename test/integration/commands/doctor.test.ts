import { expect, test } from 'vitest';
import { configFile } from '../../support/configFile.ts';
import { disposables } from '../../support/disposables.ts';
import { runImstate } from '../../support/imstate.ts';
import { freePort, startRedis } from '../../support/servers.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();

test('prints one line per check in a fixed order, then a summary', async () => {
  const { stdout, stderr, exitCode } = await cli.run('doctor', '--endpoint', cli.daemon.addr);
  expect([stderr, exitCode]).toEqual(['', 0]);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^ok {7}versions {13}imstate \S+, Node\.js v\d+/);
  expect(lines.at(-3)).toMatch(
    /^ok {7}daemon-call {10}GetStats is answered: users online 0, devices online 0$/,
  );
  expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ skipped$/);
});

test('--json prints one object, with the same exit code', async () => {
  const redis = `redis://me:secret@127.0.0.1:${await freePort()}`;
  for (const args of [[], ['--json']]) {
    const { stdout, exitCode } = await cli.run('doctor', '--redis', redis, ...args);
    expect(exitCode).toBe(3);
    expect(stdout).not.toContain('secret');
  }
  const { status, checks } = (await cli.json('doctor', '--redis', redis)) as {
    status: string;
    checks: { check: string }[];
  };
  expect(status).toBe('failed');
  expect(checks.find(({ check }) => check === 'redis-dial')).toEqual({
    check: 'redis-dial',
    status: 'failed',
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('start it, or correct --redis'),
    durationMs: expect.any(Number),
  });
  expect(checks.find(({ check }) => check === 'etcd-dial')).toMatchObject({ status: 'skipped', code: null });
});

test('exits with 1 for warnings, and with the code of the first failure', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const run = async (...args: string[]) =>
    (await cli.run('doctor', '--endpoint', cli.daemon.addr, '--redis', redis.url, ...args)).exitCode;
  expect(await run()).toBe(1);
  expect(await run('--tls-client-ca', '/nowhere/ca.pem')).toBe(2);
  expect(await run('--redis-wait-replicas', '1')).toBe(3);
  expect(await run('--timeout', 'soon')).toBe(2);
});

test('uses the environment of imstate serve', async () => {
  const env = {
    IMSTATE_REDIS: `redis://127.0.0.1:${await freePort()}`,
    IMSTATE_DATA_DIR: cli.daemon.dataDir,
  };
  const { stdout, exitCode } = await runImstate(['doctor'], env);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^failed {3}redis-dial .*start it/m);
});

test('uses the config file of imstate serve, with precedence for its own flags', async () => {
  const { withConfig } = await configFile();
  const port = await freePort();
  const text = `serve:\n  redis: redis://127.0.0.1:${port}\n  data-dir: ${cli.daemon.dataDir}\n`;
  const { stdout, exitCode } = await withConfig(text, ['doctor', '--endpoint', cli.daemon.addr]);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(new RegExp(`^failed {3}redis-dial .*127\\.0\\.0\\.1:${port}.*start it`, 'm'));
  expect(stdout).toMatch(/^ok {7}daemon-call/m);
  const { stderr } = await withConfig('serve:\n  rediss: there\n', ['doctor']);
  expect(stderr).toContain('line 2');
});

test("checks the files of a config file, and does not call daemons with the daemon's certificate", async () => {
  const { folder, withConfig } = await configFile();
  const own = 'tls-cert: none.pem\n  tls-key: none.key\n  tls-client-ca: ca.pem';
  const jwt = 'auth-jwt-issuer: me\n  auth-jwt-audience: it\n  auth-jwt-jwks: keys.json';
  const auth = `auth-tokens: tokens\n  auth-certificates: names\n  ${jwt}`;
  const config = `serve:\n  ${own}\n  ${auth}\n`;
  const { stdout, exitCode } = await withConfig(config, ['doctor', '--endpoint', cli.daemon.addr]);
  expect(exitCode).toBe(2);
  expect(stdout).toContain(`--tls-cert ${folder}/none.pem cannot be read`);
  for (const check of ['tls-daemon-files', 'tls-client-ca', 'auth-tokens', 'auth-jwt', 'auth-certificates'])
    expect(stdout).toMatch(new RegExp(`^failed {3}${check} `, 'm'));
  expect(stdout).toMatch(/^skipped {2}tls-files /m);
  expect(stdout).toMatch(/^ok {7}daemon-call/m);
  const half = await withConfig('serve:\n  auth-jwt-issuer: me\n', ['doctor']);
  expect(half).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('give all three, or none') });
});
