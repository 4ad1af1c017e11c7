import { type SpawnOptions, spawn } from 'node:child_process';
import {
  chmod,
  chown,
  lchown,
  link,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../packages/client/src/index.ts';
import { scratchDirectory } from '../support/credentials.ts';
import { startTestDaemon } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { until } from '../support/until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** A user other than root, and a second group of that user; any numbers work. */
const OTHER = 54_321;
const GROUP = 54_322;

const umask = process.umask();
afterEach(() => void process.umask(umask));

describe.runIf(process.geteuid?.() === 0)('for root and another user', () => {
  describe('a config file of the current directory', () => {
    test('is rejected if it belongs to another user', async () => {
      const cwd = await scratchDirectory();
      await configIn(cwd, OTHER);
      const { stderr, exitCode } = await run(['serve', '--port', '0'], { cwd });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/belongs to another user \(uid 54321\).*name it with --config to use it/);
    });

    test('is rejected if it is a link of another user', async () => {
      const cwd = await scratchDirectory();
      await configIn(await scratchDirectory(), 0).then((file) => symlink(file, join(cwd, 'imstate.yaml')));
      await lchown(join(cwd, 'imstate.yaml'), OTHER, OTHER);
      const { stderr, exitCode } = await run(['serve', '--port', '0'], { cwd });
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('another user') });
    });

    test('is read from another user if a flag names it', async () => {
      const cwd = await scratchDirectory();
      await configIn(cwd, OTHER);
      expect(await firstLines(['serve', '--config', 'imstate.yaml'], { cwd })).toContain('imstate.yaml');
    });

    test('is read by another user if it belongs to root', async () => {
      const cwd = await scratchDirectory();
      await configIn(cwd, 0);
      await chmod(cwd, 0o755);
      await mkdir(join(cwd, 'data'), { mode: 0o700 });
      await chown(join(cwd, 'data'), OTHER, OTHER);
      expect(await firstLines(['serve'], { cwd, uid: OTHER, gid: OTHER })).toContain('imstate.yaml');
    });

    test.each([
      ['664', 0o664],
      ['646', 0o646],
    ])('is rejected if others may write to it, even if a flag names it: mode %s', async (_, mode) => {
      const cwd = await scratchDirectory();
      await configIn(cwd, 0);
      await chmod(join(cwd, 'imstate.yaml'), mode);
      for (const args of [['serve'], ['serve', '--config', 'imstate.yaml']]) {
        const { stderr, exitCode } = await run(args, { cwd });
        expect(exitCode).toBe(2);
        expect(stderr).toContain(`other users can write it (mode ${mode.toString(8)}): run chmod go-w`);
      }
    });
  });

  test("ignores another user's contexts", async () => {
    const folder = await scratchDirectory();
    await mkdir(join(folder, 'imstate'));
    const file = join(folder, 'imstate', 'contexts.json');
    await writeFile(file, '{"current":"a","contexts":{"a":{"endpoint":"127.0.0.1:1"}}}', { mode: 0o600 });
    await chown(file, OTHER, OTHER);
    const { stderr, exitCode } = await run(['query', 'alice'], { env: { XDG_CONFIG_HOME: folder } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('another user') });
  });

  test("rejects another user's data directory, and explains what to do", async () => {
    const dataDir = await scratchDirectory();
    await chown(dataDir, OTHER, OTHER);
    await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
      code: 'DATA_FOLDER_UNUSABLE',
      message: expect.stringMatching(/another user \(uid 54321\): run imstate as that user, or chown it/),
    });
    expect(await readdir(dataDir)).toEqual([]);
  });

  test("rejects another user's file in the data directory", async () => {
    const dataDir = await scratchDirectory();
    const file = join(dataDir, 'presence.lmdb');
    await writeFile(file, '', { mode: 0o640 });
    await chown(file, OTHER, 0);
    await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
      code: 'DATA_FOLDER_UNUSABLE',
      message: expect.stringContaining('presence.lmdb belongs to another user'),
    });
  });

  test.each([
    ['2770', 0o2770],
    ['2775', 0o2775],
  ])('accepts a Kubernetes volume with fsGroup: mode %s', async (_, mode) => {
    const dataDir = await scratchDirectory();
    await chown(dataDir, 0, GROUP);
    await chmod(dataDir, mode);
    const user = ['--reuid', `${OTHER}`, '--regid', `${OTHER}`, '--groups', `${GROUP}`];
    const serve = [process.execPath, BIN, 'serve', '--port', '0', '--data-dir', dataDir];
    const child = follow('setpriv', [...user, ...serve]);
    await until(() => child.stdout().includes('service') || child.exitCode !== null, 'the daemon is ready');
    expect(child.stderr()).not.toContain('Error');
    expect(await modesIn(dataDir)).toEqual(PRIVATE_FILES);
    expect((await stat(dataDir)).mode & 0o7777).toBe(mode);
  });
});

describe('a data directory', () => {
  test.each([
    ['755', 0o755],
    ['770', 0o770],
  ])('changes from mode %s to 700, and its files to 600', async (_, mode) => {
    const dataDir = await scratchDirectory();
    await (await startTestDaemon({ dataDir })).stop();
    await chmod(dataDir, mode);
    await chmod(join(dataDir, 'registry'), 0o755);
    for (const name of ['presence.lmdb', 'presence.lmdb-lock', 'daemon.lock']) {
      await chmod(join(dataDir, name), 0o644);
    }
    await start(dataDir);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDir, 'registry'))).mode & 0o777).toBe(0o700);
    expect(await modesIn(dataDir)).toEqual(PRIVATE_FILES);
  });

  test('is created for its owner only, whatever the umask is', async () => {
    process.umask(0);
    const dataDir = join(await scratchDirectory(), 'a', 'b');
    await start(dataDir);
    for (const folder of [join(dataDir, '..'), dataDir, join(dataDir, 'registry')]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
    expect(await modesIn(dataDir)).toEqual(PRIVATE_FILES);
  });

  test.each([
    ['777', 0o777, /\(mode 777\): check its contents, then run chmod 700/],
    ['1777', 0o1777, /\(mode 1777\): choose a directory inside it/],
  ])('is rejected if everybody may write to it: mode %s', async (_, mode, message) => {
    const dataDir = await scratchDirectory();
    await chmod(dataDir, mode);
    await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
      code: 'DATA_FOLDER_UNUSABLE',
      message: expect.stringMatching(message),
    });
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('keeps its mode if it has other contents, with private files', async () => {
    const dataDir = await scratchDirectory();
    await mkdir(join(dataDir, 'www'));
    await chmod(dataDir, 0o755);
    await start(dataDir);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o755);
    expect(await modesIn(dataDir)).toEqual(PRIVATE_FILES);
    await chmod(dataDir, 0o775);
    await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
      code: 'DATA_FOLDER_UNUSABLE',
      message: expect.stringContaining('run chmod g-w'),
    });
  });

  test.each(['presence.lmdb', 'presence.lmdb-lock', 'daemon.lock'])(
    'is rejected if %s is a link, without changing its target',
    async (name) => {
      for (const plant of [symlink, link]) {
        const dataDir = await scratchDirectory();
        const victim = join(await scratchDirectory(), 'victim');
        await writeFile(victim, 'precious', { mode: 0o644 });
        await plant(victim, join(dataDir, name));
        await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
          code: 'DATA_FOLDER_UNUSABLE',
          message: expect.stringContaining(`${name} is a link`),
        });
        expect(await readFile(victim, 'utf8')).toBe('precious');
        expect((await stat(victim)).mode & 0o777).toBe(0o644);
      }
    },
  );

  test('is rejected if the registry is a link, and links to drafts of entries are not followed', async () => {
    const dataDir = await scratchDirectory();
    const elsewhere = await scratchDirectory();
    await symlink(elsewhere, join(dataDir, 'registry'));
    await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' });
    expect(await readdir(elsewhere)).toEqual([]);

    const entries = join(await scratchDirectory(), 'registry', 'im%2Fstate-server');
    await mkdir(entries, { recursive: true });
    const victim = join(elsewhere, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, join(entries, `10.0.0.9%3A8080.json.${process.pid}`));
    const daemon = await startTestDaemon({ dataDir: join(entries, '..', '..'), advertise: '10.0.0.9:8080' });
    disposables.push(() => daemon.stop());
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect((await readdir(entries)).sort()).toEqual(['10.0.0.9%3A8080.json', '10.0.0.9%3A8080.store']);
  });
});

test.each([
  ['--redis-url-file', ['serve', '--redis-url-file'], 2],
  [
    '--etcd-password-file',
    ['endpoints', '--etcd', '127.0.0.1:1', '--etcd-user', 'a', '--etcd-password-file'],
    2,
  ],
  ['--token-file', ['query', 'alice', '--endpoint', '127.0.0.1:1', '--token-file'], 2],
  ['--auth-tokens', ['serve', '--port', '0', '--auth-tokens'], 2],
  ['--tls-ca', ['query', 'alice', '--endpoint', '127.0.0.1:1', '--tls-ca'], 2],
])('%s rejects a file that others may write to', async (_, args, code) => {
  const file = join(await scratchDirectory(), 'file');
  await writeFile(file, 'secret\n');
  await chmod(file, 0o666);
  const { stderr, exitCode } = await run([...args, file]);
  expect({ stderr, exitCode }).toEqual({
    stderr: expect.stringContaining(`other users can write it (mode 666): run chmod go-w ${file}`),
    exitCode: code,
  });
});

test('keeps the previous token when the token file becomes writable by others', async () => {
  const tokenFile = join(await scratchDirectory(), 'token');
  await writeFile(tokenFile, 'imstate_one', { mode: 0o600 });
  const client = await connect({ endpoints: ['127.0.0.1:1'], tokenFile });
  disposables.push(() => client.close());
  await chmod(tokenFile, 0o666);
  await expect(client.getStats()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

const PRIVATE_FILES = {
  'daemon.lock': '600',
  'presence.lmdb': '600',
  'presence.lmdb-lock': '600',
  entry: '600',
};

/** The modes of all files of a data directory. */
async function modesIn(dataDir: string): Promise<Record<string, string>> {
  const entries = join(dataDir, 'registry', 'im%2Fstate-server');
  const [entry = ''] = await readdir(entries);
  const names = ['daemon.lock', 'presence.lmdb', 'presence.lmdb-lock'];
  const modes: Record<string, string> = { entry: await modeOf(join(entries, entry)) };
  for (const name of names) modes[name] = await modeOf(join(dataDir, name));
  return modes;
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

async function start(dataDir: string): Promise<void> {
  const daemon = await startTestDaemon({ dataDir });
  disposables.push(() => daemon.stop());
}

/** Creates a config file of this user in a directory. */
async function configIn(folder: string, uid: number): Promise<string> {
  const file = join(folder, 'imstate.yaml');
  await writeFile(file, 'serve:\n  port: 0\n  data-dir: data\n', { mode: 0o644 });
  await chown(file, uid, uid);
  return file;
}

/** Runs the real binary to its end. */
async function run(args: string[], options: SpawnOptions = {}) {
  const child = follow(process.execPath, [BIN, ...args], options);
  return { exitCode: await child.ended, stderr: child.stderr() };
}

/** The output of a daemon that is ready. */
async function firstLines(args: string[], options: SpawnOptions): Promise<string> {
  const child = follow(process.execPath, [BIN, ...args], options);
  await until(() => child.stdout().includes('service') || child.exitCode !== null, 'the daemon is ready');
  return child.stdout() + child.stderr();
}

/** A process that is killed at the end of the test. */
function follow(command: string, args: string[], { env, ...options }: SpawnOptions = {}) {
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  disposables.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    get exitCode() {
      return child.exitCode;
    },
  };
}
