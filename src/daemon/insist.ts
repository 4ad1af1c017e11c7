import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError } from '../errors.js';

const PAUSE_MS = 500;

interface InsistOptions {
  /** Ends the wait: the start-up limit, or a signal to stop. */
  signal: AbortSignal;
  /** Told before each new try. */
  onRetry(failure: ImstateError): void;
}

/** Tries again while the other side is unavailable, until the signal aborts; then rejects with the last failure. */
export async function insist<T>(attempt: () => Promise<T>, { signal, onRetry }: InsistOptions): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const mayPass =
        error instanceof ImstateError && ['STORE_UNAVAILABLE', 'REGISTRY_UNAVAILABLE'].includes(error.code);
      if (!mayPass || signal.aborted) throw error;
      onRetry(error);
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
