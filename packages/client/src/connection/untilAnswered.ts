import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '../calls/messages.js';
import { backoffMs } from '../shared/backoff.js';
import { type ErrorCode, ImstateError } from '../shared/errors.js';

const BACKOFF_MS = { first: 50, max: 1_000 };
/** Errors that pass. RESOURCE_EXHAUSTED is one: no request that is sent here is too large. */
const TRANSIENT = new Set<ErrorCode>([
  'UNAVAILABLE',
  'NO_ENDPOINT',
  'REGISTRY_UNAVAILABLE',
  'RESOURCE_EXHAUSTED',
  'TLS_FAILED',
]);
const REJECTIONS = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'UNIMPLEMENTED',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
]);

/** Repeats a call that is safe to repeat until a daemon answers, its timeout is over, or `over` aborts. */
export async function untilAnswered<T>(
  call: (options: CallOptions) => Promise<T>,
  { timeoutMs, signal }: CallOptions & { timeoutMs: number },
  over: AbortSignal,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (let failures = 1; ; failures++) {
    try {
      return await call({ timeoutMs: Math.max(1, until - performance.now()), signal });
    } catch (error) {
      const waitMs = backoffMs(failures, BACKOFF_MS.first, BACKOFF_MS.max);
      const isLast = performance.now() + waitMs >= until || over.aborted;
      if (isLast || !(error instanceof ImstateError) || !TRANSIENT.has(error.code)) throw error;
      await delay(waitMs);
    }
  }
}

/** Whether a daemon rejected the call: nothing was changed, and a repeat would be rejected too. */
export function isRejected(error: unknown): error is ImstateError {
  return error instanceof ImstateError && REJECTIONS.has(error.code);
}
