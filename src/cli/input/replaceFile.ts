import { chmod, chown, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';

/** What is in it is nobody else's business, and who can write it decides for its owner. */
const OWNER_ONLY = 0o600;
const MAX_TRIES = 50;
const PAUSE_MS = 100;

/**
 * Changes a text file: `change` is given its text ('' if there is none yet) and returns the text that follows. The file is replaced as a
 * whole, so that nobody ever reads half of it, and by one process at a time. A new one is for this user alone (mode 600).
 */
export async function replaceFile(path: string, change: (text: string) => string): Promise<void> {
  // What a link points to is replaced, not the link.
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

/** The text that is to become the file is its lock as well: only one process can make it. */
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

/** A daemon that runs as another user may read it by its group. */
async function keepRights(file: string, draft: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  if (before === undefined) return;
  await chmod(draft, before.mode & 0o777);
  // Only root may give it to somebody else.
  await chown(draft, before.uid, before.gid).catch(() => {});
}

/** The text of the file; '' if it is not there yet. */
function textOf(file: string): string {
  try {
    return readRegularText(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
