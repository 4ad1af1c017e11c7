import { messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { Presence } from '../../presence.js';
import type { Follower } from '../../watch/follower.js';
import type { WatchHub } from '../../watch/hub.js';
import type { StreamEvent } from './eventStream.js';

const EVERY_MS = 1_000;
/** What those who come later are given to begin with: 10 minutes. */
const MAX_KEPT = 600;

/** What was online at an instant, and how much changed before. */
export interface StatsSample extends StreamEvent {
  type: 'stats';
  /** ISO 8601, of the daemon's clock. */
  time: string;
  usersOnline: number;
  devicesOnline: number;
  /** True if part of the store did not answer: its users and devices are not counted. */
  partial: boolean;
  /** Since the sample before; null if they were not followed all that time. */
  changesPerSecond: number | null;
}

type Listener = (samples: readonly StatsSample[]) => void;

/** Samples the counts once a second for all who look, while anybody does. Changes are counted, and not looked at. */
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

  /** Tells the samples there are, then each as it is taken. Returns what ends it. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#samples.length > 0) listener(this.#samples);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#sample(), EVERY_MS).unref();
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
    // A store that is slow is asked once at a time.
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const changesPerSecond = this.#takeChanges();
      const { users: usersOnline, devices: devicesOnline, isPartial: partial } = await this.#presence.stats();
      this.#hasFailed = false;
      this.#tell({
        type: 'stats',
        time: new Date().toISOString(),
        usersOnline,
        devicesOnline,
        partial,
        changesPerSecond,
      });
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn(`counts are not sampled: ${messageOf(error)}; trying again`);
      this.#hasFailed = true;
    } finally {
      this.#isAsking = false;
    }
  }

  /** The rate since the last time; begins to follow the changes if they are not followed. */
  #takeChanges(): number | null {
    const now = performance.now();
    const rate = (this.#changes * 1_000) / (now - this.#countedAt);
    [this.#changes, this.#countedAt] = [0, now];
    if (this.#follows) return Math.round(rate);
    this.#follows = true;
    this.#hub.join(this).catch(() => this.fail());
    return null;
  }

  #tell(sample: StatsSample): void {
    if (this.#timer === undefined) return;
    this.#samples.push(sample);
    if (this.#samples.length > MAX_KEPT) this.#samples.shift();
    for (const listener of this.#listeners) listener([sample]);
  }
}
