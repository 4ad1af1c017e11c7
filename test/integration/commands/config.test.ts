import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ConfigFile, configFile } from '../../support/configFile.ts';
import { runCli } from '../../support/runCli.ts';

let file: ConfigFile;

beforeEach(async () => {
  file = await configFile();
});

describe('an unusable config file is rejected with file, line and key', () => {
  test.each([
    ['serve:\n  retentoin: 3m\n', 'FILE, line 2: serve.retentoin is not a key: did you mean retention?'],
    ['serve:\n  leaseTtl: 5s\n', 'FILE, line 2: serve.leaseTtl is not a key: did you mean lease-ttl?'],
    ['server:\n  port: 1\n', 'FILE, line 1: server is not a key: did you mean serve?'],
    ['{\n "serve": {\n  "port": "8080"\n }\n}\n', 'FILE, line 3: serve.port must be a whole number'],
    ['serve:\n  port: 80.5\n', 'FILE, line 2: serve.port must be a whole number'],
    ['serve:\n  key-prefix: 5\n', 'FILE, line 2: serve.key-prefix must be a string: put it in quotes'],
    ['serve:\n  redis:\n', 'FILE, line 2: serve.redis has no value: give it one, or leave it out'],
    [
      'serve:\n  retention: 3\n',
      'FILE, line 2: serve.retention must be a duration with a unit, such as 500ms, 10s, 3m or 1h',
    ],
    ['# none\nserve: 8080\n', 'FILE, line 2: serve must have keys with values'],
    ['- serve\n', 'FILE, line 1: a config file must have keys with values'],
    ['serve: [1]\n', 'FILE, line 1: serve must have keys with values'],
    [
      'serve:\n  etcd: [h:1, h:2]\n',
      'FILE, line 2: serve.etcd must be a single value, not a list or an object: separate several with commas',
    ],
    ['serve:\n  etcd: *no\n', 'FILE, line 2: serve.etcd is an alias without an anchor: define &no before it'],
    [
      'serve:\n  etcd-password: hunter2\n',
      'FILE, line 2: serve.etcd-password is not a key: did you mean etcd-password-file?',
    ],
    [
      'serve:\n  password: hunter2\n',
      'FILE, line 2: serve.password is not a key: put the secret into a file, and name it with redis-url-file or etcd-password-file',
    ],
    ['serve:\n  json: true\n', 'FILE, line 2: serve.json is not a key: the keys are '],
  ])('%j', async (text, message) => {
    expect(await file.complaint(text)).toMatch(new RegExp(`^Error: ${escaped(message)}`));
  });

  test('text that is not YAML', async () => {
    expect(await file.complaint('serve:\n  port: 1\n  port: 2\n')).toMatch(
      /^Error: FILE, line 3: this is not YAML or JSON \(.+\)$/,
    );
    expect(await file.complaint('{ "serve": {\n')).toMatch(
      /^Error: FILE, line \d: this is not YAML or JSON \(.+\)$/,
    );
  });

  test('a second document', async () => {
    expect(await file.complaint('serve: {}\n---\nserve: {}\n')).toBe(
      'Error: FILE, line 2: a second document begins here: a config file has only one',
    );
  });

  test('tabs as indentation', async () => {
    expect(await file.complaint('serve:\n\tport: 1\n')).toMatch(/^Error: FILE, line 2: .*[Tt]abs/);
  });

  test('a directory, and a file that is too large', async () => {
    const { stderr } = await runCli(['serve', '--config', file.folder]);
    expect(stderr).toMatch(/cannot be read \(EISDIR/);
    expect(await file.complaint(`#${'x'.repeat(65_536)}`)).toBe(
      'Error: the config file FILE cannot be read (it is larger than 64 KB): name another with --config or IMSTATE_CONFIG, or leave it out',
    );
  });

  test('a missing file', async () => {
    const { stderr, exitCode } = await runCli(['serve', '--config', join(file.folder, 'none.yaml')]);
    expect(stderr).toMatch(
      /^Error: the config file .+none\.yaml cannot be read \(ENOENT.+\): name another with --config or IMSTATE_CONFIG, or leave it out\n$/,
    );
    expect(exitCode).toBe(2);
  });

  test('a password, which is not shown', async () => {
    const rule =
      'contains a password: set IMSTATE_REDIS instead, or name a file that holds it with redis-url-file';
    for (const url of [
      'redis://:hunter2@h',
      'rediss://u:hunter2@h:1/2',
      'redis+sentinel://h/m?sentinel-password=hunter2',
    ]) {
      expect(await file.complaint(`serve:\n  redis: ${url}\n`)).toBe(
        `Error: FILE, line 2: serve.redis ${rule}`,
      );
    }
  });

  test('with --json', async () => {
    const { stdout, exitCode } = await file.withConfig('serve:\n  prot: 1\n', ['serve', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'CONFIG_UNUSABLE',
        message: `${file.path}, line 2: serve.prot is not a key: did you mean port?`,
      },
    });
    expect(exitCode).toBe(2);
  });
});

describe('an invalid value is reported with the rule of its flag and its source', () => {
  test.each([
    [
      'lease-ttl: 1s',
      '--lease-ttl must be from 2s to 1h, in whole units of 1s (--lease-ttl is set by serve.lease-ttl in FILE, line 2)',
    ],
    [
      'port: 70000',
      '--port: expected an integer less than or equal to 65535 but received: 70000; --help shows how (--port is set by serve.port in FILE, line 2)',
    ],
    [
      'log-level: loud',
      'Expected --log-level=loud to be one of: trace, debug, info, warn, error, fatal, silent; --help shows how (--log-level is set by serve.log-level in FILE, line 2)',
    ],
    [
      'advertise: ""',
      '--advertise must not be empty: give it a value, or leave it out (--advertise is set by serve.advertise in FILE, line 2)',
    ],
    [
      'auth-certificates: c.ndjson',
      '--auth-certificates needs --tls-client-ca, the CAs of the clients (--auth-certificates is set by serve.auth-certificates in FILE, line 2)',
    ],
  ])('%s', async (line, message) => {
    expect(await file.complaint(`serve:\n  ${line}\n`)).toBe(`Error: ${message}`);
  });

  test('from the environment, with the variable', async () => {
    expect(await file.complaint('', { IMSTATE_SHARDS: 'many' })).toBe(
      'Error: --shards: expected an integer but received: many; --help shows how (--shards is set by IMSTATE_SHARDS)',
    );
  });

  test.each([
    ['a config file', [], {}, '--lease-ttl'],
    ['the environment', [], { IMSTATE_SHARDS: 'many', IMSTATE_LEASE_TTL: '5s' }, '--shards'],
    ['the command line', ['--lease-ttl', '5s', '--port', 'x'], {}, '--port'],
  ])('from %s, with the flag as the field in JSON', async (_, args, env, field) => {
    const { stdout } = await file.withConfig('serve:\n  lease-ttl: 1s\n', ['serve', '--json', ...args], env);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'WRONG_USAGE', field } });
  });

  test('from the command line, without a source', async () => {
    const { stderr } = await file.withConfig('serve:\n  port: 1\n', ['serve', '--port', 'x'], {
      IMSTATE_PORT: '2',
    });
    expect(stderr).toBe('Error: --port: expected an integer but received: x; --help shows how\n');
  });
});

describe('a config file may', () => {
  const limit = '(--timeout is set by client.timeout in';

  test.each([
    ['be JSON with tabs and a byte order mark', '\uFEFF{\n\t"client": {\n\t\t"timeout": "0ms"\n\t}\n}\n'],
    ['name a value once, and use it again', 'serve:\n  start-timeout: &t 0ms\nclient:\n  timeout: *t\n'],
    ['have lines that end as on Windows', 'client:\r\n  timeout: 0ms\r\n'],
  ])('%s', async (_, text) => {
    expect((await file.withConfig(text, ['query', 'alice'])).stderr).toContain(limit);
  });

  test.each(['', '# nothing yet\n', 'client:\n  # timeout: 1s\n'])('be empty: %j', async (text) => {
    const { stderr } = await file.withConfig(text, ['query', 'alice', '--endpoint', '127.0.0.1:1']);
    expect(stderr).toMatch(/^Error: no daemon answers at 127\.0\.0\.1:1 /);
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
