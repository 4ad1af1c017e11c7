import { setTimeout as delay } from 'node:timers/promises';

/** How long a stopping daemon waits for each of its dependencies, which may never respond. Milliseconds. */
export const STOP_STEP_MS = 2_000;

/**
 * Waits for a step of stopping, at most `limitMs`. Returns whether it is done. A late step continues on its
 * own, and its outcome is ignored.
 */
export async function doneWithin(limitMs: number, step: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = delay(limitMs, false, { signal: over.signal }).catch(() => false);
  const done = step.then(() => true);
  try {
    return await Promise.race([done, late]);
  } finally {
    over.abort();
    done.catch(() => {});
  }
}
