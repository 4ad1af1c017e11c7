import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { DaemonOptions } from './daemonOptions.js';
import { retry } from './retry.js';

/** A repeated failure is logged again after this time. Milliseconds. */
const SHOW_RETRY_MS = 2_000;

/** A dependency that the start waits for. */
interface Other<T> {
  code: 'STORE_UNAVAILABLE' | 'REGISTRY_UNAVAILABLE' | 'AUTH_KEYS_UNAVAILABLE';
  /** Human-readable. */
  description: string;
  attempt(): Promise<T>;
  /** Receives the result of an attempt after the deadline. */
  onLate?(result: T): void;
}

/**
 * The time within which a starting daemon must reach its dependencies. {@link end} must be called when the
 * wait is over.
 */
export class StartDeadline {
  readonly #log: Logger;
  // Not AbortSignal.any() of AbortSignal.timeout(): Node.js 20 may collect it as garbage, and then it never
  // aborts.
  readonly #over = new AbortController();
  readonly #stopWaiting: () => void;
  #until: number;
  #limit: NodeJS.Timeout;
  #shown = { message: '', at: 0 };

  constructor({ startTimeoutMs, signal, log }: Pick<DaemonOptions, 'startTimeoutMs' | 'signal' | 'log'>) {
    this.#log = log;
    this.#until = performance.now() + startTimeoutMs;
    const abort = () => this.#over.abort();
    this.#limit = setTimeout(abort, startTimeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    this.#stopWaiting = () => {
      clearTimeout(this.#limit);
      signal?.removeEventListener('abort', abort);
    };
  }

  /**
   * Retries while the dependency is unavailable and there is time left. Then it rejects with the last
   * failure.
   */
  retry<T>({ code, description, attempt, onLate }: Other<T>): Promise<T> {
    const silence = `${description} did not answer within --start-timeout: check that it is reachable`;
    return retry(attempt, new ImstateError(code, silence, { field: '--start-timeout' }), {
      signal: this.#over.signal,
      onRetry: (failure) => this.#show(failure.message),
      ...(onLate && { onLate }),
    });
  }

  /** Does work that waits for nobody, such as a migration: its time does not count. */
  async exclude<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#limit);
    const leftMs = Math.max(0, this.#until - performance.now());
    try {
      return await work();
    } finally {
      this.#until = performance.now() + leftMs;
      this.#limit = setTimeout(() => this.#over.abort(), leftMs);
    }
  }

  end(): void {
    this.#stopWaiting();
  }

  #show(message: string): void {
    const now = performance.now();
    if (message === this.#shown.message && now - this.#shown.at < SHOW_RETRY_MS) return;
    this.#shown = { message, at: now };
    const leftMs = Math.max(0, Math.round(this.#until - now));
    this.#log.warn({ reason: message, leftMs }, 'start delayed: retrying');
  }
}
