import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, unusable } from '../dataFolder.js';
import { ImstateError } from '../errors.js';

/** Who holds a data folder. */
interface Owner {
  pid: number;
  /** When the process was started, as the system counts it: tells a process from a later one with its pid. */
  startedAt: string;
  addr: string;
}

/** Enough for daemons that start at the same moment; a lock that cannot be cleared does not stop us for ever. */
const MOST_TRIES = 10;

/**
 * Takes the data folder for the daemon at `addr`; resolves with what gives it back. Rejects with
 * DATA_FOLDER_IN_USE, naming the daemon that holds it. A lock left behind by `kill -9` is taken over.
 * Processes are known by their pid: the lock does not see into other containers that share the folder.
 */
export async function lockDataFolder(dataDir: string, addr: string): Promise<() => Promise<void>> {
  const file = lockFile(dataDir);
  const { startedAt } = await processState(process.pid);
  const mine = JSON.stringify({ pid: process.pid, startedAt, addr });
  const draft = `${file}.${process.pid}`;
  try {
    await makeFolder(dataDir);
    await writeFile(draft, mine);
    for (let tries = 1; !(await placeLock(draft, file)); tries++) {
      if (tries === MOST_TRIES) throw new Error(`${file} cannot be taken over`);
      await clearStale(file, dataDir);
    }
  } catch (error) {
    if (error instanceof ImstateError) throw error;
    throw unusable(dataDir, error);
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
  return async () => {
    if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
  };
}

/** The daemon that a lock in the folder names, and whether it lives; undefined if there is none. Changes nothing. */
export async function holderOf(dataDir: string): Promise<(Owner & { isAlive: boolean }) | undefined> {
  const text = await readFile(lockFile(dataDir), 'utf8').catch(ifGone);
  const owner = text === undefined ? undefined : parseOwner(text);
  return owner && { ...owner, isAlive: await lives(owner) };
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'daemon.lock');
}

/** Puts the lock in place with its whole content at once; false if there is one already. */
async function placeLock(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Removes the lock of a daemon that is gone; rejects if it lives. */
async function clearStale(file: string, dataDir: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(ifGone);
  if (text === undefined) return;
  const owner = parseOwner(text);
  if (owner !== undefined && (await lives(owner))) {
    throw new ImstateError(
      'DATA_FOLDER_IN_USE',
      `the data folder ${dataDir} is in use by the daemon at ${owner.addr} (pid ${owner.pid}): ` +
        'stop it, or choose another folder with --data-dir',
    );
  }
  // Another daemon may have taken over since: what is moved away must be the stale lock that was read.
  const aside = `${file}.stale.${process.pid}`;
  await rename(file, aside).catch(ifGone);
  const moved = await readFile(aside, 'utf8').catch(ifGone);
  if (moved !== undefined && moved !== text) await placeLock(aside, file);
  await rm(aside, { force: true });
}

/** The owner that a lock names; undefined if it is no lock of ours, which then holds nothing. */
function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, startedAt, addr } = JSON.parse(text) ?? {};
    if (Number.isInteger(pid) && typeof startedAt === 'string') return { pid, startedAt, addr: String(addr) };
  } catch {}
  return undefined;
}

async function lives({ pid, startedAt }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false;
  }
  const state = await processState(pid);
  return !state.isDead && state.startedAt === startedAt;
}

/**
 * Fields 3 (state) and 22 (start time) of /proc/<pid>/stat. A process whose parent has not taken note of its end
 * still has its pid. On systems without /proc the pid alone must do.
 */
async function processState(pid: number): Promise<{ isDead: boolean; startedAt: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { isDead: ['Z', 'X'].includes(fields[0] ?? ''), startedAt: fields[19] ?? '' };
}

function ifGone(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
