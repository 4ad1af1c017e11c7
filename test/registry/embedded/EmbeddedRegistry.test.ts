import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EmbeddedRegistry } from '../../../src/registry/embedded/EmbeddedRegistry.ts';
import { temporaryFolder } from '../../support/servers.ts';
import { describeRegistry } from '../contract.ts';
import { makeEmbeddedRegistries } from '../registries.ts';

describeRegistry('embedded', makeEmbeddedRegistries);

test('the file of a daemon that no longer renews it is stale after 10 seconds', async () => {
  const folder = await temporaryFolder();
  const log = { info: () => {}, warn: () => {} };
  const registry = new EmbeddedRegistry({ dataDir: folder.path, service: 'im/state-server', log });
  const registration = await registry.register('127.0.0.1:1');
  const file = join(folder.path, 'registry', 'im%2Fstate-server', '127.0.0.1%3A1.json');
  const old = new Date(Date.now() - 10_001);
  await utimes(file, old, old);
  expect(await registry.list()).toEqual([]);
  await registration.close();
  await folder.remove();
});
