import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImstateError, messageOf } from './errors.js';

/** Sessions are nobody else's business. */
const OWNER_ONLY = 0o700;

/** Makes a folder and those above it; rejects with DATA_FOLDER_UNUSABLE. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeEach(path);
  } catch (error) {
    throw unusable(path, error);
  }
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
