import { execFileSync } from 'node:child_process';
import {
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepCode, readCode } from '../../../../src/cli/base/codeCache.ts';
import { type Imstate, runImstate, startImstate } from '../../../support/imstate.ts';
import { temporaryDirectory } from '../../../support/servers.ts';

let cache: Awaited<ReturnType<typeof temporaryDirectory>>;
let folder: string;

beforeEach(async () => {
  cache = await temporaryDirectory();
  folder = join(cache.path, 'imstate/code');
  vi.stubEnv('XDG_CACHE_HOME', cache.path);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await cache.remove();
});

const bundle = (hash: string, file = '/imstate/dist/cli/main.cjs') => ({ hash, file });

/** The only file in the cache. */
async function keptFile(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] as string);
}

describe('compiled code', () => {
  test('is read unchanged, for this bundle only', () => {
    expect(readCode(bundle('a'))).toBeUndefined();
    keepCode(bundle('a'), Buffer.from('code'));
    expect(readCode(bundle('a'))).toEqual(Buffer.from('code'));
    expect(readCode(bundle('b'))).toBeUndefined();
  });

  test('is read for this path only, which is part of the code', () => {
    keepCode(bundle('a', '/one/main.cjs'), Buffer.from('code'));
    expect(readCode(bundle('a', '/two/main.cjs'))).toBeUndefined();
    expect(readCode(bundle('a', '/one/main.cjs'))).toBeDefined();
  });

  test('is private to its user', async () => {
    keepCode(bundle('a'), Buffer.from('code'));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(await keptFile())).mode & 0o777).toBe(0o600);
  });

  test('is not read when a byte differs', async () => {
    keepCode(bundle('a'), Buffer.from('code'));
    const file = await keptFile();
    const content = await readFile(file);
    for (const broken of [
      Buffer.from(content).fill('?', content.length - 1),
      content.subarray(0, 10),
      Buffer.alloc(0),
    ]) {
      await writeFile(file, broken);
      expect(readCode(bundle('a'))).toBeUndefined();
    }
  });

  test('is removed when there are many newer files', async () => {
    keepCode(bundle('old'), Buffer.from('code'));
    const longAgo = new Date(0);
    await utimes(await keptFile(), longAgo, longAgo);
    for (let i = 1; i <= 7; i++) keepCode(bundle(`new-${i}`), Buffer.from('code'));
    expect(readCode(bundle('old'))).toBeDefined();
    keepCode(bundle('new-8'), Buffer.from('code'));
    expect(readCode(bundle('old'))).toBeUndefined();
    expect(await readdir(folder)).toHaveLength(8);
  });

  test.skipIf(process.getuid?.() !== 0)("is not read from or saved in another user's directory", async () => {
    keepCode(bundle('a'), Buffer.from('code'));
    await chown(await keptFile(), 1, 1);
    expect(readCode(bundle('a'))).toBeUndefined();
    await chown(await keptFile(), 0, 0);
    expect(readCode(bundle('a'))).toBeDefined();
    await chown(cache.path, 1, 1);
    expect(readCode(bundle('a'))).toBeUndefined();
    keepCode(bundle('b'), Buffer.from('code'));
    expect(await keptFile()).toContain('a-');
  });

  test('is not read from a FIFO or link, and not saved behind a link', async () => {
    keepCode(bundle('a'), Buffer.from('code'));
    const file = await keptFile();
    await rename(file, join(cache.path, 'elsewhere'));
    await symlink(join(cache.path, 'elsewhere'), file);
    expect(readCode(bundle('a'))).toBeUndefined();
    await rm(file);
    execFileSync('mkfifo', [file]);
    expect(readCode(bundle('a'))).toBeUndefined();
    await rm(file);
    await mkdir(file);
    expect(readCode(bundle('a'))).toBeUndefined();
    keepCode(bundle('a'), Buffer.from('code'));
    expect(await readdir(folder)).toEqual([basename(file)]);
  });

  test.each(['imstate', 'imstate/code'])('is not saved if %s is a link', async (link) => {
    const target = join(cache.path, 'documents');
    await mkdir(join(target, 'code'), { recursive: true });
    await mkdir(dirname(join(cache.path, link)), { recursive: true });
    await symlink(target, join(cache.path, link));
    const files = Array.from({ length: 12 }, (_, i) => join(target, `mine-${i}`));
    for (const each of files) await writeFile(each, 'mine');
    keepCode(bundle('a'), Buffer.from('code'));
    expect(readCode(bundle('a'))).toBeUndefined();
    expect((await readdir(target)).sort()).toEqual(['code', ...files.map((each) => basename(each))].sort());
    expect(await readdir(join(target, 'code'))).toEqual([]);
  });

  test('removes only its own files', async () => {
    keepCode(bundle('a'), Buffer.from('code'));
    const longAgo = new Date(0);
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await utimes(join(folder, 'notes.txt'), longAgo, longAgo);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (let i = 0; i < 10; i++) keepCode(bundle(`new-${i}`), Buffer.from('code'));
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['notes.txt', 'pipe']));
  });

  test('is not saved if that is impossible, without an error', async () => {
    await writeFile(join(cache.path, 'imstate'), '');
    keepCode(bundle('a'), Buffer.from('code'));
    vi.stubEnv('XDG_CACHE_HOME', join(cache.path, 'nowhere'));
    keepCode(bundle('a'), Buffer.from('code'));
    expect(readCode(bundle('a'))).toBeUndefined();
  });
});

describe('the command line', () => {
  let daemon: Imstate;
  const query = () => runImstate(['query', 'alice', '--endpoint', daemon.addr]);
  const answer = { stdout: 'alice is offline\n', stderr: '', exitCode: 0 };

  beforeAll(async () => {
    daemon = await startImstate('serve', '--port', '0');
  });
  afterAll(() => daemon.kill());

  test('saves its code after the first response of a daemon, with the same output afterwards', async () => {
    await runImstate(['--help']);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
    expect(await query()).toEqual(answer);
    const { mtimeMs } = await stat(await keptFile());
    expect(await query()).toEqual(answer);
    expect((await stat(await keptFile())).mtimeMs).toBe(mtimeMs);
  });

  test('loads modules outside the bundle also with saved code', async () => {
    await query();
    const other = await startImstate('serve', '--port', '0');
    await other.kill();
    expect(await runImstate(['help', 'query'])).toEqual(await runImstate(['query', '--help']));
    const endpoints = await runImstate(['endpoints', '--endpoint', daemon.addr, '--json']);
    expect(JSON.parse(endpoints.stdout).endpoints).toMatchObject([{ health: 'SERVING' }]);
    const etcd = await runImstate(['endpoints', '--etcd', '127.0.0.1:1', '--json']);
    expect(JSON.parse(etcd.stdout).error.code).toBe('REGISTRY_UNAVAILABLE');
  });

  test('recompiles if the saved code is damaged', async () => {
    await query();
    const file = await keptFile();
    const content = await readFile(file);
    await writeFile(file, Buffer.from(content).fill(0xff, content.length / 2));
    expect(await query()).toEqual(answer);
    expect((await readFile(file)).length).toBeGreaterThan(content.length / 2);
  });

  test('works without a writable cache', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(cache.path, 'nowhere'));
    expect(await query()).toEqual(answer);
    expect(await readdir(cache.path)).toEqual([]);
  });
});
