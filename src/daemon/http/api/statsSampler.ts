import { messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { Presence } from '../../presence.js';
import type { Follower } from '../../watch/follower.js';
import type { WatchHub } from '../../watch/hub.js';
import type { StreamEvent } from './eventStream.js';

const SAMPLE_INTERVAL_MS = 1_000;
/** How many samples a new listener receives: those of 10 minutes. */
const MAX_KEPT = 600;

/** What was online at an instant, and how much changed before it. */
export interface StatsSample extends StreamEvent {
  type: 'stats';
  /** ISO 8601, by the clock of the daemon. */
  time: string;
  usersOnline: number;
  devicesOnline: number;
  /** True if part of the store did not answer: its users and devices are not counted. */
  partial: boolean;
  /** Since the previous sample; null if changes were not followed all that time. */
  changesPerSecond: number | null;
}

type Listener = (samples: readonly StatsSample[]) => void;

/** Samples the counts once a second for all listeners, while there are any. Changes are only counted. */
export class StatsSampler implements Follower {
  readonly userIds = undefined;
  readonly serverAddrs = undefined;
  readonly #presence: Presence;
  readonly #hub: WatchHub;
  readonly #log: Logger;
  readonly #listeners = new Set<Listener>();
  #samples: StatsSample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #follows = false;
  #changes = 0;
  #countedAt = 0;
  #isAsking = false;
  #hasFailed = false;

  constructor(presence: Presence, hub: WatchHub, log: Logger) {
    this.#presence = presence;
    this.#hub = hub;
    this.#log = log;
  }

  /**
   * Calls the listener with the samples so far, then with each new one. Returns a function that ends that.
   */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#samples.length > 0) listener(this.#samples);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#sample(), SAMPLE_INTERVAL_MS).unref();
      void this.#sample();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  deliver(): void {
    this.#changes += 1;
  }

  tick(): void {}

  fail(): void {
    this.#follows = false;
    this.#hub.leave(this);
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#samples = [];
    this.fail();
  }

  async #sample(): Promise<void> {
    // A slow store gets one request at a time.
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const changesPerSecond = this.#takeChanges();
      const { users: usersOnline, devices: devicesOnline, isPartial: partial } = await this.#presence.stats();
      this.#hasFailed = false;
      this.#publish({
        type: 'stats',
        time: new Date().toISOString(),
        usersOnline,
        devicesOnline,
        partial,
        changesPerSecond,
      });
    } catch (error) {
      if (!this.#hasFailed)
        this.#log.warn({ reason: messageOf(error) }, 'sampling the counts failed: retrying');
      this.#hasFailed = true;
    } finally {
      this.#isAsking = false;
    }
  }

  /** The rate since the last call. Starts to follow changes if they are not followed. */
  #takeChanges(): number | null {
    const now = performance.now();
    const rate = (this.#changes * 1_000) / (now - this.#countedAt);
    [this.#changes, this.#countedAt] = [0, now];
    if (this.#follows) return Math.round(rate);
    this.#follows = true;
    this.#hub.join(this).catch(() => this.fail());
    return null;
  }

  #publish(sample: StatsSample): void {
    if (this.#timer === undefined) return;
    this.#samples.push(sample);
    if (this.#samples.length > MAX_KEPT) this.#samples.shift();
    for (const listener of this.#listeners) listener([sample]);
  }
}
