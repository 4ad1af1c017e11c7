import { setTimeout as delay } from 'node:timers/promises';

/** Waits, in milliseconds. Rejects with the reason of the signal, and not with an AbortError, when it aborts. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
