import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { runImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';
import { freePort, temporaryDirectory } from '../../support/servers.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  const made = await temporaryDirectory();
  disposables.push(() => made.remove());
  folder = made.path;
  file = join(folder, 'imstate', 'contexts.json');
});

const run = (args: string[], env: Record<string, string> = {}) =>
  runCli(args, { XDG_CONFIG_HOME: folder, IMSTATE_DATA_DIR: '', ...env });
const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout);
const addrs = async (args: string[] = [], env: Record<string, string> = {}) =>
  JSON.parse((await run(['endpoints', '--json', ...args], env)).stdout).endpoints.map(
    ({ addr }: { addr: string }) => addr,
  );

describe('imstate context', () => {
  test('creates, lists, shows, selects and removes contexts', async () => {
    expect((await run(['context', 'list'])).stdout).toBe('no contexts\n');
    expect(
      (await run(['context', 'set', 'prod', '--etcd', '10.0.0.3:2379', '--timeout', '2s', '--tls'])).stdout,
    ).toBe(`context "prod" is kept in ${file}; imstate context use prod makes it current\n`);
    await run(['context', 'set', 'try', '--endpoint', '127.0.0.1:1']);
    expect((await run(['context', 'use', 'prod'])).stdout).toBe('context "prod" is in use\n');
    expect((await run(['context', 'list'])).stdout).toBe(
      [
        'Context  Use      Daemons',
        'prod     current  etcd 10.0.0.3:2379',
        'try      -        endpoint 127.0.0.1:1\n',
      ].join('\n'),
    );
    expect((await run(['context', 'show'])).stdout).toBe(
      'etcd     10.0.0.3:2379\ntimeout  2s\ntls      true\n',
    );
    expect(await json('context', 'show', 'try')).toEqual({
      name: 'try',
      current: false,
      settings: { endpoint: '127.0.0.1:1' },
    });
    expect((await run(['context', 'remove', 'prod'])).stdout).toBe('context "prod" is removed\n');
    expect(await json('context', 'list')).toEqual({
      file,
      current: null,
      contexts: { try: { endpoint: '127.0.0.1:1' } },
    });
  });

  test('renames a context, which stays current and in its place', async () => {
    for (const name of ['a', 'b', 'c']) await run(['context', 'set', name, '--endpoint', `${name}:1`]);
    await run(['context', 'use', 'a']);
    expect((await run(['context', 'rename', 'a', 'z'])).stdout).toBe('context "a" is now "z"\n');
    expect(await json('context', 'rename', 'b', 'y')).toEqual({
      name: 'y',
      previousName: 'b',
      current: false,
    });
    const { current, contexts } = await json('context', 'list');
    expect({ current, names: Object.keys(contexts) }).toEqual({ current: 'z', names: ['z', 'y', 'c'] });
    expect(contexts.z).toEqual({ endpoint: 'a:1' });
  });

  test('renames nothing to a name that is in use, and no unknown context', async () => {
    for (const name of ['a', 'b']) await run(['context', 'set', name, '--endpoint', `${name}:1`]);
    expect(await run(['context', 'rename', 'a', 'b'])).toEqual({
      stdout: '',
      stderr: `Error: ${file} already has a context "b": choose another name, or remove it first\n`,
      exitCode: 2,
    });
    expect(await json('context', 'rename', 'x', 'y')).toEqual({
      error: { code: 'CONFIG_UNUSABLE', message: expect.stringContaining('has no context "x"') },
    });
    expect(Object.keys((await json('context', 'list')).contexts)).toEqual(['a', 'b']);
  });

  test('prints the current context, and warns of IMSTATE_CONTEXT', async () => {
    await run(['context', 'set', 'prod', '--endpoint', 'h:1']);
    await run(['context', 'use', 'prod']);
    expect((await run(['context', 'current'])).stdout).toBe('prod\n');
    expect(await json('context', 'current')).toEqual({ current: 'prod' });
    expect((await run(['context', 'current'], { IMSTATE_CONTEXT: 'try' })).stderr).toBe(
      'warning: IMSTATE_CONTEXT overrides this context: unset it, or use --context prod\n',
    );
  });

  test('keeps the file private, and loses nothing to concurrent commands', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const set = (name: string) =>
      runImstate(['context', 'set', name, '--endpoint', 'h:1'], { XDG_CONFIG_HOME: folder });
    const ended = await Promise.all(names.map(set));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')).contexts).sort()).toEqual(names);
  });

  test('saves absolute paths, and nothing of the environment', async () => {
    await run(['context', 'set', 'prod', '--etcd', 'h:1', '--token-file', 'a.token'], {
      IMSTATE_TIMEOUT: '9s',
    });
    expect((await json('context', 'show', 'prod')).settings).toEqual({
      etcd: 'h:1',
      'token-file': join(process.cwd(), 'a.token'),
    });
  });

  test.each([
    [
      ['set', 'prod', '--timeout', '1s'],
      'a context says where the daemons are: give --endpoint, --etcd or --data-dir',
    ],
    [
      ['set', 'a b', '--etcd', 'h:1'],
      'CONTEXT must be up to 64 letters, digits, dots, dashes and underscores',
    ],
    [
      ['set', 'prod', '--etcd', 'h:1', '--timeout', '2'],
      '--timeout must be a duration with a unit, such as 500ms, 10s, 3m or 1h',
    ],
    [['set', 'prod', '--endpoint', 'h'], 'the endpoint "h" must be HOST:PORT, such as 127.0.0.1:8080'],
    [['show'], 'no context is in use: choose one with imstate context use'],
    [['current'], 'no context is in use: choose one with imstate context use'],
    [['rename', 'a', 'a b'], 'NAME must be up to 64 letters, digits, dots, dashes and underscores'],
  ])('rejects %j', async (args, message) => {
    expect(await run(['context', ...args])).toEqual({
      stdout: '',
      stderr: `Error: ${message}\n`,
      exitCode: 2,
    });
  });

  test('rejects a password without showing it', async () => {
    const { stderr, exitCode } = await run(['context', 'set', 'prod', '--etcd', 'h:1,http://u:hunter2@h:2']);
    expect(stderr).toMatch(/it must not contain user and password/);
    expect({ exitCode, isShown: stderr.includes('hunter2') }).toEqual({ exitCode: 2, isShown: false });
    await mkdir(join(folder, 'imstate'));
    await writeFile(file, '{"current":"prod","contexts":{"prod":{"etcd":"h:1,http://u:hunter2@h:2"}}}');
    const used = await run(['query', 'alice']);
    expect(used.stderr).toBe(
      `Error: ${file}: etcd of context "prod" contains a password: set IMSTATE_ETCD instead, ` +
        'or name a file that holds it with etcd-password-file\n',
    );
  });

  test('reports a missing token file with the context that names it', async () => {
    await run(['context', 'set', 'prod', '--endpoint', 'h:1', '--token-file', '/nowhere/token']);
    expect((await run(['query', 'alice', '--context', 'prod'])).stderr).toContain(
      `(--token-file is set by token-file of context "prod" in ${file})`,
    );
    const { stdout } = await run(['query', 'alice', '--context', 'prod', '--json']);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'AUTH_FILE_UNUSABLE', field: '--token-file' });
  });

  test('suggests or lists contexts for an unknown one', async () => {
    expect((await run(['context', 'use', 'prod'])).stderr).toBe(
      `Error: ${file} has no context "prod": there are none yet; create it with imstate context set prod\n`,
    );
    await run(['context', 'set', 'prod', '--etcd', 'h:1']);
    expect((await run(['context', 'use', 'pord'])).stderr).toContain(
      'has no context "pord": did you mean prod?',
    );
    expect((await run(['query', 'alice', '--context', 'x'])).stderr).toContain(
      'has no context "x": the contexts are prod; create it with imstate context set x',
    );
  });

  test('has no contexts without a home directory', async () => {
    expect((await run(['context', 'list'], { XDG_CONFIG_HOME: '/dev/null' })).stdout).toBe('no contexts\n');
  });

  test('rejects a damaged file', async () => {
    await mkdir(join(folder, 'imstate'));
    await writeFile(file, '{"contexts":{"prod":3}}');
    const { stderr, exitCode } = await run(['query', 'alice']);
    expect(stderr).toBe(
      `Error: the file of contexts ${file} cannot be used (it must be {"current": NAME, "contexts": {NAME: {…}}}): ` +
        'correct it, or remove it and create them again\n',
    );
    expect(exitCode).toBe(2);
    await writeFile(file, '{"current":"prod","contexts":{"prod":{"etdc":"h:1"}}}');
    expect((await run(['query', 'alice'])).stderr).toBe(
      `Error: ${file}: etdc of context "prod" is not a key: did you mean etcd?\n`,
    );
  });
});

describe('client commands', () => {
  test('use the selected context, or the one of --context or IMSTATE_CONTEXT', async () => {
    const [a, b] = [await startDaemon(), await startDaemon()];
    await run(['context', 'set', 'a', '--endpoint', a.addr]);
    await run(['context', 'set', 'b', '--endpoint', b.addr]);
    await run(['context', 'use', 'a']);
    expect(await addrs()).toEqual([a.addr]);
    expect(await addrs(['--context', 'b'])).toEqual([b.addr]);
    expect(await addrs([], { IMSTATE_CONTEXT: 'b' })).toEqual([b.addr]);
  });

  test('take the discovery settings from the first source that has any', async () => {
    const [a, b] = [await startDaemon(), await startDaemon()];
    await run(['context', 'set', 'a', '--endpoint', a.addr, '--token-file', '/nowhere']);
    await run(['context', 'use', 'a']);
    expect(await addrs(['--data-dir', b.dataDir])).toEqual([b.addr]);
    expect(await addrs([], { IMSTATE_DATA_DIR: b.dataDir })).toEqual([b.addr]);
    expect(await addrs(['--context', 'a'], { IMSTATE_ENDPOINT: b.addr })).toEqual([a.addr]);
    // The token of the context is neither read nor sent elsewhere.
    expect((await run(['query', 'alice', '--endpoint', b.addr])).exitCode).toBe(0);
  });

  test('reject --context beside other discovery flags', async () => {
    await run(['context', 'set', 'a', '--endpoint', 'h:1']);
    const { stderr, exitCode } = await run(['query', 'alice', '--context', 'a', '--endpoint', 'h:2']);
    expect(stderr).toContain('cannot also be provided when using --context');
    expect(exitCode).toBe(2);
  });

  test('name the context in errors of calls', async () => {
    await run(['context', 'set', 'prod', '--endpoint', `127.0.0.1:${await freePort()}`]);
    await run(['context', 'set', 'here', '--data-dir', folder]);
    await run(['context', 'use', 'prod']);
    expect((await run(['query', 'alice'])).stderr).toMatch(/ \(context "prod" is in use\)\n$/);
    const none = JSON.parse((await run(['query', 'alice', '--context', 'here', '--json'])).stdout);
    expect(none.error.code).toBe('NO_ENDPOINT');
    expect(none.error.message).toContain(`(--data-dir is set by data-dir of context "here" in ${file})`);
    expect(none.error.message).not.toContain('is in use');
  });

  test('report an invalid value with its context', async () => {
    await mkdir(join(folder, 'imstate'));
    await writeFile(file, '{"current":"prod","contexts":{"prod":{"endpoint":"h:1","timeout":"2h"}}}');
    expect((await run(['query', 'alice'])).stderr).toBe(
      `Error: --timeout must be from 1ms to 1h (--timeout is set by timeout of context "prod" in ${file})\n`,
    );
  });

  test('context use and context show warn about an overriding variable', async () => {
    await run(['context', 'set', 'prod', '--endpoint', 'h:1', '--timeout', '1s']);
    expect((await run(['context', 'use', 'prod'], { IMSTATE_ETCD: 'h:2' })).stderr).toBe(
      'warning: IMSTATE_ETCD overrides this context: unset it, or use --context prod\n',
    );
    expect(await run(['context', 'show'], { IMSTATE_TIMEOUT: '2s' })).toMatchObject({
      stdout: 'endpoint  h:1\ntimeout   1s\n',
      stderr: 'warning: IMSTATE_TIMEOUT overrides this context: unset it, or use --context prod\n',
    });
  });
});
