import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { changeTokens } from '../../../src/cli/input/tokenList.ts';
import { hashToken } from '../../../src/daemon/auth/tokenFile.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { startDaemon } from '../../support/disposables.ts';
import { runImstate, spawnImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';
import { until } from '../../support/until.ts';

const TOKEN = /^imstate_[A-Za-z0-9_-]{43}\n$/;

let file: string;

beforeEach(async () => {
  file = join(await scratchDirectory(), 'tokens.ndjson');
});

const token = (...args: string[]) => runCli(['token', ...args, '--file', file]);

test('prints a token once, only on stdout, and stores its hash', async () => {
  const made = await token(
    'create',
    '--role',
    'writer',
    '--server-addr',
    '10.0.0.1:9000,b:1',
    '--name',
    'chat-1',
  );
  expect(made).toMatchObject({ stdout: expect.stringMatching(TOKEN), exitCode: 0 });
  expect(made.stderr).toBe(`token "chat-1" is in ${file}; it is shown only once:\n`);
  const text = await readFile(file, 'utf8');
  expect(JSON.parse(text)).toEqual({
    id: 'chat-1',
    sha256: hashToken(made.stdout.trim()),
    role: 'writer',
    servers: ['10.0.0.1:9000', 'b:1'],
    created: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('creates, lists and revokes a token with --json', async () => {
  const made = JSON.parse((await token('create', '--role', 'admin', '--json')).stdout);
  expect(made).toEqual({
    id: expect.stringMatching(/^admin-[0-9a-f]{8}$/),
    role: 'admin',
    servers: null,
    created: expect.any(String),
    token: expect.stringMatching(/^imstate_/),
  });
  await token('create', '--role', 'writer', '--server-addr', 'a:1', '--name', 'chat');
  const list = await token('list');
  expect(list.stdout).toMatch(/^Token +Role +Chat servers +Created\n/);
  expect(list.stdout).toMatch(/\nchat +writer +a:1 +2\d{3}-/);
  expect(JSON.parse((await token('list', '--json')).stdout)).toEqual({
    tokens: [
      { id: made.id, role: 'admin', servers: null, created: made.created },
      { id: 'chat', role: 'writer', servers: ['a:1'], created: expect.any(String) },
    ],
  });
  expect(await token('revoke', made.id)).toMatchObject({
    stdout: `token "${made.id}" is revoked\n`,
    exitCode: 0,
  });
  expect(await token('revoke', 'chat', '--json')).toMatchObject({ stdout: '{\n  "id": "chat"\n}\n' });
  expect(await token('list')).toMatchObject({ stdout: `${file} lists no token\n` });
});

test.each([
  [['create'], 2, 'Missing required flag'],
  [['create', '--role', 'boss'], 2, 'Expected --role=boss to be one of: reader, writer, admin'],
  [['create', '--role', 'admin', '--name', 'a b'], 2, '--name must be 1 to 64 letters'],
  [['create', '--role', 'admin', '--server-addr', 'a:1'], 2, '--server-addr must be HOST:PORT,…'],
  [['create', '--role', 'writer', '--server-addr', 'a'], 2, '--server-addr must be HOST:PORT,…'],
  [['revoke', 'nobody'], 2, 'lists no token "nobody"'],
  [['list'], 2, 'no such file'],
])('rejects %j in one line', async (args, exitCode, message) => {
  const refused = await token(...args);
  expect(refused).toMatchObject({ stdout: '', exitCode, stderr: expect.stringContaining(message) });
  expect(refused.stderr).toMatch(/^Error: [^\n]+\n$/);
});

test('rejects two tokens with one name, and files with other contents', async () => {
  await token('create', '--role', 'reader', '--name', 'a');
  expect(await token('create', '--role', 'admin', '--name', 'a')).toMatchObject({
    stdout: '',
    exitCode: 2,
    stderr: expect.stringContaining('has a token "a" already'),
  });
  await writeFile(file, '{"userId":"alice"}\n');
  expect(await token('create', '--role', 'reader')).toMatchObject({
    stdout: '',
    exitCode: 2,
    stderr: expect.stringContaining('line 1: it may have id'),
  });
  expect(await readFile(file, 'utf8')).toBe('{"userId":"alice"}\n');
});

test('keeps comments, permissions and a link to the file', async () => {
  const link = `${file}.link`;
  await writeFile(file, '# of the chat servers');
  await chmod(file, 0o640);
  await symlink(file, link);
  await runCli(['token', 'create', '--role', 'reader', '--name', 'a', '--file', link]);
  await runCli(['token', 'create', '--role', 'reader', '--name', 'b', '--file', link]);
  await runCli(['token', 'revoke', 'a', '--file', link]);
  expect(await readFile(file, 'utf8')).toMatch(/^# of the chat servers\n\{"id":"b",[^\n]*\n$/);
  expect((await stat(file)).mode & 0o777).toBe(0o640);
});

test('keeps all concurrent changes', async () => {
  const line = (id: number) =>
    JSON.stringify({
      id: `t${id}`,
      sha256: `${id}`.padStart(64, '0'),
      role: 'reader',
      created: '2026-11-23T08:00:00Z',
    });
  await Promise.all(
    Array.from({ length: 10 }, (_, i) => changeTokens(file, (text) => `${text}${line(i)}\n`)),
  );
  expect(JSON.parse((await token('list', '--json')).stdout).tokens).toHaveLength(10);
});

test('explains what to do if another change blocks the file', async () => {
  await writeFile(`${file}.lock`, '');
  expect(await token('create', '--role', 'reader')).toMatchObject({
    stdout: '',
    exitCode: 2,
    stderr: expect.stringContaining(`if none is, remove ${file}.lock`),
  });
});

test('commands use a token of a file or the environment, and report failures in one line', async () => {
  const secret = (await token('create', '--role', 'reader')).stdout;
  const daemon = await startDaemon({ auth: { tokens: file } });
  const tokenFile = `${file}.reader`;
  await writeFile(tokenFile, secret);
  const run = (args: string[], env: Record<string, string> = {}) =>
    runCli([...args, '--endpoint', daemon.addr], env);

  expect(await run(['query', 'alice', '--token-file', tokenFile])).toMatchObject({ exitCode: 0 });
  expect(await run(['query', 'alice'], { IMSTATE_TOKEN: secret.trim() })).toMatchObject({ exitCode: 0 });
  expect(await run(['stats'], { IMSTATE_TOKEN_FILE: tokenFile, IMSTATE_TOKEN: 'wrong' })).toMatchObject({
    exitCode: 0,
  });
  expect(await run(['endpoints'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('SERVING') });

  const login = ['online', 'alice', 'phone', '--server-addr', 'a:1', '--token-file', tokenFile];
  const refusals: [string[], Record<string, string>, number, string][] = [
    [['query', 'alice'], {}, 4, 'authentication required: this daemon accepts tokens'],
    [['query', 'alice'], { IMSTATE_TOKEN: 'imstate_wrong' }, 4, 'unknown token'],
    [['watch', 'alice'], { IMSTATE_TOKEN: 'imstate_wrong' }, 4, 'unknown token'],
    [login, {}, 4, 'the operation online needs the role writer'],
    [['evict', '--user', 'alice', '--yes', '--token-file', tokenFile], {}, 4, 'Evict needs the role admin'],
    [['query', 'alice', '--token-file', '/nowhere'], {}, 2, 'the token file /nowhere cannot be read'],
    [['query', 'alice'], { IMSTATE_TOKEN: 'a b' }, 2, 'the token must be a single word'],
    [['query', 'alice', '--token', 'x'], {}, 2, 'Nonexistent flag: --token'],
  ];
  for (const [args, env, exitCode, message] of refusals) {
    const refused = await run(args, env);
    expect([args, refused.exitCode, refused.stderr]).toEqual([
      args,
      exitCode,
      expect.stringContaining(message),
    ]);
    expect(refused.stderr).toMatch(/^Error: [^\n]+\n$/);
    expect(refused.stderr).not.toContain(secret.trim());
  }
});

test('shows no secret of daemon and client in ps, output and logs', async () => {
  const secret = (await token('create', '--role', 'reader', '--name', 'desk')).stdout.trim();
  const dataDir = await scratchDirectory();
  const args = ['--port', '0', '--data-dir', dataDir, '--log-level', 'trace'];
  const daemon = spawnImstate(['serve', ...args], { IMSTATE_AUTH_TOKENS: file });
  await until(() => daemon.stdout().includes('service'), 'the daemon is ready');
  expect(daemon.stdout()).toMatch(/^access +tokens$/m);
  const env = { IMSTATE_DATA_DIR: dataDir, IMSTATE_TOKEN: secret };
  const watch = spawnImstate(['watch', '--all'], env);
  await until(() => watch.stdout().includes('synced'), 'the watch is synced');

  for (const { pid } of [daemon, watch]) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    expect(commandLine).toContain('run.js');
    expect(commandLine).not.toContain('imstate_');
  }
  const evicted = await runImstate(['evict', '--user', 'alice', '--yes', '--json'], env);
  expect(evicted.exitCode).toBe(4);
  await token('revoke', 'desk');
  expect(await watch.ended).toBe(4);
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const printed = [daemon, watch].map(({ stdout, stderr }) => stdout() + stderr()).join('');
  expect(printed).toContain('token \\"desk\\" was revoked');
  for (const shown of [printed, evicted.stdout, evicted.stderr]) {
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain(hashToken(secret));
  }
});

test.each([
  [['--auth-jwt-issuer', 'https://issuer.example'], 2, 'go together: give all three, or none'],
  [['--auth-certificates', '/x'], 2, '--auth-certificates needs --tls-client-ca'],
  [['--auth-tokens', '/nowhere'], 2, '--auth-tokens /nowhere cannot be used'],
  [
    ['--auth-jwt-issuer', 'a', '--auth-jwt-audience', 'b', '--auth-jwt-jwks', 'http://issuer.example/'],
    ...[2, 'a URL without a user that begins with https://'],
  ],
] as [string[], number, string][])('rejects serve %j in one line', async (args, exitCode, message) => {
  const refused = await runImstate(['serve', '--port', '0', '--data-dir', await scratchDirectory(), ...args]);
  expect(refused).toMatchObject({ exitCode, stderr: expect.stringContaining(message) });
  expect(refused.stderr).toMatch(/^Error: [^\n]+\n$/);
});
