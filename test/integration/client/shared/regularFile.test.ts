import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readRegularFile } from '../../../../packages/client/src/shared/regularFile.ts';
import { readTls } from '../../../../packages/client/src/tls/files.ts';
import { TLS_NAMES } from '../../../../packages/client/src/tls/names.ts';
import { readContexts } from '../../../../src/cli/config/contexts.ts';
import { replaceFile } from '../../../../src/cli/input/replaceFile.ts';
import { readTokens } from '../../../../src/cli/input/tokenList.ts';
import { FollowedFile } from '../../../../src/daemon/auth/followedFile.ts';
import { DirectoryRegistry } from '../../../../src/registry/directory/DirectoryRegistry.ts';
import { scratchDirectory } from '../../../support/credentials.ts';

/** A FIFO without a writer: opening it as a file would wait for ever. */
async function fifo(name = 'fifo'): Promise<string> {
  const path = join(await scratchDirectory(), name);
  execFileSync('mkfifo', [path]);
  return path;
}

test('a regular file is read, also through a symbolic link unless that is forbidden', async () => {
  const folder = await scratchDirectory();
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  await writeFile(file, 'text');
  await symlink(file, link);
  expect(String(readRegularFile(file))).toBe('text');
  expect(String(readRegularFile(link))).toBe('text');
  expect(() => readRegularFile(link, { noFollow: true })).toThrow('ELOOP');
});

test('anything but a regular file is reported at once', async () => {
  const folder = await scratchDirectory();
  await mkdir(join(folder, 'folder'));
  const large = join(folder, 'large');
  await writeFile(large, '');
  await truncate(large, 17 * 1024 * 1024);
  expect(() => readRegularFile(join(folder, 'folder'))).toThrow('it is a directory, not a regular file');
  expect(() => readRegularFile(large)).toThrow('it is larger than 16 MiB');
  expect(() => readRegularFile('/dev/zero')).toThrow('it is a device');
  const path = await fifo();
  expect(() => readRegularFile(path)).toThrow('it is a FIFO, not a regular file');
});

test('settings, tokens and certificates are not waited for', async () => {
  const path = await fifo();
  expect(() => readContexts(path)).toThrow('a FIFO');
  await expect(readTokens(path)).rejects.toThrow('a FIFO');
  await expect(replaceFile(path, () => '')).rejects.toThrow('a FIFO');
  const follow = {
    flag: '--auth-tokens',
    path,
    parse: String,
    onChange: () => {},
    log: pino({ level: 'silent' }),
  };
  await expect(FollowedFile.open(follow)).rejects.toMatchObject({ code: 'AUTH_FILE_UNUSABLE' });
  expect(() => readTls({ ca: path }, TLS_NAMES.daemon)).toThrow('a FIFO');
});

test('a FIFO in the registry is skipped with a warning', async () => {
  const dataDir = await scratchDirectory();
  const folder = join(dataDir, 'registry', 'test');
  await mkdir(folder, { recursive: true });
  execFileSync('mkfifo', [join(folder, 'x.json')]);
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => warnings.push(message) };
  const registry = new DirectoryRegistry({ dataDir, service: 'test', log });
  expect(await registry.list()).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('it is a FIFO')]);
});
