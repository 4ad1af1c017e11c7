import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, ImstateError } from 'imstate-client/internal/shared/errors';

const PAUSE_MS = 500;
/**
 * What may be over in a moment. STORE_MISMATCH: the entry of a daemon that was killed stays for its lease, and daemons of a store
 * that was flushed agree on its identity within their next renewal.
 */
const PASSING: ErrorCode[] = [
  'STORE_UNAVAILABLE',
  'REGISTRY_UNAVAILABLE',
  'AUTH_KEYS_UNAVAILABLE',
  'STORE_MISMATCH',
];

interface RetryOptions<T> {
  /** Ends the wait, also for an attempt that is under way: the start-up limit, or a signal to stop. */
  signal: AbortSignal;
  /** Told before each new try. */
  onRetry(failure: ImstateError): void;
  /** Given what an attempt brings that was under way when the wait ended: nobody else has it. */
  onLate?(result: T): void;
}

/**
 * Tries again while the other side is unavailable, until the signal aborts; then rejects with the last failure, or
 * with `silence` if there was none yet.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  silence: ImstateError,
  { signal, onRetry, onLate = () => {} }: RetryOptions<T>,
): Promise<T> {
  let failure = silence;
  for (;;) {
    try {
      return await orAborted(attempt(), signal, () => failure, onLate);
    } catch (error) {
      const mayPass = error instanceof ImstateError && PASSING.includes(error.code);
      if (!mayPass || signal.aborted) throw error;
      failure = error;
      onRetry(failure);
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {
        throw failure;
      });
    }
  }
}

/** What the promise settles with, or the failure as soon as the signal aborts. */
function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  failure: () => ImstateError,
  onLate: (result: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(failure());
      promise.then(onLate, () => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
