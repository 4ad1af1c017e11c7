import type { Follower } from './follower.js';
import type { WatchHub } from './hub.js';
import type { Outbox } from './outbox.js';
import type { Outgoing } from './outgoing.js';

/** How often an idle watch sends its progress. Milliseconds. */
const PROGRESS_INTERVAL_MS = 5_000;

/** The watch whose progress is sent. */
export interface ProgressingWatch extends Follower {
  readonly isSynced: boolean;
  add(outgoing: Outgoing): void;
}

/** Sends that a watch lags or has caught up, and that an idle watch is alive. */
export class WatchProgress {
  readonly #hub: WatchHub;
  readonly #watch: ProgressingWatch;
  readonly #outbox: Outbox;
  /** True from when the caller was sent that the watch lags until it was sent that it has caught up. */
  #isLagging = false;

  constructor(hub: WatchHub, watch: ProgressingWatch, outbox: Outbox) {
    this.#hub = hub;
    this.#watch = watch;
    this.#outbox = outbox;
  }

  /** Sends whether the watch lags, if that has changed. */
  sendLag(): void {
    if (!this.#isLagging && !this.#hub.isLagging) return;
    const laggingSinceMs = this.#hub.laggingSinceMs(this.#watch);
    const hasChanged = this.#isLagging !== (laggingSinceMs !== undefined);
    // It has caught up once it has sent what it had missed: the next tick checks again.
    if (!hasChanged || (laggingSinceMs === undefined && this.#outbox.size > 0)) return;
    this.#isLagging = laggingSinceMs !== undefined;
    this.#watch.add({ lag: laggingSinceMs });
  }

  /**
   * Sends the revision if nothing was sent for a while. A watch none of whose shards answers stays silent, so
   * that its caller moves to another daemon, which may reach the store.
   */
  sendAlive(): void {
    if (this.#outbox.size > 0 || this.#outbox.idleMs < PROGRESS_INTERVAL_MS) return;
    if (this.#hub.isStalled(this.#watch)) return;
    this.#hub.catchUp(this.#watch);
    if (this.#watch.isSynced) this.#watch.add({ progress: true, revision: this.#hub.revision });
    // It has no revision to send yet.
    else if (this.#isLagging) this.#watch.add({ lag: this.#hub.laggingSinceMs(this.#watch) });
  }
}
