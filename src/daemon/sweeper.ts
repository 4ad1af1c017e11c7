import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { PresenceStore } from '../store/store.js';

/** Half of what is promised for an end to be written down, so that a slow sweep keeps the promise too. */
const SWEEP_MS = 500;

/** Sweeps the store twice a second, in bounded steps. */
export class Sweeper {
  readonly #store: PresenceStore;
  readonly #log: Logger;
  #wake = new AbortController();

  constructor(store: PresenceStore, log: Logger) {
    this.#store = store;
    this.#log = log;
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
        while ((await this.#store.sweep()) && !signal.aborted);
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) this.#log.warn(`what is due is not swept: ${messageOf(error)}; trying again`);
        hasFailed = true;
      }
      await delay(SWEEP_MS, undefined, { signal: this.#wake.signal }).catch(() => {});
      if (!signal.aborted) this.#wake = new AbortController();
    }
  }
}
