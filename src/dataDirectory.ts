import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { describeMode, isOfOwnGroup, isOwn } from 'imstate-client/internal/shared/ownership';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** Whoever writes into such a directory can remove only what is their own. */
const STICKY = 0o1000;
/**
 * What a data directory holds. A directory with other things in it serves others too: its mode is left as it
 * is.
 */
const CONTENTS = /^(presence\.lmdb(-lock|\.backup|\.level-\d+)?|registry|daemon\.lock)$/;

/**
 * Makes the data directory and those above it, for this user alone (mode 700); an existing one is changed to
 * that mode. Rejects with DATA_FOLDER_UNUSABLE, which says what to do, where others decide what is in it: see
 * {@link directoryFault}.
 */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await makeEach(path);
    const found = await stat(path);
    const fault = directoryFault(path, found);
    if (fault !== undefined) throw new Error(fault);
    if (isOwn(found) && isOpenToOthers(found) && (await mayBecomePrivate(path, found))) {
      await chmod(path, DIRECTORY_MODE);
    }
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Makes a directory in the data directory, for this user alone; rejects with DATA_FOLDER_UNUSABLE for a link
 * or what is another user's.
 */
export async function makeInnerDirectory(dataDir: string, ...names: string[]): Promise<void> {
  const path = join(dataDir, ...names);
  try {
    await mkdir(path, { mode: DIRECTORY_MODE }).catch(ifExists);
    const found = await lstat(path);
    if (!found.isDirectory()) throw new Error('it is a link or a file, not a directory: remove it');
    await checkOwner(dataDir, path, found);
    if (isOwn(found) && isOpenToOthers(found)) await chmod(path, DIRECTORY_MODE);
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Makes sure that a file of the data directory exists, for this user alone (mode 600), empty if it is new.
 * Returns its path. Rejects for what someone may have put there to have another file written: a symbolic or a
 * hard link, a device, a pipe. An existing file is not opened: closing it would end the locks that this
 * process has on it.
 */
export async function claimDataFile(dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, name);
  const made = await open(path, 'wx', FILE_MODE).catch(ifExists);
  await made?.close();
  const found = await lstat(path);
  if (!found.isFile() || found.nlink !== 1) {
    throw new Error(`${path} is a link, or not a regular file: remove it`);
  }
  await checkOwner(dataDir, path, found);
  if (isOwn(found) && (found.mode & 0o777) !== FILE_MODE) await chmod(path, FILE_MODE);
  return path;
}

/**
 * Why a directory is not safe for data, and what to do; undefined if it is. It must be this user's and not
 * writable by everybody. A directory of root's is accepted if a group of this process owns it, as a volume of
 * Kubernetes with `fsGroup`.
 */
export function directoryFault(path: string, found: Stats): string | undefined {
  if (process.platform === 'win32') return undefined;
  if ((found.mode & 0o002) !== 0) {
    // A directory that all users share, as /tmp, must keep its mode.
    const remedy =
      (found.mode & STICKY) !== 0
        ? 'choose a directory inside it'
        : `check its contents, then run chmod 700 ${path}, or choose a directory inside it`;
    return `everybody may write into it (mode ${describeMode(found)}): ${remedy}`;
  }
  if (isOwn(found) || isShared(found)) return undefined;
  return `it belongs to another user (uid ${found.uid}): run imstate as that user, or chown it`;
}

/**
 * The error of a data directory that cannot be used; a process out of open files is that error, not one of
 * the directory.
 */
export function unusable(path: string, cause: unknown): Error {
  if (cause instanceof ImstateError || isOutOfFiles(cause)) return cause;
  const message = `the data directory ${path} cannot be used (${messageOf(cause)}): fix that, or choose another with --data-dir`;
  return new ImstateError('DATA_FOLDER_UNUSABLE', message, { cause, field: '--data-dir' });
}

function isOutOfFiles(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && ['EMFILE', 'ENFILE'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

function isOpenToOthers({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}

/** True for a directory of root's that a group of this process may use. */
function isShared(directory: Stats): boolean {
  return directory.uid === 0 && isOfOwnGroup(directory) && (directory.mode & 0o070) === 0o070;
}

/**
 * Rejects for what another user put into the data directory. In a shared one an earlier daemon may have run
 * as another user of the group.
 */
async function checkOwner(dataDir: string, path: string, found: Stats): Promise<void> {
  if (process.platform === 'win32' || isOwn(found)) return;
  const directory = await stat(dataDir);
  const isOfGroup = !isOwn(directory) && isShared(directory) && isOfOwnGroup(found);
  if (isOfGroup && (found.mode & 0o002) === 0) return;
  const what = `${basename(path)} belongs to another user (uid ${found.uid})`;
  throw new Error(`${what}: chown ${path}, or remove it`);
}

/** `--data-dir /srv` must not shut others out of /srv; but where others may write, nothing is safe. */
async function mayBecomePrivate(path: string, { mode }: Stats): Promise<boolean> {
  const names = await readdir(path);
  if (names.every((name) => CONTENTS.test(name))) return true;
  if ((mode & 0o020) === 0) return false;
  throw new Error(`its group may write into it, and it holds other things: run chmod g-w ${path}`);
}

/**
 * Not mkdir's own recursion, which never ends where a directory rejects new ones with ENOENT, as /proc does.
 */
async function makeEach(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new Error(`${path} is a file, not a directory`);
  if (dirname(path) !== path) await makeEach(dirname(path));
  await mkdir(path, { mode: DIRECTORY_MODE }).catch(ifExists);
}

function ifExists(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error;
}
