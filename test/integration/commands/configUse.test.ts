import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ConfigFile, configFile } from '../../support/configFile.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';
import { until } from '../../support/until.ts';

let file: ConfigFile;

beforeEach(async () => {
  file = await configFile();
});

describe('precedence: flag, environment, config file, default', () => {
  const limit = 'client:\n  timeout: 0ms\n';
  const query = ['query', 'alice', '--endpoint', '127.0.0.1:1'];

  test('the file overrides the default', async () => {
    const { stderr } = await file.withConfig(limit, query);
    expect(stderr).toContain('(--timeout is set by client.timeout in');
  });

  test('the environment overrides the file', async () => {
    const { stderr } = await file.withConfig(limit, query, { IMSTATE_TIMEOUT: '1d' });
    expect(stderr).toContain('(--timeout is set by IMSTATE_TIMEOUT)');
  });

  test('a flag overrides both', async () => {
    const { exitCode } = await file.withConfig(limit, [...query, '--timeout', '5s'], {
      IMSTATE_TIMEOUT: '1d',
    });
    expect(exitCode).toBe(3);
  });

  test('false in the environment overrides true in the file', async () => {
    const daemon = await startDaemon();
    const args = ['query', 'alice', '--endpoint', daemon.addr];
    const tls = 'client:\n  tls: true\n';
    expect((await file.withConfig(tls, args)).exitCode).not.toBe(0);
    expect((await file.withConfig(tls, args, { IMSTATE_TLS: '0' })).exitCode).toBe(0);
  });
});

describe('client commands', () => {
  test('find the daemons by the config file that IMSTATE_CONFIG names', async () => {
    const daemon = await startDaemon();
    await writeFile(file.path, `serve:\n  anything: goes\nclient:\n  endpoint: ${daemon.addr}\n`);
    const { stdout } = await runCli(['endpoints', '--json'], {
      IMSTATE_CONFIG: file.path,
      XDG_CONFIG_HOME: file.folder,
    });
    expect(JSON.parse(stdout).endpoints).toMatchObject([{ addr: daemon.addr, health: 'SERVING' }]);
  });

  test('do not read the config file of the current directory', async () => {
    await writeFile(file.path, 'client:\n  nonsense: 1\n');
    inFolder(file.folder);
    const { stdout, exitCode } = await runCli(['endpoints', '--json', '--data-dir', file.folder]);
    expect({ ...JSON.parse(stdout), exitCode }).toMatchObject({ endpoints: [], exitCode: 0 });
  });

  test('resolve file names relative to the config file', async () => {
    const daemon = await startDaemon();
    const text = `client:\n  endpoint: ${daemon.addr}\n  token-file: none.token\n`;
    const { stderr } = await file.withConfig(text, ['query', 'alice']);
    expect(stderr).toContain(`the token file ${join(file.folder, 'none.token')} cannot be read`);
    expect(stderr).toContain(`(--token-file is set by client.token-file in ${file.path}, line 3)`);
  });
});

describe('imstate serve', () => {
  const settings = () => `serve:\n  port: 0\n  data-dir: ${file.folder}\n  log-level: silent\n`;

  test('uses the config file of the current directory, and reports it', async () => {
    await writeFile(file.path, settings());
    inFolder(file.folder);
    const daemon = spawnImstate(['serve']);
    await until(() => daemon.stdout().includes('service'), 'the daemon is ready');
    expect(daemon.stdout()).toMatch(
      new RegExp(`^config    ${escaped(file.path)}\naddress   127\\.0\\.0\\.1:\\d+\n`),
    );
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  test('uses the file of --config instead, also in JSON', async () => {
    await writeFile(file.path, 'serve: nonsense');
    const json = join(file.folder, 'other.json');
    await writeFile(json, JSON.stringify({ $schema: 'any', serve: { port: 0, 'data-dir': '.' } }));
    inFolder(file.folder);
    const daemon = spawnImstate(['serve', '--json', '--config', 'other.json']);
    await until(() => daemon.stdout().endsWith('}\n'), 'the daemon is ready');
    expect(JSON.parse(daemon.stdout())).toMatchObject({
      config: 'other.json',
      store: `embedded, ${file.folder}`,
    });
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  test('logs the sources of its settings', async () => {
    await writeFile(file.path, 'serve:\n  port: 0\n  retention: 1m\n');
    const args = ['serve', '--data-dir', file.folder, '--config', file.path, '--log-format', 'json'];
    const daemon = spawnImstate(args, { IMSTATE_LOG_LEVEL: 'debug', IMSTATE_PORT: '0' });
    await until(() => daemon.stdout().includes('service'), 'the daemon is ready');
    const line = daemon
      .stderr()
      .split('\n')
      .find((line) => line.includes('where the settings are from'));
    expect(JSON.parse(line ?? '{}').settings).toEqual({
      'data-dir': 'the command line',
      config: 'the command line',
      'log-format': 'the command line',
      'log-level': 'IMSTATE_LOG_LEVEL',
      port: 'IMSTATE_PORT',
      retention: `serve.retention in ${file.path}, line 3`,
    });
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  test('rejects two config files in the current directory', async () => {
    await writeFile(file.path, '');
    await writeFile(join(file.folder, 'imstate.json'), '{}');
    inFolder(file.folder);
    expect(await runCli(['serve'])).toEqual({
      stdout: '',
      exitCode: 2,
      stderr:
        'Error: imstate.yaml and imstate.json are both in this directory: keep one, or name one with --config\n',
    });
  });
});

describe('a secret in a file', () => {
  test('provides the URL of Redis', async () => {
    await writeFile(join(file.folder, 'redis.url'), 'redis://:hunter2@127.0.0.1:1/x\n');
    const message = await file.complaint('serve:\n  redis-url-file: redis.url\n');
    expect(message).toMatch(/^Error: .*database/);
    expect(message).not.toContain('hunter2');
  });

  test('excludes the URL itself', async () => {
    await writeFile(join(file.folder, 'redis.url'), 'redis://h');
    expect(await file.complaint('serve:\n  redis-url-file: redis.url\n  redis: redis://h\n')).toBe(
      'Error: --redis and --redis-url-file are alternatives: give one of them ' +
        '(--redis-url-file is set by serve.redis-url-file in FILE, line 2)',
    );
  });

  test('is ignored if the environment contains the secret', async () => {
    await writeFile(join(file.folder, 'redis.url'), 'nonsense');
    const text = 'serve:\n  redis-url-file: redis.url\n  etcd-password-file: none\n';
    const env = { IMSTATE_REDIS: 'redis://h/x', IMSTATE_ETCD_PASSWORD: 'p' };
    expect(await file.complaint(text, env)).toContain('database');
    const daemon = await startDaemon();
    const client = `client:\n  endpoint: ${daemon.addr}\n  token-file: none\n`;
    expect((await file.withConfig(client, ['query', 'alice'], { IMSTATE_TOKEN: 't' })).exitCode).toBe(0);
  });

  test('must contain one word', async () => {
    await writeFile(join(file.folder, 'password'), 'two words');
    const message = await file.complaint('serve:\n  etcd-password-file: password\n');
    expect(message).toContain(
      `the file of --etcd-password-file, ${join(file.folder, 'password')}, must hold one word and nothing else`,
    );
  });

  test('must exist', async () => {
    const message = await file.complaint('serve:\n  etcd-password-file: none\n');
    expect(message).toMatch(/^Error: the file of --etcd-password-file cannot be read \(ENOENT/);
  });
});

function inFolder(name: string): void {
  const before = process.cwd();
  process.chdir(name);
  disposables.push(() => process.chdir(before));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
