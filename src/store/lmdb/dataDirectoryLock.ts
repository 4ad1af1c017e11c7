import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { claimDataFile, makeDataDirectory, unusable } from '../../dataDirectory.js';

/** The daemon that uses a data directory, as it describes itself in the lock file. */
interface Holder {
  /** In its own PID namespace: in ours it may belong to another process, or to none. */
  pid: number;
  /**
   * When the process started, in clock ticks since boot: versions without a kernel lock identify a holder by
   * it.
   */
  startedAt: string;
  addr: string;
  /** Name of the machine or container; '' in files of versions that did not write it. */
  host: string;
}

/** What we use of fs-native-extensions, which has no types. */
interface FileLocks {
  tryLock(fd: number, options: { shared: boolean }): boolean;
}

const LOCK = 'daemon.lock';
/** A holder that has not described itself yet. */
const UNKNOWN: Holder = { pid: 0, startedAt: '', addr: 'an unknown address', host: '' };

/** `imstate doctor` holds a shared lock for an instant, and a holder describes itself after it has locked. */
const MAX_TRIES = 10;
const RETRY_MS = 50;

/**
 * Locks the data directory for the daemon at `addr`; resolves with a function that unlocks it. Rejects with
 * DATA_FOLDER_IN_USE, naming the daemon that holds it. The kernel holds the lock on the open file: it
 * excludes processes of other containers that share the directory, and ends with the process in any case. The
 * file itself stays, empty: removing it would let two daemons lock two files of one name.
 */
export async function lockDataDirectory(dataDir: string, addr: string): Promise<() => Promise<void>> {
  const file = await openLock(dataDir);
  try {
    await acquire(file, dataDir);
    const earlier = parseHolder(await readAll(file));
    if (earlier !== undefined && (await isRunning(earlier))) throw inUse(dataDir, earlier);
    await describe(file, addr);
  } catch (error) {
    await file.close();
    throw unusable(dataDir, error);
  }
  return async () => {
    await file.truncate(0);
    await file.close();
  };
}

/** The daemon that uses the directory; undefined if none does. Changes nothing. */
export async function holderOf(dataDir: string): Promise<Holder | undefined> {
  const file = await open(join(dataDir, LOCK), constants.O_RDONLY | constants.O_NOFOLLOW).catch(ifMissing);
  if (file === undefined) return undefined;
  try {
    const isHeld = !fileLocks().tryLock(file.fd, { shared: true });
    const holder = parseHolder(await readAll(file));
    if (isHeld) return holder ?? UNKNOWN;
    return holder !== undefined && (await isRunning(holder)) ? holder : undefined;
  } finally {
    await file.close();
  }
}

/** Describes a holder: its address, its pid, and its host if that is not ours. */
export function nameOf({ addr, pid, host }: Holder): string {
  const where = host === '' || host === hostname() ? '' : ` on ${host}`;
  return pid === 0 ? `the daemon at ${addr}` : `the daemon at ${addr} (pid ${pid}${where})`;
}

async function openLock(dataDir: string): Promise<FileHandle> {
  try {
    await makeDataDirectory(dataDir);
    return await open(await claimDataFile(dataDir, LOCK), constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

async function acquire(file: FileHandle, dataDir: string): Promise<void> {
  const { tryLock } = fileLocks();
  for (let tries = 1; !tryLock(file.fd, { shared: false }); tries++) {
    if (tries === MAX_TRIES) throw inUse(dataDir, parseHolder(await readAll(file)) ?? UNKNOWN);
    await delay(RETRY_MS);
  }
}

/** Loaded on use: a daemon on Redis also starts on systems for which the package has no binary. */
function fileLocks(): FileLocks {
  try {
    return createRequire(import.meta.url)('fs-native-extensions') as FileLocks;
  } catch (error) {
    throw new Error(`this system does not support file locks (${messageOf(error)})`, { cause: error });
  }
}

async function describe(file: FileHandle, addr: string): Promise<void> {
  const { startedAt } = await processState(process.pid);
  const holder: Holder = { pid: process.pid, startedAt, addr, host: hostname() };
  await file.truncate(0);
  await file.write(JSON.stringify(holder), 0);
}

function inUse(dataDir: string, holder: Holder): ImstateError {
  const message = `the data directory ${dataDir} is in use by ${nameOf(holder)}: stop it, or choose another one with --data-dir`;
  return new ImstateError('DATA_FOLDER_IN_USE', message, { field: '--data-dir' });
}

async function readAll(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(4_096), position: 0 });
  return buffer.toString('utf8', 0, bytesRead);
}

/** Undefined for a text that describes no holder, such as that of a free directory. */
function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, startedAt, addr, host = '' } = JSON.parse(text) ?? {};
    if (!Number.isInteger(pid) || typeof startedAt !== 'string') return undefined;
    return { pid, startedAt, addr: String(addr), host: String(host) };
  } catch {
    return undefined;
  }
}

/**
 * True for a running daemon of a version that held the directory by the file alone, without a kernel lock.
 */
async function isRunning({ pid, startedAt }: Holder): Promise<boolean> {
  if (pid === process.pid) return false;
  const state = await processState(pid);
  return startedAt !== '' && state.startedAt === startedAt && !state.isDead;
}

/** Fields 3 (state) and 22 (start time) of /proc/<pid>/stat; empty on systems without it. */
async function processState(pid: number): Promise<{ isDead: boolean; startedAt: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { isDead: ['Z', 'X'].includes(fields[0] ?? ''), startedAt: fields[19] ?? '' };
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
