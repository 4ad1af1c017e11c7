import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { DaemonOptions } from './daemonOptions.js';
import { retry } from './retry.js';

/** The same failure is shown again after this time. */
const SHOW_RETRY_MS = 2_000;

/** What a start may wait for. */
interface Other<T> {
  code: 'STORE_UNAVAILABLE' | 'REGISTRY_UNAVAILABLE' | 'AUTH_KEYS_UNAVAILABLE';
  /** For people. */
  description: string;
  attempt(): Promise<T>;
  /** Given what an attempt brings after the wait has ended. */
  onLate?(result: T): void;
}

/** How long a start waits for what is not here; {@link end} must be called when it waits no more. */
export class StartDeadline {
  readonly #log: Logger;
  // Not AbortSignal.any() of AbortSignal.timeout(): Node.js 20 may collect it as garbage, and it never aborts.
  readonly #over = new AbortController();
  readonly #until: number;
  readonly #stopWaiting: () => void;
  #shown = { message: '', at: 0 };

  constructor({ startTimeoutMs, signal, log }: Pick<DaemonOptions, 'startTimeoutMs' | 'signal' | 'log'>) {
    this.#log = log;
    this.#until = performance.now() + startTimeoutMs;
    const abort = () => this.#over.abort();
    const limit = setTimeout(abort, startTimeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    this.#stopWaiting = () => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', abort);
    };
  }

  /** Tries again while the other side is unavailable and there is time; then rejects with the last failure. */
  retry<T>({ code, description, attempt, onLate }: Other<T>): Promise<T> {
    const silence = `${description} did not answer within the time for starting: is it reachable?`;
    return retry(attempt, new ImstateError(code, silence), {
      signal: this.#over.signal,
      onRetry: (failure) => this.#show(failure.message),
      ...(onLate && { onLate }),
    });
  }

  end(): void {
    this.#stopWaiting();
  }

  #show(message: string): void {
    const now = performance.now();
    if (message === this.#shown.message && now - this.#shown.at < SHOW_RETRY_MS) return;
    this.#shown = { message, at: now };
    const left = Math.max(0, Math.ceil((this.#until - now) / 1_000));
    this.#log.warn(`${message}; trying again, ${left} s left`);
  }
}
