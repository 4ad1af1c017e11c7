import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * The time between leaving the registry and draining, in which the daemon still accepts calls. Load balancers
 * and orchestrators need it to notice that the daemon is not ready.
 */
export class DrainDelay {
  readonly #delayMs: number;
  readonly #log: Logger;
  readonly #over = new AbortController();
  #isOver = false;
  #waitedMs = 0;

  constructor(delayMs: number, log: Logger) {
    this.#delayMs = delayMs;
    this.#log = log;
  }

  /** How long {@link wait} took. Milliseconds. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  async wait(): Promise<void> {
    if (this.#delayMs === 0) return;
    const beganAt = performance.now();
    this.#log.info({ delayMs: this.#delayMs }, 'not ready: accepting calls until the drain delay is over');
    await delay(this.#delayMs, undefined, { signal: this.#over.signal }).catch(() => {});
    this.#waitedMs = performance.now() - beganAt;
    this.#isOver = true;
  }

  /** Ends the wait, or prevents it if it has not begun. Returns false if it is over. */
  skip(): boolean {
    if (this.#delayMs === 0 || this.#isOver || this.#over.signal.aborted) return false;
    this.#log.info('drain delay skipped');
    this.#over.abort();
    return true;
  }
}
