import { setTimeout as delay } from 'node:timers/promises';

/** How long a daemon that stops waits for one of the things it depends on, which may never answer. */
export const STOP_STEP_MS = 2_000;

/**
 * Waits for a step of stopping, but no longer than `limitMs`. Returns whether it is done; one that is late goes on by itself, and what
 * becomes of it concerns nobody.
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
