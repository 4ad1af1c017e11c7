import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { PresenceStore } from '../store/store.js';
import type { SessionCounters } from './observability/sessionCounters.js';

/** Half of the documented time within which an end is recorded, which leaves room for a slow sweep. */
const SWEEP_MS = 500;

/** Sweeps the store twice a second, in bounded steps. */
export class Sweeper {
  readonly #store: PresenceStore;
  readonly #log: Logger;
  readonly #counters: SessionCounters;
  #sweptAt = performance.now();
  #wake = new AbortController();

  constructor(store: PresenceStore, log: Logger, counters: SessionCounters) {
    this.#store = store;
    this.#counters = counters;
    this.#log = log;
  }

  /**
   * The time since the start of the last complete sweep: at most half a second while all is well.
   * Milliseconds.
   */
  get lagMs(): number {
    return performance.now() - this.#sweptAt;
  }

  /** Sweeps at once rather than at the next half second, because work is known to be due. */
  wake(): void {
    this.#wake.abort();
  }

  /** Runs until the signal aborts. The next sweep makes up for a failed one. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    let hasFailed = false;
    while (!signal.aborted) {
      try {
        await this.#sweep(signal);
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) this.#log.warn({ reason: messageOf(error) }, 'sweep failed: retrying');
        hasFailed = true;
      }
      await delay(SWEEP_MS, undefined, { signal: this.#wake.signal }).catch(() => {});
      if (!signal.aborted) this.#wake = new AbortController();
    }
  }

  /** Sweeps in bounded steps until nothing is due. */
  async #sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      const begunAt = performance.now();
      const hasMore = await this.#store.sweep(this.#counters.ended);
      if (!hasMore) this.#sweptAt = begunAt;
      if (!hasMore || signal.aborted) return;
    }
  }
}
