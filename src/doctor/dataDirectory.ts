import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { directoryFault, unusable } from '../dataDirectory.js';
import { checkDataFile } from '../store/lmdb/checkDataFile.js';
import { holderOf, nameOf } from '../store/lmdb/dataDirectoryLock.js';
import { type Check, type Finding, ok, skipped, warning } from './check.js';

export const FOLDER_CHECKS = ['folder-rights', 'folder-space'] as const;
export const DATA_CHECKS = ['folder-lock', 'folder-data'] as const;

const MIB = 1024 * 1024;
/** Below `min` a change may fail at any moment; below `enough` the doctor warns. */
const SPACE_BYTES = { min: 16 * MIB, enough: 512 * MIB };

interface DataDirectory {
  dataDir: string;
}

/** The checks of the data directory itself. */
export function directoryChecks({ dataDir }: DataDirectory): Check[] {
  const runs = [() => rights(dataDir), () => space(dataDir)];
  return FOLDER_CHECKS.map((name, i) => ({ name, run: runs[i] as () => Promise<Finding> }));
}

/** The checks of the embedded store in it. */
export function dataChecks({ dataDir }: DataDirectory): Check[] {
  const runs = [() => lock(dataDir), () => dataFile(dataDir)];
  return DATA_CHECKS.map((name, i) => ({ name, run: runs[i] as () => Promise<Finding> }));
}

async function rights(dataDir: string): Promise<Finding> {
  const found = await stat(dataDir).catch(() => undefined);
  if (found === undefined) {
    await mustBeUsable(await nearest(dataDir));
    return ok(`${dataDir} does not exist yet: the first imstate serve creates it`);
  }
  if (!found.isDirectory()) throw unusable(dataDir, new Error('it is a file, not a directory'));
  const fault = directoryFault(dataDir, found);
  if (fault !== undefined) throw unusable(dataDir, new Error(fault));
  await mustBeUsable(dataDir);
  if ((found.mode & 0o077) === 0) return ok(`${dataDir} can be read and written, by its owner alone`);
  const mode = (found.mode & 0o777).toString(8);
  return warning(
    `other users can read ${dataDir} (mode ${mode}): run chmod 700 ${dataDir}, because it contains sessions`,
  );
}

async function mustBeUsable(path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((error) => {
    throw unusable(path, error);
  });
}

async function space(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearest(dataDir));
  const free = bavail * bsize;
  const message = `${Math.floor(free / MIB).toLocaleString('en')} MiB are free for ${dataDir}`;
  if (free >= SPACE_BYTES.enough) return ok(message);
  const wayOut = 'changes are rejected when the disk is full, free space or choose another --data-dir';
  if (free >= SPACE_BYTES.min) return warning(`only ${message}: ${wayOut}`);
  throw new ImstateError('DATA_FOLDER_UNUSABLE', `only ${message}: ${wayOut}`);
}

/** The directory itself, or its nearest ancestor that exists. */
async function nearest(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearest(dirname(path));
}

async function lock(dataDir: string): Promise<Finding> {
  const holder = await holderOf(dataDir).catch((error) => {
    throw unusable(dataDir, error);
  });
  return ok(holder === undefined ? 'no daemon uses the directory' : `${nameOf(holder)} uses the directory`);
}

/** Does not open the file as a database: a daemon may use it, and LMDB crashes if it is damaged. */
async function dataFile(dataDir: string): Promise<Finding> {
  const path = join(dataDir, 'presence.lmdb');
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return skipped(`${path} does not exist yet`);
  try {
    await access(path, constants.R_OK | constants.W_OK);
    checkDataFile(path);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  return ok(`${path} can be read and written: ${(found.size / MIB).toFixed(1)} MiB`);
}
