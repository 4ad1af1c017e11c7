import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { PresenceStore } from '../store/store.js';

const SWEEP_MS = 1_000;

/** Sweeps the store every second, in bounded steps, until the signal aborts. */
export async function runSweeper(store: PresenceStore, log: Logger, signal: AbortSignal): Promise<void> {
  while (await delay(SWEEP_MS, true, { signal }).catch(() => false)) {
    try {
      while ((await store.sweep()) && !signal.aborted);
    } catch (error) {
      // The monitor tells loudly when the store is away; the next sweep makes up for this one.
      log.debug(`a sweep failed: ${messageOf(error)}`);
    }
  }
}
