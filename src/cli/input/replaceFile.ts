import { chmod, chown, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';

/** The file may hold secrets, and who can write it controls its owner's commands. */
const OWNER_ONLY = 0o600;
const MAX_TRIES = 50;
const PAUSE_MS = 100;

/**
 * Replaces a text file atomically, one process at a time. `change` gets the text, '' if there is no file, and
 * returns the new text. A new file is for this user alone (mode 600).
 */
export async function replaceFile(path: string, change: (text: string) => string): Promise<void> {
  // Replaces the target of a link, not the link.
  const file = await realpath(path).catch(() => path);
  const draft = `${file}.lock`;
  const handle = await lock(draft);
  try {
    await handle.writeFile(change(textOf(file)));
    await handle.sync();
    await keepRights(file, draft);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** The draft of the file is also the lock: only one process can create it. */
async function lock(draft: string) {
  for (let tries = 1; ; tries++) {
    try {
      return await open(draft, 'wx', OWNER_ONLY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (tries === MAX_TRIES) {
        throw new Error(`another command is changing it; if none is, remove ${draft}`);
      }
      await delay(PAUSE_MS);
    }
  }
}

/** A daemon of another user may read it by its group. */
async function keepRights(file: string, draft: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  if (before === undefined) return;
  await chmod(draft, before.mode & 0o777);
  // Only root can change the owner.
  await chown(draft, before.uid, before.gid).catch(() => {});
}

/** The text of the file; '' if there is none. */
function textOf(file: string): string {
  try {
    return readRegularText(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
