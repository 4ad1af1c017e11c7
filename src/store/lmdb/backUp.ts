import { chmod, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from 'imstate-client/internal/shared/errors';
import type { RootDatabase } from 'lmdb';
import { FILE_MODE, makeInnerDirectory, unusable } from '../../dataDirectory.js';

/** Holds the unfinished copy. One that a killed daemon left is removed by the next backup. */
const UNFINISHED = 'presence.lmdb.backup';

/**
 * Copies the data file to `name` in the data directory, for this user alone, on disk before this resolves;
 * replaces an earlier copy of that name. Resolves with its path. Rejects with DATA_FOLDER_UNUSABLE if there is
 * no room for it, and then leaves nothing behind.
 */
export async function backUp(root: RootDatabase, dataDir: string, name: string): Promise<string> {
  const directory = join(dataDir, UNFINISHED);
  const copy = join(directory, name);
  const path = join(dataDir, name);
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await remove();
    // LMDB creates the copy with a mode that lets others read it: in this directory they cannot.
    await makeInnerDirectory(dataDir, UNFINISHED);
    await root.backup(copy, false);
    await chmod(copy, FILE_MODE);
    await flush(copy);
    await rename(copy, path);
    await flush(dataDir);
    return path;
  } catch (error) {
    const message = `its backup ${name} before the upgrade failed: ${messageOf(error)}; nothing was changed`;
    throw unusable(dataDir, new Error(message, { cause: error }));
  } finally {
    await remove();
  }
}

/** Waits until a file, or the names in a directory, are on disk. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
