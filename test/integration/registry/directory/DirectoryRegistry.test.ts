import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DirectoryRegistry } from '../../../../src/registry/directory/DirectoryRegistry.ts';
import { temporaryDirectory } from '../../../support/servers.ts';
import { describeRegistry } from '../contract.ts';
import { makeDirectoryRegistries } from '../registries.ts';

describeRegistry('embedded', makeDirectoryRegistries);

test('other files are skipped with one warning, and the files of dead daemons are removed', async () => {
  const folder = await temporaryDirectory();
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message) };
  const registry = new DirectoryRegistry({ dataDir: folder.path, service: 'a/b', log });
  const registration = await registry.register('127.0.0.1:1');
  const entries = join(folder.path, 'registry', 'a%2Fb');
  await mkdir(join(entries, 'x.json'));
  for (let i = 0; i < 3; i++) expect(await registry.list()).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  const stale = join(entries, 'stale.json');
  await writeFile(stale, '{"Addr":"127.0.0.1:2"}');
  await utimes(stale, new Date(0), new Date(0));
  await registration.close();
  await (await registry.register('127.0.0.1:3')).close();
  expect(await readdir(entries)).toEqual(['x.json']);
  await folder.remove();
});

test('a file that is not refreshed is stale after 10 seconds', async () => {
  const folder = await temporaryDirectory();
  const log = { info: () => {}, warn: () => {} };
  const registry = new DirectoryRegistry({ dataDir: folder.path, service: 'im/state-server', log });
  const registration = await registry.register('127.0.0.1:1');
  const file = join(folder.path, 'registry', 'im%2Fstate-server', '127.0.0.1%3A1.json');
  const old = new Date(Date.now() - 10_001);
  await utimes(file, old, old);
  expect(await registry.list()).toEqual([]);
  await registration.close();
  await folder.remove();
});
