import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { PresenceStore } from '../store/store.js';

const SWEEP_MS = 1_000;

/** Sweeps the store every second, in bounded steps, until the signal aborts. The next sweep makes up for a failure. */
export async function runSweeper(store: PresenceStore, log: Logger, signal: AbortSignal): Promise<void> {
  let hasFailed = false;
  while (await delay(SWEEP_MS, true, { signal }).catch(() => false)) {
    try {
      while ((await store.sweep()) && !signal.aborted);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.warn(`records that are over are not removed: ${messageOf(error)}; trying again`);
      hasFailed = true;
    }
  }
}
