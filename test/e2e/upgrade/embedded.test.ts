import { watch } from 'node:fs';
import { cp, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test, vi } from 'vitest';
import { scratchDirectory } from '../../support/credentials.ts';
import { clientOf, disposables } from '../../support/disposables.ts';
import { runFirstVersion, startFirstVersion } from '../../support/firstVersion.ts';
import { type Imstate, runImstate, spawnImstate, spawnLimited, startImstate } from '../../support/imstate.ts';
import { until } from '../../support/until.ts';
import { stop } from './versions.ts';

// Several daemons start in each test.
vi.setConfig({ testTimeout: 180_000 });

const BACKUP = 'presence.lmdb.level-1';
const SERVE = ['serve', '--port', '0', '--data-dir'];

function killed(daemon: Imstate): Imstate {
  disposables.push(() => daemon.kill());
  return daemon;
}

/** A data directory in which the first version has one session, and one that ended. */
async function oldDirectory(): Promise<string> {
  const folder = await scratchDirectory();
  const daemon = killed(await startFirstVersion(...SERVE, folder));
  const client = await clientOf(daemon.addr);
  const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
  await client.online({ ...login, sessionId: 's-1', metadata: { app: 'chat' } });
  await client.online({ ...login, sessionId: 's-2' });
  await stop(daemon);
  return folder;
}

/** What the daemon knows of alice: the current session, and the IDs in the history. */
async function sessionsOfAlice(daemon: Imstate): Promise<(string | undefined)[][]> {
  const client = await clientOf(daemon.addr);
  const { devices } = await client.getUser({ userId: 'alice' });
  const { entries } = await client.listHistory({ userId: 'alice' });
  return [devices, entries].map((sessions) => sessions.map(({ sessionId }) => sessionId));
}

/** Adds as many bytes to the data file, so that a copy takes some time. */
async function enlarge(folder: string, bytes: number): Promise<void> {
  const root = open({ path: join(folder, 'presence.lmdb'), overlappingSync: false });
  root.openDB({ name: 'ballast', encoding: 'binary' }).putSync('ballast', Buffer.alloc(bytes, 1));
  await root.close();
}

const namesIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('presence.lmdb.'));

test('migrates the data of the first version once, with a backup that the first version can use', async () => {
  const folder = await oldDirectory();
  const migrated = killed(await startImstate(...SERVE, folder));
  expect(await sessionsOfAlice(migrated)).toEqual([['s-2'], ['s-2', 's-1']]);
  expect(migrated.stderr()).toContain('data directory migrated');
  expect(migrated.stderr()).toContain(join(folder, BACKUP));
  const client = await clientOf(migrated.addr);
  await client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  expect((await client.getFeatureLevel()).featureLevel).toBe(2);
  expect((await runImstate(['upgrade', 'finish', '--yes', '--data-dir', folder])).stdout).toBe(
    'the feature level is 2 already\n',
  );
  await stop(migrated);
  expect(await namesIn(folder)).toEqual([BACKUP]);
  const made = await stat(join(folder, BACKUP));
  expect(made.mode & 0o777).toBe(0o600);

  const again = killed(await startImstate(...SERVE, folder));
  expect(await sessionsOfAlice(again)).toEqual([['s-2'], ['s-2', 's-1']]);
  expect(again.stderr()).not.toContain('migrated');
  await stop(again);
  expect((await stat(join(folder, BACKUP))).mtimeMs).toBe(made.mtimeMs);

  const refused = await runFirstVersion(...SERVE, folder);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('layout version 2');

  await rename(join(folder, BACKUP), join(folder, 'presence.lmdb'));
  const restored = killed(await startFirstVersion(...SERVE, folder));
  expect(await sessionsOfAlice(restored)).toEqual([['s-2'], ['s-2', 's-1']]);
  // What was written since is lost.
  expect(await (await clientOf(restored.addr)).getUser({ userId: 'bob' })).toMatchObject({ devices: [] });
});

test('changes nothing if there is no room for the backup', async () => {
  const folder = await oldDirectory();
  await enlarge(folder, 8 * 2 ** 20);
  const before = await readFile(join(folder, 'presence.lmdb'));
  const refused = spawnLimited([...SERVE, folder], 4 * 1_024);
  expect(await refused.ended).toBe(3);
  expect(refused.stderr()).toMatch(
    /the data directory \S+ cannot be used \(its backup presence\.lmdb\.level-1 before the upgrade failed: .+; nothing was changed\)/,
  );
  expect(await namesIn(folder)).toEqual([]);
  expect((await readFile(join(folder, 'presence.lmdb'))).equals(before)).toBe(true);
  const daemon = killed(await startFirstVersion(...SERVE, folder));
  expect(await sessionsOfAlice(daemon)).toEqual([['s-2'], ['s-2', 's-1']]);
});

/** Starts a daemon on a copy of the directory, and kills it as soon as a backup begins. */
async function killedDuringBackup(from: string): Promise<string> {
  const folder = await scratchDirectory();
  await cp(from, folder, { recursive: true });
  const daemon = spawnImstate([...SERVE, folder]);
  const watcher = watch(folder, (_, name) => {
    if (name === 'presence.lmdb.backup') daemon.signal('SIGKILL');
  });
  expect(await daemon.ended).toBe('SIGKILL');
  watcher.close();
  return folder;
}

test('a daemon that is killed during the backup leaves the data as it was', async () => {
  const original = await oldDirectory();
  await enlarge(original, 128 * 2 ** 20);
  const before = await readFile(join(original, 'presence.lmdb'));
  // On a busy machine the signal may come after the backup.
  const folder = await until(async () => {
    const killed = await killedDuringBackup(original);
    return (await namesIn(killed)).includes('presence.lmdb.backup') ? killed : undefined;
  }, 'a daemon was killed during the backup');
  expect(await namesIn(folder)).toEqual(['presence.lmdb.backup']);
  expect((await readFile(join(folder, 'presence.lmdb'))).equals(before)).toBe(true);
  const old = killed(await startFirstVersion(...SERVE, folder));
  expect(await sessionsOfAlice(old)).toEqual([['s-2'], ['s-2', 's-1']]);
  await stop(old);
  const migrated = killed(await startImstate(...SERVE, folder));
  expect(await sessionsOfAlice(migrated)).toEqual([['s-2'], ['s-2', 's-1']]);
  expect(await namesIn(folder)).toEqual([BACKUP]);
});
