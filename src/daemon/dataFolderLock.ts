import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImstateError, messageOf } from '../errors.js';

/** Who holds a data folder. */
interface Owner {
  pid: number;
  /** When the process was started, as the system counts it: tells a process from a later one with its pid. */
  startedAt: string;
  addr: string;
}

/**
 * Takes the data folder for the daemon at `addr`; resolves with what gives it back. Rejects with
 * DATA_FOLDER_IN_USE, naming the daemon that holds it. A lock left behind by `kill -9` is taken over.
 */
export async function lockDataFolder(dataDir: string, addr: string): Promise<() => Promise<void>> {
  const file = join(dataDir, 'daemon.lock');
  const mine = JSON.stringify({ pid: process.pid, startedAt: await startTime(process.pid), addr });
  const draft = `${file}.${process.pid}`;
  try {
    await mkdir(dataDir, { recursive: true });
    await writeFile(draft, mine);
    while (!(await placeLock(draft, file))) await clearStale(file, dataDir);
  } catch (error) {
    if (error instanceof ImstateError) throw error;
    const message = `the data folder ${dataDir} cannot be used: ${messageOf(error)}; choose another with --data-dir`;
    throw new ImstateError('DATA_FOLDER_UNUSABLE', message, { cause: error });
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
  return () => rm(file, { force: true });
}

/** Puts the lock in place with its whole content at once; false if there is one already. */
async function placeLock(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a daemon that is gone; rejects if it lives. */
async function clearStale(file: string, dataDir: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
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
  await rename(file, aside).catch(() => {});
  const moved = await readFile(aside, 'utf8').catch(() => text);
  if (moved !== text) await placeLock(aside, file);
  await rm(aside, { force: true });
}

function parseOwner(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

async function lives({ pid, startedAt }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await startTime(pid)) === startedAt;
}

/** Field 22 of /proc/<pid>/stat; empty on systems without it, where the pid alone must do. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
