/** Spaces batches so that, over time, there are at most so many events a second. */
export class Pacing {
  readonly #msPerEvent: number;
  /** When the next batch may be sent. */
  #nextMs = 0;

  constructor(maxPerSecond: number) {
    this.#msPerEvent = 1_000 / maxPerSecond;
  }

  /** Reserves the next time for a batch of so many events; returns how long to wait until then. Milliseconds. */
  reserve(events: number, nowMs: number): number {
    const startMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = startMs + events * this.#msPerEvent;
    return startMs - nowMs;
  }
}
