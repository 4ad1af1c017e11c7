import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImstateError, messageOf } from './errors.js';

/** Sessions are nobody else's business. */
const OWNER_ONLY = 0o700;
const FILE_OWNER_ONLY = 0o600;
const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/** Makes a folder and those above it; rejects with DATA_FOLDER_UNUSABLE. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeEach(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Opens a file of the data folder to read and write, and makes it for this user alone if it is missing. Rejects for what someone else may
 * have put there to have another file written: a symbolic or a hard link, a device, a pipe.
 */
export async function openDataFile(path: string): Promise<FileHandle> {
  const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_OWNER_ONLY);
  const found = await file.stat();
  if (found.isFile() && found.nlink === 1) return file;
  await file.close();
  throw new Error(`${path} is no file of its own (a link, or a device): remove it`);
}

/** The error of a data folder that cannot be used. */
export function unusable(path: string, cause: unknown): ImstateError {
  const message = `the folder ${path} cannot be used (${messageOf(cause)}): mend that, or choose another with --data-dir`;
  return new ImstateError('DATA_FOLDER_UNUSABLE', message, { cause });
}

/** Not mkdir's own recursion, which never ends where a folder refuses new ones with ENOENT, as /proc does. */
async function makeEach(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new Error(`${path} is a file, not a folder`);
  if (dirname(path) !== path) await makeEach(dirname(path));
  await mkdir(path, { mode: OWNER_ONLY }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
