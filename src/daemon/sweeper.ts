import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { PresenceStore } from '../store/store.js';
import type { SessionCounters } from './observability/sessionCounters.js';

/** Half of what is promised for an end to be written down, so that a slow sweep keeps the promise too. */
const SWEEP_MS = 500;

/** Sweeps the store twice a second, in bounded steps. */
export class Sweeper {
  readonly #store: PresenceStore;
  readonly #log: Logger;
  readonly #transitions: SessionCounters;
  #sweptAt = performance.now();
  #wake = new AbortController();

  constructor(store: PresenceStore, log: Logger, transitions: SessionCounters) {
    this.#store = store;
    this.#transitions = transitions;
    this.#log = log;
  }

  /** How long ago a sweep began that did all that was due then: half a second at most while all is well. Milliseconds. */
  get lagMs(): number {
    return performance.now() - this.#sweptAt;
  }

  /** Sweeps at once instead of at the next half second: something is known to be due. */
  wake(): void {
    this.#wake.abort();
  }

  /** Runs until the signal aborts. The next sweep makes up for one that failed. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    let hasFailed = false;
    while (!signal.aborted) {
      try {
        await this.#sweep(signal);
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) this.#log.warn(`what is due is not swept: ${messageOf(error)}; trying again`);
        hasFailed = true;
      }
      await delay(SWEEP_MS, undefined, { signal: this.#wake.signal }).catch(() => {});
      if (!signal.aborted) this.#wake = new AbortController();
    }
  }

  /** In steps, until nothing is due. */
  async #sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      const begunAt = performance.now();
      const hasMore = await this.#store.sweep(this.#transitions.ended);
      if (!hasMore) this.#sweptAt = begunAt;
      if (!hasMore || signal.aborted) return;
    }
  }
}
