import { chmod, chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseTokens, type TokenEntry } from '../daemon/auth/tokenFile.js';
import { ImstateError, messageOf } from '../errors.js';

/** Its hashes are of no use to anybody, but who can write it lets in whom they want. */
const OWNER_ONLY = 0o600;
const MOST_TRIES = 50;
const PAUSE_MS = 100;

/** Reads a file of tokens; rejects with AUTH_FILE_UNUSABLE. */
export async function readTokens(path: string): Promise<TokenEntry[]> {
  return parse(path, await readFile(path, 'utf8').catch((error) => fail(path, error)));
}

/**
 * Changes a file of tokens: `change` is given its text ('' if there is none yet) and the entries in it, and returns the text that follows.
 * The file is replaced as a whole, so that a daemon never reads half of it, and by one process at a time.
 */
export async function changeTokens(
  path: string,
  change: (text: string, entries: TokenEntry[]) => string,
): Promise<void> {
  // What a link points to is replaced, not the link.
  const file = await realpath(path).catch(() => path);
  const draft = `${file}.lock`;
  const handle = await lock(draft, path);
  try {
    const text = await readFile(file, 'utf8').catch(ifMissing);
    await handle.writeFile(change(text, parse(path, text)));
    await handle.sync();
    await keepRights(file, draft);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error instanceof ImstateError ? error : unusable(path, error);
  } finally {
    await handle.close();
  }
}

/** The text that is to become the file is its lock as well: only one process can make it. */
async function lock(draft: string, path: string) {
  for (let tries = 1; ; tries++) {
    try {
      return await open(draft, 'wx', OWNER_ONLY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return fail(path, error);
      if (tries === MOST_TRIES) {
        return fail(path, new Error(`another command is changing it; if none is, remove ${draft}`));
      }
      await delay(PAUSE_MS);
    }
  }
}

/** A daemon that runs as another user may read it by its group. */
async function keepRights(file: string, draft: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  if (before === undefined) return;
  await chmod(draft, before.mode & 0o777);
  // Only root may give it to somebody else.
  await chown(draft, before.uid, before.gid).catch(() => {});
}

function ifMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

function parse(path: string, text: string): TokenEntry[] {
  try {
    return parseTokens(text);
  } catch (error) {
    return fail(path, error);
  }
}

function fail(path: string, error: unknown): never {
  throw unusable(path, error);
}

function unusable(path: string, error: unknown): ImstateError {
  const message = `the file of tokens ${path} cannot be used (${messageOf(error)}): mend it, or name another with --file`;
  return new ImstateError('AUTH_FILE_UNUSABLE', message, { cause: error });
}
