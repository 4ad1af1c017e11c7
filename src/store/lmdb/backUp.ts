import { constants } from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from 'imstate-client/internal/shared/errors';
import { unusable } from '../../dataDirectory.js';

/** The unfinished copy. One that a killed daemon left is removed by the next backup. */
const UNFINISHED = 'presence.lmdb.backup';

/**
 * Copies the data file to `name` in the data directory, with the same mode, on disk before this resolves;
 * replaces an earlier copy of that name. Resolves with its path. Nothing may be written meanwhile. Not by
 * backup() of LMDB: that crashes if the store is closed before it is complete, and cannot clone the file where
 * the file system can.
 *
 * Rejects with DATA_FOLDER_UNUSABLE if there is no room for it, and then leaves nothing behind.
 */
export async function backUp(dataDir: string, name: string): Promise<string> {
  const [unfinished, path] = [join(dataDir, UNFINISHED), join(dataDir, name)];
  try {
    await rm(unfinished, { force: true });
    const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
    await copyFile(join(dataDir, 'presence.lmdb'), unfinished, mode);
    await flush(unfinished);
    await rename(unfinished, path);
    await flush(dataDir, true);
    return path;
  } catch (error) {
    await rm(unfinished, { force: true });
    const message = `its backup ${name} before the upgrade failed: ${messageOf(error)}; nothing was changed`;
    throw unusable(dataDir, new Error(message, { cause: error }));
  }
}

/** Waits until a file is on disk, or the names in a directory, for which Windows has no call. */
async function flush(path: string, isDirectory = false): Promise<void> {
  if (isDirectory && process.platform === 'win32') return;
  const handle = await open(path, isDirectory ? 'r' : 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
