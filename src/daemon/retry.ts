import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, ImstateError } from 'imstate-client/internal/shared/errors';

const PAUSE_MS = 500;
/**
 * Errors that may pass soon. STORE_MISMATCH is one: the entry of a killed daemon stays until its lease ends,
 * and daemons of a flushed store agree on its identity within their next renewal.
 */
const PASSING: ErrorCode[] = [
  'STORE_UNAVAILABLE',
  'REGISTRY_UNAVAILABLE',
  'AUTH_KEYS_UNAVAILABLE',
  'STORE_MISMATCH',
];

interface RetryOptions<T> {
  /** Ends the retries and the attempt in flight: the start deadline, or a signal to stop. */
  signal: AbortSignal;
  /** Called before each further attempt. */
  onRetry(failure: ImstateError): void;
  /** Receives the result of an attempt that was in flight when the retries ended: nobody else has it. */
  onLate?(result: T): void;
}

/**
 * Retries while the other side is unavailable, until the signal aborts. Then it rejects with the last
 * failure, or with `silence` if there was none yet.
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

/** The outcome of the promise, or the failure as soon as the signal aborts. */
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
