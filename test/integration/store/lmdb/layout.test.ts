import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import { LmdbStore } from '../../../../src/store/lmdb/LmdbStore.ts';
import type { Migration } from '../../../../src/store/store.ts';
import { scratchDirectory } from '../../../support/credentials.ts';
import { disposables } from '../../../support/disposables.ts';
import { login } from '../contract/underTest.ts';

const OPTIONS = {
  retentionMs: 1_000,
  historyLimit: 100,
  historyRetentionMs: 60_000,
  historyIp: 'prefix' as const,
  changeLimit: 1_000,
  maxDevices: 1_000,
  auditLimit: 100,
};

/** A store in the directory until the end of the test, and its migrations. */
function storeIn(dataDir: string): { store: LmdbStore; migrations: Migration[] } {
  const migrations: Migration[] = [];
  const onMigrated = (migration: Migration) => void migrations.push(migration);
  const store = new LmdbStore({ dataDir, onMigrated, ...OPTIONS });
  disposables.push(() => store.close());
  return { store, migrations };
}

/** Reads the level of a data file, and sets another one if it is given. */
async function levelIn(path: string, level?: number): Promise<number> {
  const root = open({ path, overlappingSync: false });
  if (level !== undefined) root.putSync('layout', { version: level });
  const { version } = root.get('layout');
  await root.close();
  return version;
}

/** A data directory of this level, in which alice is online. */
async function directoryOf(level: number): Promise<string> {
  const dataDir = await scratchDirectory();
  const { store } = storeIn(dataDir);
  await store.open();
  await store.online(login());
  await store.close();
  await levelIn(join(dataDir, 'presence.lmdb'), level);
  return dataDir;
}

test('creates new data with the newest feature level, and without a backup', async () => {
  const dataDir = await scratchDirectory();
  const { store, migrations } = storeIn(dataDir);
  expect(store.featureLevel).toBe(0);
  await store.open();
  expect([store.featureLevel, await store.getFeatureLevel(), await store.raiseFeatureLevel()]).toEqual([
    2, 2, 2,
  ]);
  expect(migrations).toEqual([]);
  expect((await readdir(dataDir)).sort()).toEqual(['presence.lmdb', 'presence.lmdb-lock']);
});

test('migrates data of an older level, and replaces the backup of an earlier attempt', async () => {
  const dataDir = await directoryOf(1);
  const backup = join(dataDir, 'presence.lmdb.level-1');
  for (let attempt = 0; attempt < 2; attempt++) {
    const { store, migrations } = storeIn(dataDir);
    await store.open();
    expect(migrations).toEqual([{ previousLevel: 1, featureLevel: 2, backup }]);
    expect(await store.getDevice('alice', 'phone')).toMatchObject({ online: true });
    await store.close();
    expect(await levelIn(backup)).toBe(1);
    // As after a kill between the backup and the new level.
    await levelIn(join(dataDir, 'presence.lmdb'), 1);
  }
});

test.each([
  [3, 'install the newer version that wrote it'],
  [0, 'upgrade by way of a version in between'],
])('rejects data of level %i, and changes nothing', async (level, remedy) => {
  const dataDir = await directoryOf(level);
  const { store } = storeIn(dataDir);
  await expect(store.open()).rejects.toMatchObject({
    code: 'LAYOUT_MISMATCH',
    field: '--data-dir',
    message: `the data directory ${dataDir} has feature level ${level}, and this imstate supports 1 to 2: ${remedy}, or use another --data-dir`,
  });
  await store.close();
  expect(await levelIn(join(dataDir, 'presence.lmdb'))).toBe(level);
  expect((await readdir(dataDir)).filter((name) => name.includes('level'))).toEqual([]);
});
